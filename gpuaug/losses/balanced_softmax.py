"""Balanced softmax."""

from __future__ import annotations

from gpuaug.losses.counts import Counts
from gpuaug.losses.logit_adjusted import LogitAdjustedLoss

__all__ = ["BalancedSoftmaxLoss"]


class BalancedSoftmaxLoss(LogitAdjustedLoss):
    """Cross-entropy of a softmax that weighs classes by their counts:
    ``-log(n_y * exp(z_y) / sum_j n_j * exp(z_j))``.

    >>> import torch
    >>> loss = BalancedSoftmaxLoss({"cat": 300, "dog": 100})
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor(0.8370)

    What a model learns are logits for equal shares, so it predicts with the plain softmax. The same as
    ``LogitAdjustedLoss`` with tau 1, found independently. Source: Ren et al., "Balanced meta-softmax for
    long-tailed visual recognition", NeurIPS 2020.

    Args:
        class_counts: n, ``(C,)``, each above 0, of what the loss is trained on: ``sampler.plan_``, or
            ``sampler.counts_`` where the draws are natural.
        weight, deferred, reduction: see ``ClassLoss``, which also has shapes, dtypes and errors.
    """

    def __init__(
        self,
        class_counts: Counts,
        *,
        weight: Counts | None = None,
        deferred: int = 0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(class_counts, 1.0, weight=weight, deferred=deferred, reduction=reduction)
