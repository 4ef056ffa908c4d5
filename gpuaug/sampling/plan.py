"""The plan: how many draws each class gets in an epoch."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from gpuaug.sampling.table import Class

Target = str | int | Mapping[Class, int]

_NAMED: dict[str, Callable[[Iterable[int]], int]] = {"majority": max, "minority": min}

# The order permutes fewer than 2**62 positions; a copy is one 32-bit word of a draw's counter.
_MOST_DRAWS = (1 << 62) - 1
_MOST_PER_SAMPLE = 1 << 32
_ROWS_SHOWN = 20


@dataclass(frozen=True)
class Plan:
    """Class by class: its samples, and its draws in an epoch. ``str`` gives the table."""

    classes: tuple[Class, ...]
    samples: tuple[int, ...]
    draws: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.draws)

    def __str__(self) -> str:
        rows = [
            (str(name), str(samples), str(draws), _copies(samples, draws))
            for name, samples, draws in zip(self.classes, self.samples, self.draws, strict=True)
        ]
        hidden = len(rows) - _ROWS_SHOWN
        if hidden > 0:
            rows[_ROWS_SHOWN // 2 : -_ROWS_SHOWN // 2] = [(f"({hidden} more)", "", "", "")]
        total = ("total", str(sum(self.samples)), str(self.total), "")
        table = [("class", "samples", "draws", "copies per sample"), *rows, total]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join("  ".join(map(str.rjust, row, widths)).rstrip() for row in table)


def make_plan(classes: tuple[Class, ...], counts: Iterable[int], target: Target) -> Plan:
    """The plan that ``target`` asks for.

    >>> print(make_plan((0, 1), (4800, 1200), "majority"))
    class  samples  draws  copies per sample
        0     4800   4800                  0
        1     1200   4800                  3
    total     6000   9600

    Args:
        classes, counts: the classes and how many samples each has.
        target: the draws of every class: "majority" (as many as the largest class has samples), "minority"
            (the smallest), a number, or a mapping from class to number; a class that the mapping leaves out
            keeps its own count. Below a class's count, samples are drawn without replacement.

    Raises:
        TypeError: target, or a value of the mapping, is of another type.
        ValueError: an unknown name, a number that is not positive, a class without a sample, only one class.
    """
    samples = tuple(counts)
    if len(classes) == 1:
        raise ValueError(f"labels hold one class only, {classes[0]!r}: there is nothing to balance")
    plan = Plan(classes, samples, _draws(classes, samples, target))
    for name, count, draws in zip(classes, samples, plan.draws, strict=True):
        if draws > count * _MOST_PER_SAMPLE:
            raise ValueError(f"target must be at most 2**32 draws per sample, got {draws} for class {name!r}")
    if plan.total > _MOST_DRAWS:
        raise ValueError(f"target must give fewer than 2**62 draws in an epoch, got {plan.total}")
    return plan


def _draws(classes: tuple[Class, ...], samples: tuple[int, ...], target: Target) -> tuple[int, ...]:
    if isinstance(target, str):
        if target not in _NAMED:
            allowed = ", ".join(map(repr, _NAMED))
            raise ValueError(
                f"target must be one of {allowed}, a positive int or a mapping from class to positive int, "
                f"got {target!r}"
            )
        return (_NAMED[target](samples),) * len(classes)
    if isinstance(target, Mapping):
        natural = dict(zip(classes, samples, strict=True))
        checked = {check_class("target", name, natural): n for name, n in target.items()}
        return tuple(_number(f"target[{c!r}]", checked[c]) if c in checked else natural[c] for c in classes)
    return (_number("target", target),) * len(classes)


def check_class(parameter: str, name: object, classes: Container[Class]) -> Class:
    """``name`` as the class that it is in the labels."""
    if isinstance(name, (bool, np.bool_)) or not isinstance(name, (int, np.integer, str)):
        raise TypeError(f"{parameter} must name classes by int or str, got {name!r} ({type(name).__name__})")
    if name not in classes:
        raise ValueError(f"{parameter} names the class {name!r}, which has no sample in labels")
    return str(name) if isinstance(name, str) else int(name)


def _number(parameter: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{parameter} must be a positive int, got {value!r} ({type(value).__name__})")
    if value <= 0:
        raise ValueError(f"{parameter} must be a positive int, got {value}")
    return int(value)


def _copies(samples: int, draws: int) -> str:
    """How many copies a sample of the class has beside its original: one number, or the two that occur."""
    least, most = max(draws // samples - 1, 0), -(-draws // samples) - 1
    return str(most) if least == most else f"{least} to {most}"
