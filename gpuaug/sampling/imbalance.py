"""Imbalanced subsets of a data set, for experiments."""

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
    """Returns the indices of an imbalanced subset of a data set.

    >>> labels = [0, 1, 0, 1, 0, 1, 0, 1]
    >>> make_imbalanced(labels, {1: 2}).tolist()
    [0, 1, 2, 3, 4, 6]
    >>> make_imbalanced(labels, ratio=4, minority=1).tolist()
    [0, 1, 2, 4, 6]

    Args:
        labels: the class of every sample; see :class:`BalancedSampler`.
        counts: the number of samples to keep of each class, a mapping from class to an int in [1, count of
            the class]; a class that is left out keeps all. Give either ``counts``, or ``ratio`` and
            ``minority``.
        ratio: the imbalance ratio, finite and at least 1: the count of the largest other class divided by the
            number of samples that each minority class keeps, which is rounded to the nearest integer, at
            least 1 (Buda et al., "A systematic study of the class imbalance problem in convolutional neural
            networks", Neural Networks 2018). The other classes keep all samples.
        minority: the class or classes to make rare; with ``ratio``.
        seed: None keeps the first samples of each class; a number in [0, 2**64) chooses them at random.

    Returns:
        int64 ``(n,)``, ascending.

    Raises:
        ValueError: a count is out of its range, a class has no sample, ``ratio`` is below 1, or ``minority``
            names no class or all of them.
        TypeError: an argument is of another type, or both ``counts`` and ``ratio`` are given, or neither.
    """
    table = read_labels(labels)
    by_ratio = ratio is not None and minority is not None and counts is None
    by_counts = counts is not None and ratio is None and minority is None
    if not by_ratio and not by_counts:
        raise TypeError("make_imbalanced takes either counts, or ratio and minority")
    wanted = _counts_by_ratio(table, ratio, minority) if by_ratio else _checked_counts(table, counts)
    return _kept(table, wanted, seed)


def make_long_tailed(labels: Any, factor: float, kind: str = "exp", seed: int | None = None) -> Tensor:
    """Returns the indices of a long-tailed subset of a data set, made as CIFAR-10-LT and CIFAR-100-LT.

    >>> labels = [0, 1, 2] * 100
    >>> kept = make_long_tailed(labels, factor=25)
    >>> torch.bincount(torch.tensor(labels)[kept]).tolist()
    [100, 20, 4]

    Class i of C, in sorted order, keeps ``int(n * (1 / factor) ** (i / (C - 1)))`` samples for ``kind="exp"``
    (Cui et al., "Class-balanced loss based on effective number of samples", CVPR 2019). For ``kind="step"``
    the last ``C // 2`` classes keep ``int(n / factor)`` samples each and the others n (Buda et al., "A
    systematic study of the class imbalance problem in convolutional neural networks", Neural Networks 2018).
    If all classes have the same count, n is that count; if not, n is the largest number for which each class
    has the samples that it is to keep.

    Args:
        labels: the class of every sample; see :class:`BalancedSampler`.
        factor: the imbalance factor, finite and at least 1: the number of samples of the largest class
            divided by that of the smallest.
        kind: "exp" or "step".
        seed: None keeps the first samples of each class; a number in [0, 2**64) chooses them at random.

    Returns:
        int64 ``(n,)``, ascending.

    Raises:
        ValueError: ``factor`` is below 1 or so large that a class would keep no sample, ``kind`` is unknown,
            or labels hold one class only.
        TypeError: an argument is of another type.
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
            f"factor must be below about {most}, so that every class keeps a sample where the largest keeps "
            f"{most}, got {factor}: int({most} * (1 / {factor})) is 0"
        )
    return _kept(table, wanted, seed)


# The number of samples that a class keeps, as a share of the largest class's, by its place among the classes.
_SHARES: dict[str, Callable[[int, int, float], float]] = {
    "exp": lambda place, classes, factor: (1 / factor) ** (place / (classes - 1)),
    "step": lambda place, classes, factor: 1.0 if place < classes - classes // 2 else 1 / factor,
}


def _kept(table: LabelTable, wanted: Mapping[Class, int], seed: int | None) -> Tensor:
    """The wanted number of indices of each class, ascending; a class that is not named keeps all."""
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
