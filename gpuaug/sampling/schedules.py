"""Schedules: a target for each epoch, as a pure function of the epoch's number."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from gpuaug.sampling.labels.table import Class
from gpuaug.sampling.targets import Counts, Target, draws_of

_SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda part: part,
    "cosine": lambda part: (1 - math.cos(math.pi * part)) / 2,
}


@dataclass(frozen=True)
class Schedule:
    """A target for each epoch; give it to :class:`BalancedSampler` as ``target``.

    >>> schedule = Schedule(lambda epoch: "natural" if epoch % 2 else "majority")
    >>> schedule.at(0), schedule.at(1)
    ('majority', 'natural')

    Args:
        at: a function from an epoch, 0, 1, 2, ..., to its target. It must return the same target at every
            call: the order of an epoch depends on the plans of earlier epochs, and a resumed run calls it
            again.

    Raises:
        TypeError: ``at`` is not callable.
    """

    at: Callable[[int], Target]

    def __post_init__(self) -> None:
        if not callable(self.at):
            raise TypeError(f"at must be a function from epoch to target, got {type(self.at).__name__}")


def deferred(epochs: int, target: Target = "majority", start: Target = "natural") -> Schedule:
    """Deferred balancing: ``start`` for the first ``epochs`` epochs, then ``target``.

    >>> schedule = deferred(160)
    >>> schedule.at(159), schedule.at(160)
    ('natural', 'majority')

    Source: Cao et al., "Learning imbalanced datasets with label-distribution-aware margin loss", NeurIPS
    2019 (deferred re-sampling; the paper defers by 160 of 200 epochs).

    Args:
        epochs: the number of epochs with ``start``, at least 0.
        target: the target after them; see :class:`BalancedSampler`.
        start: the target of the first epochs; see :class:`BalancedSampler`.

    Returns:
        a :class:`Schedule`.

    Raises:
        TypeError: ``epochs`` is not an int.
        ValueError: ``epochs`` is below 0.
    """
    return Schedule(_Deferred(_epochs(epochs, 0), target, start))


def progressive(
    epochs: int, target: Target = "majority", start: Target = "natural", shape: str = "linear"
) -> Schedule:
    """Progressive balancing: from ``start`` in epoch 0 to ``target`` in epoch ``epochs`` and later.

    >>> schedule = progressive(4)
    >>> [draws_of(schedule.at(epoch), {"cat": 100, "dog": 20})["dog"] for epoch in range(6)]
    [20, 40, 60, 80, 100, 100]

    The draws of a class are (1 - s) times those of ``start`` plus s times those of ``target``, rounded to the
    nearest integer. For "linear", s = epoch / epochs; for "cosine", s = (1 - cos(pi * epoch / epochs)) / 2,
    which changes slowly at both ends. Source of the linear schedule: Kang et al., "Decoupling representation
    and classifier for long-tailed recognition", ICLR 2020 (progressively-balanced sampling).

    Args:
        epochs: the epoch at which ``target`` is reached, at least 1.
        target: the last target; see :class:`BalancedSampler`.
        start: the target of epoch 0; see :class:`BalancedSampler`.
        shape: "linear" or "cosine".

    Returns:
        a :class:`Schedule`.

    Raises:
        TypeError: ``epochs`` is not an int.
        ValueError: ``epochs`` is below 1, or ``shape`` is unknown.
    """
    if shape not in _SHAPES:
        raise ValueError(f"shape must be one of {', '.join(map(repr, _SHAPES))}, got {shape!r}")
    return Schedule(_Progressive(_epochs(epochs, 1), target, start, shape))


@dataclass(frozen=True)
class _Deferred:
    epochs: int
    target: Target
    start: Target

    def __call__(self, epoch: int) -> Target:
        return self.start if epoch < self.epochs else self.target


@dataclass(frozen=True)
class _Progressive:
    epochs: int
    target: Target
    start: Target
    shape: str

    def __call__(self, epoch: int) -> Target:
        return _Mixture(self.start, self.target, _SHAPES[self.shape](min(1.0, epoch / self.epochs)))


@dataclass(frozen=True)
class _Mixture:
    start: Target
    target: Target
    share: float

    def __call__(self, counts: Counts) -> dict[Class, int]:
        start, target = draws_of(self.start, counts), draws_of(self.target, counts)
        return {name: start[name] + round(self.share * (target[name] - start[name])) for name in counts}


def _epochs(value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"epochs must be an int, got {type(value).__name__}")
    if value < least:
        raise ValueError(f"epochs must be at least {least}, got {value}")
    return value
