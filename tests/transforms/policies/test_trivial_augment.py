"""TrivialAugment's settings, and what it chooses."""

import pytest
import torch
from scipy.stats import chisquare

import gpuaug as ga
from gpuaug import random


def test_ops_magnitudes_and_signs_are_equally_likely_and_independent():
    policy = ga.TrivialAugmentWide(num_magnitude_bins=5)
    draws = random.keyed_draws(12, 0, torch.arange(28_000), torch.ones(28_000, dtype=torch.int64))
    (numbers,) = random.uniform(draws[:, 2], [0], [policy.random_count])
    rows = policy.choose(numbers)
    assert rows.shape == (28_000, 1)
    counts = torch.bincount(rows[:, 0], minlength=14 * 5 * 2)  # an op, a magnitude and a sign each
    assert len(counts) == 14 * 5 * 2
    assert chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(("bins", "error"), [(1, ValueError), (1001, ValueError), (3.5, TypeError)])
def test_wrong_bins_of_trivial_augment_are_refused(bins, error):
    with pytest.raises(error, match=r"num_magnitude_bins must be .*\[2, 1000\], got"):
        ga.TrivialAugmentWide(bins)
