"""Paired differences against SciPy's other functions and published tables."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gpuaug.study.paired import Difference, holm, least_shown

VALUES, BASE = [0.71, 0.74, 0.70, 0.77], [0.70, 0.71, 0.71, 0.72]


def test_difference_against_the_paired_t_test():
    found = Difference.between(VALUES, BASE)
    expected = stats.ttest_rel(VALUES, BASE)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.mean == pytest.approx(0.02)
    # By hand: 3.182446 is the 97.5 % point of t with 3 degrees of freedom.
    half = 3.182446 * statistics.stdev(found.by_seed) / math.sqrt(4)
    assert (found.low, found.high) == pytest.approx((0.02 - half, 0.02 + half), abs=1e-6)


def test_one_seed_shows_nothing():
    found = Difference.between([0.9], [0.1])
    assert (found.mean, found.low, found.high, found.p) == (0.8, None, None, None)
    assert str(found) == "+0.800"
    assert Difference.between([0.5], [0.5]).p is None


def test_differences_without_spread():
    assert Difference.between([0.5, 0.25], [0.5, 0.25]).p == 1.0
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
    shape = [-1.0, 0.0, 1.0]  # standard deviation 1
    for factor, seen in [(1.001, True), (0.999, False)]:
        mean = factor * least_shown(1.0, 3, 5)
        p = Difference.between([mean + of for of in shape], [0.0] * 3).p
        assert (holm([p, 1, 1, 1, 1])[0] <= 0.05) is seen
