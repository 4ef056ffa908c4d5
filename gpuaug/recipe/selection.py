"""Whom something is done to: a mask of draws, or, where it is everyone or no one, just True or False.

A batch is small and a tensor operation costs microseconds, so the common cases are worth their own type.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

Active = Tensor | bool


def both(a: Active, b: Active) -> Active:
    """Those in ``a`` and in ``b``.

    >>> both(True, torch.tensor([True, False])), both(False, True)
    (tensor([ True, False]), False)
    """
    if isinstance(a, bool):
        return b if a else False
    return both(b, a) if isinstance(b, bool) else a & b


def either(a: Active, b: Active) -> Active:
    """Those in ``a``, in ``b``, or in both.

    >>> either(False, torch.tensor([True, False])), either(True, False)
    (tensor([ True, False]), True)
    """
    return others(both(others(a), others(b)))


def others(active: Active) -> Active:
    """Those who are not.

    >>> others(torch.tensor([True, False])), others(True)
    (tensor([False,  True]), False)
    """
    return not active if isinstance(active, bool) else ~active


def where(active: Active, value: Any, otherwise: Tensor) -> Any:
    """``value`` for those who are active, ``otherwise`` for the others; both ``(n, ...)`` or broadcast to it.

    >>> where(torch.tensor([True, False]), 1, torch.zeros(2, 2)).tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """
    if isinstance(active, bool):
        return value if active else otherwise
    return torch.where(active.view(-1, *(1,) * (otherwise.dim() - 1)), value, otherwise)
