"""The rotation: where every class goes on at the start of an epoch, so that its samples come equally often.

Where an epoch makes d draws of a class's n samples, all are drawn d // n times, and d % n of them once more:
one draw more for a part of the class or, seen from the other side, one draw less for the rest. The smaller
part rotates: its samples follow, in a keyed order, those of the epoch before. So no sample is in it twice
before all were, within an epoch and across epochs. When all were, a round ends, and the next has another
order.

A round may end within an epoch, which then takes the rest of the old order, its tail, and the beginning of
the new one, its head. The two must not meet: the new order is a random one but for that its head has none
of that tail. ``renewal`` computes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from gpuaug.sampling.labels.table import Class
from gpuaug.sampling.plan import Plan, make_plan
from gpuaug.sampling.schedules import Schedule
from gpuaug.sampling.targets import Target


@dataclass(frozen=True)
class Round:
    """One time through the samples of a class, slot by slot, in an order of its own."""

    number: int  # which order
    # Of the epoch in which the round began, where one before ended in it; else 0.
    tail: int = 0  # slots of the round before
    head: int = 0  # slots of this round
    width: int = 0  # tail + head; as many slots at the end of this round are those of the keyed order
    before: Round | None = None
    flipped: bool = False  # the slots count from the end of the keyed order

    def is_plain(self, slots: int) -> bool:
        """Whether the last slots, so many, are those of the keyed order."""
        return not self.tail or (not self.flipped and slots <= self.width)


@dataclass(frozen=True)
class Stand:
    """Where a class stands when an epoch begins."""

    round: Round
    offset: int  # the slots of the round that earlier epochs have used
    leaving: bool = False  # an epoch leaves the samples of its slots out once; else it draws them once more


_START = Stand(Round(0), 0)


def stand_at(size: int, draws: int, epoch: int) -> Stand:
    """Where a class of ``size`` samples stands, of which every epoch makes so many draws."""
    width, leaving = _width(size, draws)
    if not width or not epoch:
        return _START
    number, offset = divmod(epoch * width, size)
    tail = number * size % width
    if not tail:
        return Stand(Round(number), offset, leaving)
    return Stand(Round(number, tail, width - tail, width, Round(number - 1)), offset, leaving)


def facing(stand: Stand, size: int, draws: int) -> tuple[Stand, int]:
    """The same stand as an epoch of so many draws sees it, and how many slots that epoch uses."""
    width, leaving = _width(size, draws)
    if not width or leaving == stand.leaving:
        return stand, width
    if not stand.offset:
        return replace(stand, leaving=leaving), width
    # Those that were not yet left out are those that were drawn once more, and the other way about.
    flipped = replace(stand.round, flipped=not stand.round.flipped)
    return Stand(flipped, size - stand.offset, leaving), width


def after(stand: Stand, size: int, draws: int) -> Stand:
    """Where the class stands one epoch later."""
    stand, width = facing(stand, size, draws)
    offset = stand.offset + width
    if offset < size:
        return replace(stand, offset=offset)
    tail, head, number = size - stand.offset, offset - size, stand.round.number + 1
    if not head:
        return Stand(Round(number), 0, stand.leaving)
    before = stand.round
    if before.is_plain(tail):
        before = Round(before.number, flipped=before.flipped)
    return Stand(Round(number, tail, head, width, before), head, stand.leaving)


def first_slot(stand: Stand, size: int, draws: int) -> int:
    """The slot of the keyed order at which the epoch's draws begin; they go round from there."""
    stand, width = facing(stand, size, draws)
    begin = stand.offset
    if stand.leaving and width:
        begin = (begin + width) % size if begin + width <= size else 0
    return (size - begin - draws) % size if stand.round.flipped else begin


def _width(size: int, draws: int) -> tuple[int, bool]:
    more = draws % size
    return (size - more, True) if 2 * more > size else (more, False)


@dataclass(frozen=True)
class EpochState:
    """An epoch's plan, and where every class stands in its rotation when the epoch begins."""

    epoch: int
    plan: Plan
    stands: tuple[Stand, ...]
    digest: bytes  # of the plans up to this one, and of the epochs when they began

    @property
    def total(self) -> int:
        return self.plan.total


class Rotation:
    """The states of all epochs: a pure function of (classes, counts, target).

    >>> state = Rotation(("cat", "dog"), (6, 4), "minority").at(2)
    >>> state.plan.draws, [stand.offset for stand in state.stands], [stand.leaving for stand in state.stands]
    ((4, 4), [4, 0], [True, False])

    With one target, a state costs the same for any epoch. With a schedule it follows from those of all epochs
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
        plan = (
            self._plan_of(target, 0) if isinstance(target, Schedule) else make_plan(classes, counts, target)
        )
        self._first = self._last = EpochState(0, plan, (_START,) * len(classes), _digest(b"", 0, plan))

    def at(self, epoch: int) -> EpochState:
        """The state at the start of ``epoch``, at least 0."""
        if self._schedule is None:
            return _later(self._first, epoch)
        if self._last.epoch > epoch:
            self._last = self._first
        while self._last.epoch < epoch:
            self._last = self._next(self._schedule, self._last)
        return self._last

    def _next(self, schedule: Schedule, state: EpochState) -> EpochState:
        stands = tuple(
            stand if draws % size == 0 else after(stand, size, draws)
            for stand, size, draws in zip(state.stands, state.plan.samples, state.plan.draws, strict=True)
        )
        epoch = state.epoch + 1
        plan = self._plan_of(schedule, epoch)
        digest = (
            state.digest if plan is state.plan or plan == state.plan else _digest(state.digest, epoch, plan)
        )
        return EpochState(epoch, plan, stands, digest)

    def _plan_of(self, schedule: Schedule, epoch: int) -> Plan:
        target = schedule.at(epoch)
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


def _later(first: EpochState, epoch: int) -> EpochState:
    """The state of ``epoch`` where every epoch has the plan of the first; as many steps would give it too."""
    plan = first.plan
    stands = (stand_at(size, draws, epoch) for size, draws in zip(plan.samples, plan.draws, strict=True))
    return EpochState(epoch, plan, tuple(stands), first.digest)


def _digest(before: bytes, epoch: int, plan: Plan) -> bytes:
    return blake2b(
        before + repr((epoch, plan.classes, plan.samples, plan.draws)).encode(), digest_size=8
    ).digest()
