"""Checks of labels: the accepted forms, and the errors for others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpuaug.sampling.labels.codes import ACCEPTED, Labels, empty, from_names, missing, pieces
from gpuaug.sampling.labels.columns import read_column
from gpuaug.sampling.labels.table import LabelTable, build_table

_EVERY = "a tensor, an array, a column or a sequence"


def read_labels(labels: Any) -> LabelTable:
    """The table of a set of labels, checked by :func:`check_labels`.

    >>> table = read_labels(["dog", "cat", "dog"])
    >>> table.classes, table.counts.tolist(), table.members.tolist()
    (('cat', 'dog'), [1, 2], [1, 0, 2])
    """
    checked = check_labels(labels)
    return build_table(checked.numbers, checked.classes)


def check_labels(labels: Any) -> Labels:
    """Labels as one number per sample, checked. Numbers are read where they lie, never copied.

    >>> check_labels(["dog", "cat", "dog"])
    Labels(numbers=array([1, 0, 1], dtype=uint8), classes=('cat', 'dog'))

    Args:
        labels: one class per sample, non-negative integers or strings: a tensor, a NumPy array or memory map,
            a list, tuple or other sequence, a pandas series, index or categorical, a Polars series, a pyarrow
            array or chunked array, or anything with ``__array__``. If all labels are booleans, they are the
            classes 0 and 1; ``numpy.str_`` is a string, ``numpy.int64`` an integer. Floats are an error, even
            whole ones. The numbers of the classes may have gaps. The index of a sample is its position; the
            index of a pandas series is ignored.

    Raises:
        TypeError: labels are of another type (floats, None, a mixture); the message names the first position.
        ValueError: a label is NaN, missing or negative (the message names the first position), there are no
            labels, they have several dimensions, or a declared category has no sample.
    """
    found = read_column(labels)
    if isinstance(found, Labels):
        return found
    array = _array(labels) if found is None else found
    if array is None:
        return _from_list(labels if isinstance(labels, (list, tuple)) else list(labels))
    if array.ndim != 1:
        raise ValueError(f"labels must have one dimension, got shape {array.shape}")
    if not len(array):
        raise empty()
    if array.dtype.kind == "O":
        return _from_list(array.tolist())
    if array.dtype.kind in "UT":
        return from_names(array)
    if array.dtype.kind == "b":
        return Labels(array.view(np.uint8))
    if array.dtype.kind not in "iu":
        raise _refusal(array)
    if array.min() < 0:
        at = _first(array, lambda piece: piece < 0)
        raise ValueError(f"{ACCEPTED}, got {array[at]} at position {at}")
    if array.dtype == np.uint64 and array.max() >= 1 << 63:
        at = _first(array, lambda piece: piece >= 1 << 63)
        raise ValueError(f"labels must be below 2**63, got {array[at]} at position {at}")
    return Labels(array)


def _array(labels: Any) -> np.ndarray | None:
    """The labels as an array, without a copy where possible; None for a sequence."""
    if isinstance(labels, Tensor):
        if labels.layout is not torch.strided:
            raise TypeError(f"labels must be a dense tensor, got layout {labels.layout}")
        labels = labels.detach().cpu()
        # NumPy has no bfloat16. Floats are an error in any case; the message names the first position.
        numbers: np.ndarray = (labels.double() if labels.is_floating_point() else labels).numpy()
        return numbers
    if isinstance(labels, np.ma.MaskedArray) and np.ma.is_masked(labels):
        raise missing(int(np.argmax(np.ma.getmaskarray(labels))))
    if hasattr(labels, "__array__"):
        return np.asarray(labels)
    if isinstance(labels, Sequence) and not isinstance(labels, (str, bytes, bytearray)):
        return None
    raise TypeError(f"{ACCEPTED}: {_EVERY}, got {type(labels).__name__}")


def _from_list(labels: Sequence[Any]) -> Labels:
    if not labels:
        raise empty()
    types = set(map(type, labels))
    if all(map(_is_name, types)):
        return from_names(labels)
    if types <= {bool, np.bool_}:
        return Labels(np.fromiter(labels, np.uint8, len(labels)))
    if not all(map(_is_number, types)):
        fits = next((kind for kind in (_is_number, _is_name) if kind(type(labels[0]))), None)
        at = next(i for i, label in enumerate(labels) if fits is None or not fits(type(label)))
        raise _misfit(labels, at)
    least, most = min(labels), max(labels)
    if least < 0 or most >= 1 << 63:
        at = next(i for i, label in enumerate(labels) if not 0 <= label < 1 << 63)
        if labels[at] < 0:
            raise ValueError(f"{ACCEPTED}, got {labels[at]} at position {at}")
        raise ValueError(f"labels must be below 2**63, got {labels[at]} at position {at}")
    return Labels(np.fromiter(labels, np.min_scalar_type(int(most)), len(labels)))


def _is_number(kind: type) -> bool:
    return issubclass(kind, (int, np.integer)) and not issubclass(kind, bool)


def _is_name(kind: type) -> bool:
    return issubclass(kind, str)


def _misfit(labels: Sequence[Any], at: int) -> Exception:
    label = labels[at]
    if isinstance(label, (list, tuple)) or np.ndim(label):
        return ValueError(f"labels must have one dimension, got a {type(label).__name__} at position {at}")
    if isinstance(label, (float, np.floating)) and math.isnan(label):
        return ValueError(f"{ACCEPTED}, got NaN at position {at}")
    first = "" if at == 0 else f", after {type(labels[0]).__name__} labels"
    hint = "; give torch.stack(labels)" if isinstance(label, Tensor) else ""
    return TypeError(f"{ACCEPTED}, got {label!r} ({type(label).__name__}) at position {at}{first}{hint}")


def _refusal(array: np.ndarray) -> Exception:
    if array.dtype.kind == "f" and (at := _first(array, np.isnan)) is not None:
        return ValueError(f"{ACCEPTED}, got NaN at position {at}")
    return TypeError(f"{ACCEPTED}, got {array.dtype.name}: {array[0]} at position 0")


def _first(array: np.ndarray, fault: Callable[[np.ndarray], np.ndarray]) -> int | None:
    """The first position of a fault."""
    start = 0
    for piece in pieces(array):
        if (there := fault(piece)).any():
            return start + int(np.argmax(there))
        start += len(piece)
    return None
