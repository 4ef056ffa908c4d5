"""The state of a sampler: it goes on with the one global order, whoever takes it up."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from gpuaug.sampling import BalancedSampler

LABELS = [0] * 13 + [1] * 4
TOTAL = 26


def rows(draws):
    return [draw.tensor().tolist() for draw in draws]


def take(iterator, count):
    return [next(iterator) for _ in range(count)]


def ranks(world, **settings):
    return [BalancedSampler(LABELS, num_replicas=world, rank=rank, **settings) for rank in range(world)]


def interleave(shares):
    return [row for step in zip(*shares, strict=True) for row in step]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, TOTAL), st.integers(0, 5))
def test_resume_after_any_draw(taken, epoch):
    sampler = BalancedSampler(LABELS)
    sampler.set_epoch(epoch)
    head = rows(take(iter(sampler), taken))
    state = json.loads(json.dumps(sampler.state_dict()))
    assert state["position"] == taken

    resumed = BalancedSampler(LABELS)
    resumed.load_state_dict(state)
    if taken < TOTAL:
        assert resumed.state_dict() == state
        assert head + rows(resumed) == sampler.draws().tolist()
    else:
        assert head == sampler.draws().tolist()
        assert (resumed.epoch, resumed.state_dict()["position"]) == (epoch + 1, 0)
    sampler.set_epoch(epoch + 1)
    assert rows(resumed) == sampler.draws().tolist()


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([1, 2, 3, 4]),
    st.sampled_from([1, 2, 3, 5]),
    st.integers(0, TOTAL // 4),
    st.booleans(),
)
def test_resume_with_another_number_of_ranks(before, after, steps, drop_last):
    old = ranks(before, drop_last=drop_last)
    iterators = [iter(sampler) for sampler in old]
    head = interleave([rows(take(iterator, steps)) for iterator in iterators])
    states = [sampler.state_dict() for sampler in old]
    assert all(state == states[0] for state in states)

    new = ranks(after, drop_last=drop_last)
    for sampler in new:
        sampler.load_state_dict(states[0])
    tail = interleave([rows(sampler) for sampler in new])
    order = new[0].draws().tolist()
    left = TOTAL - steps * before
    length = (left // after if drop_last else -(-left // after)) * after
    if not length:
        assert {sampler.epoch for sampler in new} == {1}
        return
    assert head + tail == (order + order)[: steps * before + length]


def test_resume_with_another_batch_size():
    dataset = TensorDataset(torch.arange(len(LABELS)))
    sampler = BalancedSampler(LABELS)
    loader = iter(DataLoader(dataset, 4, sampler=sampler))
    head = torch.cat([next(loader)[0] for _ in range(3)])
    resumed = BalancedSampler(LABELS)
    resumed.load_state_dict(sampler.state_dict())
    tail = torch.cat([batch for (batch,) in DataLoader(dataset, 7, sampler=resumed)])
    assert torch.equal(torch.cat((head, tail)), sampler.draws()[:, 0])


def test_resume_beyond_32_bits():
    order = BalancedSampler(LABELS, 3 * 2**32, num_replicas=1, rank=0)
    position = 2**32 + 2**31 + 5
    for rank in range(2):
        sampler = BalancedSampler(LABELS, 3 * 2**32, num_replicas=2, rank=rank)
        sampler.load_state_dict({**order.state_dict(), "position": position})
        assert rows(take(iter(sampler), 4)) == order.draws(position, position + 8)[rank::2].tolist()
        assert sampler.state_dict()["position"] == position + 8


def test_only_the_next_iteration_is_short():
    sampler = BalancedSampler(LABELS)
    take(iter(sampler), 20)
    resumed = BalancedSampler(LABELS)
    resumed.load_state_dict(sampler.state_dict())
    assert [len(list(resumed)) for _ in range(2)] == [6, 26]
    assert len(resumed) == 26


def test_another_epoch_begins_at_its_start():
    sampler = BalancedSampler(LABELS)
    sampler.load_state_dict({**sampler.state_dict(), "position": 20})
    sampler.set_epoch(0)
    assert sampler.state_dict()["position"] == 20
    sampler.set_epoch(1)
    assert sampler.state_dict()["position"] == 0
    assert rows(sampler) == sampler.draws().tolist()


def test_the_end_of_an_epoch_resumes_to_the_next():
    sampler = BalancedSampler(LABELS)
    sampler.set_epoch(2)
    list(sampler)
    resumed = BalancedSampler(LABELS)
    resumed.load_state_dict(sampler.state_dict())
    drawn = {}
    for epoch in range(resumed.epoch, 5):
        resumed.set_epoch(epoch)
        drawn[epoch] = rows(resumed)
        assert drawn[epoch] == resumed.draws().tolist()
    assert list(drawn) == [3, 4]


def test_the_epoch_whose_end_was_loaded_has_nothing_left():
    sampler = BalancedSampler(LABELS)
    list(sampler)
    resumed = BalancedSampler(LABELS)
    resumed.load_state_dict(sampler.state_dict())
    resumed.set_epoch(0)
    assert [len(list(resumed)) for _ in range(3)] == [0, TOTAL, TOTAL]
    assert resumed.epoch == 2


def test_the_end_of_what_drop_last_leaves_is_the_end():
    sampler = BalancedSampler(LABELS, num_replicas=4, rank=1, drop_last=True)
    list(sampler)
    state = sampler.state_dict()
    assert (state["epoch"], state["position"]) == (0, 24)
    for ranks, epoch in ((4, 1), (2, 0), (1, 0)):
        resumed = BalancedSampler(LABELS, num_replicas=ranks, rank=0, drop_last=True)
        resumed.load_state_dict(state)
        assert resumed.epoch == epoch


def test_no_epoch_comes_after_the_last():
    sampler = BalancedSampler(LABELS)
    sampler.set_epoch(2**31 - 1)
    list(sampler)
    with pytest.raises(ValueError, match=r"epoch must be in \[0, 2147483648\), got 2147483648"):
        iter(sampler)


def test_an_iteration_begins_when_it_is_made_not_at_its_first_draw():
    sampler = BalancedSampler(LABELS)
    list(sampler)
    iter(sampler)
    assert sampler.state_dict()["position"] == 0


def test_a_padded_epoch_ends_at_its_last_draw():
    sampler = BalancedSampler(LABELS, num_replicas=4, rank=3)
    list(sampler)
    assert sampler.state_dict()["position"] == TOTAL


def test_a_left_iteration_no_longer_counts():
    sampler = BalancedSampler(LABELS)
    left = iter(sampler)
    take(left, 5)
    current = iter(sampler)
    take(current, 2)
    take(left, 5)
    assert sampler.state_dict()["position"] == 2


def test_state_is_small_plain_and_fresh():
    sampler = BalancedSampler(LABELS, seed=2**64 - 1)
    state = sampler.state_dict()
    assert {name: type(value) for name, value in state.items()} == {
        "version": int,
        "seed": int,
        "epoch": int,
        "position": int,
        "fingerprint": str,
    }
    assert len(state["fingerprint"]) == 16
    state["position"] = 9
    assert sampler.state_dict()["position"] == 0


@pytest.mark.parametrize(
    "other",
    [
        BalancedSampler([*LABELS[1:], 1]),
        BalancedSampler(LABELS[::-1]),
        BalancedSampler(["a" if label else "b" for label in LABELS]),
        BalancedSampler(LABELS, "minority"),
        BalancedSampler(LABELS, {1: 5}),
    ],
    ids=["a label", "their order", "their names", "the target", "one class's target"],
)
def test_other_labels_or_plan_are_refused_with_both_fingerprints(other):
    sampler = BalancedSampler(LABELS)
    theirs, ours = other.state_dict()["fingerprint"], sampler.state_dict()["fingerprint"]
    assert theirs != ours
    with pytest.raises(ValueError, match=f"has .*fingerprint {theirs}; the sampler has .*fingerprint {ours}"):
        sampler.load_state_dict(other.state_dict())
    assert sampler.state_dict()["position"] == 0


def test_the_same_plan_by_another_name_is_the_same():
    sampler = BalancedSampler(LABELS, 13)
    sampler.load_state_dict({**BalancedSampler(LABELS, "majority").state_dict(), "position": 3})
    assert sampler.state_dict()["position"] == 3


@pytest.mark.parametrize(("name", "value"), [("seed", 7), ("version", 1)])
def test_another_seed_or_version_is_refused_with_both(name, value):
    sampler = BalancedSampler(LABELS)
    state = sampler.state_dict()
    own, fingerprint = state[name], state["fingerprint"]
    message = f"{name} {value},.*fingerprint {fingerprint}; .*{name} {own},.*fingerprint {fingerprint}"
    with pytest.raises(ValueError, match=message):
        sampler.load_state_dict({**state, name: value})


@pytest.mark.parametrize("name", ["version", "seed", "epoch", "position", "fingerprint"])
def test_something_missing(name):
    sampler = BalancedSampler(LABELS)
    state = sampler.state_dict()
    del state[name]
    with pytest.raises(ValueError, match=f"{name} is missing"):
        sampler.load_state_dict(state)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("position", -1, ValueError, r"position must be in \[0, 27\), got -1"),
        ("position", 27, ValueError, r"position must be in \[0, 27\), got 27"),
        ("position", 1.5, TypeError, "position must be an int, got float"),
        ("epoch", -1, ValueError, r"epoch must be in \[0, 2147483648\), got -1"),
        ("epoch", None, TypeError, "epoch must be an int, got NoneType"),
    ],
)
def test_numbers_out_of_range(name, value, error, message):
    sampler = BalancedSampler(LABELS)
    with pytest.raises(error, match=message):
        sampler.load_state_dict({**sampler.state_dict(), name: value})


def test_a_state_of_another_type():
    with pytest.raises(TypeError, match="state_dict must be a mapping, got list"):
        BalancedSampler(LABELS).load_state_dict([1])


def test_an_iterator_that_is_never_used_costs_no_position():
    # DataLoader with batch_size=None and workers calls iter() twice and uses the second.
    sampler = BalancedSampler([0, 0, 0, 0, 1])
    whole = [int(draw) for draw in sampler]
    sampler.load_state_dict(sampler.state_dict() | {"position": 3})
    iter(sampler)
    assert [int(draw) for draw in sampler] == whole[3:]
    sampler.set_epoch(0)
    assert [int(draw) for draw in sampler] == whole

    sampler.set_epoch(0)
    sampler.load_state_dict(sampler.state_dict() | {"position": 3})
    loader = DataLoader(TensorDataset(torch.arange(5)), batch_size=None, sampler=sampler, num_workers=2)
    assert [int(index) for (index,) in loader] == whole[3:]
