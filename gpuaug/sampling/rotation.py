"""The rotation: where every class goes on at the start of an epoch, so that all its samples have their turn.

A class's samples stand in a keyed order. An epoch that draws d of n samples takes the d that follow those of
the epoch before, round and round: so none is drawn twice before all were drawn once, within an epoch and
across epochs. Where d is above n, all samples are drawn d // n times, and the d % n that are drawn once more
are those that follow. Whenever an epoch begins at the first slot again, the class gets a new order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from gpuaug.sampling.plan import Plan, make_plan
from gpuaug.sampling.schedules import Schedule
from gpuaug.sampling.table import Class
from gpuaug.sampling.targets import Target


@dataclass(frozen=True)
class Turn:
    """An epoch's plan, and where every class stands in its rotation when the epoch begins."""

    epoch: int
    plan: Plan
    offsets: Tensor  # int64 (classes,): the slot of the first draw
    rounds: Tensor  # int64 (classes,): which of its orders the class is in
    digest: bytes  # of the plans up to this one, and of the epochs when they began

    @property
    def total(self) -> int:
        return self.plan.total


class Rotation:
    """The turns of all epochs: a pure function of (classes, counts, target).

    >>> turn = Rotation(("cat", "dog"), (6, 4), "minority").at(2)
    >>> turn.plan.draws, turn.offsets.tolist(), turn.rounds.tolist()
    ((4, 4), [2, 0], [0, 2])

    With one target, a turn costs the same for any epoch. With a schedule it follows from those of all epochs
    before: the next epoch is one step, and another epoch as many as its number.

    Args:
        classes, counts: the classes and how many samples each has.
        target: for every epoch, or a schedule.

    Raises:
        TypeError, ValueError: see ``make_plan``; of a schedule's target when its epoch is reached.
    """

    def __init__(
        self, classes: tuple[Class, ...], counts: tuple[int, ...], target: Target | Schedule
    ) -> None:
        self._classes, self._counts = classes, counts
        self._schedule = target if isinstance(target, Schedule) else None
        self._planned: tuple[Any, Plan] | None = None  # what tells a target from others, and its plan
        self._steps: tuple[Plan, Tensor, Tensor] | None = None
        plan = make_plan(classes, counts, target) if self._schedule is None else self._plan_of(0)
        nothing = torch.zeros(len(classes), dtype=torch.int64, device="cpu")
        self._first = self._last = Turn(0, plan, nothing, nothing, _digest(b"", 0, plan))

    def at(self, epoch: int) -> Turn:
        """The turn of ``epoch``, at least 0."""
        if self._schedule is None:
            return _later(self._first, epoch)
        if self._last.epoch > epoch:
            self._last = self._first
        while self._last.epoch < epoch:
            self._last = self._next(self._last)
        return self._last

    def _next(self, turn: Turn) -> Turn:
        if self._steps is None or self._steps[0] is not turn.plan:
            self._steps = (
                turn.plan,
                torch.tensor(turn.plan.draws, device="cpu"),
                torch.tensor(turn.plan.samples, device="cpu"),
            )
        _, draws, samples = self._steps
        offsets = (turn.offsets + draws) % samples
        epoch = turn.epoch + 1
        plan = self._plan_of(epoch)
        digest = turn.digest if plan is turn.plan or plan == turn.plan else _digest(turn.digest, epoch, plan)
        return Turn(epoch, plan, offsets, turn.rounds + (offsets == 0), digest)

    def _plan_of(self, epoch: int) -> Plan:
        target = self._schedule.at(epoch)
        key = _key(target)
        if self._planned is None or self._planned[0] != key:
            try:
                self._planned = key, make_plan(self._classes, self._counts, target)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{error} (from the schedule, for epoch {epoch})") from error
        return self._planned[1]


def _key(target: Target) -> Any:
    """Different for targets that Python takes for equal: 1 and 1.0, a mapping before and after a change."""
    if isinstance(target, Mapping):
        return [(type(part), part) for pair in target.items() for part in pair]
    return type(target), target


def _later(first: Turn, epoch: int) -> Turn:
    """The turn of ``epoch`` where every epoch has the plan of the first; as many steps would give it too."""
    pairs = list(zip(first.plan.samples, first.plan.draws, strict=True))
    offsets = torch.tensor([epoch * draws % samples for samples, draws in pairs], device="cpu")
    rounds = torch.tensor(
        [epoch * math.gcd(samples, draws) // samples for samples, draws in pairs], device="cpu"
    )
    return Turn(epoch, first.plan, offsets, rounds, first.digest)


def _digest(before: bytes, epoch: int, plan: Plan) -> bytes:
    return blake2b(
        before + repr((epoch, plan.classes, plan.samples, plan.draws)).encode(), digest_size=8
    ).digest()
