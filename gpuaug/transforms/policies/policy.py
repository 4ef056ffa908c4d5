"""The common part of policies: ops chosen for each draw, in as few passes as their order allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.builder import Extent, RecipeBuilder
from gpuaug.recipe.layout import MEASURED_CURVES, Stage
from gpuaug.recipe.recording import Recording
from gpuaug.recipe.selection import Selection, both
from gpuaug.tracing import keep, traced
from gpuaug.transforms.base import Transform
from gpuaug.transforms.compose import Container
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.passes import Geometry, PassCursor
from gpuaug.transforms.policies.ops import COLUMNS, BatchedOp
from gpuaug.transforms.policies.order import STAGES, Kind, passes_of
from gpuaug.transforms.policies.space import Space
from gpuaug.transforms.step import Step

CHANNELS = (1, 3, 4)
INTERPOLATION = "bilinear"  # of the ops that move pixels

# By kind: the number of the stage that runs an op, and the number for no stage.
NO_STAGE = -1
STAGE_OF = torch.tensor([int(STAGES.get(kind, NO_STAGE)) for kind in Kind], device="cpu")
# As numbers, which Dynamo can compare with tensors.
KERNEL_STAGES = (int(Stage.GEOMETRY), int(Stage.BLUR), int(Stage.COLOR), int(Stage.CURVES))
BATCHED_STAGE = int(Stage.BATCHED)
FACTOR = COLUMNS["factor"].start
MEASURED = torch.tensor(MEASURED_CURVES, device="cpu")
MOST_KEPT = 64  # image sizes whose recordings a policy keeps


class Policy(Container):
    """Base of policies: each draw gets a row of ``space`` in each of its ``slots``, one after another.

    A subclass chooses the rows. An op joins the draw's open pass where the result keeps their order
    (``order.py``), so a batch takes at most as many passes as there are slots.
    """

    stage = Stage.GEOMETRY  # of its first ops
    geometry = Geometry.AFFINE

    def __init__(self, space: Space, slots: int, numbers: int, *, seed: int | None = None) -> None:
        super().__init__(space.listed(), seed=seed)
        self.graded = False
        self.random_count = numbers
        self._space, self._slots = space, slots

    def choose(self, numbers: Tensor) -> Tensor:
        """Choose the rows ``(n, slots)`` of the draws from their numbers, float64 ``(n, random_count)``."""
        raise NotImplementedError(f"{type(self).__name__} must define choose")

    def assign_passes(self, cursor: PassCursor, places: Iterator[int]) -> tuple[Step, PassCursor]:
        self.check_not_last(cursor)
        place = next(places)
        if cursor.stage != Stage.GEOMETRY:
            cursor = PassCursor(cursor.pass_index + 1)
        first = cursor.pass_index
        warped = not cursor.admits(Stage.GEOMETRY, Geometry.AFFINE, INTERPOLATION)
        last = first + self._slots - 1 + warped
        # A draw's last op opens the last pass, and a batched op opens none.
        last_batched = max(first, last - 1)
        ops = tuple(
            Step(op, next(places), first, last_pass=last_batched if op.stage == Stage.BATCHED else last)
            for op in self.transforms
        )
        batched = last == first and any(op.stage == Stage.BATCHED for op in self.transforms)
        stage = Stage.BATCHED if batched else Stage.CURVES
        return Step(self, place, first, ops), PassCursor(
            *(last, stage, Geometry.AFFINE, 1), frozenset({INTERPOLATION}), began=True
        )

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        served = both(chosen, augmented)
        last = max(child.last_pass for child in step.children)
        if served is False or not step.pass_index <= batch.pass_index <= last:
            return
        check_channels(self, batch.builder)
        if step.place not in batch.kept:
            rows = self.choose(batch.uniform(step.place))
            if not isinstance(served, bool):
                rows = torch.where(served[:, None], rows, self._space.nothing)
            warped = last - step.pass_index >= self._slots
            batch.kept[step.place] = DrawnOps(self._space, rows, warped, self._kept)
        drawn: DrawnOps = batch.kept[step.place]
        drawn.write(batch, step, batch.pass_index - step.pass_index)


def check_channels(transform: Transform, builder: RecipeBuilder) -> None:
    """Raise unless images have 1, 3 or 4 channels."""
    if builder.channels not in CHANNELS:
        raise ValueError(
            f"{type(transform).__name__}: images must have 1, 3 or 4 channels, got {builder.channels}"
        )


class DrawnOps:
    """The ops of a batch: rows ``(n, slots)`` of a space, and the pass of each.

    A batch is small and a tensor operation costs microseconds. So, if all images have one size, the values
    that each row of the space writes are recorded once, and a batch gathers its rows.
    """

    def __init__(self, space: Space, rows: Tensor, warped: bool, kept: dict[Any, Any]) -> None:
        self._space, self._rows, self._kept = space, rows, kept
        self._kinds = space.kinds[rows]
        self._passes = passes_of(self._kinds, warped)
        self._warped = warped

    def write(self, batch: DrawBatch, step: Step, number: int) -> None:
        """Write the ops of one pass; ``number`` counts passes from the policy's first."""
        here = self._passes == number
        builder, first = batch.builder, max(0, number - self._warped)
        extent = builder.extent
        if isinstance(extent, Tensor) or traced():
            for slot in range(first, here.shape[1]):
                write_rows(builder, self._space, self._rows[:, slot], here[:, slot])
        else:
            recording = self._recording(builder, extent)
            rows = recording.table[self._rows[:, first:]]
            builder.repeat(recording, rows.mul_(here[:, first:, None]))  # 0 where not chosen
        if self._space.is_batched:
            self._serve(batch, step, here & (STAGE_OF[self._kinds] == BATCHED_STAGE))

    def _recording(self, builder: RecipeBuilder, extent: tuple[int, int]) -> Recording:
        """The recording of every row of the space, on images of this extent."""

        def record() -> Recording:
            rows = torch.arange(len(self._space.table), device="cpu")
            each = RecipeBuilder(len(rows), builder.channels, extent, 0, 0)
            write_rows(each, self._space, rows, torch.ones_like(rows, dtype=torch.bool))
            return each.record()

        if len(self._kept) > MOST_KEPT:
            self._kept.clear()
        return keep(self._kept, (builder.channels, extent), record)

    def _serve(self, batch: DrawBatch, step: Step, chosen: Tensor) -> None:
        """Pass the chosen ops, ``(n, slots)``, to the batched ops, for each draw in the order of its
        slots.
        """
        if traced():  # a trace cannot select rows
            for slot in range(chosen.shape[1]):
                for op, child in enumerate(step.children):
                    if isinstance(child.transform, BatchedOp):
                        mask = chosen[:, slot] & (self._space.ops[self._rows[:, slot]] == op)
                        factor = self._space.table[self._rows[:, slot], FACTOR].float()
                        child.transform.serve_masked(batch, child.place, mask, factor)
            return
        draws, slots = chosen.nonzero().unbind(1)
        if len(draws) == 0:
            return
        children = len(step.children)
        keys, order = (slots * children + self._space.ops[self._rows[draws, slots]]).sort(stable=True)
        draws, slots = draws[order], slots[order]
        factors = self._space.table[self._rows[draws, slots], FACTOR].float()
        keys, counts = keys.unique_consecutive(return_counts=True)
        sizes = counts.tolist()
        for key, rows, factor in zip(keys.tolist(), draws.split(sizes), factors.split(sizes), strict=True):
            child = step.children[key % children]
            if isinstance(child.transform, BatchedOp):
                child.transform.serve(batch, child.place, rows, factor)


def write_rows(builder: RecipeBuilder, space: Space, rows: Tensor, chosen: Tensor) -> None:
    """Write one op for each draw: int64 rows ``(n,)`` of a space, for the ``chosen`` draws, ``(n,)``."""
    row, stages, extent = space.table[rows], STAGE_OF[space.kinds[rows]], builder.extent
    moves, sharpens, mixes, curves = (chosen & (stages == stage) for stage in KERNEL_STAGES)
    builder.border("zero", moves)
    builder.affine(row[:, COLUMNS["inverse"]], (0, 0), moves)
    builder.crop(corners(row, extent), extent, moves)
    builder.sharpen(row[:, FACTOR], sharpens)
    brightness, saturation, curve = row[:, COLUMNS["mixed"]].unbind(1)
    builder.adjust(brightness, 1.0, saturation, True, selection=mixes)
    builder.curve_words(curve, curves, curves & torch.isin(curve.long() & 0xFF, MEASURED))


def corners(row: Tensor, extent: Extent) -> Tensor:
    """The corner of the window that becomes the image, float64 ``(..., 2)``, for rows ``(n, ...,
    columns)``.
    """
    size = torch.as_tensor(extent, dtype=torch.float64, device="cpu")
    if size.dim() == 2:
        size = size.view(-1, *(1,) * (row.dim() - 2), 2)
    offset = row[..., COLUMNS["by_width"]] * size[..., :1] + row[..., COLUMNS["by_height"]] * size[..., 1:]
    return offset - _whole_move(row, size)


def _whole_move(row: Tensor, size: Tensor) -> Tensor:
    """The shift in whole pixels to the right and down; a share is counted as by ``torch.linspace``, in
    float32.
    """
    share, pixels = row[..., COLUMNS["share"]], row[..., COLUMNS["pixels"]]
    step, steps = row[..., COLUMNS["step"]].float().split(1, -1)
    end = (share * size).float()
    each = end / steps
    moved = torch.where(2 * step < steps, each * step, end - each * (steps - step))
    return moved.trunc() + pixels
