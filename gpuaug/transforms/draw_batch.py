"""The draws of a batch, checked, with their random numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gpuaug import random
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.recipes import Group
from gpuaug.recipe.selection import Selection


class DrawBatch:
    """The draws of one batch, and the pass and builder that transforms write into.

    Args:
        draws: int64 ``(n, 3)``: index, copy, key.
        random_counts: the places in the chain that need random numbers, and how many each needs for a draw.
        labels: ``(n,)``, the class of each draw, if known.
    """

    pass_index: int
    builder: RecipeBuilder
    groups: list[Group]  # what batched transforms do after the kernel
    reached: Selection = True  # draws whose size changes, except where their option has a size of its own
    frames = 1  # of each draw's clip
    strength: Tensor | None = None  # of each draw, float64 (n,) in (0, 1], while a PerClass writes; None: 1

    def __init__(
        self, draws: Tensor, random_counts: tuple[list[int], list[int]], labels: Tensor | None = None
    ) -> None:
        self._draws, self._random_counts, self.labels = draws, random_counts, labels
        self.keys = draws[:, 2]
        self._uniform: tuple[Tensor, ...] | None = None
        self.kept: dict[int, Any] = {}  # parameters drawn by transforms of several passes, by place

    @property
    def copy(self) -> Tensor:
        return self._draws[:, 1]

    def uniform(self, place: int) -> Tensor:
        """The random numbers of the transform at ``place``, in [0, 1): float64 ``(n, random_count)``."""
        places, counts = self._random_counts
        if self._uniform is None:  # of the whole chain at once, on first use
            self._uniform = random.uniform(self.keys, places, counts)
        return self._uniform[places.index(place)]

    def choose(self, place: int, p: float) -> Selection:
        """Choose draws with probability ``p``."""
        return p > 0 if p in (0, 1) else self.uniform(place)[:, 0] < p

    def grade(self, value: Tensor, neutral: float | tuple[float, ...] | Tensor = 0.0) -> Tensor:
        """Move a parameter ``(n, ...)`` towards the ``neutral`` one, which changes nothing, by each draw's
        strength.

        At strength 1 it does not change, to the bit.
        """
        if self.strength is None:
            return value
        if isinstance(neutral, tuple):
            neutral = value.new_tensor(neutral)
        return value - (value - neutral) * (1 - self.strength).view(-1, *(1,) * (value.dim() - 1))

    def grade_whole(self, value: Tensor, neutral: int, step: int = 1) -> Tensor:
        """Grade int64 values, in steps from the neutral one; halves go to the even number."""
        if self.strength is None:
            return value
        return neutral + step * self.grade((value - neutral) / step).round().long()


def check_draws(draws: Tensor, images: int, index: Tensor | None = None) -> None:
    """Raise unless ``draws`` are int64 ``(n, 3)`` on the host, one for each image or each entry of ``index``.

    >>> check_draws(torch.zeros(4, 3, dtype=torch.int64), images=4)
    """
    check_host_integers("draws", draws, "(n, 3)")
    if draws.dim() != 2 or draws.shape[1] != 3:
        raise ValueError(f"draws must have shape (n, 3): index, copy, key; got {tuple(draws.shape)}")
    count = draws.shape[0]
    if index is None:
        if count != images:
            raise ValueError(f"draws must be as many as the images, got {count} draws for {images} images")
        return
    check_host_integers("index", index, "(n,)")
    if index.shape != (count,):
        raise ValueError(f"index must have shape ({count},), one for each draw, got {tuple(index.shape)}")
    for n in ((index < 0) | (index >= images)).nonzero().flatten()[:1].tolist():
        raise ValueError(f"index must be in [0, {images}), got {int(index[n])} for draw {n}")


def check_host_integers(name: str, value: Any, shape: str) -> None:
    """Raise unless a value is an int64 tensor on the host; the message shows ``shape``.

    >>> check_host_integers("labels", torch.tensor([0, 1]), "(n,)")
    """
    if not isinstance(value, Tensor) or value.dtype != torch.int64:
        kind = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be an int64 tensor {shape}, got {kind}")
    if not value.is_cpu:
        raise RuntimeError(f"{name} must be on the host, where parameters are drawn, got {value.device}")
