"""The recipes of a batch. Transforms compile to recipes, and the kernel executes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from gpuaug.recipe.layout import WORD

NOISE_KEYS = "noise_keys"  # the parameter of a batched noise that may differ between the frames of a clip


class Group(NamedTuple):
    """The draws of a pass that a batched transform changes together, and their parameters.

    Attributes:
        place: the place of the transform in the chain.
        variant: a number that all draws of a group share, such as the size of a filter.
        rows: int64 ``(m,)``, the draws; None means all.
        parameters: tensors ``(m, ...)`` by name.
        passes: recipes that the transform itself executes, for draws of its own.
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
        """A parameter ``(m,)`` or ``(m, c)`` as ``(m, c or 1, 1, 1)``, in the dtype of ``like``."""
        value = self.parameters[name].to(like.dtype)
        return value.reshape(len(value), -1, 1, 1)


class Reading(NamedTuple):
    """The windows of values through which the draws of a pass read images that are not levels yet.

    Attributes:
        windows: int64 ``(n, 3)``: the first value of each draw's image in the storage, and the low and high
            end of the window, in 1/VALUE_UNIT. The offset in the recipe is that of the image's levels.
        values: the number of levels of all draws' images.
    """

    windows: Tensor
    values: int


class Recipes(NamedTuple):
    """The recipes of one pass over a batch.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> recipes = RecipeBuilder.of_batch((2, 3, 8, 8)).recipes(size=(8, 8))
    >>> recipes.records.shape, recipes.size, recipes.stages
    (torch.Size([2, 52]), (8, 8), 0)

    Attributes:
        records: int64 ``(n, len(FIELDS))``: the recipe of each draw, with the words of ``FIELDS``.
        size: (height, width) of every output image, in pixels.
        stages: the union of the stages of all draws. A stage that no draw uses costs nothing.
        groups: the work of batched transforms after the kernel, in order; the kernel ignores it.
        rows: int64 ``(m,)``, the draws that the pass changes; the others may stay as they are in the result
            of the pass before. None computes all draws, as during the capture of a graph.
        reading: for the first pass, how its images become levels; None if they are levels.
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
        """Applies a function to each of ``tensors``, in their order."""
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
        """One word of every recipe, int64 ``(n,)``."""
        return self.records[:, WORD[name]]


def check_readable(values: int, records: Tensor, channels: int) -> None:
    """Raises if a recipe on the host reads outside a storage of ``values`` values.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> check_readable(192, RecipeBuilder.of_batch((1, 3, 8, 8)).recipes((8, 8)).records, channels=3)
    """
    if records.device.type != "cpu":
        return  # reading the values would wait for the device; the kernel clamps the taps
    offset, height, width = (records[:, WORD[name]] for name in ("offset", "height", "width"))
    bad = (height < 1) | (width < 1) | (offset < 0)
    # By division, as a product of arbitrary words could overflow.
    bad |= width > (values - offset) // height.clamp(min=1) // channels
    if bool(bad.any()):
        n = int(bad.nonzero()[0, 0])
        raise RuntimeError(
            f"recipes: draw {n} reads outside the images: offset {int(offset[n])}, "
            f"size {int(height[n])} x {int(width[n])} in {values} values"
        )
