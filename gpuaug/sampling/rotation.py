"""The rotation: where an epoch continues in each class, so that its samples are drawn equally often.

An epoch with d draws of a class of n samples draws each sample d // n times, and d % n samples once more. In
other words, it draws a part of the class once more, or leaves the other part out once. The smaller of the two
parts rotates: in each epoch it continues through a keyed order of the samples where the last epoch stopped.
So no sample is in it twice before all samples were, within an epoch and across epochs. A round ends when all
were; the next round has another order.

If a round ends within an epoch, the epoch takes the rest of the old order (its tail) and the beginning of the
new order (its head). The two must have no sample in common: the new order is random on the condition that its
head has no sample of that tail. ``renewal`` computes it.
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
    """One time through the samples of a class, slot by slot, in a random order."""

    number: int  # the number of the keyed order
    # The next three describe the epoch in which this round began, if an earlier round ended in it; else 0.
    tail: int = 0  # slots that the epoch took from the round before
    head: int = 0  # slots that the epoch took from this round
    width: int = 0  # tail + head; the last ``width`` slots of this round are those of its keyed order
    before: Round | None = None
    flipped: bool = False  # slots count from the end of the keyed order

    def is_plain(self, slots: int) -> bool:
        """Whether the last ``slots`` slots are those of the keyed order."""
        return not self.tail or (not self.flipped and slots <= self.width)


@dataclass(frozen=True)
class Stand:
    """The position of a class in its rotation at the start of an epoch."""

    round: Round
    offset: int  # slots of the round that earlier epochs have used
    leaving: bool = (
        False  # True: an epoch leaves the samples of its slots out once; False: draws them once more
    )


_START = Stand(Round(0), 0)


def stand_at(size: int, draws: int, epoch: int) -> Stand:
    """The position at the start of ``epoch``, where every epoch makes ``draws`` draws of ``size`` samples."""
    width, leaving = _width(size, draws)
    if not width or not epoch:
        return _START
    number, offset = divmod(epoch * width, size)
    tail = number * size % width
    if not tail:
        return Stand(Round(number), offset, leaving)
    return Stand(Round(number, tail, width - tail, width, Round(number - 1)), offset, leaving)


def facing(stand: Stand, size: int, draws: int) -> tuple[Stand, int]:
    """The same position, as an epoch with ``draws`` draws sees it, and the number of slots that it uses."""
    width, leaving = _width(size, draws)
    if not width or leaving == stand.leaving:
        return stand, width
    if not stand.offset:
        return replace(stand, leaving=leaving), width
    # The samples that were not yet left out are those that were drawn once more, and the other way round.
    flipped = replace(stand.round, flipped=not stand.round.flipped)
    return Stand(flipped, size - stand.offset, leaving), width


def after(stand: Stand, size: int, draws: int) -> Stand:
    """The position one epoch later."""
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
    """The slot of the keyed order at which the epoch's draws begin; after the last slot comes the first."""
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
    """The plan of an epoch, and the position of every class in its rotation at the start."""

    epoch: int
    plan: Plan
    stands: tuple[Stand, ...]
    digest: bytes  # a digest of all plans up to this one and of the epochs at which they began

    @property
    def total(self) -> int:
        return self.plan.total


class Rotation:
    """The states of all epochs: a pure function of (classes, counts, target).

    >>> state = Rotation(("cat", "dog"), (6, 4), "minority").at(2)
    >>> state.plan.draws, [stand.offset for stand in state.stands], [stand.leaving for stand in state.stands]
    ((4, 4), [4, 0], [True, False])

    With one target, the cost of a state does not depend on the epoch. With a schedule, a state follows from
    those of all earlier epochs: the next epoch is one step, and any other epoch takes as many steps as its
    number.

    Args:
        classes: the classes.
        counts: the number of samples of each class.
        target: one target for all epochs, or a schedule.

    Raises:
        TypeError: see ``make_plan``. For a schedule, errors come when the epoch is reached.
        ValueError: see ``make_plan``.
    """

    def __init__(
        self, classes: tuple[Class, ...], counts: tuple[int, ...], target: Target | Schedule
    ) -> None:
        self._classes, self._counts = classes, counts
        self._schedule = target if isinstance(target, Schedule) else None
        self._planned: tuple[Any, Plan] | None = None  # the identity of the last target, and its plan
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
    """The identity of a target. It tells 1 from 1.0, and a mapping from the same one after a change."""
    if isinstance(target, Mapping):
        return [(type(part), part) for pair in target.items() for part in pair]
    return type(target), target


def _later(first: EpochState, epoch: int) -> EpochState:
    """The state of ``epoch`` where all epochs have the plan of the first; equal to ``epoch`` single steps."""
    plan = first.plan
    stands = (stand_at(size, draws, epoch) for size, draws in zip(plan.samples, plan.draws, strict=True))
    return EpochState(epoch, plan, tuple(stands), first.digest)


def _digest(before: bytes, epoch: int, plan: Plan) -> bytes:
    return blake2b(
        before + repr((epoch, plan.classes, plan.samples, plan.draws)).encode(), digest_size=8
    ).digest()
