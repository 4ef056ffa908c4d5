from collections import Counter
from math import inf, nan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gpuaug.sampling import BalancedSampler, make_imbalanced

LABELS = [0, 1, 2] * 10


def kept(indices, labels=LABELS):
    return Counter(labels[i] for i in indices.tolist())


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.none() | st.integers(0, 2**64 - 1), st.data())
def test_counts_against_the_labels(labels, seed, data):
    have = Counter(labels)
    counts = {
        name: data.draw(st.integers(1, n))
        for name, n in have.items()
        if data.draw(st.booleans(), label="named")
    }
    indices = make_imbalanced(labels, counts, seed=seed)
    assert indices.dtype == torch.int64
    assert indices.tolist() == sorted(set(indices.tolist()))
    assert kept(indices, labels) == {**have, **counts}


def test_without_a_seed_the_first_of_each_class():
    assert make_imbalanced(LABELS, {0: 2, 2: 1, 1: 3}).tolist() == [0, 1, 2, 3, 4, 7]


def test_with_a_seed_any_and_always_the_same():
    picks = [make_imbalanced(LABELS, {0: 5}, seed=seed) for seed in range(200)]
    assert torch.equal(picks[7], make_imbalanced(torch.tensor(LABELS), {0: 5}, seed=7))
    assert len({tuple(pick.tolist()) for pick in picks}) > 100  # of 252
    times = torch.bincount(torch.cat(picks), minlength=30)[::3]
    # Each of ten is picked with a half, 200 times; that five are picked takes one degree of freedom.
    statistic = ((times - 100) ** 2 / (200 * 0.5 * 0.5)).sum().item() * 9 / 10
    assert stats.chi2.sf(statistic, 9) > 1e-3


def test_the_experiments_imbalance():
    labels = np.arange(10_000) % 2
    indices = make_imbalanced(labels, {0: 4800, 1: 1200}, seed=0)
    assert BalancedSampler(labels[indices.numpy()]).plan_ == {0: 4800, 1: 4800}


@pytest.mark.parametrize(
    ("ratio", "minority", "expected"),
    [
        (2, 1, {0: 10, 1: 5, 2: 10}),
        (4.0, [1, 2], {0: 10, 1: 2, 2: 2}),
        (3, {2}, {0: 10, 1: 10, 2: 3}),
        (1, 0, {0: 10, 1: 10, 2: 10}),
        (1000, 0, {0: 1, 1: 10, 2: 10}),
        (2.5, np.int64(1), {0: 10, 1: 4, 2: 10}),
    ],
)
def test_ratio_to_the_largest_of_the_others(ratio, minority, expected):
    assert kept(make_imbalanced(LABELS, ratio=ratio, minority=minority)) == expected


def test_a_ratio_takes_minorities_by_name():
    labels = ["cat", "dog"] * 4
    assert kept(make_imbalanced(labels, ratio=4, minority="dog"), labels) == {"cat": 4, "dog": 1}


def test_ratio_counts_from_the_largest_other_class():
    labels = [0] * 8 + [1] * 2 + [2] * 8
    assert kept(make_imbalanced(labels, ratio=4, minority=2), labels) == {0: 8, 1: 2, 2: 2}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"counts": {0: 11}}, ValueError, r"counts\[0\] must be in \[1, 10\], .*got 11"),
        ({"counts": {0: 0}}, ValueError, r"counts\[0\] must be in \[1, 10\], .*got 0"),
        ({"counts": {0: 1.0}}, TypeError, r"counts\[0\] must be an int, got float"),
        ({"counts": {9: 1}}, ValueError, "counts names the class 9, which has no sample"),
        ({"counts": {None: 1}}, TypeError, "counts must name classes by int or str, got None"),
        ({"counts": [5, 5]}, TypeError, "counts must be a mapping from class to int, got list"),
        ({"counts": {0: 1}, "seed": -1}, ValueError, r"seed must be in \[0, 2\*\*64\), got -1"),
        ({}, TypeError, "takes either counts, or ratio and minority"),
        ({"ratio": 2}, TypeError, "takes either counts, or ratio and minority"),
        (
            {"counts": {0: 1}, "ratio": 2, "minority": 1},
            TypeError,
            "takes either counts, or ratio and minority",
        ),
        ({"ratio": 0.5, "minority": 1}, ValueError, "ratio must be finite and at least 1, got 0.5"),
        ({"ratio": nan, "minority": 1}, ValueError, "ratio must be finite and at least 1, got nan"),
        ({"ratio": inf, "minority": 1}, ValueError, "ratio must be finite and at least 1, got inf"),
        ({"ratio": "4:1", "minority": 1}, TypeError, "ratio must be a number, got str"),
        ({"ratio": 2, "minority": 7}, ValueError, "minority names the class 7, which has no sample"),
        ({"ratio": 2, "minority": 1.0}, TypeError, "minority must be a class or classes, got float"),
        ({"ratio": 2, "minority": [0, 1, 2]}, ValueError, "minority must name some, but not all, of the 3"),
        ({"ratio": 2, "minority": []}, ValueError, "minority must name some, but not all, of the 3"),
    ],
)
def test_wrong_counts_and_ratios_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        make_imbalanced(LABELS, **arguments)


def test_a_minority_that_is_already_rarer():
    with pytest.raises(ValueError, match=r"minority class 1 at ratio 2 must be in \[1, 2\], .*got 4"):
        make_imbalanced([0] * 8 + [1] * 2, ratio=2, minority=1)


def test_labels_are_checked():
    with pytest.raises(ValueError, match="got -1 at position 1"):
        make_imbalanced([0, -1], {0: 1})
