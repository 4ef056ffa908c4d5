"""The calibration of probabilities: expected calibration error and Brier score."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 15


@dataclass(frozen=True)
class Calibration:
    """``ece``: by how much confidence and accuracy differ, in [0, 1]; ``brier``: the squared distance of the
    probabilities from the truth, in [0, 2]. 0 is best.
    """

    ece: float
    brier: float


class Predicted:
    """The probabilities of all images, with what their calibration needs.

    >>> said = torch.tensor([[0.8, 0.2], [0.8, 0.2], [0.6, 0.4]]).log().double()
    >>> predicted = Predicted(said, torch.tensor([0, 1, 0]))
    >>> predicted.calibration(torch.ones(3))
    Calibration(ece=0.333..., brier=0.56...)

    The expected calibration error has 15 bins of equal width for the probability of the predicted class: the
    mean distance between that and the share of right predictions, weighted by the bins' parts of the images
    (Guo et al., "On calibration of modern neural networks", ICML 2017). The Brier score is the
    mean over the images of the sum over the classes of (probability - truth)^2 (Brier 1950).

    Args:
        logits: ``(n, C)``, floating; computed in their dtype.
        labels: int64 ``(n,)``.
    """

    def __init__(self, logits: Tensor, labels: Tensor) -> None:
        self.probabilities = probabilities = logits.softmax(dim=1)
        self.confidence, self.classes = probabilities.max(dim=1)
        self.right = self.classes == labels
        of_truth = probabilities.gather(1, labels[:, None])[:, 0]
        # The sum over the classes of (p - truth)^2.
        self.squares = probabilities.square().sum(dim=1) - 2 * of_truth + 1
        bins = (self.confidence * BINS).ceil().long()  # from above the lower edge to the upper
        self.bins = bins.clamp(1, BINS) - 1

    def calibration(self, weights: Tensor) -> Calibration:
        """The calibration over images of these weights, ``(n,)``, at least 0, and one above 0."""
        weights = weights.double() / weights.double().sum()
        gaps = torch.zeros(BINS, dtype=torch.float64)
        gaps.index_add_(0, self.bins, weights * (self.right.double() - self.confidence.double()))
        return Calibration(float(gaps.abs().sum()), float(weights @ self.squares.double()))
