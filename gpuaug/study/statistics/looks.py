"""Looks at a study while it grows: after how many seeds, and how much of the error each look may spend.

A study that looks again and again, and ends when it likes what it sees, finds something in the end where
there is nothing. So each look has a part of the 5 %, and a p-value of it is divided by that part: the least
of the quotients so far is a p-value whatever made the study end, because by Bonferroni's inequality it falls
below a level no more often than the parts together say, which is that level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import stats

from gpuaug.study.statistics.paired import CONFIDENCE, NOTHING

GROWTH = 1.5  # seeds of a look to those of the one before
SPENDING = 2  # the error that is spent up to a look: the share of the seeds to this power


@dataclass(frozen=True)
class Looks:
    """After ``seeds[i]`` seeds, look i spends the part ``parts[i]`` of the error.

    >>> looks = Looks.up_to(20)
    >>> looks.seeds, [round(part, 4) for part in looks.parts]
    ((3, 4, 6, 9, 13, 20), [0.0225, 0.0175, 0.05, 0.1125, 0.22, 0.5775])

    Sources: Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70, 1983, for
    the spending; Kim and DeMets, Biometrika 74, 1987, for the power of the share; Liu and Anderson, J.
    American Statistical Association 103, 2008, for p-values of a study that is looked at again.
    """

    seeds: tuple[int, ...]

    @classmethod
    def up_to(cls, last: int, first: int = 3) -> Looks:
        """Looks from ``first`` to ``last`` seeds, each at about 1.5 times the seeds of the one before.

        Raises:
            ValueError: ``first`` below 2, or ``last`` below ``first``.
        """
        if first < 2:
            raise ValueError(f"the first look must have at least 2 seeds, for one has no spread, got {first}")
        if last < first:
            raise ValueError(f"max_seeds must be at least the seeds of the first look, {first}, got {last}")
        seeds = [last]
        while (fewer := round(seeds[0] / GROWTH)) > first:
            seeds.insert(0, fewer)
        return cls((first, *seeds) if last > first else (last,))

    @property
    def parts(self) -> tuple[float, ...]:
        """The parts of the whole error that the looks spend; their sum is 1."""
        spent = [0.0, *((seeds / self.seeds[-1]) ** SPENDING for seeds in self.seeds)]
        return tuple(after - before for before, after in pairwise(spent))

    def level(self, seeds: int) -> float:
        """The error that the last look may spend which so many seeds reach, before Holm's correction.

        >>> round(Looks.up_to(20).level(7), 6)
        0.0025
        """
        reached = [part for look, part in zip(self.seeds, self.parts, strict=True) if look <= seeds]
        return (1 - CONFIDENCE) * reached[-1]

    def p_values(self, differences: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """At each look so far, the p of "there is no difference", and that of "it is the margin or more".

        Args:
            differences: ``(..., seeds)``, of an arm to its baseline, seed by seed; any axes before.
            margin: of the two one-sided tests. Each is at half the level, as the 95 % interval within the
                margin is.

        Returns:
            Two arrays ``(..., looks)`` with the looks that the seeds reach, none larger than the one before.
            1 where the differences have no spread, which says nothing of chance.
        """
        none: list[np.ndarray] = []
        large: list[np.ndarray] = []
        for seeds, part in zip(self.seeds, self.parts, strict=True):
            if seeds > differences.shape[-1]:
                break
            here = differences[..., :seeds]
            mean, flat = here.mean(axis=-1), np.ptp(here, axis=-1) < NOTHING
            error = np.where(flat, 1.0, here.std(axis=-1, ddof=1) / np.sqrt(seeds))
            for found, distance in ((none, np.abs(mean)), (large, margin - np.abs(mean))):
                p = 2 * stats.t.sf(distance / error, seeds - 1) / part
                found.append(np.where(flat, 1.0, np.minimum(p, 1.0)))
        return _least_so_far(none), _least_so_far(large)


def _least_so_far(by_look: Sequence[np.ndarray]) -> np.ndarray:
    least: np.ndarray = np.minimum.accumulate(np.stack(by_look, axis=-1), axis=-1)
    return least
