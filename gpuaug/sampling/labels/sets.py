"""Several labels per sample: the accepted inputs, and their sparse form."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpuaug.sampling.labels.read import check_labels
from gpuaug.sampling.labels.table import Class

_ACCEPTED = "labels must be a matrix (samples, classes) of 0 and 1, or a list of labels for each sample"
_ROWS = 1 << 12


@dataclass(frozen=True)
class LabelSets:
    """The set of classes of each sample; every class has a sample."""

    classes: tuple[Class, ...]
    starts: np.ndarray  # int64 (samples + 1,): the position in numbers at which a sample's classes begin
    numbers: np.ndarray  # integers: indices into classes, sample after sample; ascending, unique in a sample

    @property
    def counts(self) -> np.ndarray:
        """The number of samples with each class, int64 ``(classes,)``."""
        return np.bincount(self.numbers, minlength=len(self.classes))


def read_label_sets(labels: Any) -> LabelSets:
    """Reads and checks the sets of labels.

    >>> sets = read_label_sets([["cat", "dog"], [], ["cat"]])
    >>> sets.classes, sets.counts.tolist(), sets.starts.tolist()
    (('cat', 'dog'), [2, 1], [0, 2, 2, 3])

    Args:
        labels: a matrix ``(samples, classes)`` of 0 and 1 or of booleans: a tensor (dense, COO or CSR), an
            array, a SciPy sparse matrix, or a list of rows that are tensors or arrays of booleans or floats.
            Or a list, tuple, set or array of classes for each sample, non-negative integers or strings; a
            sample may have no class. Or one class per sample, as ``BalancedSampler`` takes.

    Raises:
        TypeError: labels are of another type; the message names the sample.
        ValueError: a label is invalid (the message names the sample), a class has no sample, or no sample has
            a class.
    """
    matrix = _matrix(labels)
    if matrix is not None:
        return _from_matrix(*matrix)
    if isinstance(labels, np.ndarray) and labels.dtype == object and labels.ndim == 1:
        labels = labels.tolist()
    if isinstance(labels, Sequence) and any(map(_is_set, labels)):
        return _from_lists(labels)
    checked = check_labels(labels)
    if checked.classes is not None:
        return LabelSets(checked.classes, np.arange(len(checked.numbers) + 1), checked.numbers)
    classes, numbers = np.unique(checked.numbers, return_inverse=True)
    return LabelSets(tuple(classes.tolist()), np.arange(len(numbers) + 1), numbers)


def _matrix(labels: Any) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Starts, columns and the number of columns of a matrix; None if ``labels`` is not a matrix."""
    if isinstance(labels, Tensor) and labels.layout is not torch.strided:
        _check_two(labels)
        sparse = labels.detach().cpu()
        sparse = (sparse.coalesce() if sparse.layout is torch.sparse_coo else sparse).to_sparse_csr()
        return _sparse(
            sparse.crow_indices().numpy(), sparse.col_indices().numpy(), sparse.values(), labels.shape
        )
    if type(labels).__module__.partition(".")[0] == "scipy":
        _check_two(labels)
        sparse = labels.tocsr(copy=True)  # the next line changes it
        sparse.sum_duplicates()
        return _sparse(sparse.indptr, sparse.indices, sparse.data, labels.shape)
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu()
        labels = (labels.float() if labels.dtype == torch.bfloat16 else labels).numpy()
    elif hasattr(labels, "__array__") or _is_rows(labels):
        labels = np.asarray(labels)
    if not isinstance(labels, np.ndarray) or labels.ndim < 2:
        return None
    _check_two(labels)
    columns, counts = [], np.zeros(len(labels) + 1, np.int64)
    for start in range(0, len(labels), _ROWS):
        rows = labels[start : start + _ROWS]
        _check_binary(rows, np.arange(rows.size) // max(1, rows.shape[1]) + start)
        row, column = np.nonzero(rows)
        counts[start + 1 : start + 1 + len(rows)] = np.bincount(row, minlength=len(rows))
        columns.append(column.astype(np.min_scalar_type(labels.shape[1])))
    return counts.cumsum(), np.concatenate(columns) if columns else np.empty(0, np.int64), labels.shape[1]


def _is_rows(labels: Any) -> bool:
    """Whether ``labels`` is a sequence of the rows of one matrix, rather than of lists of classes."""
    if not isinstance(labels, Sequence) or isinstance(labels, str) or not labels:
        return False
    if not all(isinstance(row, (np.ndarray, Tensor)) for row in labels):
        return False
    kinds = {str(row.dtype) for row in labels}
    return all("bool" in kind or "float" in kind for kind in kinds)


def _check_two(labels: Any) -> None:
    if len(labels.shape) != 2:
        raise ValueError(f"{_ACCEPTED}, got shape {tuple(labels.shape)}")


def _sparse(
    starts: Any, columns: Any, values: Any, shape: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, int]:
    values = np.asarray(values)
    samples = np.repeat(np.arange(shape[0]), np.diff(starts))
    _check_binary(values, samples)
    there = values != 0  # a zero may be stored
    counts = np.bincount(samples[there], minlength=shape[0])
    return np.concatenate(([0], counts.cumsum())), columns[there], shape[1]


def _check_binary(values: np.ndarray, samples: np.ndarray) -> None:
    if values.dtype.kind not in "biuf":
        raise TypeError(f"{_ACCEPTED}, got {values.dtype.name}")
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        at = int(np.argmax(wrong.ravel()))
        raise ValueError(f"{_ACCEPTED}, got {values.ravel()[at]} at sample {samples[at]}")


def _from_matrix(starts: np.ndarray, columns: np.ndarray, classes: int) -> LabelSets:
    if len(starts) == 1 or not classes:
        raise ValueError(f"labels must not be empty, got shape {(len(starts) - 1, classes)}")
    sets = LabelSets(tuple(range(classes)), starts.astype(np.int64), columns)
    absent = np.flatnonzero(sets.counts == 0)
    if len(absent):
        raise ValueError(f"labels have a column for the class {absent[0]}, which no sample has; leave it out")
    return sets


def _is_set(labels: Any) -> bool:
    return isinstance(labels, (list, tuple, AbstractSet, np.ndarray)) or (
        isinstance(labels, Tensor) and labels.ndim > 0
    )


def _from_lists(labels: Sequence[Any]) -> LabelSets:
    rows, lengths = [], []
    for sample, row in enumerate(labels):
        if not _is_set(row):
            raise TypeError(f"{_ACCEPTED}, got {row!r} ({type(row).__name__}) at sample {sample}")
        row = row.tolist() if isinstance(row, (np.ndarray, Tensor)) else row
        try:
            rows.append(list(dict.fromkeys(row)))
        except TypeError:
            raise TypeError(f"{_ACCEPTED}, got {row!r} at sample {sample}") from None
        lengths.append(len(row))
    every = list(chain.from_iterable(rows))
    if len(set(lengths)) == 1 and set(every) == {0, 1} and lengths != list(map(len, rows)):
        raise ValueError(f"{_ACCEPTED}, got lists that repeat 0 and 1: give numpy.array(labels) for a matrix")
    if not every:
        raise ValueError("labels must not be empty, got no label in any sample")
    for sample, row in enumerate(rows):
        if any(isinstance(label, (bool, np.bool_)) for label in row):
            raise TypeError(
                f"{_ACCEPTED}, got a list of booleans at sample {sample}: give numpy.array(labels) for a "
                "matrix"
            )
    try:
        checked = check_labels(every)
    except (TypeError, ValueError) as error:
        at = next(sample for sample, row in enumerate(rows) if not _is_good([every[0], *row]))
        raise type(error)(f"{error} (all labels, one after the other; sample {at})") from None
    classes = checked.classes
    numbers = checked.numbers
    if classes is None:
        found, numbers = np.unique(numbers, return_inverse=True)
        classes = tuple(found.tolist())
    starts = np.cumsum([0, *map(len, rows)])
    samples = np.repeat(np.arange(len(rows)), np.diff(starts))
    # The order of a Python set depends on the process; the fingerprint of a sampler must not.
    return LabelSets(classes, starts, numbers[np.lexsort((numbers, samples))])


def _is_good(row: list[Any]) -> bool:
    try:
        check_labels(row)
    except (TypeError, ValueError):
        return False
    return True
