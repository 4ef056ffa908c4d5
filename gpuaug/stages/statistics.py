"""Measured curves: autocontrast, equalize, contrast about the mean.

In C++: ``csrc/common/stages/statistics.h``.

The histogram of each channel is counted once, after color. Each curve depends on the image as the curves
before it leave it: the histogram of that image is the counted one, mapped through the table of these curves.
Alpha is not counted. The mean is that of the grey image for three colors, of all values for fewer channels,
and of each channel separately for more.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.images.levels import COLORS, clamped, colored, nearest_levels, shares
from gpuaug.recipe.layout import (
    AUTOCONTRAST,
    CONTRAST,
    CONTRAST_UNIT,
    CURVES,
    EQUALIZE,
    GREY,
    MOST_CONTRAST,
    POSTERIZE,
    POWER,
    SOLARIZE,
    STATISTICS,
)
from gpuaug.stages import curves
from gpuaug.stages.base import KernelStage, may_be

_LEVELS = 256
_WHITE = 255
_UNIT = 1 << 16  # the unit of a mean


def tables(image: Tensor, records: Tensor) -> Tensor:
    """The tables of levels of each channel, int64 ``(n, C, 256)``, for images ``(n, C, H, W)`` without alpha.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> builder = RecipeBuilder.of_batch((1, 1, 1, 3))
    >>> builder.curve(AUTOCONTRAST)
    >>> image = torch.tensor([[[[50, 90, 150]]]])
    >>> tables(image, builder.recipes((1, 3)).records)[0, 0, [50, 90, 150]].tolist()
    [0, 102, 255]
    """
    histogram = _moved(image.flatten(2), torch.ones_like(image).flatten(2))
    level = torch.arange(_LEVELS, device=image.device)
    table = level.expand_as(histogram)
    for word in curves.words(records):
        counts = _moved(table, histogram)
        kind, parameter = (value[:, None, None] for value in (word & 0xFF, word >> 8))
        then = curves.table_of(word)[:, None].expand_as(table)
        then = torch.where(kind == AUTOCONTRAST, _stretched(level, counts), then)
        then = torch.where(kind == EQUALIZE, _equalized(level, counts), then)
        then = torch.where(kind == CONTRAST, _contrasted(level, counts, parameter), then)
        table = then.gather(2, table)
    return table


def _moved(places: Tensor, counts: Tensor) -> Tensor:
    """The histograms of values that occur ``counts`` times at each of ``places``: ``(n, C, 256)``."""
    histogram = counts.new_zeros(*counts.shape[:2], _LEVELS)
    return histogram.scatter_add(2, places, counts)


def _ends(level: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the greatest level of each channel: ``(n, C, 1)``."""
    low = torch.where(counts > 0, level, _WHITE).amin(2, keepdim=True)
    return low, torch.where(counts > 0, level, 0).amax(2, keepdim=True)


def _stretched(level: Tensor, counts: Tensor) -> Tensor:
    low, high = _ends(level, counts)
    stretched = (level - low) * _WHITE // (high - low).clamp(min=1)
    return torch.where(high > low, stretched.clamp(0, _WHITE), level)


def _equalized(level: Tensor, counts: Tensor) -> Tensor:
    """Pillow's table. A channel with too few values besides its greatest level stays as it is."""
    step = (counts.sum(2, keepdim=True) - counts.gather(2, _ends(level, counts)[1])) // _WHITE
    below = counts.cumsum(2) - counts
    table = (below + step // 2) // step.clamp(min=1)
    return torch.where(step > 0, table.clamp(max=_WHITE), level)


def _contrasted(level: Tensor, counts: Tensor, factor: Tensor) -> Tensor:
    factor = factor.clamp(0, MOST_CONTRAST)
    sums, pixels = (counts * level).sum(2, keepdim=True), counts.sum(2, keepdim=True)
    if sums.shape[1] == COLORS:
        weights = torch.tensor(GREY, device=sums.device)[:, None]
        mean = (sums * weights).sum(1, keepdim=True) // pixels[:, :1]
    elif sums.shape[1] < COLORS:
        mean = sums.sum(1, keepdim=True) * _UNIT // pixels.sum(1, keepdim=True)
    else:
        mean = sums * _UNIT // pixels
    value = factor * (level * _UNIT) + (CONTRAST_UNIT - factor) * mean
    return ((value + (1 << 31)) >> 32).clamp(0, _WHITE)


def _bytes(image: Tensor, records: Tensor) -> Tensor:
    colors = image[:, : colored(image.shape[1])]
    return tables(colors, records).gather(2, colors.flatten(2)).view_as(colors)


def _floats(images: Tensor, records: Tensor, source: torch.dtype) -> Tensor:
    """Applies the curves to floating images ``(n, C, H, W)``, float32 or wider, and clamps to [0, 1].

    Equalize counts a value as the nearest of 256 levels, and changes it by as much as that level: its
    gradient is that of the identity. NaN stays NaN, and counts as 0.
    """
    images = images[:, : colored(images.shape[1])]
    for word in curves.words(records):
        kind, parameter = (value[:, None, None, None] for value in (word & 0xFF, word >> 8))
        before = images
        if may_be(kind, POSTERIZE, SOLARIZE, POWER):
            images = curves.floats_of(before, word, source)
        if may_be(kind, AUTOCONTRAST):
            low, high = (edge((2, 3), keepdim=True) for edge in (before.amin, before.amax))
            flat = high <= low
            stretched = torch.where(flat, before, (before - low) / torch.where(flat, 1, high - low))
            images = torch.where(kind == AUTOCONTRAST, stretched, images)
        if may_be(kind, EQUALIZE):
            level = nearest_levels(before).long().flatten(2)
            counts = _moved(level, torch.ones_like(level))
            table = _equalized(torch.arange(_LEVELS, device=level.device), counts)
            change = (table.gather(2, level) - level).view_as(before)
            images = torch.where(kind == EQUALIZE, before + shares(change.to(before.dtype)), images)
        if may_be(kind, CONTRAST):
            factor = parameter.clamp(0, MOST_CONTRAST).to(before.dtype) / CONTRAST_UNIT
            # In this form, a factor of 1 gives exactly the image.
            contrasted = before * factor + _mean(before) * (1 - factor)
            images = torch.where(kind == CONTRAST, contrasted, images)
        images = clamped(images)
    return images


def _mean(images: Tensor) -> Tensor:
    """The mean for contrast: ``(n, 1, 1, 1)``; for more than three channels ``(n, C, 1, 1)``."""
    if images.shape[1] != COLORS:
        return images.mean((1, 2, 3) if images.shape[1] < COLORS else (2, 3), keepdim=True)
    weights = torch.tensor(GREY, device=images.device).to(images.dtype) / _UNIT
    return (images.mean((2, 3), keepdim=True) * weights[:, None, None]).sum(1, keepdim=True)


STAGE = KernelStage(CURVES | STATISTICS, _bytes, _floats)
