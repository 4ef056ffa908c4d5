"""Focal loss."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.losses.base import ClassLoss, finite_number
from gpuaug.losses.counts import Counts

__all__ = ["FocalLoss"]


class FocalLoss(ClassLoss):
    """Cross-entropy with less weight on rows that are already well classified.

    >>> loss = FocalLoss(gamma=2.0)
    >>> loss(torch.tensor([[0.0, 0.0], [0.0, 4.0]]), torch.tensor([0, 1]))
    tensor(0.0866)

    The loss of a row is ``-(1 - p)^gamma * log(p)``, with p the softmax probability of its class. Source: Lin
    et al., "Focal loss for dense object detection", ICCV 2017, whose alpha is ``weight``.
    ``weight=effective_number_weights(...)`` makes it class-balanced (Cui et al., CVPR 2019).

    torchvision's ``sigmoid_focal_loss`` is the same for two classes with one logit. For more classes it
    treats each separately, as detectors do, and its probabilities do not add up to 1.

    Args:
        gamma: exponent, finite and at least 0; the paper's is 2, and 0 is cross-entropy.
        weight: weight of each class, ``(C,)``, finite and above 0. Default: all classes weigh 1.
        deferred: first epoch in which ``weight`` applies, at least 0; see ``set_epoch``.
        reduction: "mean" (weighted, as in torch's ``CrossEntropyLoss``), "sum" or "none".

    Raises:
        TypeError, ValueError: if a setting is of another type, shape or range; when called, as in
            ``ClassLoss``, which also describes shapes and dtypes.
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
        # 1 - p is the sum of the other probabilities: where p is almost 1, 1 - exp(log p) has no digits left,
        # and its power no gradient.
        rest = logs.scatter(1, label[:, None], -torch.inf)
        # With logits of -inf, p is 1 if all other classes have one, and 0 if the row's own class has one. The
        # power is then a constant, since its gradient would be 0 times infinity.
        alone = rest.isneginf().all(dim=1)
        others = rest.masked_fill(alone[:, None], 0).logsumexp(dim=1).masked_fill(alone, -torch.inf)
        others = others.masked_fill(known.isneginf(), 0)
        return -(self.gamma * others).exp() * known

    def extra_repr(self) -> str:
        return f"gamma={self.gamma}, {super().extra_repr()}"
