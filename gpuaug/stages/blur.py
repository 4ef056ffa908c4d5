"""Blur, 5x5, and torchvision's sharpening, 3x3. In C++: ``csrc/common/stages/blur.h``.

The Gaussian is applied across, then down, and rounds once each time. The article's kernel is a direct sum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug import lazy_kornia as kornia
from gpuaug.images.levels import clamped, in_full
from gpuaug.recipe.layout import (
    ARTICLE,
    ARTICLE_KERNEL,
    BLUR,
    BLUR_UNIT,
    BORDERS,
    GAUSSIAN,
    MOST_SHARPENING,
    SHARPEN,
    SHARPEN_UNIT,
)
from gpuaug.stages.base import KernelStage, may_be, with_alpha, word
from gpuaug.stages.borders import resolve

# ---- Bytes


def _bytes(image: Tensor, records: Tensor) -> Tensor:
    across = (_weighted(image, 3, records) + (1 << 9)) >> 10  # in 1/64
    levels = (_weighted(across, 2, records) + (1 << 21)) >> 22
    kind = word(records, "blur")
    levels = torch.where(kind == ARTICLE, _article(image), levels)
    return torch.where(kind == SHARPEN, with_alpha(_sharpened(image, records), image), levels)


def _weighted(image: Tensor, dim: int, records: Tensor) -> Tensor:
    """The sum of the Gaussian along a dimension, in 1/2**16 of the image's unit."""
    outer, inner = (word(records, name) & (BLUR_UNIT - 1) for name in ("outer", "inner"))
    inner = inner.minimum(BLUR_UNIT - outer)
    before2, before1, centre, after1, after2 = _taps(image, dim, "reflect")
    neighbours = outer * (before2 + after2) + inner * (before1 + after1)
    return neighbours + 2 * (BLUR_UNIT - outer - inner) * centre


def _article(image: Tensor) -> Tensor:
    total = torch.zeros_like(image)
    for row, weights in zip(_taps(image, 2, "zero"), ARTICLE_KERNEL, strict=True):
        for pixel, weight in zip(_taps(row, 3, "zero"), weights, strict=True):
            total += weight * pixel
    return total // 273


def _sharpened(image: Tensor, records: Tensor) -> Tensor:
    mean = (2 * _nine(image) + 13) // 26
    factor = word(records, "outer").clamp(0, MOST_SHARPENING)
    blended = (mean * SHARPEN_UNIT + factor * (image - mean)) >> 16
    return torch.where(_inside(image), blended.clamp(0, 255), image)


def _nine(image: Tensor) -> Tensor:
    """Five times a pixel plus the eight pixels around it; wrong at the border."""
    row = image.roll(1, 3) + image + image.roll(-1, 3)
    return row.roll(1, 2) + row + row.roll(-1, 2) + 4 * image


def _inside(image: Tensor) -> Tensor:
    """Whether a pixel has eight pixels around it: bool ``(H, W)``."""
    y, x = (torch.arange(size, device=image.device) for size in image.shape[2:])
    rows, columns = ((at > 0) & (at < len(at) - 1) for at in (y, x))
    return rows[:, None] & columns


def _taps(image: Tensor, dim: int, border: str) -> list[Tensor]:
    """The image shifted by -2, -1, 0, 1, 2 pixels along a dimension."""
    size = image.shape[dim]
    place = torch.arange(size, device=image.device)
    taps = []
    for step in range(-2, 3):
        at = resolve(
            place + step, *(torch.tensor(v, device=image.device) for v in (0, size, BORDERS[border]))
        )
        shape = [1] * image.dim()
        shape[dim] = size
        taps.append(torch.where((at >= 0).view(shape), image.index_select(dim, at.clamp(min=0)), 0))
    return taps


# ---- Floats


def _floats(images: Tensor, records: Tensor, source: torch.dtype) -> Tensor:
    # Draws without a blur have no kind, so that small images, which cannot be reflected, pass.
    kind, out = torch.where((word(records, "stages") & BLUR) != 0, word(records, "blur"), -1), images
    if may_be(kind, GAUSSIAN):
        outer, inner = (
            word(records, name, 0).to(images.dtype) / (2 * BLUR_UNIT) for name in ("outer", "inner")
        )
        taps = torch.stack((outer, inner, 1 - 2 * (outer + inner), inner, outer), dim=1)
        _check_reflectable(images)
        out = kornia.filters.filter2d_separable(images, taps, taps, border_type="reflect")
    if may_be(kind, ARTICLE):
        out = torch.where(kind == ARTICLE, article_blur(images), out)
    if may_be(kind, SHARPEN):
        out = torch.where(kind == SHARPEN, with_alpha(_sharpened_floats(images, records), images), out)
    return out


def _sharpened_floats(images: Tensor, records: Tensor) -> Tensor:
    """The sharpened images, not rounded, clamped to [0, 1]."""
    factor = word(records, "outer").clamp(0, MOST_SHARPENING).to(images.dtype) / SHARPEN_UNIT
    # In this form, a factor of 1 gives exactly the image.
    blended = images * factor + _nine(images) / 13 * (1 - factor)
    return clamped(torch.where(_inside(images), blended, images))


@in_full
def gaussian_blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Blurs by a 5x5 Gaussian of ``sigma`` pixels, ``(N,)``, with a reflect-101 border."""
    _check_reflectable(images)
    sigmas = sigma.to(images.device, images.dtype)[:, None].expand(-1, 2)
    blurred: Tensor = kornia.filters.gaussian_blur2d(images, 5, sigmas, "reflect")
    return blurred


@in_full
def article_blur(images: Tensor) -> Tensor:
    """Blurs by the article's 5x5 / 273 kernel, with a zero border; floats are not truncated."""
    kernel = torch.tensor(ARTICLE_KERNEL, dtype=images.dtype, device=images.device)
    blurred: Tensor = kornia.filters.filter2d(images, kernel[None] / 273, border_type="constant")
    return blurred


def _check_reflectable(images: Tensor) -> None:
    if min(images.shape[-2:]) < 3:
        raise ValueError(
            "gaussian_blur: floating images must be at least 3 pixels high and wide for the "
            f"reflected border, got shape {tuple(images.shape)}; uint8 images may be smaller"
        )


STAGE = KernelStage(BLUR, _bytes, _floats, alpha=True)
