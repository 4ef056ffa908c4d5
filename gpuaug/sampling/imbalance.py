"""Imbalance for experiments: which samples of a balanced set to keep."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpuaug.random import check_seed
from gpuaug.sampling.bijection import SUBSET, Bijections
from gpuaug.sampling.labels import read_labels
from gpuaug.sampling.table import Class, LabelTable
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
    turns = torch.zeros_like(table.counts)
    shuffle = None if seed is None else Bijections(table.counts.tolist(), check_seed(seed), turns, SUBSET)
    kept = []
    for number, name in enumerate(table.classes):
        members = table.members_of(number)
        first = torch.arange(wanted.get(name, len(members)))
        kept.append(members[first if shuffle is None else shuffle(first, torch.tensor(number))])
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
    if isinstance(ratio, bool) or not isinstance(ratio, (int, float)):
        raise TypeError(f"ratio must be a number, got {type(ratio).__name__}")
    if not 1 <= ratio < math.inf:
        raise ValueError(f"ratio must be finite and at least 1, got {ratio}")
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


def _available(parameter: str, count: int, have: int) -> int:
    if not 1 <= count <= have:
        raise ValueError(f"{parameter} must be in [1, {have}], the samples that the class has, got {count}")
    return count
