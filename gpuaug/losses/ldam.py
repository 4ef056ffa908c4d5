"""The label-distribution-aware margin loss, with deferred re-weighting."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gpuaug.losses.base import ClassLoss, finite_number
from gpuaug.losses.counts import Counts, read_counts

__all__ = ["LDAMLoss"]


class LDAMLoss(ClassLoss):
    """Cross-entropy in which a class must win by a margin that falls with the fourth root of its count.

    >>> from gpuaug.losses import effective_number_weights
    >>> counts = {"cat": 10_000, "dog": 16}
    >>> loss = LDAMLoss(counts, weight=effective_number_weights(counts), deferred=160)
    >>> loss.margins
    tensor([0.1000, 0.5000], dtype=torch.float64)
    >>> cosines = torch.tensor([[0.5, 0.25]])  # of a CosineClassifier
    >>> loss.set_epoch(0)
    >>> loss(cosines, torch.tensor([0]))
    tensor(0.0110)

    With margins ``m_j = C / n_j^(1/4)``, C such that the largest is ``max_margin``, and scale s, a row of
    class y costs ``-log(exp(s * (z_y - m_y)) / (exp(s * (z_y - m_y)) + sum over j != y of exp(s * z_j)))``.
    Source: Cao et al., "Learning imbalanced datasets with label-distribution-aware margin loss", NeurIPS
    2019, section 3.2; scale and largest margin are those of the authors' code.

    ``weight`` and ``deferred`` give their deferred re-weighting (section 3.3): from 160 of 200 epochs on,
    the weights are those of the effective number with beta 0.9999. Call ``set_epoch`` before each epoch.

    The authors' networks end in cosines between features and weights, in [-1, 1], which the scale makes
    logits: see ``CosineClassifier``. For plain logits take ``scale=1``.

    Args:
        class_counts: n, ``(C,)``, each at least 1, of the samples: ``sampler.counts_``.
        max_margin: the rarest class's, finite and at least 0, in units of a cosine.
        scale: s, finite and above 0. ``scale * cosines`` are the model's logits, for predictions too.
        weight, deferred, reduction: see ``ClassLoss``, which also has shapes, dtypes and errors.
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
