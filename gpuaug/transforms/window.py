"""From the values of an image to levels: what radiologists call a window."""

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
    """Values from ``low`` to ``high`` become levels from black to white: for images of 16 bits.

    >>> import gpuaug
    >>> scan = torch.tensor([[[[-1000, -160, 40, 240, 3000]]]], dtype=torch.int16)
    >>> gpuaug.Window(low=-160, high=240)(scan)
    tensor([[[[  0,   0, 128, 255, 255]]]], dtype=torch.uint8)
    >>> chain = [gpuaug.Window((-200, -120), (200, 280)), gpuaug.RandomResizedCrop(32), gpuaug.GaussNoise()]
    >>> gpuaug.Compose(chain)(torch.zeros(2, 1, 64, 64, dtype=torch.int16)).shape
    torch.Size([2, 1, 32, 32])

    ``255 * (value - low) / (high - low)`` to the nearest level, halves up, the same on every backend; what is
    below the window is black, what is above it white. All channels alike, alpha too. It comes first in a
    chain and applies to all draws, originals and evaluation too: those that are not augmented are read
    through the middle of the ranges. One launch more, that reads what the first pass needs of each image.

    Images are uint16, int16 or uint8, in the units of their values; in floats, ends are levels: that / 255.
    Images of different sizes (``gpuaug.pack``), clips and up to 64 channels are read alike. A center and a
    width, in DICOM's words, are ``low = center - width / 2`` and ``high = center + width / 2`` (its
    LINEAR_EXACT; its LINEAR has ``center - 0.5`` and ``width - 1``). A file's rescale slope and intercept
    are the data set's to apply.

    Without ``Window``, images of 16 bits stay so where a chain has only geometry, erasing and ``Normalize``:
    resampled in float64 and rounded once, halves to even. ``Normalize`` then counts them as torchvision's
    ``ToDtype(scale=True)`` does, ``value / 65535`` of uint16 and ``value / 32767`` of int16, and the levels
    of ``fill`` and ``value`` are shares of that, so that 255 is the largest value and 0 is 0.

    Args:
        low, high: the window's ends, each a number or (least, most) in [-65536, 131072], kept in steps of
            1/16; every high lies above every low, by 1/16 at least.

    Raises:
        ValueError: ends out of range or order; a ``Window`` that is not first.
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
    """To the nearest, halves up: what is a step apart stays so."""
    return (ends * VALUE_UNIT + 0.5).floor().long()
