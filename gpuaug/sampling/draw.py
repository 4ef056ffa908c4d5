"""The draw: an index together with a copy number and the key of all its randomness."""

from __future__ import annotations

import operator
from collections.abc import Iterator

import torch
from torch import Tensor

_LIMITS = {"index": 63, "copy": 32, "key": 64}


class Draw(int):
    """One use of a sample in one epoch: an ``int`` that indexes any data set, plus a copy and a key.

    >>> draw = Draw(3, copy=1, key=0xC0FFEE)
    >>> ["a", "b", "c", "d"][draw]
    'd'
    >>> draw
    Draw(index=3, copy=1, key=0xc0ffee)
    >>> draw.tensor()
    tensor([       3,        1, 12648430])

    A draw compares, hashes and prints (``str``) as its index, so that file names and dictionaries made from
    indices keep working; ``repr`` shows copy and key. Arithmetic gives plain integers. Pickling keeps copy
    and key.

    Args:
        index: the index of the sample, in [0, 2**63).
        copy: 0 for the original, 1, 2, ... for its over-sampled copies in one epoch; in [0, 2**32).
        key: 64 bits, in [0, 2**64). All randomness of the draw comes from it.

    Raises:
        TypeError: an argument is not an integer.
        ValueError: an argument is out of its range.
    """

    copy: int
    key: int

    def __new__(cls, index: int, copy: int = 0, key: int = 0) -> Draw:
        return _checked(cls, index=index, copy=copy, key=key)

    @property
    def index(self) -> int:
        """The index of the sample, as a plain int."""
        return int(self)

    def tensor(self) -> Tensor:
        """The draw as int64 ``(3,)``: index, copy, and the key's 64 bits as a signed integer."""
        return torch.tensor([int(self), self.copy, self.key - ((self.key >> 63) << 64)], device="cpu")

    def __repr__(self) -> str:
        return f"Draw(index={int(self)}, copy={self.copy}, key={self.key:#x})"

    __str__ = int.__repr__

    def __reduce__(self) -> tuple[type[Draw], tuple[int, int, int]]:
        return type(self), (int(self), self.copy, self.key)


def make_draws(draws: Tensor) -> Iterator[Draw]:
    """Yields the rows of a batch of draws as :class:`Draw` objects.

    >>> list(make_draws(torch.tensor([[3, 1, -1]])))
    [Draw(index=3, copy=1, key=0xffffffffffffffff)]

    Args:
        draws: int64 ``(n, 3)``: index, copy, key; on the host.
    """
    index, copy, key = draws.T.contiguous().numpy()
    return map(_unchecked, index.tolist(), copy.tolist(), key.view("uint64").tolist())


def _unchecked(index: int, copy: int, key: int) -> Draw:
    draw = int.__new__(Draw, index)
    draw.copy = copy
    draw.key = key
    return draw


def _checked(cls: type[Draw], **parts: int) -> Draw:
    for name, value in parts.items():
        try:
            parts[name] = operator.index(value)
        except TypeError:
            raise TypeError(f"{name} must be an int, got {type(value).__name__}") from None
        if not 0 <= parts[name] < 1 << _LIMITS[name]:
            raise ValueError(f"{name} must be in [0, 2**{_LIMITS[name]}), got {value}")
    draw = int.__new__(cls, parts["index"])
    draw.copy = parts["copy"]
    draw.key = parts["key"]
    return draw
