"""Impulse noise: salt and pepper."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.selection import Selection
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import probability

__all__ = ["SaltAndPepper"]


class SaltAndPepper(Transform):
    """Turn random pixels white or black, in all channels except alpha.

    >>> import gpuaug, torch
    >>> images = torch.full((2, 3, 32, 32), 7, dtype=torch.uint8)
    >>> gpuaug.SaltAndPepper(amount=0.25)(images).unique()
    tensor([  0,   7, 255], dtype=torch.uint8)

    The defaults are the article's noise: ``round(random(), 1)`` is above 0.8 for 15 % of the pixels and equal
    to it for 10 %.

    Args:
        amount: share of the pixels that change, in [0, 1].
        salt_vs_pepper: share of these that become white, in [0, 1]; the name is scikit-image's.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "scikit-image random_noise"
    stage = Stage.IMPULSE

    def __init__(self, amount: float = 0.25, salt_vs_pepper: float = 0.6, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.amount = probability("amount", amount)
        self.salt_vs_pepper = probability("salt_vs_pepper", salt_vs_pepper)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        amount = self.amount if batch.strength is None else self.amount * batch.strength
        return {"amount": amount, "keys": batch.keys, "place": place}

    def write(
        self,
        builder: RecipeBuilder,
        selection: Selection,
        *,
        amount: Tensor | float,
        keys: Tensor,
        place: int,
    ) -> None:
        salt = amount * self.salt_vs_pepper
        builder.impulse(salt, amount - salt, keys, place, selection)

    def extra_repr(self) -> str:
        return f"amount={self.amount}, salt_vs_pepper={self.salt_vs_pepper}"
