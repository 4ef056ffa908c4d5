"""Paired differences against SciPy's other functions and published tables."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gpuaug.study.statistics.paired import Difference, holm, least_shown

VALUES, BASE = [0.71, 0.74, 0.70, 0.77], [0.70, 0.71, 0.71, 0.72]


def test_difference_against_the_paired_t_test():
    found = Difference.between(VALUES, BASE)
    expected = stats.ttest_rel(VALUES, BASE)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.mean == pytest.approx(0.02)
    # By hand: 3.182446 is the 97.5 % point of t with 3 degrees of freedom.
    half = 3.182446 * statistics.stdev(found.by_seed) / math.sqrt(4)
    assert (found.low, found.high) == pytest.approx((0.02 - half, 0.02 + half), abs=1e-6)


def test_intervals_end_where_differences_of_rates_do():
    # Differences 0.6 and 0.3: 0.45, and 12.7062 times 0.15 either way: [-1.456, 2.356].
    found = Difference.between([0.9, 0.7], [0.3, 0.4])
    assert (found.low, found.high) == (-1.0, 1.0)
    # 0.9 and 0.94: 0.92 and 12.7062 times 0.02: [0.666, 1.174]. Cut on one side alone.
    found = Difference.between([0.95, 0.98], [0.05, 0.04])
    assert (found.low, found.high) == pytest.approx((0.92 - 12.7062 * 0.02, 1.0), abs=1e-5)
    assert found.p == pytest.approx(stats.ttest_rel([0.95, 0.98], [0.05, 0.04]).pvalue)
    # And in the mirror.
    found = Difference.between([0.05, 0.04], [0.95, 0.98])
    assert (found.low, found.high) == pytest.approx((-1.0, 12.7062 * 0.02 - 0.92), abs=1e-5)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=6))
def test_every_interval_holds_its_mean_and_keeps_to_the_bounds(pairs):
    found = Difference.between(*zip(*pairs, strict=True))
    if found.low is not None:
        assert -1 <= found.low <= found.mean + 1e-12
        assert found.mean - 1e-12 <= found.high <= 1


def test_cut_intervals_hold_the_truth_as_often_as_they_promise():
    # Recalls near 1 under two seeds: most intervals are cut. The truth: the difference of the two means.
    rng, held, cut, studies = np.random.default_rng(0), 0, 0, 1000
    for _ in range(studies):
        found = Difference.between(rng.beta(8, 2, 2), rng.beta(8, 2, 2))
        held += found.low <= 0 <= found.high
        cut += -1 in (found.low, found.high) or 1 in (found.low, found.high)
    assert cut > studies / 4
    assert stats.binom.cdf(held, studies, 0.95) > 1e-4


@pytest.mark.parametrize("values", [([1.1, 0.5], [0.5, 0.5]), ([0.5, 0.5], [-0.1, 0.5])])
def test_values_that_are_no_rates(values):
    with pytest.raises(ValueError, match=r"must be rates in \[0, 1\], got (1.1|-0.1)"):
        Difference.between(*values)


def test_one_seed_shows_nothing():
    found = Difference.between([0.9], [0.1])
    assert (found.mean, found.low, found.high, found.p) == (0.8, None, None, None)
    assert str(found) == "+0.800"
    assert Difference.between([0.5], [0.5]).p is None


def test_differences_without_spread():
    # Also none at all: two seeds that find the same share of few test images show nothing of others.
    assert Difference.between([0.5, 0.25], [0.5, 0.25]) == Difference(0.0, None, None, None, (0.0, 0.0))
    # 0.8 - 0.7 and 0.3 - 0.2 differ by a rounding error: no spread to measure chance by.
    assert Difference.between([0.8, 0.3], [0.7, 0.2]).p is None


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([], []),
        ([0.2], [0.2]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.9, 0.5], [1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
    ],
)
def test_holm_by_hand(p_values, adjusted):
    assert holm(p_values) == pytest.approx(adjusted)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values):
    level, rejected = 0.05, set()
    for step, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] * (len(p_values) - step) > level:
            break
        rejected.add(place)
    assert {place for place, p in enumerate(holm(p_values)) if p <= level} == rejected


def test_least_shown_is_where_holm_begins_to_see():
    # 12.7062 is the 97.5 % point of t with one degree of freedom.
    assert least_shown(1.0, 2, 1) == pytest.approx(12.7062 / math.sqrt(2), abs=1e-4)
    shape = [-0.01, 0.0, 0.01]  # standard deviation 0.01
    for factor, seen in [(1.001, True), (0.999, False)]:
        mean = factor * least_shown(0.01, 3, 5)
        p = Difference.between([0.5 + mean + of for of in shape], [0.5] * 3).p
        assert (holm([p, 1, 1, 1, 1])[0] <= 0.05) is seen
