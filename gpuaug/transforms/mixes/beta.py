"""Beta distributions of the shares, by inversion of their cumulative distribution function."""

from __future__ import annotations

import torch
from torch import Tensor

_CELLS = 4096


class SymmetricBeta:
    """Beta(alpha, alpha) from numbers in [0, 1).

    >>> SymmetricBeta(1.0)(torch.tensor([0.25, 0.5], dtype=torch.float64))
    tensor([0.2500, 0.5000], dtype=torch.float64)

    Args:
        alpha: in [0.01, 100].
    """

    def __init__(self, alpha: float) -> None:
        self._exponent = _exponent(alpha)
        self._cumulative = _cumulative(alpha)

    def __call__(self, number: Tensor) -> Tensor:
        cell = torch.searchsorted(self._cumulative, number, right=True).clamp(1, _CELLS) - 1
        low, high = self._cumulative[cell], self._cumulative[cell + 1]
        t = ((cell + (number - low) / (high - low)) / _CELLS).clamp(0, 1)
        a = self._exponent
        return t**a / (t**a + (1 - t) ** a)


class BetaOne:
    """Beta(alpha, 1) from numbers in [0, 1): its distribution function is ``x ** alpha``.

    >>> BetaOne(0.5)(torch.tensor([0.25, 0.5], dtype=torch.float64))
    tensor([0.0625, 0.2500], dtype=torch.float64)

    Args:
        alpha: in [0.01, 100].
    """

    def __init__(self, alpha: float) -> None:
        self._power = 1 / alpha

    def __call__(self, number: Tensor) -> Tensor:
        return number**self._power


def _exponent(alpha: float) -> float:
    """The exponent a for which ``x = t^a / (t^a + (1 - t)^a)`` is Beta(alpha, alpha) and t has a bounded
    density.
    """
    return max(1.0, 1 / alpha)


def _cumulative(alpha: float) -> Tensor:
    """The probability that t is below 0, 1, 2, ... cells, by the trapezoidal rule.

    The density is ``(t (1 - t)) ** (a alpha - 1) * (t^a + (1 - t)^a) ** (-2 alpha)``.
    """
    a = _exponent(alpha)
    t = torch.linspace(0, 1, _CELLS + 1, dtype=torch.float64, device="cpu")
    density = (t * (1 - t)) ** (a * alpha - 1) * (t**a + (1 - t) ** a) ** (-2 * alpha)
    end = torch.cat(
        (torch.zeros(1, dtype=torch.float64, device="cpu"), (density[1:] + density[:-1]).cumsum(0))
    )
    return end / end[-1]
