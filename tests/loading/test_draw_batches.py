"""An epoch's draws in batches, and the count of those that were used."""

import numpy as np
import pytest
import torch

from gpuaug import BalancedSampler, Draw
from gpuaug.loading.draw_batches import DrawBatches, draws_array
from gpuaug.sampling import deferred

LABELS = [0] * 5 + [1]  # 10 draws an epoch


def tensor_of(draws):
    return torch.from_numpy(draws_array(draws))


def batches(batch_size=4, drop_last=False, **options):
    return DrawBatches(BalancedSampler(LABELS, **options), batch_size, drop_last)


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [4, 4, 2]), (True, [4, 4])])
def test_batches_are_the_samplers_draws(drop_last, sizes):
    some = batches(drop_last=drop_last)
    epoch = list(some)
    assert [len(batch) for batch in epoch] == sizes
    assert len(some) == len(sizes)
    draws = torch.cat([tensor_of(batch) for batch in epoch])
    assert torch.equal(draws, some.sampler.draws(0, sum(sizes)))


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
@pytest.mark.parametrize(("ranks", "position"), [(1, 0), (1, 3), (3, 4)])
def test_rows_are_the_same_batches(ranks, position, batch_size, drop_last):
    lists = batches(batch_size, drop_last, num_replicas=ranks, rank=ranks - 1)
    arrays = batches(batch_size, drop_last, num_replicas=ranks, rank=ranks - 1)
    for some in (lists, arrays):
        some.load_state_dict({**some.state_dict(), "position": position})
    for _ in range(3):  # epochs
        for draws, rows in zip(lists, arrays.rows, strict=True):
            assert rows.dtype == np.int64
            assert rows.tolist() == draws_array(draws).tolist()
            assert lists.sampler.state_dict() == arrays.sampler.state_dict()  # of what was fetched
            for some in (lists, arrays):
                some.used.taken += len(draws)
            assert lists.state_dict() == arrays.state_dict()
        assert len(lists) == len(arrays.rows)


def test_rows_over_more_than_is_made_at_once(monkeypatch):
    monkeypatch.setattr(BalancedSampler, "_chunk", 3)
    assert [rows.tolist() for rows in batches(2).rows] == batches().sampler.draws().view(5, 2, 3).tolist()
    assert [len(rows) for rows in batches(4).rows] == [4, 4, 2]


def test_rows_of_a_sampler_that_yields_its_own_draws():
    class Backwards(BalancedSampler):
        def __iter__(self):
            return reversed(list(super().__iter__()))

    rows = list(DrawBatches(Backwards(LABELS), 4, drop_last=False).rows)
    assert [len(batch) for batch in rows] == [4, 4, 2]
    assert np.concatenate(rows).tolist() == BalancedSampler(LABELS).draws().flip(0).tolist()


def test_draws_become_an_array():
    draws = [Draw(2**40, copy=3, key=0), Draw(0, copy=2**32 - 1, key=2**63), Draw(5, copy=0, key=2**64 - 1)]
    assert torch.equal(tensor_of(draws), torch.stack([draw.tensor() for draw in draws]))
    assert draws_array(draws).tolist() == [[2**40, 3, 0], [0, 2**32 - 1, -(2**63)], [5, 0, -1]]


@pytest.mark.parametrize(
    ("ranks", "used", "position"), [(1, [4], 4), (1, [4, 4, 2], 10), (3, [1], 3), (3, [4], 10), (2, [], 0)]
)
def test_position_counts_what_was_used(ranks, used, position):
    some = batches(num_replicas=ranks, rank=0)
    next(iter(some))  # fetched ahead, not used
    for draws in used:
        some.used.taken += draws
    assert some.state_dict()["position"] == position
    assert some.state_dict() == {**some.sampler.state_dict(), "position": position}


def test_a_loaded_position_counts_on():
    some = batches()
    some.load_state_dict({**some.state_dict(), "position": 3})
    assert some.state_dict()["position"] == 3
    first = next(iter(some))
    assert torch.equal(tensor_of(first), some.sampler.draws(3, 7))
    assert some.state_dict()["position"] == 3
    some.used.taken += 4
    assert some.state_dict()["position"] == 7
    next(iter(some))  # a second iteration begins the epoch again
    assert some.state_dict()["position"] == 0


def test_a_left_iteration_no_longer_counts():
    some = batches()
    next(iter(some))
    left = some.used
    next(iter(some))
    left.taken += 4
    assert some.state_dict()["position"] == 0


@pytest.mark.parametrize("through", ["batches", "sampler"])
def test_a_loaded_state_counts_whoever_loads_it(through):
    some = batches()
    for batch in some:
        some.used.taken += len(batch)
    (some if through == "batches" else some.sampler).load_state_dict({**some.state_dict(), "position": 3})
    assert some.state_dict()["position"] == 3


def test_an_epoch_that_comes_again_begins_at_0():
    some = batches()
    next(iter(some))
    some.used.taken += 4
    some.sampler.set_epoch(1)
    some.sampler.set_epoch(0)
    assert some.state_dict()["position"] == 0


def test_the_last_batch_ends_the_epoch_that_a_schedule_gave():
    sampler = BalancedSampler([0] * 6 + [1] * 2, deferred(1), num_replicas=3, rank=1)
    some = DrawBatches(sampler, 4, drop_last=False)
    for epoch, total in ((0, 8), (1, 12), (0, 8)):
        some.set_epoch(epoch)
        for batch in some:
            some.used.taken += len(batch)
        assert some.state_dict()["position"] == total


def test_an_iterator_that_is_not_used_takes_nothing():
    some = batches()
    some.load_state_dict({**some.state_dict(), "position": 3})
    unused, used = iter(some), iter(some)
    assert torch.equal(tensor_of(next(used)), some.sampler.draws(3, 7))
    del unused


@pytest.mark.parametrize("through", ["batches", "sampler"])
def test_another_epoch_begins_at_0(through):
    some = batches()
    next(iter(some))
    some.used.taken += 4
    some.set_epoch(0)
    assert some.state_dict()["position"] == 4
    (some if through == "batches" else some.sampler).set_epoch(1)
    assert (some.state_dict()["epoch"], some.state_dict()["position"]) == (1, 0)


@pytest.mark.parametrize(
    ("batch_size", "error", "message"),
    [
        (0, ValueError, "got 0"),
        (-1, ValueError, "got -1"),
        (1.5, TypeError, "got float"),
        (True, TypeError, "got bool"),
    ],
)
def test_batch_size_is_checked(batch_size, error, message):
    with pytest.raises(error, match=f"batch_size must be .*{message}"):
        batches(batch_size)


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_batch_size_may_be_numpys(kind):
    some = batches(kind(4))
    assert type(some.batch_size) is int
    assert len(next(iter(some))) == 4
