"""Images of many channels in parts that the kernel accepts; each part has a recipe of its own."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.images.batch import FEW_CHANNELS
from gpuaug.images.levels import COLORS
from gpuaug.recipe.layout import (
    BLUR,
    FIRST_CHANNEL,
    GEOMETRY,
    NEAREST,
    PERSPECTIVE,
    SHRINK,
    STATISTICS,
    WORD,
)

_OF_ALPHA_TOO = GEOMETRY | SHRINK | NEAREST | PERSPECTIVE | BLUR


def channels_together(channels: int, stages: int) -> int:
    """The number of channels in a part; all parts have equally many.

    The kernel takes the fourth of four channels for alpha, so a part may have four only if the ``stages``
    treat alpha like any channel. For measured curves each channel is a part of its own, as three would be
    taken for red, green and blue.

    >>> channels_together(8, GEOMETRY), channels_together(8, GEOMETRY | 128), channels_together(13, GEOMETRY)
    (4, 2, 1)
    """
    if stages & STATISTICS:
        return 1
    most = COLORS if stages & ~_OF_ALPHA_TOO else FEW_CHANNELS
    return next(count for count in range(most, 0, -1) if channels % count == 0)


def records_of_parts(records: Tensor, channels: int, together: int) -> Tensor:
    """The recipes of the parts of each draw, in their order: ``(n * channels // together, len(FIELDS))``.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> records = RecipeBuilder.of_batch((2, 6, 4, 5)).recipes((4, 5)).records
    >>> records_of_parts(records, 6, 3)[:, WORD["offset"]].tolist()
    [0, 60, 120, 180]

    Args:
        records: the recipes, int64 ``(n, len(FIELDS))``, of images whose channels lie one after another.
        channels: the number of channels of an image.
        together: the number of channels of a part; a divisor of ``channels``.
    """
    first = torch.arange(0, channels, together, device=records.device)
    parts = records[:, None].repeat(1, len(first), 1)
    plane = records[:, WORD["height"]] * records[:, WORD["width"]]
    parts[:, :, WORD["offset"]] += first * plane[:, None]
    parts[:, :, WORD["noise"]] += first * FIRST_CHANNEL
    return parts.flatten(0, 1)


def rows_of_parts(rows: Tensor, count: int, together: int) -> Tensor:
    """Splits rows by channel, ``(1 or n, channels, ...)``, into rows for the parts of ``count`` draws.

    The result is ``(count * channels // together, together, ...)``.

    >>> rows_of_parts(torch.arange(6).view(1, 6, 1), count=2, together=3)[:, :, 0].tolist()
    [[0, 1, 2], [3, 4, 5], [0, 1, 2], [3, 4, 5]]
    """
    parts: Tensor = rows.unflatten(1, (-1, together))
    return parts.expand(count, *parts.shape[1:]).flatten(0, 1).contiguous()
