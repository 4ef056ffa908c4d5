"""What policies have in common: ops chosen for each draw, in as few passes as their order allows."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from gpuaug.recipe.builder import Extent, RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.program import Operand
from gpuaug.recipe.selection import Selection, both, where
from gpuaug.transforms.base import Transform
from gpuaug.transforms.compose import Container
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.passes import Geometry, PassCursor
from gpuaug.transforms.policies.ops import COLUMNS, BatchedOp
from gpuaug.transforms.policies.order import Kind, passes_of
from gpuaug.transforms.policies.space import Space
from gpuaug.transforms.step import Step

CHANNELS = (1, 3, 4)


class Policy(Container):
    """Base of policies: each draw gets a row of ``space`` in each of its ``slots``, one after another.

    A subclass chooses the rows. An op joins the draw's open pass where the result stays that of their order
    (``order.py``), so that a batch takes at most as many passes as there are slots.
    """

    stage = Stage.GEOMETRY  # of its first ops
    geometry = Geometry.AFFINE

    def __init__(self, space: Space, slots: int, numbers: int, *, seed: int | None = None) -> None:
        super().__init__(space.listed(), seed=seed)
        self.graded = False
        self.random_count = numbers
        self._space, self._slots = space, slots

    def choose(self, numbers: Tensor) -> Tensor:
        """The rows ``(n, slots)`` of the draws, from their random numbers, float64 ``(n, random_count)``."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it chooses")

    def assign_passes(self, cursor: PassCursor, places: Iterator[int]) -> tuple[Step, PassCursor]:
        self.check_not_last(cursor)
        place = next(places)
        if cursor.stage != Stage.GEOMETRY:
            cursor = PassCursor(cursor.pass_index + 1)
        first = cursor.pass_index
        warped = not cursor.admits(Stage.GEOMETRY, Geometry.AFFINE)
        last = first + self._slots - 1 + warped
        # A draw reaches the last pass with its last op, which opens it: nothing batched does.
        last_batched = max(first, last - 1)
        ops = tuple(
            Step(op, next(places), first, last_pass=last_batched if op.stage == Stage.BATCHED else last)
            for op in self.transforms
        )
        stage = Stage.BATCHED if last == first else Stage.CURVES
        return Step(self, place, first, ops), PassCursor(last, stage, Geometry.AFFINE, 1)

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        served = both(chosen, augmented)
        last = max(child.last_pass for child in step.children)
        if served is False or not step.pass_index <= batch.pass_index <= last:
            return
        check_channels(self, batch.builder)
        if step.place not in batch.kept:
            rows = where(
                served,
                self.choose(batch.uniform(step.place)),
                torch.tensor([[self._space.nothing]], device="cpu"),
            )
            warped = last - step.pass_index >= self._slots
            batch.kept[step.place] = DrawnOps(self._space, rows, warped)
        drawn: DrawnOps = batch.kept[step.place]
        drawn.write(batch, step, batch.pass_index - step.pass_index)


def check_channels(transform: Transform, builder: RecipeBuilder) -> None:
    """Raise unless images are grey or have colors."""
    if builder.channels not in CHANNELS:
        raise ValueError(
            f"{type(transform).__name__}: images must have 1, 3 or 4 channels, got {builder.channels}"
        )


class DrawnOps:
    """The ops of the draws of a batch: rows ``(n, slots)`` of a space, and the pass of each."""

    def __init__(self, space: Space, rows: Tensor, warped: bool) -> None:
        kinds = space.kinds[rows]
        self._passes = passes_of(kinds, warped)
        self._parameters = space.table[rows]  # (n, slots, columns)
        self._ops = space.ops[rows]
        self._warped = warped
        self._geometry = (kinds >= Kind.WARP) & (kinds <= Kind.DOWN)
        self._colors = (kinds == Kind.FADE) | (kinds == Kind.GLARE)
        self._curves = (kinds == Kind.CURVE) | (kinds == Kind.LIFT)

    def write(self, batch: DrawBatch, step: Step, number: int) -> None:
        """Write what falls into the pass of that number, counted from the policy's first."""
        builder = batch.builder
        for slot in range(max(0, number - self._warped), self._passes.shape[1]):
            here = self._passes[:, slot] == number
            row = {name: self._parameters[:, slot, columns] for name, columns in COLUMNS.items()}
            moves = here & self._geometry[:, slot]
            extent = builder.extent
            builder.border("zero", moves)
            builder.affine(row["inverse"], (0, 0), moves)
            builder.crop(_corner(row, extent), extent, moves)
            brightness, saturation = row["colors"].unbind(1)
            builder.adjust(brightness, 1.0, saturation, True, selection=here & self._colors[:, slot])
            curve, parameter = row["curve"].long().unbind(1)
            builder.curve(curve, parameter, here & self._curves[:, slot])
            for op, child in enumerate(step.children):
                if isinstance(child.transform, BatchedOp):
                    chosen = here & (self._ops[:, slot] == op)
                    child.transform.serve(batch, child.place, chosen, row["factor"][:, 0])


def _corner(row: dict[str, Tensor], extent: Extent) -> Operand:
    """Where the window lies that becomes the image, ``(n, 2)``."""
    size = torch.as_tensor(extent, dtype=torch.float64, device="cpu").view(-1, 2)
    offset: Tensor = (row["offset"].unflatten(1, (2, 2)) * size[:, None]).sum(2)
    return offset - _whole_move(row, size)


def _whole_move(row: dict[str, Tensor], size: Tensor) -> Tensor:
    """Whole pixels to the right and down, float64 ``(n, 2)``: of a share as ``torch.linspace`` counts it."""
    share, pixels = row["moved"].split(2, 1)
    step, steps = row["step"].float().split(1, 1)
    end = (share * size).float()
    each = end / steps.clamp(min=1)
    moved = torch.where(step < (steps + 1).div(2).floor(), each * step, end - each * (steps - step))
    whole: Tensor = moved.trunc().double() + pixels
    return whole
