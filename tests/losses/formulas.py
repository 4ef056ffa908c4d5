"""The papers' formulas, row by row and class by class in plain Python: what the losses are tested against."""

from __future__ import annotations

import math
from collections.abc import Sequence

Numbers = Sequence[float]


def cross_entropy(z: Numbers, y: int) -> float:
    return math.log(sum(math.exp(v) for v in z)) - z[y]


def focal(z: Numbers, y: int, gamma: float) -> float:
    """Lin et al. 2017, equation 4."""
    p = math.exp(z[y]) / sum(math.exp(v) for v in z)
    return -((1 - p) ** gamma) * math.log(p)


def logit_adjusted(z: Numbers, y: int, counts: Numbers, tau: float) -> float:
    """Menon et al. 2021, equation 10: log(1 + the sum over the others of (pi' / pi)^tau exp(z' - z))."""
    others = [j for j in range(len(z)) if j != y]
    return math.log(1 + sum((counts[j] / counts[y]) ** tau * math.exp(z[j] - z[y]) for j in others))


def balanced_softmax(z: Numbers, y: int, counts: Numbers) -> float:
    """Ren et al. 2020, equation 4."""
    return -math.log(
        counts[y] * math.exp(z[y]) / sum(n * math.exp(v) for n, v in zip(counts, z, strict=True))
    )


def ldam(z: Numbers, y: int, counts: Numbers, max_margin: float, scale: float) -> float:
    """Cao et al. 2019: margins in proportion to n^(-1/4)."""
    c = max_margin / max(n**-0.25 for n in counts)
    own = math.exp(scale * (z[y] - c / counts[y] ** 0.25))
    return -math.log(own / (own + sum(math.exp(scale * z[j]) for j in range(len(z)) if j != y)))


def mean(losses: Numbers, weights: Numbers) -> float:
    return sum(w * v for w, v in zip(weights, losses, strict=True)) / sum(weights)
