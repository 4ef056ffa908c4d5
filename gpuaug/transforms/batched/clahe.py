"""Contrast-limited adaptive histogram equalisation, with one clip limit for each draw."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gpuaug.images.batch import check_size
from gpuaug.images.levels import nearest_levels, shares
from gpuaug.ops.clahe import axes_of, blended, tables_of
from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import Batched
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span

__all__ = ["CLAHE"]


class CLAHE(Batched):
    """Equalise the histogram of each tile, with its peaks clipped, and blend the tiles' tables.

    >>> import gpuaug
    >>> gpuaug.CLAHE(clip_limit=2.0)(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Each channel is equalised by itself, within one level of OpenCV's ``createCLAHE``; alpha stays. Bytes are
    computed in integers by one operator (``torch.ops.gpuaug.clahe``), with the same result on every device. A
    float is counted as the nearest of 256 levels, and shifted as far as this level moves before rounding; the
    gradient is that of the identity. NaN stays NaN and counts as black. In a tile of fewer than 256 pixels
    most histogram entries are 0 or 1, so images of 32 x 32 pixels need a grid of 2.

    Args:
        clip_limit: largest histogram entry, as a multiple of the mean entry; a number or (least, most) in
            [0.01, 256].
        tile_grid_size: number of tiles, (down, across), or one number for both; less than the image's height
            and width.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if an image is
            too small for the grid.
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

    def transform_group(self, images: Tensor, group: Group) -> Tensor:
        height, width = images.shape[2:]
        down, across = self.tile_grid_size
        if height <= down or width <= across:
            raise ValueError(
                f"tile_grid_size must be below the image's height and width, got {self.tile_grid_size} for "
                f"{height} x {width}"
            )
        if images.is_floating_point():
            return super().transform_group(images, group)
        torch.ops.gpuaug.clahe(images, group.rows, group.parameters["clip_limit"], down, across)
        return images

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        level, channels = nearest_levels(images), images.shape[1]
        planes, axes = level.flatten(0, 1).long(), axes_of(images.shape[2:], self.tile_grid_size)
        limits = group.parameters["clip_limit"].repeat_interleave(channels, output_size=len(planes))
        number, by = blended(planes, tables_of(planes, limits, axes), axes)
        change = number.double().div_(by).view(level.shape) - level
        return images + shares(change.to(images.dtype))

    def extra_repr(self) -> str:
        return f"clip_limit={self.clip_limit}, tile_grid_size={self.tile_grid_size}"
