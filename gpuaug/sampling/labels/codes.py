"""Labels as one number per sample, the form that every input is converted to; the coding of names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpuaug.sampling.labels.table import Class

ACCEPTED = "labels must be non-negative integers or strings"

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Labels:
    """Checked labels: one number per sample, and the classes that the numbers stand for."""

    # Non-negative integers (n,), n >= 1, of any width, stride and byte order. A memory map may be larger than
    # the memory: it is read piece by piece and never converted whole.
    numbers: np.ndarray
    # None if the numbers are the classes themselves. Otherwise numbers[i] is an index into this sorted tuple,
    # and every class in it occurs.
    classes: tuple[Class, ...] | None = None


def from_names(names: Sequence[str] | np.ndarray) -> Labels:
    """Labels from a list, or an array of dtype ``str`` or ``object``, that holds strings only."""
    found: set[str] = set()
    for piece in _lists(names):
        found.update(piece)
    classes = sorted(found)
    code = {name: number for number, name in enumerate(classes)}
    numbers = np.empty(len(names), _width(classes))
    start = 0
    for piece in _lists(names):
        stop = start + len(piece)
        numbers[start:stop] = np.fromiter(map(code.__getitem__, piece), numbers.dtype, len(piece))
        start = stop
    return Labels(numbers, tuple(map(str, classes)))


def from_codes(parts: Sequence[tuple[np.ndarray, Sequence[Any]]], declared: str = "") -> Labels:
    """Labels from codes: each part is an integer array and the values that its codes stand for.

    Args:
        parts: the labels are the parts one after the other. A negative code is a missing label.
        declared: advice for the error about a value without a code, if the values declare the classes. "" if
            the values are only an encoding: a value without a code is then ignored.
    """
    if all(isinstance(value, bool) for _, values in parts for value in values):
        parts = [(codes, [int(value) for value in values]) for codes, values in parts]
    found: dict[Any, None] = {}  # in the order of the parts, so that an error is the same every time
    first = 0
    for codes, values in parts:
        used = np.zeros(len(values), bool)
        for piece in pieces(codes):
            if piece.min() < 0:
                raise missing(first + int(np.argmax(piece < 0)))
            used[piece] = True
            first += len(piece)
        if declared and not used.all():
            raise ValueError(
                f"labels declare the class {values[int(np.argmin(used))]!r}, which has no sample; {declared}"
            )
        found.update((value, None) for value, there in zip(values, used, strict=True) if there)
    if not found:
        raise empty()
    _check_classes(found, parts)
    classes = sorted(found)
    place = {value: number for number, value in enumerate(classes)}
    if len(parts) == 1 and list(parts[0][1]) == classes:
        return Labels(parts[0][0], tuple(classes))
    numbers = np.empty(first, _width(classes))
    start = 0
    for codes, values in parts:
        # The place of a value without a code does not matter.
        places = np.array([place.get(value, 0) for value in values], numbers.dtype)
        for piece in pieces(codes):
            stop = start + len(piece)
            np.take(places, piece, out=numbers[start:stop])
            start = stop
    return Labels(numbers, tuple(classes))


def _check_classes(found: Iterable[Any], parts: Sequence[tuple[np.ndarray, Sequence[Any]]]) -> None:
    first = next(iter(found))
    for value in found:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise TypeError(f"{ACCEPTED}, got {value!r} ({type(value).__name__}) {_place(value, parts)}")
        if isinstance(value, int) and value < 0:
            raise ValueError(f"{ACCEPTED}, got {value} {_place(value, parts)}")
        if isinstance(value, str) != isinstance(first, str):
            both = f"{first!r} {_place(first, parts)}, {value!r} {_place(value, parts)}"
            raise TypeError(f"{ACCEPTED}, not both: got {both}")


def _place(value: Any, parts: Sequence[tuple[np.ndarray, Sequence[Any]]]) -> str:
    start = 0
    for codes, values in parts:
        there = codes == list(values).index(value) if value in values else np.zeros(0, bool)
        if there.any():
            return f"at position {start + int(np.argmax(there))}"
        start += len(codes)
    raise KeyError(value)


def missing(at: int) -> ValueError:
    return ValueError(f"{ACCEPTED}, got a missing value at position {at}")


def empty() -> ValueError:
    return ValueError("labels must not be empty")


def pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the array in parts of a few megabytes, so that intermediate results stay small."""
    return (array[start : start + _CHUNK] for start in range(0, len(array), _CHUNK))


def _lists(names: Sequence[str] | np.ndarray) -> Iterator[Sequence[str]]:
    if isinstance(names, np.ndarray):
        yield from (piece.tolist() for piece in pieces(names))
    else:
        yield names


def _width(classes: Sequence[Any]) -> np.dtype[Any]:
    return np.min_scalar_type(len(classes) - 1)
