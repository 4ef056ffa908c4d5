"""The draws that an entry applies to: a boolean mask ``(n,)``, or ``True``/``False`` for all or none.

A tensor operation on a small batch costs microseconds; ``True`` and ``False`` avoid it in common cases.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

Selection = Tensor | bool


def both(a: Selection, b: Selection) -> Selection:
    """The draws in ``a`` and in ``b``.

    >>> both(True, torch.tensor([True, False])), both(False, True)
    (tensor([ True, False]), False)
    """
    if isinstance(a, bool):
        return b if a else False
    return both(b, a) if isinstance(b, bool) else a & b


def either(a: Selection, b: Selection) -> Selection:
    """The draws in ``a``, in ``b``, or in both.

    >>> either(False, torch.tensor([True, False])), either(True, False)
    (tensor([ True, False]), True)
    """
    return others(both(others(a), others(b)))


def others(selection: Selection) -> Selection:
    """The draws that are not selected.

    >>> others(torch.tensor([True, False])), others(True)
    (tensor([False,  True]), False)
    """
    return not selection if isinstance(selection, bool) else ~selection


def where(selection: Selection, value: Any, otherwise: Tensor) -> Any:
    """``value`` for the selected draws, ``otherwise`` for the others; both ``(n, ...)`` or broadcast to it.

    >>> where(torch.tensor([True, False]), 1, torch.zeros(2, 2)).tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """
    if isinstance(selection, bool):
        return value if selection else otherwise
    return torch.where(selection.view(-1, *(1,) * (otherwise.dim() - 1)), value, otherwise)
