"""The path of floating images: the same stages with a gradient, through kornia's functional layer.

kornia has no crop whose interpolation stays inside a window of each sample, so the crop hands kornia's
``remap`` the coordinates; salt and pepper has no form there with a parameter for each sample, and is PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from gpuaug import lazy_kornia as kornia
from gpuaug import random
from gpuaug.images.levels import COLORS, clamped, full_precision
from gpuaug.ops.reference import check_readable, erased, with_alpha
from gpuaug.recipe.builder import Recipes
from gpuaug.recipe.layout import (
    ARTICLE,
    ARTICLE_KERNEL,
    BLUR,
    BLUR_UNIT,
    BORDERS,
    COLOR,
    COLOR_UNIT,
    CURVES,
    ERASE,
    FIXED_POINT,
    GEOMETRY,
    IMPULSE,
    NOISE,
    SHRINK,
    WORD,
)
from gpuaug.stages import curves, noise


def in_full(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Of floating images first: computed in float32 at least, whatever autocast says, and rounded once.

    >>> in_full(lambda images: images + 1e-3 - 1e-3)(torch.ones(1, dtype=torch.bfloat16))
    tensor([1.], dtype=torch.bfloat16)
    """

    @wraps(function)
    def wide(images: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        with full_precision(images.device):
            full = images.to(torch.promote_types(images.dtype, torch.float32))
            return function(full, *args, **kwargs).to(images.dtype)

    return wide


def augment(images: Tensor, recipes: Recipes, source: torch.dtype) -> Tensor:
    """Execute recipes on floating images ``(N, C, H, W)``, float32 or float64, that came as ``source``; see
    ``gpuaug.functional.augment``.
    """
    images = images[_sources(images, recipes)]
    if recipes.stages & GEOMETRY:
        resampled = _resample(images, recipes)
        if recipes.stages & SHRINK:
            resampled = _where(recipes, SHRINK, _shrink(images, recipes), resampled)
        images = _where(recipes, GEOMETRY, resampled, images)
    if recipes.stages & BLUR:
        images = _where(recipes, BLUR, _blur(images, recipes), images)
    moved = images
    if recipes.stages & COLOR:
        images = _where(recipes, COLOR, _color(images, recipes), images)
    if recipes.stages & CURVES:
        images = _where(recipes, CURVES, curves.curved(images, recipes.records, source), images)
    if recipes.stages & NOISE:
        images = _where(recipes, NOISE, noise.of_floats(images, recipes.records), images)
    if recipes.stages & IMPULSE:
        images = _where(recipes, IMPULSE, salt_and_pepper(images, *_impulse_fields(recipes)), images)
    if recipes.stages & ERASE:
        mask = erased(recipes.records, *recipes.size)[:, None]
        fill = (recipes.field("fill")[:, None, None, None] & 0xFF).to(images.dtype) / 255
        images = torch.where(mask, fill, images)
    return with_alpha(images, moved)


def _sources(images: Tensor, recipes: Recipes) -> Tensor:
    """Which image each draw reads. What cannot be looked at is clamped, as in the kernel."""
    count, channels, height, width = images.shape
    offset, pixels = recipes.field("offset"), channels * height * width
    if recipes.records.device.type == "cpu" and not torch.compiler.is_compiling():
        check_readable(images.numel(), recipes.records, channels)
        other = (recipes.field("height") != height) | (recipes.field("width") != width)
        for n in (other | (offset % pixels != 0)).nonzero().flatten()[:1].tolist():
            raise RuntimeError(
                f"recipes: draw {n} reads outside the images: offset {int(offset[n])}, "
                f"size {int(recipes.field('height')[n])} x {int(recipes.field('width')[n])} is none of "
                f"{count} floating images of {height} x {width}"
            )
    return (offset // pixels).clamp(0, max(count - 1, 0))


def _where(recipes: Recipes, stage: int, then: Tensor, otherwise: Tensor) -> Tensor:
    if then.shape != otherwise.shape:
        return then  # the size changes, so every draw has the stage
    return torch.where(((recipes.field("stages") & stage) != 0)[:, None, None, None], then, otherwise)


def _resample(images: Tensor, recipes: Recipes) -> Tensor:
    """Bilinear."""
    height, width = recipes.size
    field = {
        name: recipes.field(name)[:, None, None]
        for name in ("xx", "xy", "x1", "yx", "yy", "y1", "left", "top", "right", "bottom", "border")
    }
    x = torch.arange(width, dtype=torch.float64, device=images.device)
    y = torch.arange(height, dtype=torch.float64, device=images.device)[:, None]
    column = (field["xx"] * x + field["xy"] * y + field["x1"]) / FIXED_POINT
    row = (field["yx"] * x + field["yy"] * y + field["y1"]) / FIXED_POINT
    column, inside_x = _bordered(column, field["left"], field["right"], field["border"])
    row, inside_y = _bordered(row, field["top"], field["bottom"], field["border"])
    out = kornia.geometry.transform.remap(
        images, column.to(images.dtype), row.to(images.dtype), padding_mode="border", align_corners=True
    )
    inside = (inside_x * inside_y)[:, None].to(images.dtype)
    return torch.where(inside > 0, out * inside, 0)  # beyond the image is black, whatever its edge is


def _shrink(images: Tensor, recipes: Recipes) -> Tensor:
    """The triangle filters of both axes as matrices; kornia's resize has one size for a whole batch."""
    axes = (("yy", "y1", "top", "bottom"), ("xx", "x1", "left", "right"))
    down, across = (
        _filter_matrix(recipes, names, recipes.size[axis], images.shape[2 + axis]).to(images.dtype)[:, None]
        for axis, names in enumerate(axes)
    )
    # In a product of matrices, NaN times 0 would reach all pixels.
    lost = ~images.isfinite()
    shrunk = down @ torch.where(lost, 0, images) @ across.mT
    reached = (down != 0).to(images.dtype) @ lost.to(images.dtype) @ (across != 0).to(images.dtype).mT
    return torch.where(reached > 0, torch.nan, shrunk)


def _filter_matrix(recipes: Recipes, names: tuple[str, ...], outputs: int, length: int) -> Tensor:
    """``(n, outputs, length)``, float64: what each source pixel of one axis weighs in each output pixel.

    ``names`` are the record's fields of the axis: step, start, and the window's ends.
    """
    a, b, first, end = (recipes.field(name)[:, None, None].double() for name in names)
    output = torch.arange(outputs, device=a.device)[:, None]
    pixel = torch.arange(length, device=a.device)
    centre = ((a * output + b) / FIXED_POINT).maximum(first).minimum(end - 1)
    reach = (a / FIXED_POINT).abs().clamp(min=1)
    raw = (reach - (pixel - centre).abs()).clamp(min=0) * ((pixel >= first) & (pixel < end))
    return raw / raw.sum(2, keepdim=True)


def _bordered(at: Tensor, low: Tensor, high: Tensor, border: Tensor) -> tuple[Tensor, Tensor]:
    """The coordinate to read at, inside [low, high - 1], and the weight of what is read there."""
    last = high - 1
    edge = at.maximum(low.double()).minimum(last.double())
    period = (2 * (last - low)).clamp(min=1)
    phase = (at - low).remainder(period)
    reflected = low + torch.minimum(phase, period - phase)
    zero = border == BORDERS["zero"]
    weight = torch.where(zero, 1 - (at - edge).abs().clamp(max=1), 1.0)
    return torch.where(border == BORDERS["reflect"], reflected, edge), weight


def _blur(images: Tensor, recipes: Recipes) -> Tensor:
    outer, inner = (recipes.field(name).to(images.dtype) / (2 * BLUR_UNIT) for name in ("outer", "inner"))
    line = torch.stack((outer, inner, 1 - 2 * (outer + inner), inner, outer), dim=1)
    article = (recipes.field("blur") == ARTICLE)[:, None, None, None]
    _check_reflectable(images)
    gaussian = kornia.filters.filter2d_separable(images, line, line, border_type="reflect")
    return torch.where(article, article_blur(images), gaussian)


def _color(images: Tensor, recipes: Recipes) -> Tensor:
    dtype = images.dtype
    matrix = recipes.records[:, WORD["rr"] : WORD["b1"] + 1].unflatten(1, (3, 4)).to(dtype) / COLOR_UNIT
    count = images.shape[1]
    rows = min(count, COLORS)
    colors = torch.stack([images[:, min(k, count - 1)] for k in range(3)], dim=1)
    weights = matrix[:, :rows, :3].clamp(-8, 8 - 1 / COLOR_UNIT)  # as in the kernel, of 16 bits
    mixed = torch.einsum("nij,njhw->nihw", weights, colors) + matrix[:, :rows, 3, None, None] / 255
    return torch.cat((clamped(mixed), images[:, COLORS:]), dim=1)


def _impulse_fields(recipes: Recipes) -> tuple[Tensor, ...]:
    return tuple(recipes.field(name) for name in ("salt", "pepper", "key", "place"))


def flip(images: Tensor, horizontal: Tensor | None, vertical: Tensor | None) -> Tensor:
    """Flip the samples that the masks ``(N,)`` name."""
    if horizontal is not None:
        images = torch.where(horizontal[:, None, None, None], kornia.geometry.transform.hflip(images), images)
    if vertical is not None:
        images = torch.where(vertical[:, None, None, None], kornia.geometry.transform.vflip(images), images)
    return images


@in_full
def gaussian_blur(images: Tensor, sigma: Tensor) -> Tensor:
    """5x5 Gaussian of ``sigma`` pixels ``(N,)``, reflect-101 border."""
    _check_reflectable(images)
    sigmas = sigma.to(images.device, images.dtype)[:, None].expand(-1, 2)
    blurred: Tensor = kornia.filters.gaussian_blur2d(images, 5, sigmas, "reflect")
    return blurred


@in_full
def article_blur(images: Tensor) -> Tensor:
    """The article's 5x5 / 273 kernel, zero border; floats are not truncated."""
    kernel = torch.tensor(ARTICLE_KERNEL, dtype=images.dtype, device=images.device)
    blurred: Tensor = kornia.filters.filter2d(images, kernel[None] / 273, border_type="constant")
    return blurred


def salt_and_pepper(images: Tensor, salt: Tensor, pepper: Tensor, key: Tensor, place: Tensor) -> Tensor:
    """Pixels become 1 or 0, the same pixels as for bytes. salt, pepper: cumulative thresholds ``(N,)`` in
    2**-16.
    """
    bits = random.pixel_bits(key, place, *images.shape[-2:])
    images = images.masked_fill((bits < pepper[:, None, None])[:, None], 0.0)
    return images.masked_fill((bits < salt[:, None, None])[:, None], 1.0)


def _check_reflectable(images: Tensor) -> None:
    if min(images.shape[-2:]) < 3:
        raise ValueError(
            "gaussian_blur: floating images must be at least 3 pixels high and wide for the "
            f"reflected border, got shape {tuple(images.shape)}; uint8 images may be smaller"
        )
