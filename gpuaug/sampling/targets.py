"""Targets: they turn the counts of the classes into their draws in an epoch."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from gpuaug.sampling.labels.table import Class

Counts = Mapping[Class, int]
Target = str | int | float | Counts | Callable[[dict[Class, int]], "str | int | float | Counts"]

_NAMED: dict[str, Callable[[Counts], int]] = {
    "majority": lambda counts: max(counts.values()),
    "minority": lambda counts: min(counts.values()),
    "mean": lambda counts: round(statistics.mean(counts.values())),
    "median": lambda counts: round(statistics.median(counts.values())),
}
_ALLOWED = (
    f"one of 'natural', {', '.join(map(repr, _NAMED))}, a positive int, a float in (0, 1], "
    "a mapping from class to positive int, or a function of the counts"
)


def draws_of(target: Target, counts: Counts) -> dict[Class, int]:
    """The number of draws of each class in an epoch.

    >>> draws_of("mean", {"cat": 1, "dog": 5})
    {'cat': 3, 'dog': 3}
    >>> draws_of(0.5, {"cat": 100, "dog": 60, "eel": 2})
    {'cat': 100, 'dog': 60, 'eel': 50}

    Args:
        target: see ``BalancedSampler``; no schedule.
        counts: the number of samples of each class.

    Raises:
        TypeError: ``target``, or a value of the mapping, is of another type.
        ValueError: a name is unknown, a number is out of its range, or a class has no sample.
    """
    if callable(target):
        asked = target(dict(counts))
        if callable(asked):
            raise TypeError(f"target must not return another function, got {asked!r}")
        target = asked
    if isinstance(target, str):
        if target == "natural":
            return dict(counts)
        if target not in _NAMED:
            raise ValueError(f"target must be {_ALLOWED}, got {target!r}")
        return dict.fromkeys(counts, _NAMED[target](counts))
    if isinstance(target, Mapping):
        asked = {check_class("target", name, counts): number for name, number in target.items()}
        return {
            name: _number(f"target[{name!r}]", asked[name]) if name in asked else natural
            for name, natural in counts.items()
        }
    if isinstance(target, (float, np.floating)):
        if not 0 < target <= 1:
            raise ValueError(
                "target must be in (0, 1] as a float (the least ratio to the largest class; an int is a "
                f"number of draws), got {target}"
            )
        least = round(float(target) * max(counts.values()))
        return {name: max(natural, least) for name, natural in counts.items()}
    return dict.fromkeys(counts, _number("target", target))


def power(alpha: float) -> Power:
    """Target with draws in proportion to ``count ** alpha``: 1 is natural, 0.5 the square root, 0 balanced.

    >>> draws_of(power(0.5), {"cat": 100, "dog": 4})
    {'cat': 100, 'dog': 20}

    The largest class keeps its own count, so that 0 equals "majority". Draws are rounded to the nearest
    integer, at least 1. Sources: Kang et al., "Decoupling representation and classifier for long-tailed
    recognition", ICLR 2020 (the family); Mahajan et al., "Exploring the limits of weakly supervised
    pretraining", ECCV 2018 (the square root).

    Args:
        alpha: the exponent, finite and at least 0.

    Returns:
        a function from counts to draws, for ``target`` of :class:`BalancedSampler`.

    Raises:
        TypeError: ``alpha`` is not a number.
        ValueError: ``alpha`` is out of its range.
    """
    return Power(_in_range("alpha", alpha, "finite and at least 0", math.inf))


def effective_number(beta: float) -> EffectiveNumber:
    """Target with draws in proportion to a class's count divided by its effective number of samples.

    >>> draws_of(effective_number(0.99), {"cat": 1000, "dog": 10})
    {'cat': 1000, 'dog': 105}

    The effective number of n samples is (1 - beta**n) / (1 - beta); a sample is weighted by its inverse (Cui
    et al., "Class-balanced loss based on effective number of samples", CVPR 2019). With beta = 0 draws are
    natural; as beta approaches 1 they become balanced. The largest class keeps its own count; draws are
    rounded to the nearest integer.

    Args:
        beta: in [0, 1); the paper uses 0.9, 0.99, 0.999 and 0.9999.

    Returns:
        a function from counts to draws, for ``target`` of :class:`BalancedSampler`.

    Raises:
        TypeError: ``beta`` is not a number.
        ValueError: ``beta`` is out of its range.
    """
    return EffectiveNumber(_in_range("beta", beta, "in [0, 1)", 1))


@dataclass(frozen=True)
class Power:
    """The target that ``power`` makes."""

    alpha: float

    def __call__(self, counts: Counts) -> dict[Class, int]:
        most = max(counts.values())
        return {name: max(1, round(most * (n / most) ** self.alpha)) for name, n in counts.items()}


@dataclass(frozen=True)
class EffectiveNumber:
    """The target that ``effective_number`` makes."""

    beta: float

    def __call__(self, counts: Counts) -> dict[Class, int]:
        most = self._effective(max(counts.values()))
        return {name: round(n * (most / self._effective(n))) for name, n in counts.items()}

    def _effective(self, n: int) -> float:
        # Without the factor 1 / (1 - beta). expm1 keeps the digits that 1 - beta**n loses for beta near 1.
        return -math.expm1(n * math.log(self.beta)) if self.beta else 1.0


def check_class(parameter: str, name: object, classes: Collection[Class]) -> Class:
    """``name`` as the class of the labels that it names; booleans are 0 and 1."""
    if not isinstance(name, (int, np.integer, np.bool_, str)):
        raise TypeError(f"{parameter} must name classes by int or str, got {name!r} ({type(name).__name__})")
    if name not in classes:
        first = ", ".join(repr(have) for have in islice(classes, 10))
        more = ", ..." if len(classes) > 10 else ""
        raise ValueError(
            f"{parameter} names the class {name!r}, which has no sample in labels; labels hold {first}{more}"
        )
    return str(name) if isinstance(name, str) else int(name)


def _number(parameter: str, value: object) -> int:
    allowed = _ALLOWED if parameter == "target" else "a positive int"
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{parameter} must be {allowed}, got {value!r} ({type(value).__name__})")
    if value <= 0:
        raise ValueError(f"{parameter} must be a positive int, got {value}")
    return int(value)


def _in_range(parameter: str, value: float, allowed: str, below: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{parameter} must be a number, got {value!r} ({type(value).__name__})")
    if not 0 <= value < below:
        raise ValueError(f"{parameter} must be {allowed}, got {value}")
    return float(value)
