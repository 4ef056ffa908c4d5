"""Contrast-limited adaptive histogram equalisation, with a clip limit of each draw's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gpuaug.images.batch import check_size
from gpuaug.images.levels import nearest_levels, shares
from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import LEVELS, Batched
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span

__all__ = ["CLAHE"]


class CLAHE(Batched):
    """Histograms made even tile by tile, their peaks clipped, the tiles' tables blended.

    >>> import gpuaug
    >>> gpuaug.CLAHE(clip_limit=2.0)(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Each channel by itself, as OpenCV's ``createCLAHE`` does it, within one level. kornia's function takes one
    limit for all the images of a call, so it cannot serve draws of different limits together. Floats are
    counted in the nearest of 256 levels, and moved as far as that level is: their gradient is that of the
    identity. NaN stays, and counts as black. A tile of fewer than 256 pixels has most entries at 0 or 1, so
    images of 32 pixels a side want a grid of 2.

    Args:
        clip_limit: of a histogram's entry, in the mean of all entries, a number or (least, most) in
            [0.01, 256].
        tile_grid_size: (down, across), or one number for both; the image must have more pixels either way.

    Raises:
        ValueError: an image too small for the grid.
    """

    reference = "Zuiderveld, Graphics Gems IV, 1994; OpenCV createCLAHE"
    random_count = 1
    graded = False

    def __init__(
        self,
        clip_limit: float | tuple[float, float] = (1.0, 4.0),
        tile_grid_size: int | tuple[int, int] = (8, 8),
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.clip_limit = span("clip_limit", clip_limit, 0.01, 256)
        self.tile_grid_size = check_size(tile_grid_size, "tile_grid_size")

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"clip_limit": between(self.clip_limit, batch.uniform(place)[:, 0])}

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        level = nearest_levels(images)
        tables, tile = self._tables(level, group.parameters["clip_limit"])
        change = self._blend(tables, level.long(), tile) - level
        return images + shares(change)

    def _tables(self, level: Tensor, clip_limit: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """What each level becomes in each tile, ``(m * C, tiles * 256)``, and the tiles' size."""
        count, channels, *size = level.shape
        grid = self.tile_grid_size
        if any(s <= g for s, g in zip(size, grid, strict=True)):
            raise ValueError(
                f"tile_grid_size must be below the image's height and width, got {grid} for "
                f"{size[0]} x {size[1]}"
            )
        if any(s % g for s, g in zip(size, grid, strict=True)):
            # OpenCV pads an axis that divides as well, by a pixel a tile.
            down, across = (g - s % g for s, g in zip(size, grid, strict=True))
            level = F.pad(level, (0, across, 0, down), mode="reflect")
        tile = (level.shape[2] // grid[0], level.shape[3] // grid[1])
        area = tile[0] * tile[1]
        tiles = level.long().reshape(count * channels, grid[0], tile[0], grid[1], tile[1])
        tiles = tiles.transpose(2, 3).reshape(count * channels, grid[0] * grid[1], area)
        histogram = tiles.new_zeros(*tiles.shape[:2], LEVELS + 1)
        histogram.scatter_add_(2, tiles, torch.ones_like(tiles))
        limit = (clip_limit.double() * area / (LEVELS + 1)).long().clamp(min=1)
        limit = limit.repeat_interleave(channels, output_size=count * channels)[:, None, None]
        excess = (histogram - limit).clamp(min=0).sum(2, keepdim=True)
        share, rest = excess // (LEVELS + 1), excess % (LEVELS + 1)
        # The rest goes to entries at even distances, one each.
        every = ((LEVELS + 1) // rest.clamp(min=1)).clamp(min=1)
        entry = torch.arange(LEVELS + 1, device=level.device)
        extra = (entry % every == 0) & (entry // every < rest)
        histogram = histogram.minimum(limit) + share + extra
        tables = (histogram.cumsum(2).float() * (LEVELS / area)).round().clamp(max=LEVELS)
        return tables.flatten(1), tile

    def _blend(self, tables: Tensor, level: Tensor, tile: tuple[int, int]) -> Tensor:
        """Each pixel by the tables of the four tiles whose centres are around it."""
        axes = []
        for side, length, tiles in zip(level.shape[2:], tile, self.tile_grid_size, strict=True):
            at = torch.arange(side, device=level.device, dtype=torch.float32) * (1 / length) - 0.5
            first = at.floor()
            near, far = first.clamp(min=0), (first + 1).clamp(max=tiles - 1)
            axes.append((near.long(), far.long(), at - first))
        (top, bottom, down), (left, right, across) = axes
        columns = self.tile_grid_size[1]

        def corner(row: Tensor, column: Tensor) -> Tensor:
            entry = (row[:, None] * columns + column) * (LEVELS + 1) + level
            return tables.gather(1, entry.reshape(len(tables), -1)).view(level.shape)

        upper = corner(top, left) * (1 - across) + corner(top, right) * across
        lower = corner(bottom, left) * (1 - across) + corner(bottom, right) * across
        return upper * (1 - down[:, None]) + lower * down[:, None]

    def extra_repr(self) -> str:
        return f"clip_limit={self.clip_limit}, tile_grid_size={self.tile_grid_size}"
