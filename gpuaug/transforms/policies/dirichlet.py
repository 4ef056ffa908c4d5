"""Random shares that add up to 1, from the random numbers of a draw."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_HALF_STEP = 2.0**-33  # numbers come in steps of 2**-32: the middle of a step is never 0
_HALVINGS = 48


def dirichlet(number: Tensor, alpha: float) -> Tensor:
    """Shares of the distribution Dirichlet(alpha, ..., alpha), as many as there are numbers.

    >>> dirichlet(torch.tensor([[0.5, 0.5, 0.5, 0.5]]), alpha=1.0).tolist()
    [[0.25, 0.25, 0.25, 0.25]]

    Args:
        number: ``(n, k)``, uniform in [0, 1), in steps of 2**-32.
        alpha: in [0.1, 100].

    Returns:
        float64 ``(n, k)``.
    """
    return torch.softmax(_log_gamma(number.double() + _HALF_STEP, alpha), dim=1)


def _log_gamma(probability: Tensor, alpha: float) -> Tensor:
    """The logarithm of the quantile of the distribution Gamma(alpha) at a probability."""
    if alpha == 1:
        return (-torch.log1p(-probability)).log()
    shape = torch.full_like(probability, alpha)
    # Near 0 the probability is x**alpha / gamma(alpha + 1), and never more.
    low = (probability.log() + math.lgamma(alpha + 1)) / alpha
    high = torch.full_like(low, math.log(alpha + 12 * math.sqrt(alpha) + 40))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = torch.special.gammainc(shape, middle.exp()) < probability
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2
