"""Curves of levels: posterize, solarize, gamma. The curves of a chain become one table."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import EXPONENT_UNIT, POSTERIZE, POWER, SOLARIZE, THRESHOLD_UNIT, Stage
from gpuaug.recipe.selection import Selection
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span, whole_between, whole_span

__all__ = ["Posterize", "RandomGamma", "Solarize"]

Span = float | tuple[float, float]

NO_LEVEL = 256 / 255  # above the brightest level


class Posterize(Transform):
    """Keep only the high bits of each channel.

    >>> import gpuaug, torch
    >>> gpuaug.Posterize(bits=1)(torch.tensor([[[[0, 127, 128, 255]]]], dtype=torch.uint8)).tolist()
    [[[[0, 0, 128, 128]]]]

    A float counts as the nearest 1/255 level below it; the gradient is zero. A half-precision value that
    cannot be told from a level is this level.

    Args:
        bits: number of bits to keep, a whole number or (least, most) in [0, 8]; 8 changes nothing.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Cubuk et al., AutoAugment, CVPR 2019"
    stage = Stage.CURVES
    random_count = 1

    def __init__(self, bits: int | tuple[int, int] = (4, 7), *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.bits = whole_span("bits", bits, 0, 8)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"bits": batch.grade_whole(whole_between(self.bits, batch.uniform(place)[:, 0]), 8)}

    def write(self, builder: RecipeBuilder, selection: Selection, *, bits: Tensor) -> None:
        builder.curve(POSTERIZE, bits, selection)

    def extra_repr(self) -> str:
        return f"bits={self.bits}"


class Solarize(Transform):
    """Invert the values at or above a threshold.

    >>> import gpuaug, torch
    >>> gpuaug.Solarize(threshold=0.5)(torch.tensor([[[[0, 127, 128, 255]]]], dtype=torch.uint8)).tolist()
    [[[[0, 127, 127, 0]]]]

    Args:
        threshold: share of the brightest level, a number or (least, most) in [0, 2], kept in steps of 2**-24.
            ``level / 255`` inverts from this level on; above 1 nothing changes.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Cubuk et al., AutoAugment, CVPR 2019"
    stage = Stage.CURVES
    random_count = 1

    def __init__(self, threshold: Span = (0.5, 1.0), *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.threshold = span("threshold", threshold, 0, 2)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"threshold": batch.grade(between(self.threshold, batch.uniform(place)[:, 0]), NO_LEVEL)}

    def write(self, builder: RecipeBuilder, selection: Selection, *, threshold: Tensor) -> None:
        # Half a step below: the threshold ``level / 255`` includes this level, also in float32.
        word = (threshold * THRESHOLD_UNIT - 0.5).floor().clamp(min=0)
        builder.curve(SOLARIZE, word.long(), selection)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}"


class RandomGamma(Transform):
    """Raise each value to the power of gamma.

    >>> import gpuaug, torch
    >>> gpuaug.RandomGamma(gamma=2.0)(torch.tensor([[[[0, 127, 255]]]], dtype=torch.uint8)).tolist()
    [[[[0, 63, 255]]]]

    Args:
        gamma: the exponent, a number or (least, most) in [0.01, 100], kept in steps of 2**-16; 1 changes
            nothing.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "IEC 61966-2-1 and ITU-R BT.709 (gamma)"
    stage = Stage.CURVES
    random_count = 1

    def __init__(self, gamma: Span = (0.8, 1.2), *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.gamma = span("gamma", gamma, 0.01, 100)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"gamma": batch.grade(between(self.gamma, batch.uniform(place)[:, 0]), 1.0)}

    def write(self, builder: RecipeBuilder, selection: Selection, *, gamma: Tensor) -> None:
        builder.curve(POWER, (gamma * EXPONENT_UNIT).round().long(), selection)

    def extra_repr(self) -> str:
        return f"gamma={self.gamma}"
