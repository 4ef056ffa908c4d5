"""What so many seeds can tell, against simulated studies."""

import math

import numpy as np
import pytest
from scipy import stats

from gpuaug.study.statistics.looks import Looks
from gpuaug.study.statistics.paired import Difference
from gpuaug.study.statistics.power import power, seeds_needed, tells
from gpuaug.study.statistics.verdicts import can_tell

STUDIES = 4000


@pytest.mark.parametrize(("seeds", "level"), [(2, 0.05), (3, 0.05), (5, 0.05), (5, 0.01), (10, 0.005)])
def test_the_least_difference_is_told_in_four_of_five_studies(seeds, level):
    least = tells(0.01, seeds, level)
    assert power(least, 0.01, seeds, level) == pytest.approx(0.8, abs=0.001)
    rng = np.random.default_rng(seeds)
    found = stats.ttest_1samp(least + 0.01 * rng.standard_normal((STUDIES, seeds)), 0.0, axis=1)
    told = ((found.pvalue <= level) & (found.statistic > 0)).sum()
    assert stats.binom.ppf(1e-4, STUDIES, 0.8) <= told <= stats.binom.ppf(1 - 1e-4, STUDIES, 0.8)


@pytest.mark.parametrize("level", [0.05, 0.005])
def test_the_seeds_that_are_needed_are_the_fewest(level):
    needed = seeds_needed(0.02, 0.02, level)
    assert tells(0.02, needed, level) <= 0.02 < tells(0.02, needed - 1, level)


def test_differences_that_no_number_of_seeds_tells():
    assert seeds_needed(0.001, 0.1) is None
    assert seeds_needed(0.5, 1e-6) == 2
    assert tells(0.5, 2) == math.inf


def spread_of(sd, seeds):
    """A difference over so many seeds with exactly that standard deviation."""
    shape = np.linspace(-1, 1, seeds)
    return Difference.between(0.5 + sd * shape / shape.std(ddof=1), [0.5] * seeds)


def test_the_sentence_on_power():
    said = can_tell([spread_of(0.02, 5)] * 3)
    least = tells(0.02, 5, 0.05 / 3)
    assert said.startswith(f"With 5 seeds this study can tell differences of {least:.3f} or more, in four of")
    assert said.endswith(f"For 0.02 it needs {seeds_needed(0.02, 0.02, 0.05 / 3)} seeds.")
    pilot = can_tell([spread_of(0.3, 2)])
    assert pilot.startswith(
        "With 2 seeds this study can tell no difference, for none is above 1. For 0.02 it"
    )
    assert pilot.endswith("more than 1,000 seeds or so.")
    assert can_tell([Difference.between([0.5, 0.5], [0.5, 0.5])]) == ""


def test_looks_leave_less_for_each():
    looks, of = Looks.up_to(20), spread_of(0.02, 6)
    assert "for none is above 1" not in can_tell([of], looks=looks)
    assert f"differences of {tells(0.02, 6, 0.05 * (6**2 - 4**2) / 20**2):.3f}" in can_tell([of], looks=looks)
    assert f"differences of {tells(0.02, 6):.3f}" in can_tell([of])
