"""Imbalance for experiments: which samples of a balanced set to keep."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpuaug.random import check_seed
from gpuaug.sampling.bijection import SUBSET, Bijections
from gpuaug.sampling.labels.read import read_labels
from gpuaug.sampling.labels.table import Class, LabelTable
from gpuaug.sampling.targets import check_class


def make_imbalanced(
    labels: Any,
    counts: Mapping[Class, int] | None = None,
    *,
    ratio: float | None = None,
    minority: Class | Collection[Class] | None = None,
    seed: int | None = None,
) -> Tensor:
    """The indices of an imbalanced part of a set.

    >>> labels = [0, 1, 0, 1, 0, 1, 0, 1]
    >>> make_imbalanced(labels, {1: 2}).tolist()
    [0, 1, 2, 3, 4, 6]
    >>> make_imbalanced(labels, ratio=4, minority=1).tolist()
    [0, 1, 2, 4, 6]

    Args:
        labels: the class of every sample; see ``BalancedSampler``.
        counts: how many samples of each class to keep, at least 1; a class left out is kept whole. Or,
            instead,
        ratio: at least 1: the largest of the other classes has ratio times as many samples as each minority
            class keeps (the imbalance ratio of Buda et al., "A systematic study of the class imbalance
            problem in convolutional neural networks", 2018), rounded to the nearest number, and to at least
            1. The other classes are kept whole.
        minority: with ratio: the class, or classes, to make rare.
        seed: None keeps the first samples of each class; a number in [0, 2**64) keeps random ones.

    Returns:
        int64 ``(n,)``, ascending.

    Raises:
        ValueError: a count that is not positive or more than the class has, a class without a sample, a ratio
            below 1, no class beside the minority.
        TypeError: anything of another type, or both counts and ratio, or neither.
    """
    table = read_labels(labels)
    by_ratio = ratio is not None and minority is not None and counts is None
    by_counts = counts is not None and ratio is None and minority is None
    if not by_ratio and not by_counts:
        raise TypeError("make_imbalanced takes either counts, or ratio and minority")
    wanted = _counts_by_ratio(table, ratio, minority) if by_ratio else _checked_counts(table, counts)
    return _kept(table, wanted, seed)


def make_long_tailed(labels: Any, factor: float, kind: str = "exp", seed: int | None = None) -> Tensor:
    """The indices of a long-tailed part of a set, as CIFAR-10-LT and CIFAR-100-LT are made.

    >>> labels = [0, 1, 2] * 100
    >>> kept = make_long_tailed(labels, factor=25)
    >>> torch.bincount(torch.tensor(labels)[kept]).tolist()
    [100, 20, 4]

    Class i of C, in sorted order, keeps ``int(n * (1 / factor) ** (i / (C - 1)))`` samples for ``kind="exp"``
    (Cui et al., "Class-balanced loss based on effective number of samples", CVPR 2019). For ``kind="step"``
    the last half of the classes, ``C // 2``, keep ``int(n / factor)`` each and the others n (Buda et al.,
    2018). n is the number of samples of a class where all have equally many; else the greatest for which each
    class has what it is to keep.

    Args:
        labels: the class of every sample; see ``BalancedSampler``.
        factor: the imbalance factor, at least 1: how many times the samples of the smallest class the largest
            one keeps.
        kind: "exp" or "step".
        seed: None keeps the first samples of each class; a number in [0, 2**64) keeps random ones.

    Returns:
        int64 ``(n,)``, ascending.

    Raises:
        ValueError: a factor below 1, or so large that a class would keep nothing; another kind; only one
            class.
        TypeError: anything of another type.
    """
    table = read_labels(labels)
    factor = _checked_ratio("factor", factor)
    if kind not in _SHARES:
        raise ValueError(f"kind must be one of {', '.join(map(repr, _SHARES))}, got {kind!r}")
    count = len(table.classes)
    if count == 1:
        raise ValueError(f"labels hold one class only, {table.classes[0]!r}: a tail needs two")
    shares = [_SHARES[kind](place, count, factor) for place in range(count)]
    most = min(int(have / share) for have, share in zip(table.counts.tolist(), shares, strict=True))
    wanted = {name: int(most * share) for name, share in zip(table.classes, shares, strict=True)}
    if not all(wanted.values()):
        raise ValueError(
            f"factor must be below about {most}, so that all classes keep a sample where one keeps {most}, "
            f"got {factor}: int({most} * (1 / {factor})) is 0"
        )
    return _kept(table, wanted, seed)


# The share of the largest class's samples that a class keeps, from its place among the classes.
_SHARES: dict[str, Callable[[int, int, float], float]] = {
    "exp": lambda place, classes, factor: (1 / factor) ** (place / (classes - 1)),
    "step": lambda place, classes, factor: 1.0 if place < classes - classes // 2 else 1 / factor,
}


def _kept(table: LabelTable, wanted: Mapping[Class, int], seed: int | None) -> Tensor:
    """Ascending: as many indices of each class as are wanted; a class that is not named is kept whole."""
    rounds = torch.zeros_like(table.counts)
    shuffle = None if seed is None else Bijections(table.counts.tolist(), check_seed(seed), rounds, SUBSET)
    kept = []
    for number, name in enumerate(table.classes):
        members = table.members_of(number)
        first = torch.arange(wanted.get(name, len(members)), device="cpu")
        kept.append(members[first if shuffle is None else shuffle(first, torch.tensor(number, device="cpu"))])
    return torch.cat(kept).sort().values


def _checked_counts(table: LabelTable, counts: Any) -> dict[Class, int]:
    if not isinstance(counts, Mapping):
        raise TypeError(f"counts must be a mapping from class to int, got {type(counts).__name__}")
    have = dict(zip(table.classes, table.counts.tolist(), strict=True))
    wanted = {}
    for key, count in counts.items():
        name = check_class("counts", key, have)
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
            raise TypeError(f"counts[{name!r}] must be an int, got {type(count).__name__}")
        wanted[name] = _available(f"counts[{name!r}]", int(count), have[name])
    return wanted


def _counts_by_ratio(table: LabelTable, ratio: Any, minority: Any) -> dict[Class, int]:
    ratio = _checked_ratio("ratio", ratio)
    named = [minority] if isinstance(minority, (str, int, np.integer)) else minority
    if not isinstance(named, Collection):
        raise TypeError(f"minority must be a class or classes, got {type(minority).__name__}")
    have = dict(zip(table.classes, table.counts.tolist(), strict=True))
    rare = {check_class("minority", name, have) for name in named}
    others = [count for name, count in have.items() if name not in rare]
    if not rare or not others:
        raise ValueError(
            f"minority must name some, but not all, of the {len(have)} classes, got {minority!r}"
        )
    count = max(1, round(max(others) / ratio))
    return {
        name: _available(f"the count of minority class {name!r} at ratio {ratio}", count, have[name])
        for name in rare
    }


def _checked_ratio(parameter: str, value: Any) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{parameter} must be a number, got {type(value).__name__}")
    if not 1 <= value < math.inf:
        raise ValueError(f"{parameter} must be finite and at least 1, got {value}")
    return value.item() if isinstance(value, np.generic) else value


def _available(parameter: str, count: int, have: int) -> int:
    if not 1 <= count <= have:
        raise ValueError(f"{parameter} must be in [1, {have}], the samples that the class has, got {count}")
    return count
