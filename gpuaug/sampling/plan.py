"""The plan: how many draws each class gets in an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpuaug.sampling.labels.table import Class
from gpuaug.sampling.targets import Target, draws_of

# The order permutes fewer than 2**62 positions; a copy is one 32-bit word of a draw's counter.
_MOST_DRAWS = (1 << 62) - 1
_MOST_PER_SAMPLE = 1 << 32
_ROWS_SHOWN = 20


@dataclass(frozen=True)
class Plan:
    """The plan of an epoch: the samples and the draws of each class. ``str`` gives a table."""

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
        total = ("total", str(sum(self.samples)), str(self.total), "")
        return align(("class", "samples", "draws", "copies per sample"), rows, total)


def shares_of(draws: Sequence[int]) -> Tensor:
    """The draws of each class divided by all draws, float64 ``(C,)``.

    >>> shares_of([6, 2])
    tensor([0.7500, 0.2500], dtype=torch.float64)
    """
    total = sum(draws)
    # Python divides two integers to the nearest float, also above 2**53.
    return torch.tensor([count / total for count in draws], dtype=torch.float64, device="cpu")


def align(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], *footer: tuple[str, ...]) -> str:
    """A table as text, columns aligned to the right. Of many rows it shows the first and the last ones."""
    hidden = len(rows) - _ROWS_SHOWN
    if hidden > 0:
        gap = (f"({hidden} more)", *[""] * (len(header) - 1))
        rows = [*rows[: _ROWS_SHOWN // 2], gap, *rows[-_ROWS_SHOWN // 2 :]]
    table = [header, *rows, *footer]
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
        classes: the classes.
        counts: the number of samples of each class.
        target: see ``BalancedSampler``; no schedule.

    Raises:
        TypeError: see ``draws_of``.
        ValueError: see ``draws_of``; also for one class only, or more draws than an order can have.
    """
    samples = tuple(counts)
    if len(classes) == 1:
        raise ValueError(f"labels hold one class only, {classes[0]!r}: there is nothing to balance")
    draws = draws_of(target, dict(zip(classes, samples, strict=True)))
    plan = Plan(classes, samples, tuple(draws[name] for name in classes))
    for name, count, number in zip(classes, samples, plan.draws, strict=True):
        if number > count * _MOST_PER_SAMPLE:
            raise ValueError(
                f"target must be at most 2**32 draws per sample, got {number} for class {name!r}"
            )
    if plan.total > _MOST_DRAWS:
        raise ValueError(f"target must give fewer than 2**62 draws in an epoch, got {plan.total}")
    return plan


def _copies(samples: int, draws: int) -> str:
    """The copies of a sample beside its original: one number, or two where samples of the class differ."""
    least, most = max(draws // samples - 1, 0), -(-draws // samples) - 1
    return str(most) if least == most else f"{least} to {most}"
