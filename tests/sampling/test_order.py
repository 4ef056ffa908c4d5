"""The order of an epoch: against an oracle in Python's integers, and for uniformity."""

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from integers import draw_at, walkers
from scipy import stats

from gpuaug.random import draw_keys
from gpuaug.sampling.labels.read import read_labels
from gpuaug.sampling.order import Order, reference
from gpuaug.sampling.rotation import Rotation


def order_of(labels, target, seed=0, epoch=0):
    table = read_labels(labels)
    return Order(table, Rotation(table.classes, tuple(table.counts.tolist()), target).at(epoch), seed)


def every_draw(labels, target, seed=0, epoch=0):
    order = order_of(labels, target, seed, epoch)
    return order.draws(torch.arange(order.total))


def arguments(order, positions=None, wide=False):
    """What the op gets; wide: as int64, which serves more than 2**31 draws."""
    members, classes, bijections = order._members, order._classes, order._bijections
    if wide:
        members, classes, bijections = members.long(), classes.long(), bijections.long()
    positions = torch.arange(order.total) if positions is None else positions
    return [members, classes, bijections, positions, order._seed, order.epoch]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 4), max_size=40).map(lambda labels: [*labels, 5, 6]),
    st.integers(1, 25),
    st.integers(0, 2**64 - 1),
    st.integers(0, 30),
    st.data(),
)
def test_the_order_equals_one_made_with_integers(labels, target, seed, epoch, data):
    order = order_of(labels, target, seed, epoch)
    position = data.draw(st.integers(0, order.total - 1))
    draws = dict.fromkeys(labels, target)
    index, copy, key = order.draws(torch.tensor([position]))[0].tolist()
    assert (index, copy, key % 2**64) == draw_at(position, labels, draws, seed, epoch)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=40), st.integers(1, 25), st.integers(0, 2**64 - 1))
def test_against_brute_force(labels, target, seed):
    labels = [*labels, 5, 6]
    index, copy, key = every_draw(labels, target, seed, epoch=3).T
    assert torch.equal(key, draw_keys(seed, 3, index, copy))
    drawn = list(zip(index.tolist(), copy.tolist(), strict=True))
    assert len(set(drawn)) == len(drawn)
    for name in set(labels):
        members = [i for i, label in enumerate(labels) if label == name]
        times = [sum(1 for i, _ in drawn if i == member) for member in members]
        assert sum(times) == target
        assert max(times) - min(times) <= 1
        for member, n in zip(members, times, strict=True):
            assert sorted(c for i, c in drawn if i == member) == list(range(n))


LARGE = np.random.default_rng(0).integers(0, 700, 40_000)


@pytest.mark.native
@pytest.mark.parametrize(
    ("labels", "target"),
    [
        (LARGE, "majority"),
        (LARGE, 13),
        (LARGE % 2, {0: 1, 1: 70_000}),
        ([0] * 255 + [1] * 2, "majority"),
        ([0, 1], 1),
    ],
    ids=["700 classes", "700 rare ones", "two", "few", "two draws"],
)
def test_cpp_equals_pytorch(labels, target):
    order = order_of(labels, target, seed=2**64 - 7, epoch=5)
    expected = reference(*arguments(order))
    assert torch.equal(torch.ops.gpuaug.order(*arguments(order)), expected)
    assert torch.equal(torch.ops.gpuaug.order(*arguments(order, wide=True)), expected)


@pytest.mark.native
@pytest.mark.parametrize("wide", [False, True])
def test_few_draws_of_many_classes(wide):
    """So few that only the tables of the classes that they meet are looked at."""
    order = order_of(LARGE, 13, seed=1, epoch=2)
    given = arguments(order, torch.tensor([0, 4999, 17, order.total - 1]), wide)
    assert torch.equal(torch.ops.gpuaug.order(*given), reference(*given))
    given[2] = given[2].clone()
    given[2][2, 1:] = 0  # no grid has columns
    with pytest.raises(RuntimeError, match="bijections must have one over the samples of each class"):
        torch.ops.gpuaug.order(*given)


@pytest.mark.parametrize("wide", [False, True])
def test_the_reference_writes_nothing(wide):
    given = arguments(order_of(LARGE, 13, seed=1), wide=wide)
    before = [part.clone() for part in given[:4]]
    draws = reference(*given)
    assert all(map(torch.equal, given[:4], before))
    assert torch.equal(draws, torch.ops.gpuaug.order(*given))


@pytest.mark.native
@pytest.mark.parametrize("target", [2**31, 2**33 + 5, 2**40])
def test_cpp_equals_pytorch_beyond_32_bits(target):
    labels = [0, 1, 2] * 400
    order = order_of(labels, target, seed=3, epoch=2)
    assert order._classes.dtype == torch.int64
    positions = torch.cat((torch.arange(5000), torch.arange(order.total - 5000, order.total)))
    assert torch.equal(
        torch.ops.gpuaug.order(*arguments(order, positions)), reference(*arguments(order, positions))
    )
    draws = order.draws(positions)
    for at in (7, 9993):
        index, copy, key = draws[at].tolist()
        oracle = draw_at(positions[at].item(), labels, dict.fromkeys((0, 1, 2), target), 3, 2)
        assert (index, copy, key % 2**64) == oracle


def test_wide_tables_begin_where_32_bits_end():
    assert order_of([0, 1], 2**30 - 2**15)._classes.dtype == torch.int32
    assert order_of([0, 1], 2**30 - 2**15 + 1)._classes.dtype == torch.int64


@pytest.mark.parametrize("less", [0, 1, 20_000, 33_000])
def test_the_largest_grids_of_32_bits(less):
    draws = {0: 2**30 - 2**15, 1: 2**30 - 2**15 - less}
    order = order_of([0, 1], draws)
    assert order._classes.dtype == torch.int32
    positions = list(islice(walkers(order.total, 0, 0, 0, 0), 20))
    got = order.draws(torch.tensor(positions, dtype=torch.int64)).tolist()
    for position, (index, copy, key) in zip(positions, got, strict=True):
        assert (index, copy, key % 2**64) == draw_at(position, [0, 1], draws, 0, 0)


@pytest.mark.parametrize("make", [reference, torch.ops.gpuaug.order], ids=["reference", "op"])
@pytest.mark.parametrize("wide", [False, True])
def test_no_positions_give_no_draws(make, wide):
    order = order_of([0, 1, 1], "majority")
    assert make(*arguments(order, torch.empty(0, dtype=torch.int64), wide)).shape == (0, 3)


@pytest.mark.parametrize("make", [reference, torch.ops.gpuaug.order], ids=["reference", "op"])
@pytest.mark.parametrize("position", [-1, 4])
def test_positions_out_of_range(make, position):
    order = order_of([0, 1, 1], "majority")
    with pytest.raises(RuntimeError, match=rf"positions must be in \[0, 4\), got {position}"):
        make(*arguments(order, torch.tensor([0, position])))


@pytest.mark.native
@pytest.mark.parametrize(
    ("place", "wrong", "message"),
    [
        (0, lambda t: t.double(), "members must be contiguous int32 or int64"),
        (1, lambda t: t[:4].contiguous(), r"classes must be contiguous int32 or int64 \(5, classes\)"),
        (1, lambda t: t.T.contiguous().T, "classes must be contiguous"),
        (
            2,
            lambda t: t.long(),
            r"bijections must be contiguous \(19, 1 \+ classes\), of the type of classes",
        ),
        (2, lambda t: t[:, :2].contiguous(), "bijections must be contiguous"),
        (3, lambda t: t.int(), r"positions must be contiguous int64 \(n\)"),
        (3, lambda t: t[::2], "positions must be contiguous"),
    ],
)
def test_cpp_checks_its_tensors(place, wrong, message):
    tensors = arguments(order_of([0, 1, 1], "majority"))
    tensors[place] = wrong(tensors[place])
    with pytest.raises(RuntimeError, match=message):
        torch.ops.gpuaug.order(*tensors)


@pytest.mark.native
def test_the_op_passes_opcheck():
    torch.library.opcheck(torch.ops.gpuaug.order.default, tuple(arguments(order_of([0, 1, 1], "majority"))))


@pytest.fixture(scope="module")
def epochs():
    """(epochs, positions): which of ten originals and five copies is drawn, as a number in [0, 15)."""
    labels = [0] * 6 + [1] * 4
    draws = torch.stack([every_draw(labels, {0: 6, 1: 9}, seed=1, epoch=epoch) for epoch in range(2500)])
    index, copy = draws[..., 0], draws[..., 1]
    # Copy 1 of 6, 7, 8, 9 is 10, 11, 12, 13; the one copy 2 of an epoch is 14.
    return torch.where(copy == 2, 14, index + 4 * copy)


@pytest.mark.slow
def test_any_draw_is_equally_likely_at_any_position(epochs):
    for position in epochs.T:
        assert stats.chisquare(torch.bincount(position, minlength=15).numpy()).pvalue > 1e-3 / 15


def test_pairs_of_neighbours_are_equally_likely(epochs):
    pairs = torch.bincount((epochs[:, :-1] * 15 + epochs[:, 1:]).flatten(), minlength=225).view(15, 15)
    assert (pairs.diagonal() == 0).all()
    apart = pairs[~torch.eye(15, dtype=torch.bool)]
    assert stats.chisquare(apart.numpy()).pvalue > 1e-3


def test_an_epoch_says_nothing_of_the_next(epochs):
    places = epochs.argsort(dim=1)[:, :10]  # where every original stands
    pairs = torch.bincount((places[:-1] * 15 + places[1:]).flatten(), minlength=225)
    assert stats.chisquare(pairs.numpy()).pvalue > 1e-3


def test_classes_are_mixed_over_the_epoch():
    index = every_draw([0] * 4800 + [1] * 1200, "majority")[:, 0]
    rare = (index >= 4800).view(48, 200).sum(1)
    # 200 draws without replacement from 4,800 of each: the variance is hypergeometric.
    variance = 200 * 0.25 * (9600 - 200) / (9600 - 1)
    statistic = ((rare - 100) ** 2 / variance).sum().item() * 47 / 48
    assert 1e-3 < stats.chi2.sf(statistic, 47) < 1 - 1e-3
