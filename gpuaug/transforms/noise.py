"""Noise of every pixel, in the kernel: normal and added, or a factor."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import DEVIATION_UNIT, FACTOR, FACTOR_UNIT, NORMAL, PER_CHANNEL, PER_PIXEL, Stage
from gpuaug.recipe.selection import Selection
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, flag, span

__all__ = ["GaussNoise", "MultiplicativeNoise"]

Span = float | tuple[float, float]


class GaussNoise(Transform):
    """Add normal noise to every value, with one standard deviation for each draw.

    >>> import gpuaug, torch
    >>> gpuaug.GaussNoise(std=0.1)(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    A number is the weighted sum of two entries of a table: the means of 256 equally likely parts of a normal
    distribution. It is the same on every device. Its distribution function is within 0.0004 of the normal one
    and ends at 4.2 standard deviations.

    Args:
        std: standard deviation, a number or (least, most) in [0, 1], where 1 is the brightest level; 0
            changes nothing. Kept in steps of 1/200 of a level.
        per_channel: True for independent noise in each channel, False for the same noise in all.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Albumentations GaussNoise"
    stage = Stage.NOISE
    random_count = 1

    def __init__(self, std: Span = (0.02, 0.1), per_channel: bool = True, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.std = span("std", std, 0, 1)
        self.per_channel = flag("per_channel", per_channel)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        std = batch.grade(between(self.std, batch.uniform(place)[:, 0]))
        return {"std": std, "keys": batch.keys, "place": place}

    def write(
        self, builder: RecipeBuilder, selection: Selection, *, std: Tensor, keys: Tensor, place: int
    ) -> None:
        kind = NORMAL | PER_PIXEL | (PER_CHANNEL if self.per_channel else 0)
        builder.noise(kind, (std * (255 * DEVIATION_UNIT)).round().long(), 0, keys, place, selection)

    def extra_repr(self) -> str:
        return f"std={self.std}, per_channel={self.per_channel}"


class MultiplicativeNoise(Transform):
    """Multiply values by random factors.

    >>> import gpuaug, torch
    >>> gpuaug.MultiplicativeNoise((0.5, 1.5))(torch.zeros(2, 3, 8, 8, dtype=torch.uint8)).shape
    torch.Size([2, 3, 8, 8])

    Args:
        multiplier: the factor, a number or (least, most) in [0, 10], kept in steps of 2**-12; 1 changes
            nothing.
        per_channel: True for one factor in each channel, False for the same factor in all.
        elementwise: True for one factor in each pixel, False for the same factor in all.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Albumentations MultiplicativeNoise"
    stage = Stage.NOISE

    def __init__(
        self,
        multiplier: Span = (0.9, 1.1),
        per_channel: bool = False,
        elementwise: bool = True,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.multiplier = span("multiplier", multiplier, 0, 10)
        self.per_channel = flag("per_channel", per_channel)
        self.elementwise = flag("elementwise", elementwise)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        least, most = (_graded(batch, factor) for factor in self.multiplier)
        return {"least": least, "most": most, "keys": batch.keys, "place": place}

    def write(
        self,
        builder: RecipeBuilder,
        selection: Selection,
        *,
        least: Tensor | float,
        most: Tensor | float,
        keys: Tensor,
        place: int,
    ) -> None:
        kind = FACTOR | (PER_CHANNEL if self.per_channel else 0) | (PER_PIXEL if self.elementwise else 0)
        low, high = _words(least), _words(most)
        builder.noise(kind, low, high - low, keys, place, selection)

    def extra_repr(self) -> str:
        return f"multiplier={self.multiplier}, per_channel={self.per_channel}, elementwise={self.elementwise}"


def _graded(batch: DrawBatch, factor: float) -> Tensor | float:
    return factor if batch.strength is None else 1 + batch.strength * (factor - 1)


def _words(factor: Tensor | float) -> Tensor | float:
    scaled = factor * FACTOR_UNIT
    return scaled.round().long() if isinstance(scaled, Tensor) else round(scaled)
