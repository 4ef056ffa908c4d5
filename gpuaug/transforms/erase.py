"""Erasing: boxes and grids of one level, in the pixels of the result."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gpuaug.images.batch import check_size
from gpuaug.recipe.builder import Extent, RecipeBuilder
from gpuaug.recipe.layout import BOXES, TRIES, Stage
from gpuaug.recipe.program import Operand
from gpuaug.recipe.selection import Selection, both
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, interval, level, probability, whole, whole_between, whole_span

__all__ = ["CutOut", "GridDropout", "RandomErasing"]


class RandomErasing(Transform):
    """Erase a box of random size and shape, with probability ``p``.

    >>> import gpuaug
    >>> images = torch.full((1, 3, 32, 32), 9, dtype=torch.uint8)
    >>> gpuaug.RandomErasing(p=1.0, value=200)(images).unique()
    tensor([  9, 200], dtype=torch.uint8)

    The distribution is torchvision's (Zhong et al., AAAI 2020): ten tries at an area uniform in ``scale`` and
    a ratio log-uniform in ``ratio``. If none fits, nothing is erased. Unlike in torchvision, it comes before
    ``Normalize``.

    Args:
        p: probability that a draw is transformed, in [0, 1].
        scale: share of the image's area, (least, most) in (0, 1].
        ratio: height / width of the box, (least, most), above 0.
        value: level of the erased box, 0 to 255, in all channels except alpha. Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Zhong et al., Random erasing data augmentation, AAAI 2020"
    stage = Stage.ERASE
    random_count = 1 + 2 * TRIES + 2

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: int = 0,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.p = probability("p", p)
        self.scale = interval("scale", scale, high=1.0)
        self.ratio = interval("ratio", ratio)
        self.value = level("value", value)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        _, share, ratio, fraction = batch.uniform(place).split_with_sizes((1, TRIES, TRIES, 2), 1)
        extent = _extent(batch.builder.extent, len(fraction))
        area = extent.prod(1, keepdim=True) * batch.grade(between(self.scale, share))
        ratio = torch.exp(between((math.log(self.ratio[0]), math.log(self.ratio[1])), ratio))
        tries = torch.stack((area / ratio, area * ratio), dim=2).sqrt().round()  # (n, tries, 2): x, y
        fits = (tries < extent[:, None]).all(2)
        size = tries[torch.arange(len(fraction), device="cpu"), fits.int().argmax(1)]
        corner = (fraction * (extent - size + 1)).floor()
        boxes = torch.cat((corner, corner + size), dim=1).long()
        chosen = both(batch.choose(place, self.p), fits.any(1))
        return {"boxes": boxes[:, None], "chosen": chosen}

    def write(
        self, builder: RecipeBuilder, selection: Selection, *, boxes: Tensor, chosen: Selection
    ) -> None:
        selection = both(selection, chosen)
        if selection is not False:
            builder.erase(boxes, self.value, selection)

    def extra_repr(self) -> str:
        return f"p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}"


class CutOut(Transform):
    """Erase boxes of a fixed size at random places; they may reach beyond the image.

    >>> import gpuaug
    >>> images = torch.full((1, 3, 32, 32), 9, dtype=torch.uint8)
    >>> gpuaug.CutOut(8, holes=2)(images).unique()
    tensor([0, 9], dtype=torch.uint8)

    The centre of a box is any pixel, all equally likely (DeVries and Taylor, 2017).

    Args:
        size: size of a box in pixels, (height, width), or one number for both.
        holes: number of boxes, 1 to 4.
        fill: level of the boxes, 0 to 255, in all channels except alpha. Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "DeVries and Taylor, Improved regularization with cutout, 2017"
    stage = Stage.ERASE

    def __init__(
        self, size: int | tuple[int, int], *, holes: int = 1, fill: int = 0, seed: int | None = None
    ) -> None:
        super().__init__(seed=seed)
        self.size = check_size(size)
        self.holes, self.fill = whole("holes", holes, 1, BOXES), level("fill", fill)
        self.random_count = 2 * self.holes

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        height, width = self.size
        if batch.strength is None:
            return {"places": batch.uniform(place), "size": (width, height)}
        size = torch.tensor((width, height), device="cpu").expand(len(batch.keys), 2)
        return {"places": batch.uniform(place), "size": batch.grade_whole(size, 0)}

    def write(self, builder: RecipeBuilder, selection: Selection, *, places: Tensor, size: Operand) -> None:
        for place in places.split(2, dim=1):
            builder.cut_out(place, size, self.fill, selection)

    def extra_repr(self) -> str:
        return f"size={self.size}, holes={self.holes}, fill={self.fill}"


class GridDropout(Transform):
    """Erase the squares of a regular grid.

    >>> import gpuaug
    >>> images = torch.full((1, 3, 32, 32), 8, dtype=torch.uint8)
    >>> gpuaug.GridDropout(ratio=0.5, unit=8)(images).float().mean().item()  # a quarter is gone
    6.0

    This is GridMask (Chen et al., 2020) without its rotation.

    Args:
        ratio: side of an erased square as a share of the grid's unit, in (0, 1).
        unit: side of the grid's cells in pixels, (least, most), at least 2; or one number.
        fill: level of the squares, 0 to 255, in all channels except alpha. Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Chen et al., GridMask data augmentation, 2020"
    stage = Stage.ERASE
    random_count = 3

    def __init__(
        self,
        ratio: float = 0.5,
        unit: int | tuple[int, int] = (16, 64),
        *,
        fill: int = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.ratio = probability("ratio", ratio)
        if self.ratio in (0, 1):
            raise ValueError(f"ratio must be in (0, 1), got {ratio}")
        self.unit, self.fill = whole_span("unit", unit, 2, 0xFFFF), level("fill", fill)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        u = batch.uniform(place)
        unit = whole_between(self.unit, u[:, 0])
        hole = batch.grade_whole((unit * self.ratio).round().long().clamp(min=1).minimum(unit - 1), 0)
        return {"unit": unit, "hole": hole, "phase": (u[:, 1:] * unit[:, None]).long()}

    def write(
        self, builder: RecipeBuilder, selection: Selection, *, unit: Tensor, hole: Tensor, phase: Tensor
    ) -> None:
        builder.erase_grid(unit, hole, phase, self.fill, selection)

    def extra_repr(self) -> str:
        return f"ratio={self.ratio}, unit={self.unit}, fill={self.fill}"


def _extent(extent: Extent, count: int) -> Tensor:
    """Width and height of each draw, float64 ``(n, 2)``."""
    extent = extent if isinstance(extent, Tensor) else torch.tensor([extent], device="cpu")
    return extent.double().expand(count, 2)
