"""The artifacts of JPEG, with one quality for each draw."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gpuaug.images.levels import shares
from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import LEVELS, Batched
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import whole_between, whole_span

__all__ = ["JpegCompression"]

# ITU-T T.81, annex K.
LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE = (
    *(17, 18, 24, 47, 99, 99, 99, 99),
    *(18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99),
    *(47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)


class JpegCompression(Batched):
    """Compress and decompress the image as JPEG does: chroma at half the size, rounded 8 x 8 cosines.

    >>> import gpuaug
    >>> gpuaug.JpegCompression(quality=50)(torch.zeros(2, 3, 16, 16, dtype=torch.uint8)).shape
    torch.Size([2, 3, 16, 16])

    The result is on average within one level of libjpeg's baseline encoder and decoder, 0.4 for grey images.
    Coefficients are rounded, with the gradient of a codec that does not round. kornia's codec rounds them
    smoothly, which keeps small coefficients: its pixels are about as far from an encoder's as an encoder's
    are from the image.

    Args:
        quality: libjpeg's quality, a whole number or (least, most) in [1, 100].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if images have 2
            channels.
    """

    reference = "ITU-T T.81, 1992; JFIF 1.02"
    random_count = 1

    def __init__(self, quality: int | tuple[int, int] = (40, 95), *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.quality = whole_span("quality", quality, 1, 100)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        quality = batch.grade_whole(whole_between(self.quality, batch.uniform(place)[:, 0]), 100)
        return {"luminance": _table(LUMINANCE, quality), "chrominance": _table(CHROMINANCE, quality)}

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        channels = images.shape[1]
        if channels not in (1, 3):
            raise ValueError(f"JpegCompression needs images of 1, 3 or 4 channels, got {channels}")
        tables = (group.parameters[name] for name in ("luminance", "chrominance", "chrominance"))
        height, width = images.shape[2:]
        # float64: devices do not shorten its products, and few coefficients lie exactly on a step.
        level = F.pad(images.double() * LEVELS, (0, -width % 16, 0, -height % 16), mode="replicate")
        planes = [_decoded(plane, table) for plane, table in zip(_split(level), tables, strict=False)]
        return shares(_joined(planes))[:, :, :height, :width].to(images.dtype)

    def extra_repr(self) -> str:
        return f"quality={self.quality}"


def _split(level: Tensor) -> list[Tensor]:
    """Luma, then blue and red chroma about 128 at half the size; a grey image is its own luma."""
    if level.shape[1] == 1:
        return [level]
    red, green, blue = level.split(1, dim=1)
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = ((blue - brightness) / 1.772 + 128, (red - brightness) / 1.402 + 128)
    return [_whole(brightness), *(_whole(F.avg_pool2d(_whole(plane), 2)) for plane in chroma)]


def _joined(planes: list[Tensor]) -> Tensor:
    if len(planes) == 1:
        return planes[0]
    brightness, *chroma = planes
    blueness, redness = (
        F.interpolate(plane, scale_factor=2, mode="bilinear", align_corners=False) - 128 for plane in chroma
    )
    green = brightness - (0.114 * 1.772 * blueness + 0.299 * 1.402 * redness) / 0.587
    return torch.cat((brightness + 1.402 * redness, green, brightness + 1.772 * blueness), dim=1)


def _decoded(plane: Tensor, table: Tensor) -> Tensor:
    """A plane ``(m, 1, H, W)`` of levels after its 8 x 8 cosines are rounded to the table's steps."""
    count, _, height, width = plane.shape
    cosines = _cosines(plane.device)
    blocks = (plane - 128).view(count, height // 8, 8, width // 8, 8).transpose(2, 3)
    step = table.to(plane.dtype)[:, None, None]
    coefficient = _whole(cosines @ blocks @ cosines.T / step) * step
    blocks = cosines.T @ coefficient @ cosines
    return _whole(blocks.transpose(2, 3).reshape(plane.shape) + 128).clamp(0, LEVELS)


def _cosines(device: torch.device) -> Tensor:
    """The orthonormal cosine transform of 8 values: a row for each frequency."""
    frequency = torch.arange(8, dtype=torch.float64, device=device)[:, None]
    position = torch.arange(8, dtype=torch.float64, device=device) + 0.5
    waves = torch.cos(math.pi / 8 * frequency * position) / 2
    return torch.where(frequency == 0, math.sqrt(1 / 8), waves)


def _whole(value: Tensor) -> Tensor:
    """The nearest whole number, with the identity's gradient.

    Halves are frequent, since a block's mean comes in eighths. They go up, whatever the last bits of a
    product.
    """
    return value + ((value + (0.5 + 1e-6)).floor() - value).detach()


def _table(base: tuple[int, ...], quality: Tensor) -> Tensor:
    """The quantisation tables of libjpeg ``(n, 8, 8)``."""
    scale = torch.where(quality < 50, 5000 // quality, 200 - 2 * quality)[:, None, None]
    return ((torch.tensor(base, device="cpu").view(8, 8) * scale + 50) // 100).clamp(1, 255)
