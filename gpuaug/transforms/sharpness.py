"""Sharpness as in photo editors: away from, or towards, a smoothed image."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.selection import Selection
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span

__all__ = ["RandomSharpness"]

Span = float | tuple[float, float]


class RandomSharpness(Transform):
    """Sharpen or smooth the image: ``smooth + factor * (image - smooth)``.

    >>> import gpuaug, torch
    >>> row = torch.tensor([[[[0, 0, 130, 130]]]], dtype=torch.uint8).expand(1, 1, 3, 4)
    >>> gpuaug.RandomSharpness(factor=0.0)(row)[0, 0, 1].tolist()
    [0, 30, 100, 130]

    ``smooth`` is the mean of 3 x 3 pixels, with five times the weight on the middle one, rounded to a level.
    The result is truncated, as in torchvision. The pixels of the border do not change.

    Args:
        factor: a number or (least, most) in [0, 10], kept in steps of 2**-16; 1 changes nothing.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "torchvision adjust_sharpness; Pillow ImageEnhance.Sharpness"
    stage = Stage.BLUR
    random_count = 1

    def __init__(self, factor: Span = (0.1, 1.9), *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.factor = span("factor", factor, 0, 10)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"factor": batch.grade(between(self.factor, batch.uniform(place)[:, 0]), 1.0)}

    def write(self, builder: RecipeBuilder, selection: Selection, *, factor: Tensor) -> None:
        builder.sharpen(factor, selection)

    def extra_repr(self) -> str:
        return f"factor={self.factor}"
