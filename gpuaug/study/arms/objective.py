"""The objective of an arm: its loss, and how its predictions are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from gpuaug.losses import ClassLoss, FocalLoss

# From the samples of each class and its share of the draws; takes ``weight`` and ``deferred`` by name.
LossOf = Callable[..., ClassLoss]
AS_TRAINED, POST_HOC, PRIOR_CORRECTED = "as_trained", "post_hoc", "prior_corrected"


@dataclass(frozen=True)
class Objective:
    """Loss, weights of the classes, and a classifier trained anew. By default the network's own loss.

    Args:
        loss: makes it for an epoch; None is the network's.
        scale: what makes logits of the network's outputs.
        cosine: the network ends in a ``CosineClassifier``.
        weights: from the samples of each class to their weights where the draws are natural.
        deferred: the first epoch with weights.
        retrained: the epoch from which on the classifier alone is trained, from new weights.
        reading: which logits an arm predicts with: as they are trained, moved to equal shares of the classes
            ("post_hoc"), or to those of the training images ("prior_corrected").
    """

    loss: LossOf | None = None
    scale: float = 1.0
    cosine: bool = False
    weights: Callable[[Tensor], Tensor] | None = None
    deferred: int = 0
    retrained: int | None = None
    reading: str = AS_TRAINED

    @property
    def changes(self) -> bool:
        """True where the loss or what is trained depends on the number of the epoch."""
        return self.deferred > 0 or self.retrained is not None

    def of_epoch(self, epoch: int, samples: Tensor, drawn: Tensor) -> ClassLoss | None:
        """The loss of an epoch; None is the network's own.

        >>> import torch
        >>> samples = torch.tensor([30.0, 10.0], dtype=torch.float64)
        >>> weighted = Objective(weights=lambda samples: 1 / samples)
        >>> weighted.of_epoch(0, samples, drawn=samples / 40).weight
        tensor([0.5000, 1.5000], dtype=torch.float64)
        >>> weighted.of_epoch(0, samples, drawn=torch.tensor([0.5, 0.5])).weight
        tensor([1., 1.], dtype=torch.float64)

        A class's weight makes up for its draws: weight times draws is what it is with natural draws, so that
        balance is not asked for twice.

        Args:
            epoch: 0, 1, ...
            samples: of each class, float64 ``(C,)``.
            drawn: the shares of the classes among the epoch's draws, ``(C,)``.
        """
        if self.weights is None:
            return None if self.loss is None else self.loss(samples, drawn)
        weight = self.weights(samples) * samples / drawn
        weight = weight * len(weight) / weight.sum()
        loss = (self.loss or cross_entropy)(samples, drawn, weight=weight, deferred=self.deferred)
        loss.set_epoch(epoch)
        return loss


def cross_entropy(samples: Tensor, drawn: Tensor, **options: object) -> ClassLoss:
    """Plain cross-entropy, with weights: focal loss whose gamma is 0."""
    make: Callable[..., ClassLoss] = FocalLoss
    return make(0.0, **options)


class SmoothedLoss(ClassLoss):
    """torch's cross-entropy with smoothed labels, for the labels of mixes too.

    >>> import torch
    >>> SmoothedLoss(0.1)(torch.tensor([[2.0, 0.0]]), torch.tensor([0]))
    tensor(0.2269)

    Args:
        smoothing: the part of every label that all classes share, in [0, 1].
    """

    def __init__(self, smoothing: float, *, weight: Tensor | None = None, deferred: int = 0) -> None:
        if isinstance(smoothing, bool) or not isinstance(smoothing, (int, float)):
            raise TypeError(f"smoothing must be a number in [0, 1], got {type(smoothing).__name__}")
        if not 0 <= smoothing <= 1:
            raise ValueError(f"smoothing must be in [0, 1], got {smoothing}")
        super().__init__(classes=None, weight=weight, deferred=deferred, reduction="mean")
        self.smoothing = float(smoothing)

    def each(self, scores: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(scores, label, label_smoothing=self.smoothing, reduction="none")
