"""RandAugment's settings, and what it chooses."""

import pytest
import torch
from scipy.stats import chisquare

import gpuaug as ga
from gpuaug import random

DRAWS = random.keyed_draws(11, 0, torch.arange(28_000), torch.ones(28_000, dtype=torch.int64))


def rows_of(policy):
    """The rows that the draws get, ``(n, slots)``, before any pixel is touched."""
    (numbers,) = random.uniform(DRAWS[:, 2], [0], [policy.random_count])
    return policy.choose(numbers)


def test_ops_and_signs_are_equally_likely_and_independent():
    policy = ga.RandAugment(num_ops=2)
    rows = rows_of(policy)
    assert rows.shape == (len(DRAWS), 2)
    ops, negative = policy._space.ops[rows], rows % 2
    pairs = torch.bincount(ops[:, 0] * 14 + ops[:, 1], minlength=196)
    assert chisquare(pairs).pvalue > 1e-4
    signed = torch.bincount((negative * torch.tensor([1, 2])).sum(1) + 4 * ops[:, 0], minlength=56)
    assert chisquare(signed).pvalue > 1e-4


def test_ops_have_the_magnitude_of_the_bin():
    shown = {op.name: op.magnitudes for op in ga.RandAugment(magnitude=4, num_magnitude_bins=5).transforms}
    assert shown["Rotate"] == "±30 degrees"
    assert shown["TranslateY"] == "±0.453 of the height"
    assert shown["Posterize"] == "4 bits"
    assert shown["Solarize"] == "0"
    none = {op.name: op.magnitudes for op in ga.RandAugment(magnitude=0).transforms}
    assert none["Brightness"] == "±0"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"num_ops": 0}, ValueError, r"num_ops must be in \[1, 10\], got 0"),
        ({"num_ops": 2.0}, TypeError, r"num_ops must be an int in \[1, 10\], got float"),
        ({"magnitude": 31}, ValueError, r"magnitude must be in \[0, 30\], got 31"),
        ({"num_magnitude_bins": 1}, ValueError, r"num_magnitude_bins must be in \[2, 1000\], got 1"),
    ],
)
def test_wrong_settings_of_rand_augment_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        ga.RandAugment(**settings)
