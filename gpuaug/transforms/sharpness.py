"""Sharpness, as torchvision has it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.selection import Selection, both
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, probability, span

__all__ = ["RandomAdjustSharpness"]

Span = float | tuple[float, float]


class RandomAdjustSharpness(Transform):
    """Blurred or sharpened a little: away from the mean of nine pixels by a factor, with probability ``p``.

    >>> import gpuaug, torch
    >>> images = torch.tensor([[0, 0, 0], [0, 130, 0], [0, 0, 0]], dtype=torch.uint8).view(1, 1, 3, 3)
    >>> [gpuaug.RandomAdjustSharpness(f, p=1.0)(images)[0, 0, 1, 1].item() for f in (0, 0.5, 1, 2)]
    [50, 90, 130, 210]

    The pixel itself has weight 5 of 13 in the mean. Pixels at the border of the image stay as they are.

    Args:
        sharpness_factor: a number or (least, most) in [0, 10], kept in steps of 2**-16: 0 gives the mean, 1
            changes nothing, 2 is as much sharper as the mean is blurred.
        p: probability, in [0, 1].
    """

    reference = "torchvision RandomAdjustSharpness; Pillow ImageEnhance.Sharpness"
    stage = Stage.BLUR
    random_count = 2

    def __init__(
        self, sharpness_factor: Span = (0.1, 1.9), p: float = 0.5, *, seed: int | None = None
    ) -> None:
        super().__init__(seed=seed)
        self.sharpness_factor = span("sharpness_factor", sharpness_factor, 0, 10)
        self.p = probability("p", p)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        factor = between(self.sharpness_factor, batch.uniform(place)[:, 1])
        return {"factor": batch.grade(factor, 1.0), "chosen": batch.choose(place, self.p)}

    def write(
        self, builder: RecipeBuilder, selection: Selection, *, factor: Tensor, chosen: Selection
    ) -> None:
        selection = both(selection, chosen)
        if selection is not False:
            builder.sharpen(factor, selection)

    def extra_repr(self) -> str:
        return f"sharpness_factor={self.sharpness_factor}, p={self.p}"
