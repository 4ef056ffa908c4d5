"""The keys of draws do not collide: what is proved of them, and what is counted.

A key is half of a Philox block. For one seed the blocks are a bijection of (index, copy, epoch), so that no
two draws have the same one: inverting it shows that. Half of a block is 64 bits of chance: among ``n`` keys
``n * (n - 1) / 2 / 2**64`` pairs are expected to be alike, 0.0003 for 10**8. That the halves are as good as
chance is counted where they are cut to 32 bits, and collide by the hundred.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug import BalancedBatchSampler, BalancedSampler, RepeatFactorSampler
from gpuaug.random import draw_keys, philox, signed

WORD = st.integers(0, 2**32 - 1)
MULTIPLIERS, WEYL = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85)


def undone(block, key):
    """The counter that Philox4x32-10 made the block from, on Python's integers: its rounds, backwards."""
    b0, b1, b2, b3 = block
    inverse = [pow(multiplier, -1, 2**32) for multiplier in MULTIPLIERS]
    for number in reversed(range(10)):
        k0, k1 = ((k + number * w) % 2**32 for k, w in zip(key, WEYL, strict=True))
        c0, c2 = b3 * inverse[0] % 2**32, b1 * inverse[1] % 2**32
        high0, high1 = c0 * MULTIPLIERS[0] >> 32, c2 * MULTIPLIERS[1] >> 32
        b0, b1, b2, b3 = c0, b0 ^ high1 ^ k0, c2, b2 ^ high0 ^ k1
    return [b0, b1, b2, b3]


@settings(deadline=None)
@given(st.lists(st.tuples(WORD, WORD, WORD, WORD), min_size=1, max_size=20), WORD, WORD)
def test_a_block_says_which_draw_it_is_of(counters, low, high):
    blocks = philox(torch.tensor(counters), signed(low | high << 32))
    assert [tuple(undone(block, (low, high))) for block in blocks.tolist()] == counters


def keys_of(seed, epochs, copies, samples):
    index = torch.arange(samples)
    some = [
        draw_keys(seed, epoch, index, torch.full_like(index, copy))
        for epoch in epochs
        for copy in range(copies)
    ]
    return torch.cat(some).numpy()


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_two_million_keys_differ_and_halves_of_them_meet_as_chance_has_it(seed):
    keys = keys_of(seed, (0, 1, 7, 2**31 - 1), 4, 1 << 17)
    count = len(keys)
    assert count == 1 << 21
    assert distinct(keys) == count
    pairs = count * (count - 1) / 2 / 2**32
    for shift in (0, 8, 16, 24, 32):  # any 32 bits of them: 512 pairs, give or take 23
        met = count - distinct((keys >> shift).astype(np.uint32))
        assert abs(met - pairs) < 5 * math.sqrt(pairs)


def distinct(values):
    values = np.sort(values)
    return 1 + int((values[1:] != values[:-1]).sum())


def test_keys_of_neighbouring_seeds_differ():
    keys = np.concatenate([keys_of(seed, (0, 1), 2, 1 << 14) for seed in range(16)])
    assert distinct(keys) == len(keys) == 1 << 20


@pytest.mark.parametrize(
    "sampler",
    [
        BalancedSampler([0] * 900 + [1] * 90 + [2] * 9, seed=5),
        RepeatFactorSampler([0] * 900 + [1] * 90 + [2] * 9, 0.3, seed=5),
        BalancedBatchSampler([0] * 900 + [1] * 90 + [2] * 9, 3, 7, batches=60, seed=5),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_no_key_comes_again_in_a_hundred_epochs(sampler):
    keys = []
    for epoch in range(100):
        sampler.set_epoch(epoch)
        keys.append(sampler.draws()[..., 2].flatten())
    keys = torch.cat(keys).numpy()
    assert distinct(keys) == len(keys) > 10**5
