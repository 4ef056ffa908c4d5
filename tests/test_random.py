"""The generator: published vectors, an oracle in Python's integers, shapes and ranges."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gpuaug.ops import keyed
from gpuaug.random import ORDER, PARAMETERS, check_seed, draw_keys, join, philox, signed, uniform, words

WORD = st.integers(0, 2**32 - 1)

# philox4x32 at 10 rounds in Random123's tests/kat_vectors: counter, key, output.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def hexadecimal(text):
    return [int(word, 16) for word in text.split()]


def oracle(counter, key):
    """Philox4x32-10 as the paper states it, on integers that never overflow."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 2**32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


@pytest.mark.parametrize(("counter", "key", "output"), KNOWN_ANSWERS)
def test_philox_known_answers(counter, key, output):
    low, high = hexadecimal(key)
    got = philox(torch.tensor([hexadecimal(counter)]), signed(low | high << 32)[None])
    assert got.tolist() == [hexadecimal(output)]


@pytest.mark.parametrize("op", [keyed.keyed_draws, torch.ops.gpuaug.keyed_draws], ids=["reference", "op"])
@pytest.mark.parametrize(("counter", "key", "output"), KNOWN_ANSWERS)
def test_keyed_draws_known_answers(op, counter, key, output):
    (low, high, copy, epoch), seed = hexadecimal(counter), hexadecimal(key)
    index = signed(low | high << 32)[None]
    got = op(index, torch.tensor([copy]), signed(seed[0] | seed[1] << 32).item(), epoch)
    first, second, *_ = hexadecimal(output)
    assert got.shape == (1, 3)
    assert got[0, :2].tolist() == [index.item(), copy]
    assert got[0, 2].item() % 2**64 == first | second << 32


@settings(deadline=None)
@given(st.lists(st.tuples(WORD, WORD, WORD, WORD), min_size=1, max_size=5), WORD, WORD)
def test_philox_against_integers(counters, low, high):
    got = philox(torch.tensor(counters), signed(low | high << 32))
    assert got.tolist() == [oracle(counter, (low, high)) for counter in counters]


def test_philox_broadcasts_keys_against_counters():
    counter = torch.arange(12).view(1, 3, 4)
    key = torch.tensor([[1], [-2]])
    got = philox(counter, key)
    assert got.shape == (2, 3, 4)
    assert torch.equal(got[1, 2], philox(counter[0, 2], key[1, 0]))


def test_philox_of_nothing():
    assert philox(torch.empty(0, 4, dtype=torch.int64), torch.tensor(0)).shape == (0, 4)


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), WORD)
def test_draw_key_is_philox_of_index_copy_and_epoch(seed, epoch, index, copy):
    got = draw_keys(seed, epoch, torch.tensor([index]), torch.tensor([copy])).item()
    low, high, _, _ = oracle((index % 2**32, index >> 32, copy, epoch), (seed % 2**32, seed >> 32))
    assert got % 2**64 == low | high << 32


def test_draw_keys_differ_in_every_argument():
    index, copy = torch.cartesian_prod(torch.arange(50), torch.arange(20)).T
    keys = torch.cat([draw_keys(seed, epoch, index, copy) for seed in (0, 1) for epoch in (0, 1)])
    assert len(keys.unique()) == 4 * 50 * 20


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8])
def test_words_are_the_blocks_of_the_draws_stream(count):
    keys = torch.tensor([0, 5, -1])
    halves = [(key % 2**32, key % 2**64 >> 32) for key in keys.tolist()]
    streams = [oracle((0, 0, 7, PARAMETERS), key) + oracle((1, 0, 7, PARAMETERS), key) for key in halves]
    assert words(keys, 7, count).tolist() == [stream[:count] for stream in streams]


def test_no_keys_give_no_rows():
    keys = torch.empty(0, dtype=torch.int64)
    assert words(keys, 0, 3).shape == (0, 3)
    assert [u.shape for u in uniform(keys, [0, 4], [3, 1])] == [(0, 3), (0, 1)]


def test_places_have_streams_of_their_own():
    keys = torch.arange(100)
    assert len(torch.cat([words(keys, place, 4).flatten() for place in range(4)]).unique()) == 1600


def test_uniform_range_type_and_resolution():
    got, _ = uniform(torch.arange(1000), [0, 1], [4, 2])
    assert got.dtype == torch.float64
    assert got.shape == (1000, 4)
    assert 0 <= got.min() < 0.01
    assert 0.99 < got.max() < 1


@pytest.mark.parametrize("op", [keyed.uniform, torch.ops.gpuaug.uniform], ids=["reference", "op"])
def test_uniform_is_the_words_of_each_place(op):
    places, counts = [3, 2**32 - 1, 0], [22, 1, 4]
    keys = torch.randint(-(2**63), 2**63 - 1, (50, 3))[:, 1]  # a view, as draws give it
    expected = [words(keys, place, count) for place, count in zip(places, counts, strict=True)]
    got = op(keys, places, counts)
    assert got.is_contiguous()
    assert torch.equal(got.T * 2**32, torch.cat(expected, dim=1).double())


def test_uniform_is_uniform_and_its_columns_are_unrelated():
    keys = draw_keys(3, 0, torch.arange(50_000), torch.zeros(50_000, dtype=torch.int64))
    (got,) = uniform(keys, [0], [2])
    assert stats.kstest(got[:, 0].numpy(), "uniform").pvalue > 1e-3
    cells = (got * 16).long()
    counts = torch.bincount(cells[:, 0] * 16 + cells[:, 1], minlength=256)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_signed_and_join_keep_all_64_bits(pattern):
    assert signed(pattern).item() % 2**64 == pattern
    block = torch.tensor([pattern % 2**32, pattern >> 32, 1, 2])
    assert join(block).item() % 2**64 == pattern


def test_order_words_cannot_meet_an_epoch():
    assert ORDER == 2**31  # epochs end below it


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seed_out_of_range(seed):
    with pytest.raises(ValueError, match=rf"seed must be in \[0, 2\*\*64\), got {seed}"):
        check_seed(seed)


@pytest.mark.parametrize(("seed", "name"), [(True, "bool"), (1.0, "float"), ("1", "str"), (None, "NoneType")])
def test_seed_of_another_type(seed, name):
    with pytest.raises(TypeError, match=f"seed must be an int, got {name}"):
        check_seed(seed)


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_seed_at_the_ends_of_its_range(seed):
    assert check_seed(seed) == seed


INDEX = torch.arange(3)


@pytest.mark.native
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda op: op.keyed_draws(INDEX.int(), INDEX, 0, 0), r"index must be int64 \(n\)"),
        (lambda op: op.keyed_draws(INDEX, INDEX[None], 0, 0), r"copy must be int64 \(n\)"),
        (lambda op: op.keyed_draws(INDEX, INDEX[:2], 0, 0), "copy must have one entry for each of index"),
        (lambda op: op.uniform(INDEX.double(), [0], [1]), r"keys must be int64 \(n\)"),
        (lambda op: op.uniform(INDEX, [0], [1, 2]), "counts must be as many as places"),
        (lambda op: op.uniform(INDEX, [0], [-1]), "counts must be at least 0, got -1"),
    ],
)
def test_cpp_checks_its_arguments(call, message):
    with pytest.raises(RuntimeError, match=message):
        call(torch.ops.gpuaug)


@pytest.mark.native
def test_keyed_ops_pass_opcheck():
    torch.library.opcheck(torch.ops.gpuaug.keyed_draws.default, (INDEX, INDEX, -5, 7))
    torch.library.opcheck(torch.ops.gpuaug.uniform.default, (INDEX, [0, 9], [5, 1]))
