"""Labels become a table: the classes, how many samples each has, and which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from gpuaug.sampling.table import LabelTable, build_table

_ACCEPTED = "labels must be non-negative integers or strings"


def read_labels(labels: Any) -> LabelTable:
    """The table of a set of labels, checked.

    >>> table = read_labels(["dog", "cat", "dog"])
    >>> table.classes, table.counts.tolist(), table.members.tolist()
    (('cat', 'dog'), [1, 2], [1, 0, 2])

    Args:
        labels: one class per sample, non-negative integers or strings: a tensor, an array (or anything with
            ``__array__``, such as a pandas series) or a sequence. Classes need not be numbered without gaps.

    Raises:
        TypeError: labels of another type (floats, bools, None, a mixture); the message names the first
            position.
        ValueError: NaN or a negative label (the message names the first position), no labels, or not one
            dimension.
    """
    array = _array(labels)
    if array.dtype.kind == "U":
        names, numbers = np.unique(array, return_inverse=True)
        return build_table(lambda: [numbers], len(numbers), names.tolist())
    return build_table(lambda: [array], len(array))


def _array(labels: Any) -> np.ndarray:
    """A 1-D array of non-negative integers, or of strings: kind ``i``, ``u`` or ``U``."""
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu()
        # NumPy has no bfloat16; any float will be refused below, where its first position is named.
        array = (labels.double() if labels.is_floating_point() else labels).numpy()
    elif hasattr(labels, "__array__"):
        array = np.asarray(labels)
    elif isinstance(labels, Sequence) and not isinstance(labels, (str, bytes)):
        array = _from_sequence(labels)
    else:
        raise TypeError(f"{_ACCEPTED}: a tensor, an array or a sequence, got {type(labels).__name__}")
    if array.ndim != 1:
        raise ValueError(f"labels must have one dimension, got shape {array.shape}")
    if not len(array):
        raise ValueError("labels must not be empty")
    if array.dtype.kind in "OT":
        array = _from_sequence(array.tolist())
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind not in "iu":
        raise _refusal(array.dtype.name, array)
    if array.min() < 0:
        at = int(np.argmax(array < 0))
        raise ValueError(f"{_ACCEPTED}, got {array[at]} at position {at}")
    return array


def _from_sequence(labels: Sequence[Any]) -> np.ndarray:
    types = set(map(type, labels))
    if all(map(_is_name, types)):
        return np.array(labels, dtype=str)
    if not all(map(_is_number, types)):
        fits = next((kind for kind in (_is_number, _is_name) if kind(type(labels[0]))), None)
        at = next(i for i, label in enumerate(labels) if fits is None or not fits(type(label)))
        raise _misfit(labels, at)
    try:
        return np.array(labels, dtype=np.int64)
    except OverflowError:
        at = next(i for i, label in enumerate(labels) if not -(1 << 63) <= label < 1 << 63)
        raise ValueError(f"labels must be below 2**63, got {labels[at]} at position {at}") from None


def _is_number(kind: type) -> bool:
    return issubclass(kind, (int, np.integer)) and not issubclass(kind, bool)


def _is_name(kind: type) -> bool:
    return issubclass(kind, str)


def _misfit(labels: Sequence[Any], at: int) -> Exception:
    label = labels[at]
    if isinstance(label, (list, tuple)) or np.ndim(label):
        return ValueError(f"labels must have one dimension, got a {type(label).__name__} at position {at}")
    if isinstance(label, (float, np.floating)) and math.isnan(label):
        return ValueError(f"{_ACCEPTED}, got NaN at position {at}")
    first = "" if at == 0 else f", after {type(labels[0]).__name__} labels"
    hint = "; give torch.stack(labels)" if isinstance(label, Tensor) else ""
    return TypeError(f"{_ACCEPTED}, got {label!r} ({type(label).__name__}) at position {at}{first}{hint}")


def _refusal(dtype: str, array: np.ndarray) -> Exception:
    if array.dtype.kind == "f" and np.isnan(array).any():
        return ValueError(f"{_ACCEPTED}, got NaN at position {int(np.argmax(np.isnan(array)))}")
    return TypeError(f"{_ACCEPTED}, got {dtype}: {array[0]} at position 0")
