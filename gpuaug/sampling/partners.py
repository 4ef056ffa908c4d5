"""Partners of draws: a further draw for each, chosen by its key from the classes of an epoch's plan."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.random import OF_PARTNERS, join, words
from gpuaug.sampling.labels.table import LabelTable

# Copy numbers from here on mark partners; no sampler reaches them.
PARTNERS = 1 << 31
_COPIES = 1 << 16


class Partners:
    """Draws a partner for each draw: a class by its weight, then any sample of the class.

    >>> from gpuaug import BalancedSampler
    >>> sampler = BalancedSampler([0, 0, 0, 1], "natural")
    >>> partners = sampler.partners(lambda samples, draws: torch.tensor([0.0, 1.0]))
    >>> partners.of(sampler.draws())[:, 0]
    tensor([3, 3, 3, 3])

    Args:
        table: the table of the labels.
        weights: the weight of each class, float64 ``(C,)``: finite, at least 0, and one of them above 0.

    Raises:
        ValueError: ``weights`` is of another shape or out of its range.
    """

    def __init__(self, table: LabelTable, weights: Tensor) -> None:
        if weights.shape != table.counts.shape:
            raise ValueError(
                f"weights must be one for each of the {len(table.counts)} classes, "
                f"got shape {tuple(weights.shape)}"
            )
        if not bool(((weights >= 0) & weights.isfinite()).all() and weights.any()):
            raise ValueError(f"weights must be finite, at least 0, and one above 0, got {weights.tolist()}")
        self._table = table
        self._ends = weights.double().cumsum(0)

    def of(self, draws: Tensor) -> Tensor:
        """The partners of draws, in the order of the draws: int64 ``(n, 3)``, each with a key of its own.

        A partner is one more use of its sample, so ``apply_to="copies"`` augments it. Its copy number is
        ``PARTNERS`` plus a random number, so that ``OneOf(by="copy")`` applies each member equally often.

        Args:
            draws: int64 ``(n, 3)`` on the host: index, copy, key.
        """
        drawn = words(draws[:, 2], OF_PARTNERS, 5)
        which, who = drawn[:, :2].double().mul(2.0**-32).unbind(1)
        number = torch.searchsorted(self._ends, which * self._ends[-1], right=True)
        number = number.clamp(max=len(self._ends) - 1)
        within = (who * self._table.counts[number]).long()
        index = self._table.members[self._table.starts[number] + within].long()
        copy = PARTNERS + drawn[:, 2] % _COPIES
        return torch.stack((index, copy, join(drawn[:, 3:])), dim=1)


def own_count(draws: Tensor) -> int:
    """The number of draws of a batch before its partners, which come last.

    >>> own_count(torch.tensor([[3, 0, 17], [5, 1, 19], [8, PARTNERS + 2, 23]]))
    2
    """
    return int((draws[:, 1] < PARTNERS).sum())
