"""The power of Student's paired test: the differences that seeds can tell, and the seeds that one needs."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from gpuaug.study.statistics.paired import CONFIDENCE

LEVEL = 1 - CONFIDENCE
POWER = 0.8  # how often a difference that can be told is told
SHARES = (np.arange(2000) + 0.5) / 2000
MOST_SEEDS = 1000  # beyond that, a study says "more than"


def power(difference: float, spread: float, seeds: int, level: float = LEVEL) -> float:
    """The share of studies of so many seeds that find a true difference.

    >>> round(power(0.03, 0.02, 5), 2), round(power(0.03, 0.02, 9), 2)
    (0.71, 0.97)

    Args:
        spread: the standard deviation of the differences over seeds, above 0.
        level: of the two-sided test; with several arms a part of it, as the first has it (Holm).
    """
    far = stats.t.isf(level / 2, seeds - 1)
    # For each of many equally likely estimates of the spread: SciPy's noncentral t fails far out.
    estimates = np.sqrt(stats.chi2.ppf(SHARES, seeds - 1) / (seeds - 1))
    return float(stats.norm.cdf(difference / spread * math.sqrt(seeds) - far * estimates).mean())


def tells(spread: float, seeds: int, level: float = LEVEL) -> float:
    """The smallest true difference that so many seeds find in four of five studies; infinite where none of 1
    or less is found so often.

    >>> round(tells(0.02, 3), 3), round(tells(0.02, 5), 3), round(tells(0.02, 20), 3)
    (0.065, 0.034, 0.013)
    """
    if power(1.0, spread, seeds, level) < POWER:
        return math.inf
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, spread, seeds, level) >= POWER else (middle, high)
    return high


def seeds_needed(difference: float, spread: float, level: float = LEVEL) -> int | None:
    """The fewest seeds that find a true difference in four of five studies; None above 1,000.

    >>> seeds_needed(0.02, 0.02), seeds_needed(0.02, 0.02, 0.05 / 8)
    (10, 17)
    """
    if power(difference, spread, MOST_SEEDS, level) < POWER:
        return None
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(difference, spread, middle, level) >= POWER else (middle, high)
    return high
