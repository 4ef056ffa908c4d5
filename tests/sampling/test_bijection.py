"""The bijections: against an oracle in Python's integers, and for uniformity."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from integers import permuted
from scipy import stats

from gpuaug.sampling.bijection import MEMBERS, POSITIONS, SUBSET, Bijections

MANY = 20_000


def images(sizes, seed=0, epoch=0, purpose=MEMBERS):
    """For every size, the image of [0, size) under its own bijection."""
    shuffle = Bijections(sizes, seed, [epoch] * len(sizes), purpose)
    which = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    x = torch.cat([torch.arange(size) for size in sizes])
    return shuffle(x, which).split(list(sizes))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(0, 2**64 - 1))
def test_every_size_is_permuted(sizes, seed):
    for image, size in zip(images(sizes, seed), sizes, strict=True):
        assert sorted(image.tolist()) == list(range(size))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 2000) | st.integers(1, 2**31), min_size=1, max_size=4),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**31 - 1),
    st.data(),
)
def test_bijections_equal_those_made_with_integers(sizes, seed, epoch, data):
    number = data.draw(st.integers(0, len(sizes) - 1))
    x = data.draw(st.integers(0, sizes[number] - 1))
    got = Bijections(sizes, seed, [epoch] * len(sizes), SUBSET)(torch.tensor([x]), torch.tensor([number]))
    assert got.item() == permuted(x, sizes[number], number, seed, epoch, SUBSET)


@pytest.mark.parametrize("size", [2**32 + 1, 10**15, 2**62 - 1])
def test_sizes_beyond_32_bits_stay_in_range_and_injective(size):
    x = torch.cat([torch.arange(5000), torch.arange(size - 5000, size)])
    image = Bijections([size], 1, [2], POSITIONS)(x, torch.tensor(0))
    assert image.min() >= 0
    assert image.max() < size
    assert len(image.unique()) == len(x)
    assert stats.kstest(image.double().numpy() / size, "uniform").pvalue > 1e-3


@given(st.integers(1, 2**31 - 1))
def test_the_grid_is_barely_larger_than_the_size(root):
    sizes = sorted({min(max(1, root**2 + more), 2**62 - 1) for more in (-1, 0, 1, 2)})
    size, rows, columns = Bijections(sizes, 0, [0] * len(sizes), SUBSET).table[:3].tolist()
    assert size == sizes
    assert rows == [math.isqrt(n - 1) + 1 for n in sizes]
    assert columns == [-(-n // side) for n, side in zip(sizes, rows, strict=True)]


def test_input_is_not_written():
    x = torch.arange(1000)
    Bijections([1000], 0, [0], POSITIONS)(x, torch.tensor(0))
    assert torch.equal(x, torch.arange(1000))


def test_no_positions_have_no_images():
    empty = torch.empty(0, dtype=torch.int64)
    assert Bijections([5], 0, [0], MEMBERS)(empty, torch.tensor(0)).shape == (0,)
    assert Bijections([5], 0, [0], MEMBERS)(empty, empty).shape == (0,)


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 3, 4, 5, 6])
def test_all_permutations_of_a_few_are_equally_likely(size):
    seen = torch.stack(images([size] * MANY)) @ torch.tensor([10**i for i in range(size)])
    codes = sorted(sum(v * 10**i for i, v in enumerate(p)) for p in permutations(range(size)))
    counts = torch.bincount(torch.searchsorted(torch.tensor(codes), seen), minlength=len(codes))
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


@pytest.mark.parametrize("size", [9, 16, 50])
def test_positions_and_pairs_of_positions_are_uniform(size):
    got = torch.stack(images([size] * MANY, seed=size))
    pvalues = [stats.chisquare(torch.bincount(column, minlength=size).numpy()).pvalue for column in got.T]
    assert min(pvalues) > 1e-3 / size
    # Neighbours, and positions a row of the grid apart: where a Feistel network of too few rounds shows.
    apart = ~torch.eye(size, dtype=torch.bool)
    for lag in (1, 2, math.isqrt(size)):
        pairs = torch.bincount(got[:, 0] * size + got[:, lag], minlength=size**2).view(size, size)
        assert stats.chisquare(pairs[apart].numpy()).pvalue > 1e-3


@pytest.mark.parametrize("size", [1000, 100_003])
def test_a_large_permutation_has_no_serial_pattern(size):
    bins = 16
    side = math.isqrt(size - 1) + 1
    for epoch in range(3):
        (image,) = images([size], epoch=epoch, purpose=POSITIONS)
        column = image * bins // size
        for lag in (1, 2, side, -(-size // side)):
            table = torch.bincount(column * bins + column.roll(lag), minlength=bins**2).view(bins, bins)
            assert stats.chi2_contingency(table.numpy()).pvalue > 1e-3


def test_seeds_epochs_purposes_and_classes_are_unrelated():
    size = 2000
    first, other_class = images([size, size])
    others = [
        other_class,
        *images([size], seed=1),
        *images([size], epoch=1),
        *images([size], purpose=POSITIONS),
        torch.arange(size),
    ]
    for other in others:
        # A random permutation has one fixed point on average; six or more have a chance of 6 in 10,000.
        assert (first == other).sum() < 8
        assert abs(np.corrcoef(first, other)[0, 1]) < 4 / math.sqrt(size)
