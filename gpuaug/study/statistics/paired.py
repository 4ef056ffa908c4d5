"""Differences of a rate between two arms, seed by seed: Student's t, and Holm's correction for many arms."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

CONFIDENCE = 0.95
NOTHING = 1e-9  # less than a rounding error of a rate


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences of rates, its interval of 95 %, and the two-sided p of "there is none".

    Rates lie in [0, 1], so a mean difference lies in [-1, 1], and Student's interval is cut there: beyond, no
    true difference can be. The cut interval holds the true one as often as the whole interval, and is never
    empty, for the mean lies within the bounds too. Other methods for bounded values need more seeds than a
    study has (bootstrap), or say how other test images, not other seeds, would do (Newcombe's for shares).

    The interval and p are None where they cannot be had: for one seed, or for differences that are all equal,
    whose spread says nothing of chance.

    Source: Mandelkern, "Setting confidence intervals for bounded parameters", Statistical Science 17, 2002.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    by_seed: tuple[float, ...]

    @classmethod
    def between(
        cls, values: Sequence[float], baseline: Sequence[float], confidence: float = CONFIDENCE
    ) -> Difference:
        """The differences of rates that belong together place by place.

        >>> print(Difference.between([0.7, 0.8, 0.9], [0.6, 0.6, 0.6]))
        +0.200 [-0.048, +0.448]
        >>> print(Difference.between([0.7, 0.9], [0.4, 0.3]))
        +0.450 [-1.000, +1.000]

        Raises:
            ValueError: a value outside [0, 1].
        """
        for value in (*values, *baseline):
            if not -NOTHING <= value <= 1 + NOTHING:
                raise ValueError(f"values and baseline must be rates in [0, 1], got {value}")
        by_seed = tuple(value - base for value, base in zip(values, baseline, strict=True))
        mean = statistics.fmean(by_seed)
        if max(by_seed) - min(by_seed) < NOTHING:
            return cls(mean, None, None, None, by_seed)
        test = stats.ttest_1samp(by_seed, 0.0)
        interval = test.confidence_interval(confidence)
        low, high = max(-1.0, float(interval.low)), min(1.0, float(interval.high))
        return cls(mean, low, high, float(test.pvalue), by_seed)

    def within(self, margin: float) -> bool:
        """True where the interval lies between ``-margin`` and ``margin``, and touches neither.

        >>> Difference.between([0.51, 0.50, 0.51], [0.50, 0.50, 0.51]).within(0.02)
        True
        """
        return self.low is not None and self.high is not None and -margin < self.low and self.high < margin

    def __str__(self) -> str:
        return f"{self.mean:+.3f}" + (f" [{self.low:+.3f}, {self.high:+.3f}]" if self.low is not None else "")


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number: below a level, all of them together err no more often than it.

    >>> [round(p, 4) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statistics 6, 1979.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def least_shown(spread: float, seeds: int, comparisons: int) -> float:
    """The smallest mean difference that is significant, as the first of so many, where differences spread by
    so much (their standard deviation).

    >>> round(least_shown(0.01, 2, 4), 2), round(least_shown(0.01, 5, 4), 3)
    (0.36, 0.019)
    """
    level = 1 - (1 - CONFIDENCE) / comparisons / 2
    return float(stats.t.ppf(level, seeds - 1)) * spread / math.sqrt(seeds)
