"""Label-distribution-aware margin loss, with deferred re-weighting."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gpuaug.losses.base import ClassLoss, finite_number
from gpuaug.losses.counts import Counts, read_counts

__all__ = ["LDAMLoss"]


class LDAMLoss(ClassLoss):
    """Cross-entropy with a margin for each class that falls with the fourth root of its count.

    >>> from gpuaug.losses import effective_number_weights
    >>> counts = {"cat": 10_000, "dog": 16}
    >>> loss = LDAMLoss(counts, weight=effective_number_weights(counts), deferred=160)
    >>> loss.margins
    tensor([0.1000, 0.5000], dtype=torch.float64)
    >>> cosines = torch.tensor([[0.5, 0.25]])  # of a CosineClassifier
    >>> loss.set_epoch(0)
    >>> loss(cosines, torch.tensor([0]))
    tensor(0.0110)

    With margins ``m_j = C / n_j^(1/4)``, C such that the largest is ``max_margin``, and scale s, the loss of
    a row of class y is ``-log(exp(s * (z_y - m_y)) / (exp(s * (z_y - m_y)) + sum over j != y of exp(s *
    z_j)))``. Source: Cao et al., "Learning imbalanced datasets with label-distribution-aware margin loss",
    NeurIPS 2019, section 3.2; scale and largest margin are those of the authors' code.

    ``weight`` and ``deferred`` give the paper's deferred re-weighting (section 3.3): from epoch 160 of 200
    on, the weights are those of the effective number with beta 0.9999. Call ``set_epoch`` before each epoch.

    The authors' networks end in cosines between features and weights, in [-1, 1], which the scale turns into
    logits: see ``CosineClassifier``. For plain logits use ``scale=1``.

    Args:
        class_counts: n, ``(C,)``, each at least 1, the samples of each class: ``sampler.counts_``.
        max_margin: margin of the rarest class, finite and at least 0, in units of a cosine.
        scale: s, finite and above 0. ``scale * cosines`` are the model's logits, also for predictions.
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
        max_margin: float = 0.5,
        scale: float = 30.0,
        *,
        weight: Counts | None = None,
        deferred: int = 0,
        reduction: str = "mean",
    ) -> None:
        counts = read_counts("class_counts", class_counts)
        super().__init__(classes=len(counts), weight=weight, deferred=deferred, reduction=reduction)
        self.max_margin = finite_number("max_margin", max_margin)
        self.scale = finite_number("scale", scale, above=True)
        margins = self.max_margin * (counts.min() / counts) ** 0.25
        self.register_buffer("margins", margins, persistent=False)

    margins: Tensor  # float64 (C,)

    def each(self, scores: Tensor, label: Tensor) -> Tensor:
        margin = self.margins.to(scores.dtype)[label][:, None]
        own = torch.zeros_like(scores).scatter(1, label[:, None], margin)
        return F.cross_entropy(self.scale * (scores - own), label, reduction="none")

    def extra_repr(self) -> str:
        return f"max_margin={self.max_margin}, scale={self.scale}, {super().extra_repr()}"
