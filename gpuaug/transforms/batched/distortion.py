"""Distortions that no affine map expresses: each draw is read along its own displacement field."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gpuaug import random
from gpuaug.recipe.layout import BORDERS
from gpuaug.recipe.recipes import Group
from gpuaug.transforms.annotations.geometry import read_masks
from gpuaug.transforms.batched.base import Batched
from gpuaug.transforms.batched.smoothing import gaussian_blurred
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, border, number, span, whole

__all__ = ["ElasticTransform", "GridDistortion", "OpticalDistortion"]

Span = float | tuple[float, float]

# PyTorch's names for the borders of crops: edge pixels, black, or mirrored without the edge.
PADDING_MODES = {"edge": "border", "zero": "zeros", "reflect": "reflection"}


class _Field(Batched):
    """Base of the distortions: reads bilinearly at coordinates in pixels from the first pixel's centre."""

    moves = True
    averages = True

    def __init__(self, padding_mode: str, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.padding_mode = border("padding_mode", padding_mode)

    def coordinates(self, images: Tensor, group: Group) -> tuple[Tensor, Tensor]:
        """Return x and y, each broadcast to ``(m, H, W)``."""
        raise NotImplementedError(f"{type(self).__name__} must define coordinates")

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        count, _, height, width = images.shape
        # kornia's remap does the same, but copies its factors from the host, and so waits for the device.
        x, y = (
            (at.to(images.dtype) * (2 / max(side - 1, 1)) - 1).expand(count, height, width)
            for at, side in zip(self.coordinates(images, group), (width, height), strict=True)
        )
        mode = PADDING_MODES[self.padding_mode]
        return F.grid_sample(images, torch.stack((x, y), dim=3), padding_mode=mode, align_corners=True)

    def move_masks(self, masks: Tensor, group: Group) -> Tensor:
        count, _, height, width = masks.shape
        like = torch.empty((), dtype=torch.float32, device=masks.device).expand(count, 1, height, width)
        x, y = (at.expand(count, height, width) for at in self.coordinates(like, group))
        border = torch.full((), BORDERS[self.padding_mode], device=masks.device)
        return read_masks(masks, x, y, (0, width, 0, height), border)

    def extra_repr(self) -> str:
        return f"padding_mode={self.padding_mode!r}"


class OpticalDistortion(_Field):
    """Bend lines as a lens does: positive k gives a barrel, negative k a pincushion.

    >>> import gpuaug
    >>> gpuaug.OpticalDistortion((-0.3, 0.3))(torch.zeros(2, 3, 8, 8, dtype=torch.uint8)).shape
    torch.Size([2, 3, 8, 8])

    A pixel at distance r from the centre, x in widths and y in heights, is read at distance ``r * (1 + k *
    r**2 + k * r**4)``. This is OpenCV's camera model, as ``cv2.undistort`` reads an image, so a positive k
    draws the corners inwards.

    Args:
        distort_limit: k, a number or (least, most) in [-0.36, 2]; 0 changes nothing. Below -4/11 the corners
            would fold back.
        padding_mode: content beyond the image: "zero", "edge" or "reflect" (the edge is not repeated).
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Brown, Photogrammetric Engineering, 1966; Albumentations OpticalDistortion"
    random_count = 1

    def __init__(
        self, distort_limit: Span = (-0.3, 0.3), *, padding_mode: str = "zero", seed: int | None = None
    ) -> None:
        super().__init__(padding_mode, seed=seed)
        self.distort_limit = span("distort_limit", distort_limit, -0.36, 2)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"k": batch.grade(between(self.distort_limit, batch.uniform(place)[:, 0]))}

    def coordinates(self, images: Tensor, group: Group) -> tuple[Tensor, Tensor]:
        height, width = images.shape[2:]
        column = torch.arange(width, device=images.device, dtype=images.dtype)
        row = torch.arange(height, device=images.device, dtype=images.dtype)[:, None]
        x, y = column - (width - 1) / 2, row - (height - 1) / 2
        square = (x / width).square() + (y / height).square()
        k = group.parameters["k"].to(images.dtype)[:, None, None]
        bend = k * (square + square.square())
        return column + x * bend, row + y * bend

    def extra_repr(self) -> str:
        return f"distort_limit={self.distort_limit}, {super().extra_repr()}"


class GridDistortion(_Field):
    """Stretch and squeeze the columns and rows of a grid at random.

    >>> import gpuaug
    >>> gpuaug.GridDistortion(num_steps=4)(torch.zeros(2, 3, 8, 8, dtype=torch.uint8)).shape
    torch.Size([2, 3, 8, 8])

    Both sides are cut into ``num_steps`` equal parts. Each part shows a stretch of the image ``1 + d`` times
    as long; all stretches are then scaled to add up to the whole side, so nothing beyond the image shows.

    Args:
        num_steps: number of parts of each side, in [1, 64].
        distort_limit: d, drawn for each part, a number or (least, most) in [-0.9, 10]. Equal values change
            nothing.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Albumentations GridDistortion, normalized"

    def __init__(
        self, num_steps: int = 5, distort_limit: Span = (-0.3, 0.3), *, seed: int | None = None
    ) -> None:
        super().__init__("edge", seed=seed)
        self.num_steps = whole("num_steps", num_steps, 1, 64)
        self.distort_limit = span("distort_limit", distort_limit, -0.9, 10)
        self.random_count = 2 * self.num_steps

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        longer = between(self.distort_limit, batch.uniform(place).reshape(-1, 2, self.num_steps))
        part = 1 + batch.grade(longer)
        end = part.cumsum(2)
        nodes = torch.cat((torch.zeros_like(end[..., :1]), end), dim=2) / end[..., -1:]
        return {"nodes": nodes}  # in x and in y, as shares of the side

    def coordinates(self, images: Tensor, group: Group) -> tuple[Tensor, Tensor]:
        nodes = group.parameters["nodes"].to(images.dtype)
        height, width = images.shape[2:]
        return self._read(nodes[:, 0], width)[:, None, :], self._read(nodes[:, 1], height)[:, :, None]

    def _read(self, nodes: Tensor, side: int) -> Tensor:
        pixel = torch.arange(side, device=nodes.device, dtype=nodes.dtype)
        at = (pixel + 0.5) * self.num_steps / side
        part = at.floor().clamp(max=self.num_steps - 1)
        near, far = nodes[:, part.long()], nodes[:, part.long() + 1]
        return (near + (at - part) * (far - near)) * side - 0.5

    def extra_repr(self) -> str:
        return f"num_steps={self.num_steps}, distort_limit={self.distort_limit}"


class ElasticTransform(_Field):
    """Displace pixels by a smooth random field, as handwriting varies.

    >>> import gpuaug
    >>> gpuaug.ElasticTransform(alpha=20.0, sigma=3.0)(torch.zeros(2, 3, 8, 8, dtype=torch.uint8)).shape
    torch.Size([2, 3, 8, 8])

    The displacement in x and in y is uniform noise in [-1, 1], blurred by a Gaussian (0 beyond the border)
    and multiplied by ``alpha``.

    Args:
        alpha: factor of the displacement in pixels, a number or (least, most) in [0, 10000]; 0 changes
            nothing. The blurred noise has a standard deviation of about 0.16 / sigma.
        sigma: standard deviation of the Gaussian in pixels, in [0.1, 100]; the Gaussian is cut off at four
            sigma.
        padding_mode: content beyond the image: "zero", "edge" or "reflect" (the edge is not repeated).
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Simard et al., Best practices for convolutional neural networks, ICDAR 2003"
    backend = "kornia"
    random_count = 1

    def __init__(
        self,
        alpha: Span = (10.0, 40.0),
        sigma: float = 4.0,
        *,
        padding_mode: str = "reflect",
        seed: int | None = None,
    ) -> None:
        super().__init__(padding_mode, seed=seed)
        self.alpha = span("alpha", alpha, 0, 10000)
        self.sigma = number("sigma", sigma, 0.1, 100)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"alpha": batch.grade(between(self.alpha, batch.uniform(place)[:, 0])), "keys": batch.keys}

    def coordinates(self, images: Tensor, group: Group) -> tuple[Tensor, Tensor]:
        count, _, height, width = images.shape
        number = random.uniform_field(group.parameters["keys"], group.place, 2 * height * width)
        noise = (2 * number - 1).to(images.dtype).view(count, 2, height, width)
        smooth = gaussian_blurred(noise, self.sigma, int(4 * self.sigma + 0.5), "constant")
        across, down = (group.column("alpha", images) * smooth).unbind(1)
        column = torch.arange(width, device=images.device)
        row = torch.arange(height, device=images.device)[:, None]
        return column + across, row + down

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}, sigma={self.sigma}, {super().extra_repr()}"
