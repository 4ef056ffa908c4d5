"""The op ``gpuaug::clahe`` in plain PyTorch; ``csrc/common/clahe.h`` computes the same integers.

An image is cut into a grid of tiles. The histogram of each tile, with its peaks clipped, becomes a table of
levels. Each pixel is blended from the tables of the four tiles whose centres surround it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gpuaug.arguments import check_memory, check_one_device, check_words
from gpuaug.images.levels import colored

LEVELS = 256
FINEST = 2048  # the most steps of a weight along an axis
MOST_AREA = 1 << 22  # the most pixels of a tile whose sums are exact
MOST_PIXELS = (1 << 31) - 1  # the most pixels of a tile: 32 bits hold every sum of them


class Axis(NamedTuple):
    """A side of an image, cut into tiles of one length. The image is mirrored to fill the last tiles."""

    side: int
    tiles: int
    tile: int  # in pixels

    @property
    def steps(self) -> int:
        """The steps of a weight from one tile's centre to the next: half pixels, up to ``FINEST``."""
        return min(2 * self.tile, FINEST)

    def places(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """For each pixel: the tiles before and after it, and the weight of the second one in ``steps``."""
        at = 2 * torch.arange(self.side, device=device) + self.tile
        cell, weight = at // (2 * self.tile), at % (2 * self.tile)
        after = cell.clamp(max=self.tiles - 1)
        return (cell - 1).clamp(min=0), after, weight * self.steps // (2 * self.tile)

    def mirrored(self, device: torch.device) -> Tensor:
        """The pixel at each place of the tiles."""
        place = torch.arange(self.tiles * self.tile, device=device)
        return torch.where(place < self.side, place, 2 * (self.side - 1) - place)


def axes_of(size: Sequence[int], grid: tuple[int, int]) -> tuple[Axis, Axis]:
    """Both axes of an image. As in OpenCV, if one is not divisible, tiles get one more pixel on both axes.

    >>> axes_of((64, 83), (8, 8))
    (Axis(side=64, tiles=8, tile=9), Axis(side=83, tiles=8, tile=11))
    """
    more = int(any(side % tiles > 0 for side, tiles in zip(size, grid, strict=True)))
    rows, columns = (Axis(side, n, side // n + more) for side, n in zip(size, grid, strict=True))
    return rows, columns


def clahe(images: Tensor, rows: Tensor | None, clip_limit: Tensor, down: int, across: int) -> None:
    """Equalizes images ``(N, C, H, W)``, uint8, in place: each channel separately, alpha not at all.

    Args:
        images: contiguous or channels_last.
        rows: int64 ``(m,)``, the images to change, in ascending order; None changes all.
        clip_limit: float32 ``(m,)``, the limit of an entry of a tile's histogram, as a multiple of the mean.
        down: the number of tiles along the height, in [1, height).
        across: the number of tiles along the width, in [1, width).
    """
    _check_call(images, rows, clip_limit, down, across)
    if images.device.type == "cpu" and rows is not None and len(rows):
        outside = bool(rows[0] < 0) or bool(rows[-1] >= len(images))
        if outside or bool((rows[1:] <= rows[:-1]).any()):
            raise RuntimeError(f"rows must ascend within [0, {len(images)})")
    some = images if rows is None else images.index_select(0, rows)
    colors = some[:, : colored(images.shape[1])]
    if colors.numel() == 0:
        return
    planes, axes = colors.flatten(0, 1).long(), axes_of(images.shape[2:], (down, across))
    tables = tables_of(planes, clip_limit.repeat_interleave(colors.shape[1], output_size=len(planes)), axes)
    number, by = blended(planes, tables, axes)
    colors.copy_(_rounded(number, by).view(colors.shape))
    if rows is not None:
        images.index_copy_(0, rows, some)


def _check_call(images: Tensor, rows: Tensor | None, clip_limit: Tensor, down: int, across: int) -> None:
    check_one_device(images=images, rows=rows, clip_limit=clip_limit)
    layouts = (torch.contiguous_format, torch.channels_last)
    if (
        images.dtype != torch.uint8
        or images.dim() != 4
        or not any(images.is_contiguous(memory_format=layout) for layout in layouts)
    ):
        raise RuntimeError(
            "images must be contiguous or channels_last uint8 (N, C, H, W), "
            f"got {images.dtype} {tuple(images.shape)}"
        )
    check_memory("images", images)
    if rows is not None:
        check_words("rows", rows)
    count = len(images if rows is None else rows)
    if clip_limit.dtype != torch.float32 or tuple(clip_limit.shape) != (count,):
        raise RuntimeError(
            f"clip_limit must be float32 ({count},), got {clip_limit.dtype} {tuple(clip_limit.shape)}"
        )
    check_memory("clip_limit", clip_limit)
    height, width = images.shape[2:]
    if not (1 <= down < height and 1 <= across < width):
        raise RuntimeError(
            f"down and across must be in [1, {height}) and [1, {width}), got {down} and {across}"
        )
    tile = (height // down + 1, width // across + 1)
    if tile[0] * tile[1] > MOST_PIXELS:
        raise RuntimeError(f"a tile must have at most {MOST_PIXELS} pixels, got {tile[0]} x {tile[1]}")


def tables_of(planes: Tensor, clip_limit: Tensor, axes: tuple[Axis, Axis]) -> Tensor:
    """The tables of all tiles, ``(p, tiles * 256)``, of int64 planes ``(p, H, W)`` with limits ``(p,)``."""
    rows, columns = axes
    area = rows.tile * columns.tile
    padded = planes[:, rows.mirrored(planes.device)][:, :, columns.mirrored(planes.device)]
    tiles = padded.unflatten(1, (rows.tiles, rows.tile)).unflatten(3, (columns.tiles, columns.tile))
    tiles = tiles.transpose(2, 3).reshape(len(planes), rows.tiles * columns.tiles, area)
    histogram = tiles.new_zeros(*tiles.shape[:2], LEVELS).scatter_add_(2, tiles, torch.ones_like(tiles))
    limit = (clip_limit.double() * area / LEVELS).nan_to_num(1.0).clamp(1, MOST_PIXELS).long()[:, None, None]
    excess = (histogram - limit).clamp(min=0).sum(2, keepdim=True)
    share, rest = excess // LEVELS, excess % LEVELS
    # The rest is distributed to entries at even distances, one each.
    every = (LEVELS // rest.clamp(min=1)).clamp(min=1)
    level = torch.arange(LEVELS, device=planes.device)
    extra = (level % every == 0) & (level // every < rest)
    sums = (histogram.minimum(limit) + share + extra).cumsum(2)
    fold = max(0, (area - 1).bit_length() - (MOST_AREA - 1).bit_length())
    return _rounded((LEVELS - 1) * (sums >> fold), area >> fold).clamp(max=LEVELS - 1).flatten(1)


def blended(planes: Tensor, tables: Tensor, axes: tuple[Axis, Axis]) -> tuple[Tensor, int]:
    """Each pixel, blended from the tables of the four tiles around it: a number, and its divisor."""
    (top, bottom, down), (left, right, across) = (axis.places(planes.device) for axis in axes)
    rows, columns = axes

    def corner(row: Tensor, column: Tensor) -> Tensor:
        entry = (row[:, None] * columns.tiles + column) * LEVELS + planes
        return tables.gather(1, entry.flatten(1)).view(planes.shape)

    upper = corner(top, left) * (columns.steps - across) + corner(top, right) * across
    lower = corner(bottom, left) * (columns.steps - across) + corner(bottom, right) * across
    down = down[:, None]
    return upper * (rows.steps - down) + lower * down, rows.steps * columns.steps


def _rounded(number: Tensor, by: int) -> Tensor:
    """A quotient, with halves rounded to even."""
    above = number + by // 2
    quotient = above // by
    halves = (above - quotient * by == 0) if by % 2 == 0 else torch.zeros_like(quotient, dtype=torch.bool)
    return quotient - (halves & (quotient % 2 == 1)).long()
