"""Balanced softmax loss."""

from __future__ import annotations

from gpuaug.losses.counts import Counts
from gpuaug.losses.logit_adjusted import LogitAdjustedLoss

__all__ = ["BalancedSoftmaxLoss"]


class BalancedSoftmaxLoss(LogitAdjustedLoss):
    """Cross-entropy of a softmax that weights classes by their counts.

    >>> import torch
    >>> loss = BalancedSoftmaxLoss({"cat": 300, "dog": 100})
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor(0.8370)

    The loss of a row of class y is ``-log(n_y * exp(z_y) / sum_j n_j * exp(z_j))``. The model learns logits
    for equal shares, so it predicts with the plain softmax. The loss equals ``LogitAdjustedLoss`` with tau 1,
    and was found independently. Source: Ren et al., "Balanced meta-softmax for long-tailed visual
    recognition", NeurIPS 2020.

    Args:
        class_counts: n, ``(C,)``, each above 0, of the data that the loss is trained on: ``sampler.plan_``,
            or ``sampler.counts_`` where the draws are natural.
        weight: weight of each class, ``(C,)``, finite and above 0. Default: all classes weigh 1.
        deferred: first epoch in which ``weight`` applies, at least 0; see ``set_epoch``.
        reduction: "mean" (weighted, as in torch's ``CrossEntropyLoss``), "sum" or "none".

    Raises:
        TypeError, ValueError: if a setting is of another type, shape or range; when called, as in
            ``ClassLoss``, which also describes shapes and dtypes.
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
