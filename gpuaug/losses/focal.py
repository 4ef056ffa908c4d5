"""Focal loss."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.losses.base import ClassLoss, finite_number
from gpuaug.losses.counts import Counts

__all__ = ["FocalLoss"]


class FocalLoss(ClassLoss):
    """Cross-entropy that counts less the better a row is known: ``-(1 - p)^gamma * log(p)``.

    >>> loss = FocalLoss(gamma=2.0)
    >>> loss(torch.tensor([[0.0, 0.0], [0.0, 4.0]]), torch.tensor([0, 1]))
    tensor(0.0866)

    p is the softmax's probability of the row's class. Source: Lin et al., "Focal loss for dense object
    detection", ICCV 2017, whose alpha is ``weight``. ``weight=effective_number_weights(...)`` makes it
    class-balanced (Cui et al., CVPR 2019).

    torchvision's ``sigmoid_focal_loss`` is the same for two classes, of one logit. For more it takes each
    class apart, as detectors do, and leaves no probabilities that add up to 1; hence this one.

    Args:
        gamma: finite and at least 0; the paper's is 2, and 0 is cross-entropy.
        weight, deferred, reduction: see ``ClassLoss``, which also has shapes, dtypes and errors.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        *,
        weight: Counts | None = None,
        deferred: int = 0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(classes=None, weight=weight, deferred=deferred, reduction=reduction)
        self.gamma = finite_number("gamma", gamma)

    def each(self, scores: Tensor, label: Tensor) -> Tensor:
        logs = scores.log_softmax(dim=1)
        known = logs.gather(1, label[:, None])[:, 0]
        if not self.gamma:
            return -known
        # 1 - p as the sum of the others: 1 - exp(log p) has no digits left, and its power no gradient, where
        # p is almost 1.
        rest = logs.scatter(1, label[:, None], -torch.inf)
        # Logits of -inf: p is 1 where all other classes have it, and 0 where the row's own class has it. Then
        # the power is a constant, for its gradient would be 0 times infinity.
        alone = rest.isneginf().all(dim=1)
        others = rest.masked_fill(alone[:, None], 0).logsumexp(dim=1).masked_fill(alone, -torch.inf)
        others = others.masked_fill(known.isneginf(), 0)
        return -(self.gamma * others).exp() * known

    def extra_repr(self) -> str:
        return f"gamma={self.gamma}, {super().extra_repr()}"
