"""Partners of draws: for each a further draw, by its key, from the classes of an epoch's plan."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.random import OF_PARTNERS, join, words
from gpuaug.sampling.labels.table import LabelTable

# Copies that no sampler comes to, so that a partner is told from the draws of its batch.
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
        table: of the labels.
        weights: of each class, float64 ``(C,)``, finite, at least 0, and one above 0.
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
        """The partners of draws, in their order: int64 ``(n, 3)``, each with a key of its own.

        A partner is one more use of its sample, so ``apply_to="copies"`` augments it. Its copy is from
        ``PARTNERS`` on, and any of them as likely, so that ``OneOf(by="copy")`` gives it each of its members.

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
    """How many draws of a batch are its own; behind them come partners.

    >>> own_count(torch.tensor([[3, 0, 17], [5, 1, 19], [8, PARTNERS + 2, 23]]))
    2
    """
    return int((draws[:, 1] < PARTNERS).sum())
