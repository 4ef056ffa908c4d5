"""Blur."""

from __future__ import annotations

from typing import Any

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.program import Operand
from gpuaug.recipe.selection import Selection
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, interval, is_number

__all__ = ["GaussianBlur"]


class GaussianBlur(Transform):
    """A 5x5 Gaussian with a sigma per draw, uniform between two bounds.

    >>> import gpuaug, torch
    >>> gpuaug.GaussianBlur(sigma=(0.1, 2.0))(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    The border is reflected without repeating the edge.

    Args:
        kernel_size: 5, the one size the kernel has.
        sigma: (least, most) in pixels, or one number; None for the article's fixed kernel of sum 273, zero
            border, truncated.

    Raises:
        ValueError: another kernel size; a sigma that is not positive and finite.
    """

    reference = "OpenCV GaussianBlur"
    stage = Stage.BLUR
    averages = True

    def __init__(
        self,
        kernel_size: int = 5,
        sigma: tuple[float, float] | float | None = (0.1, 2.0),
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        if kernel_size != 5:
            raise ValueError(f"kernel_size must be 5, got {kernel_size}")
        pair = (sigma, sigma) if is_number(sigma) else sigma
        self.sigma = None if pair is None else interval("sigma", pair)
        varies = self.sigma is not None and self.sigma[0] != self.sigma[1]
        self.random_count = 1 if varies else 0
        self.graded = self.sigma is not None

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        if self.sigma is None:
            return {"sigma": None}
        if self.random_count:
            return {"sigma": batch.grade(between(self.sigma, batch.uniform(place)[:, 0]))}
        fixed, _ = self.sigma
        return {"sigma": fixed if batch.strength is None else fixed * batch.strength}

    def write(self, builder: RecipeBuilder, selection: Selection, *, sigma: Operand | None) -> None:
        builder.blur(sigma, selection)

    def extra_repr(self) -> str:
        return f"kernel_size=5, sigma={self.sigma}"
