"""Targets: counts worked out by hand, and formulas against exact fractions and the papers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuaug.sampling import BalancedSampler, effective_number, power
from gpuaug.sampling.targets import draws_of

COUNTS = {0: 4, 1: 10, 2: 7}


@pytest.mark.parametrize(
    ("target", "draws"),
    [
        ("natural", [4, 10, 7]),
        ("majority", [10, 10, 10]),
        ("minority", [4, 4, 4]),
        ("mean", [7, 7, 7]),
        ("median", [7, 7, 7]),
        (6, [6, 6, 6]),
        (np.int64(1), [1, 1, 1]),
        (1.0, [10, 10, 10]),
        (0.5, [5, 10, 7]),
        (np.float32(0.75), [8, 10, 8]),
        (0.01, [4, 10, 7]),
        ({0: 9}, [9, 10, 7]),
        ({0: 1, 1: 2, 2: 30}, [1, 2, 30]),
        ({}, [4, 10, 7]),
        (power(1), [4, 10, 7]),
        (power(0), [10, 10, 10]),
        (power(0.5), [6, 10, 8]),  # 10 sqrt(0.4) = 6.32, 10 sqrt(0.7) = 8.37
        (power(2), [2, 10, 5]),
        (effective_number(0), [4, 10, 7]),
        (effective_number(0.5), [4, 10, 7]),  # 4 (1 - 2**-10) / (1 - 2**-4) = 4.26, 7.05
        (effective_number(0.9), [8, 10, 9]),  # 4 * 0.6513 / 0.3439 = 7.58, 7 * 0.6513 / 0.5217 = 8.74
        (effective_number(1 - 1e-12), [10, 10, 10]),
        (lambda counts: {0: counts[1] + 1}, [11, 10, 7]),
        (lambda counts: "mean", [7, 7, 7]),
        (lambda counts: sum(counts.values()), [21, 21, 21]),
    ],
    ids=lambda value: str(value).partition(" at 0x")[0][:40],
)
def test_draws_of_each_target(target, draws):
    found = draws_of(target, COUNTS)
    assert found == dict(enumerate(draws))
    assert all(type(n) is int for n in found.values())
    labels = [name for name, count in COUNTS.items() for _ in range(count)]
    assert BalancedSampler(labels, target).plan_ == found


@pytest.mark.parametrize(
    ("target", "counts", "draws"),
    [
        ("mean", (1, 2), 2),  # 1.5
        ("mean", (2, 3), 2),  # 2.5: a half goes to the even number
        ("mean", (1, 1, 2), 1),
        ("median", (1, 4, 100), 4),
        ("median", (1, 4, 7, 100), 6),  # 5.5
        ("median", (2, 3), 2),  # 2.5
    ],
)
def test_means_and_medians_are_rounded(target, counts, draws):
    assert set(draws_of(target, dict(enumerate(counts))).values()) == {draws}


def test_a_target_maps_names_to_draws():
    assert draws_of({"dog": 8}, {"cat": 3, "dog": 5}) == {"cat": 3, "dog": 8}


COUNT_LISTS = st.lists(st.integers(1, 10**7), min_size=2, max_size=8)


@given(COUNT_LISTS, st.floats(0, 3))
def test_power_keeps_ratios(counts, alpha):
    draws = list(draws_of(power(alpha), dict(enumerate(counts))).values())
    for count, n in zip(counts, draws, strict=True):
        exact = math.exp(alpha * (math.log(count) - math.log(max(counts)))) * max(counts)
        assert n == pytest.approx(max(1, exact), abs=0.51, rel=1e-9)


@given(
    st.lists(st.integers(1, 500), min_size=2, max_size=6),
    st.integers(1, 9999).map(lambda n: Fraction(n, 10_000)),
)
def test_effective_number_is_that_of_the_paper(counts, beta):
    def per_sample(n):
        return (1 - beta) / (1 - beta**n)

    draws = draws_of(effective_number(float(beta)), dict(enumerate(counts)))
    most = max(counts)
    for count, n in zip(counts, draws.values(), strict=True):
        exact = count * per_sample(count) / per_sample(most)
        assert abs(n - exact) <= Fraction(1, 2) + Fraction(1, 10**6)


def test_effective_number_of_many_with_beta_near_1():
    # n (1 - beta) is 1 and 0.01: the exact ratio is (1 - 1/e) / (1 - e**-0.01), up to 1 - beta.
    draws = draws_of(effective_number(1 - 1e-9), {0: 10**9, 1: 10**7})
    assert draws[1] == pytest.approx(10**7 * (1 - math.exp(-1)) / (1 - math.exp(-0.01)), rel=1e-7)


def test_over_and_under_sampling_in_one_plan():
    sampler = BalancedSampler([0] * 12 + [1] * 2 + [2] * 7, "mean")
    assert str(sampler).splitlines()[1:] == [
        "class  samples  draws  copies per sample",
        "    0       12      7                  0",
        "    1        2      7             2 to 3",
        "    2        7      7                  0",
        "total       21     21",
    ]


@pytest.mark.parametrize(
    ("make", "value", "error", "message"),
    [
        (power, -0.5, ValueError, "alpha must be finite and at least 0, got -0.5"),
        (power, math.inf, ValueError, "alpha must be finite and at least 0, got inf"),
        (power, math.nan, ValueError, "alpha must be finite and at least 0, got nan"),
        (power, "0.5", TypeError, r"alpha must be a number, got '0.5' \(str\)"),
        (power, True, TypeError, "alpha must be a number, got True"),
        (effective_number, 1, ValueError, r"beta must be in \[0, 1\), got 1"),
        (effective_number, -0.1, ValueError, r"beta must be in \[0, 1\), got -0.1"),
        (effective_number, math.nan, ValueError, r"beta must be in \[0, 1\), got nan"),
        (effective_number, None, TypeError, "beta must be a number, got None"),
    ],
)
def test_parameters_out_of_range(make, value, error, message):
    with pytest.raises(error, match=message):
        make(value)
