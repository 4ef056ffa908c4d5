"""The recipes of a batch: what its draws' transforms compile to, and what the kernel executes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from gpuaug.recipe.layout import WORD

NOISE_KEYS = "noise_keys"  # the parameter of a batched noise that frames of a clip may have of their own


class Group(NamedTuple):
    """The draws of a pass that one batched transform serves in the same way, and their parameters.

    Attributes:
        place: of the transform in the chain.
        variant: what must be the same for all draws of a group, such as the size of a filter.
        rows: int64 ``(m,)``, the draws; None for all.
        parameters: by name, ``(m, ...)``.
        passes: recipes that the transform executes on the way, of draws of its own.
    """

    place: int
    variant: int
    rows: Tensor | None
    parameters: dict[str, Tensor]
    passes: tuple[Recipes, ...] = ()

    def each(self, change: Callable[[Tensor], Tensor]) -> Group:
        rows = None if self.rows is None else change(self.rows)
        parameters = {name: change(value) for name, value in self.parameters.items()}
        passes = tuple(recipes.each(change) for recipes in self.passes)
        return self._replace(rows=rows, parameters=parameters, passes=passes)

    @property
    def tensors(self) -> list[Tensor]:
        own = [*([] if self.rows is None else [self.rows]), *self.parameters.values()]
        return [*own, *(tensor for recipes in self.passes for tensor in recipes.tensors)]

    def column(self, name: str, like: Tensor) -> Tensor:
        """A parameter ``(m,)`` or ``(m, c)`` as ``(m, c or 1, 1, 1)`` of the images' type."""
        value = self.parameters[name].to(like.dtype)
        return value.reshape(len(value), -1, 1, 1)


class Reading(NamedTuple):
    """How a pass reads images that are not levels yet: each draw through a window of values.

    Attributes:
        windows: int64 ``(n, 3)``: the first value of each draw's image in the storage, and the window's low
            and high end, in 1/VALUE_UNIT. The record's own offset is the image's in what is made of it.
        values: how many levels are made: those of all draws' images.
    """

    windows: Tensor
    values: int


class Recipes(NamedTuple):
    """One pass over a batch: a record for each draw, and what all draws have in common.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> recipes = RecipeBuilder.of_batch((2, 3, 8, 8)).recipes(size=(8, 8))
    >>> recipes.records.shape, recipes.size, recipes.stages
    (torch.Size([2, 52]), (8, 8), 0)

    Attributes:
        records: int64 ``(n, len(FIELDS))``, the fields of ``FIELDS``.
        size: (height, width) of every output image, in pixels.
        stages: the union of the draws' stages, so that a stage that no draw uses costs nothing.
        groups: what batched transforms do after the kernel, in turn; the kernel does not look at them.
        rows: int64 ``(m,)``, the draws that the pass changes, where the others may stay where they are, in
            the result of the pass before; None: all are made anew, as they are while a graph is captured.
        reading: of the first pass, how its images become levels; None: they are levels.
    """

    records: Tensor
    size: tuple[int, int]
    stages: int
    groups: tuple[Group, ...] = ()
    rows: Tensor | None = None
    reading: Reading | None = None

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Recipes:
        return self.each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def each(self, change: Callable[[Tensor], Tensor]) -> Recipes:
        """The same recipes, each of ``tensors`` changed, in their order."""
        reading = self.reading
        return self._replace(
            records=change(self.records),
            reading=None if reading is None else reading._replace(windows=change(reading.windows)),
            rows=None if self.rows is None else change(self.rows),
            groups=tuple(group.each(change) for group in self.groups),
        )

    @property
    def tensors(self) -> list[Tensor]:
        rows = [] if self.rows is None else [self.rows]
        windows = [] if self.reading is None else [self.reading.windows]
        return [self.records, *windows, *rows, *(tensor for group in self.groups for tensor in group.tensors)]

    def field(self, name: str) -> Tensor:
        """One field of every draw, int64 ``(n,)``."""
        return self.records[:, WORD[name]]


def check_readable(values: int, records: Tensor, channels: int) -> None:
    """Raise where a record on the host reads outside a storage of that many values.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> check_readable(192, RecipeBuilder.of_batch((1, 3, 8, 8)).recipes((8, 8)).records, channels=3)
    """
    if records.device.type != "cpu":
        return  # looking would wait for the device; the taps are clamped
    offset, height, width = (records[:, WORD[name]] for name in ("offset", "height", "width"))
    bad = (height < 1) | (width < 1) | (offset < 0)
    # By division: a product of what a record may hold would wrap.
    bad |= width > (values - offset) // height.clamp(min=1) // channels
    if bool(bad.any()):
        n = int(bad.nonzero()[0, 0])
        raise RuntimeError(
            f"recipes: draw {n} reads outside the images: offset {int(offset[n])}, "
            f"size {int(height[n])} x {int(width[n])} in {values} values"
        )
