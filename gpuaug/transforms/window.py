"""Window: from the values of an image to levels, as radiologists use the word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.layout import LEAST_END, MOST_END, VALUE_UNIT, Stage
from gpuaug.recipe.selection import Selection, both, where
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.passes import PassCursor
from gpuaug.transforms.ranges import between, span
from gpuaug.transforms.step import Step

__all__ = ["Window"]

Span = float | tuple[float, float]


class Window(Transform):
    """Map values from ``low`` to ``high`` to levels from black to white, for images of 16 bits.

    >>> import gpuaug
    >>> scan = torch.tensor([[[[-1000, -160, 40, 240, 3000]]]], dtype=torch.int16)
    >>> gpuaug.Window(low=-160, high=240)(scan)
    tensor([[[[  0,   0, 128, 255, 255]]]], dtype=torch.uint8)
    >>> chain = [gpuaug.Window((-200, -120), (200, 280)), gpuaug.RandomResizedCrop(32), gpuaug.GaussNoise()]
    >>> gpuaug.Compose(chain)(torch.zeros(2, 1, 64, 64, dtype=torch.int16)).shape
    torch.Size([2, 1, 32, 32])

    A level is ``255 * (value - low) / (high - low)``, rounded to the nearest, halves up, the same on every
    backend. Values below the window become black, values above it white, in all channels, alpha too.
    ``Window`` comes first in a chain and applies to all draws, also originals and in evaluation: draws that
    are not augmented use the middle of both ranges. It takes one more kernel launch, which reads the part of
    each image that the first pass needs.

    Images are uint16, int16 or uint8, and both ends are in the units of their values. For floats, both ends
    are levels, divided by 255. Images of different sizes (``gpuaug.pack``), clips and up to 64 channels are
    supported. A center and a width, in DICOM's words, are ``low = center - width / 2`` and ``high = center +
    width / 2`` (its LINEAR_EXACT; its LINEAR has ``center - 0.5`` and ``width - 1``). The data set applies a
    file's rescale slope and intercept.

    Without ``Window``, images of 16 bits keep their type in a chain of only geometry, erasing and
    ``Normalize``: they are resampled in float64 and rounded once, halves to even. ``Normalize`` then scales
    them as torchvision's ``ToDtype(scale=True)``: ``value / 65535`` for uint16 and ``value / 32767`` for
    int16. The levels of ``fill`` and ``value`` are shares of the same range: 255 is the largest value, 0 is
    0.

    Args:
        low, high: ends of the window, each a number or (least, most) in [-65536, 131072], kept in steps of
            1/16. Every high must lie above every low, by at least 1/16.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if an end is of another type or out of range, if the ends are out of order, or
            if another transform of a chain comes first.
    """

    reference = "DICOM PS3.3 C.11.2.1.3.2, LINEAR_EXACT"
    stage = Stage.READ
    deterministic = True
    graded = False
    inner_passes = 1

    def __init__(self, low: Span, high: Span, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.low, self.high = span("low", low, LEAST_END, MOST_END), span("high", high, LEAST_END, MOST_END)
        if self.high[0] - self.low[1] < 1 / VALUE_UNIT:
            raise ValueError(
                f"high must lie above low, by 1/{VALUE_UNIT} at least, got {high} for a low of {low}"
            )
        self._is_random = self.low[0] < self.low[1] or self.high[0] < self.high[1]
        self.random_count = 2 if self._is_random else 0

    def assign_passes(self, cursor: PassCursor, places: Iterator[int]) -> tuple[Step, PassCursor]:
        if cursor.began:
            raise ValueError(f"Window must be the first transform, got {self.label()} after another")
        return Step(self, next(places), cursor.pass_index), PassCursor(began=True)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        u = batch.uniform(place)
        return {"ends": torch.stack((between(self.low, u[:, 0]), between(self.high, u[:, 1])), dim=1)}

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        if step.pass_index != batch.pass_index:
            return
        middle = [sum(self.low) / 2, sum(self.high) / 2]
        ends = torch.tensor([middle], dtype=torch.float64, device="cpu").expand(len(batch.keys), 2)
        selection = both(chosen, augmented)
        if self._is_random and selection is not False:
            ends = where(selection, self.draw_parameters(batch, step.place)["ends"], ends)
        batch.builder.ends = _in_units(ends)

    def extra_repr(self) -> str:
        return f"low={self.low}, high={self.high}"


def _in_units(ends: Tensor) -> Tensor:
    """Round to the nearest unit, halves up; ends that differ by a unit stay different."""
    return (ends * VALUE_UNIT + 0.5).floor().long()
