"""Counts of the classes, from a sampler or a user."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpuaug.tracing import traced

Counts = (
    Tensor
    | np.ndarray
    | Sequence[float]
    | Mapping[int, float]
    | Mapping[str, float]
    | Mapping[int | str, float]
)
COUNTS, SHARES, SOME_SHARES = "at least 1", "above 0", "at least 0"
# The check of a number, by its wording in messages.
_ALLOWED: dict[str, Callable[[float], bool]] = {
    COUNTS: lambda value: value >= 1,
    SHARES: lambda value: value > 0,
    SOME_SHARES: lambda value: value >= 0,
}


def read_counts(name: str, counts: Counts, allowed: str = COUNTS) -> Tensor:
    """Read a number for each class, float64 ``(C,)`` on the host.

    >>> read_counts("class_counts", {"cat": 300, "dog": 10})
    tensor([300.,  10.], dtype=torch.float64)

    Args:
        name: name of the counts in messages.
        counts: ``(C,)``: a tensor, an array, a sequence, or a mapping in the order of the classes, such as
            the ``counts_`` or ``plan_`` of a sampler.
        allowed: "at least 1", "above 0" or "at least 0"; each number must be finite, too.

    Raises:
        TypeError: if counts are not numbers.
        ValueError: if they have another shape, or a number is out of range; the message names its class.
    """
    given: Any = list(counts.values()) if isinstance(counts, Mapping) else counts
    if isinstance(given, np.ndarray):
        given = given.tolist() if given.dtype == object else _tensor_of(name, given)
    if isinstance(given, Tensor):
        return _of_tensor(name, given, allowed)
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise TypeError(f"{name} must be a tensor, a sequence or a mapping, got {type(given).__name__}")
    if not given:
        raise ValueError(f"{name} must have an entry for each class, got none")
    for place, value in enumerate(given):
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(f"{name} must be numbers, got {value!r} for class {place}")
        _check(name, float(value), allowed, place)
    return torch.tensor([float(value) for value in given], dtype=torch.float64, device="cpu")


def _tensor_of(name: str, counts: np.ndarray) -> Tensor:
    if counts.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be numbers, one for each class, got {counts.dtype}")
    # A copy: torch warns of read-only arrays, and supports only the native byte order.
    return torch.from_numpy(np.array(counts, dtype=np.float64))


def _of_tensor(name: str, counts: Tensor, allowed: str) -> Tensor:
    if counts.is_complex() or counts.dtype == torch.bool:
        raise TypeError(f"{name} must be numbers, one for each class, got {counts.dtype}")
    if counts.dim() != 1 or len(counts) == 0:
        raise ValueError(f"{name} must be (C,), one for each class, got shape {tuple(counts.shape)}")
    if traced():
        return counts.detach().double()
    counts = counts.detach().to("cpu", torch.float64, copy=True)
    for place, value in enumerate(counts.tolist()):
        _check(name, value, allowed, place)
    return counts


def _check(name: str, value: float, allowed: str, place: int) -> None:
    if not (math.isfinite(value) and _ALLOWED[allowed](value)):
        raise ValueError(f"{name} must be finite and {allowed}, got {value} for class {place}")
