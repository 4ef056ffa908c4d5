"""Long-tailed parts of a set, against the published sizes and a direct count."""

from collections import Counter
from math import nan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug import make_long_tailed


def cifar(classes):
    """The labels of a balanced set of 50,000, in an order of its own."""
    return np.random.default_rng(classes).permutation(np.arange(50_000) % classes)


# Train sizes of CIFAR-10-LT and CIFAR-100-LT: Zhang et al., "Bag of tricks for long-tailed visual recognition
# with deep convolutional neural networks", AAAI 2021.
@pytest.mark.parametrize(
    ("classes", "factor", "size"),
    [
        (10, 10, 20_431),
        (10, 50, 13_996),
        (10, 100, 12_406),
        (100, 10, 19_573),
        (100, 50, 12_608),
        (100, 100, 10_847),
    ],
)
def test_a_long_tail_has_the_published_sizes(classes, factor, size):
    labels = cifar(classes)
    indices = make_long_tailed(labels, factor)
    assert len(indices) == size
    counts = np.bincount(labels[indices])
    assert (counts[0], counts[-1]) == (50_000 // classes, 50_000 // classes // factor)
    assert (np.diff(counts) <= 0).all()


def test_published_counts_of_cifar_10():
    labels = cifar(10)
    counts = np.bincount(labels[make_long_tailed(labels, 100, seed=3)])
    assert counts.tolist() == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]


@pytest.mark.parametrize(
    ("classes", "rare"),
    [(10, 5), (100, 50), (2, 1), (5, 2)],
)
def test_a_step_imbalance_has_two_counts(classes, rare):
    labels = cifar(classes)
    many = 50_000 // classes
    counts = np.bincount(labels[make_long_tailed(labels, 100.0, "step")])
    assert counts.tolist() == [many] * (classes - rare) + [many // 100] * rare


@settings(deadline=None)
@given(
    st.lists(st.integers(9, 60), min_size=2, max_size=6),
    st.floats(1, 8),
    st.sampled_from(["exp", "step"]),
    st.none() | st.integers(0, 2**64 - 1),
)
def test_unequal_classes_give_what_they_have(have, factor, kind, seed):
    labels = np.repeat(np.arange(len(have)), have)
    indices = make_long_tailed(labels, factor, kind, seed)
    assert indices.dtype == torch.int64
    assert indices.tolist() == sorted(set(indices.tolist()))
    counts = np.bincount(labels[indices])
    assert len(counts) == len(have)
    half = len(have) - len(have) // 2
    wanted = [
        counts[0] * factor ** -(i / (len(have) - 1))
        if kind == "exp"
        else counts[0] / (factor if i >= half else 1)
        for i in range(len(have))
    ]
    assert all(count in (int(n - 1e-9), int(n + 1e-9)) for count, n in zip(counts, wanted, strict=True))
    # One more of the largest, and some class would not have enough.
    more = [n * (counts[0] + 1) / counts[0] for n in wanted]
    assert any(n > there - 1e-6 for n, there in zip(more, have, strict=True))


def test_without_a_seed_the_first_and_with_one_any():
    labels = [0, 1] * 40
    assert make_long_tailed(labels, 20).tolist() == sorted([*range(0, 80, 2), 1, 3])
    picks = {tuple(make_long_tailed(labels, 20, seed=seed).tolist()) for seed in range(50)}
    assert len(picks) > 40
    assert (
        make_long_tailed(labels, 20, seed=5).tolist()
        == make_long_tailed(np.array(labels), 20, seed=5).tolist()
    )


def test_names_are_in_their_order():
    labels = ["fox", "cat", "dog"] * 16
    kept = Counter(labels[i] for i in make_long_tailed(labels, 16).tolist())
    assert kept == {"cat": 16, "dog": 4, "fox": 1}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"factor": 0.5}, ValueError, "factor must be finite and at least 1, got 0.5"),
        ({"factor": nan}, ValueError, "factor must be finite and at least 1, got nan"),
        ({"factor": "100"}, TypeError, "factor must be a number, got str"),
        (
            {"factor": 11},
            ValueError,
            r"factor must be below about 10, so that every class .*got 11: int\(10 \* \(1 / 11\)\) is 0",
        ),
        (
            {"factor": 49, "labels": [0, 1] * 49},
            ValueError,
            r"factor must be below about 49, .* got 49: int\(49 \* \(1 / 49\)\) is 0",
        ),
        ({"factor": 2, "kind": "linear"}, ValueError, "kind must be one of 'exp', 'step', got 'linear'"),
        ({"factor": 2, "kind": None}, ValueError, "kind must be one of 'exp', 'step', got None"),
        ({"factor": 2, "seed": -1}, ValueError, r"seed must be in \[0, 2\*\*64\), got -1"),
        ({"factor": 2, "labels": [3, 3]}, ValueError, "labels hold one class only, 3: a tail needs two"),
    ],
)
def test_wrong_factors_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        make_long_tailed(**{"labels": [0, 1] * 10, **arguments})
