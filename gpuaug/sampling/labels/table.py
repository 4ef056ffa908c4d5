"""The table of a set of labels, built in two readings, piece by piece, without a copy of the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Class = int | str

# The labels in a piece: few enough to be sorted in the cache.
_PIECE = 1 << 16


@dataclass(frozen=True)
class LabelTable:
    """The classes in sorted order, and the indices of their samples, class after class."""

    classes: tuple[Class, ...]
    counts: Tensor  # int64 (classes,): the number of samples of each class
    members: Tensor  # int32 where the indices fit, else int64; ascending within a class
    starts: Tensor  # int64 (classes,): the position in members at which a class begins

    def members_of(self, number: int) -> Tensor:
        """The indices of the samples of the ``number``-th class, int64, ascending."""
        start = int(self.starts[number])
        return self.members[start : start + int(self.counts[number])].long()


def build_table(labels: np.ndarray, names: Sequence[Class] | None = None) -> LabelTable:
    """Builds the table of labels by a counting sort, which reads them twice.

    >>> table = build_table(np.array([2, 0, 2]))
    >>> table.classes, table.counts.tolist(), table.members.tolist()
    ((0, 2), [1, 2], [1, 0, 2])

    Beside the table, this takes a few MiB and one word for each class.

    Args:
        labels: ``(n,)``, at least one; non-negative integers of any integer type and stride.
        names: the names of the classes, ascending; a label is then an index into them, and names without a
            label are left out. None means that the labels themselves are the classes.
    """
    length = len(labels)
    values, counts = _count(labels)
    number_of = _numbering(values, length)
    starts = np.cumsum(counts) - counts
    members = np.empty(length, np.int32 if length <= 1 << 31 else np.int64)
    begin, free = 0, starts.copy()
    for piece in _pieces(labels):
        order, number = _sorted(number_of(piece))
        heads = np.flatnonzero(np.concatenate(([True], number[1:] != number[:-1])))
        runs, lengths = number[heads], np.diff(heads, append=len(piece))
        members[np.arange(len(piece)) + np.repeat(free[runs] - heads, lengths)] = order + begin
        free[runs] += lengths
        begin += len(piece)
    return LabelTable(
        classes=tuple(values.tolist() if names is None else [names[value] for value in values.tolist()]),
        counts=torch.from_numpy(counts),
        members=torch.from_numpy(members),
        starts=torch.from_numpy(starts),
    )


def _pieces(labels: np.ndarray) -> Iterator[np.ndarray]:
    for begin in range(0, len(labels), _PIECE):
        yield labels[begin : begin + _PIECE].astype(np.int64, copy=False)


def _small_labels(length: int) -> int:
    """The bound below which labels are looked up in an array, which stays small beside the table."""
    return max(_PIECE, length // 64)


def _count(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labels that occur, ascending, and the count of each; int64."""
    small = np.zeros(_small_labels(len(labels)), np.int64)
    large: Counter[int] = Counter()
    for piece in _pieces(labels):
        if piece.max() < len(small):
            np.add.at(small, piece, 1)
        else:
            values, counts = np.unique(piece, return_counts=True)
            large.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    values = np.flatnonzero(small)
    if not large:
        return values, small[values]
    large.update(dict(zip(values.tolist(), small[values].tolist(), strict=True)))
    ordered = sorted(large.items())
    labels, numbers = (np.array(column, np.int64) for column in zip(*ordered, strict=True))
    return labels, numbers


def _numbering(values: np.ndarray, length: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from labels to their indices in ``values``, in the narrowest type, which sorts fastest."""
    narrow = np.min_scalar_type(len(values) - 1)
    if values[-1] >= _small_labels(length):
        return lambda piece: np.searchsorted(values, piece).astype(narrow)
    places = np.zeros(values[-1] + 1, narrow)
    places[values] = np.arange(len(values))
    return places.take


def _sorted(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The stable sorting order of ``number``, and the sorted numbers."""
    if number.itemsize <= 2:  # NumPy uses a radix sort for these
        order = np.argsort(number, kind="stable")
    else:
        order = np.argsort(number.astype(np.uint16), kind="stable")
        order = order[np.argsort((number[order] >> 16).astype(np.uint16), kind="stable")]
    return order, number[order]
