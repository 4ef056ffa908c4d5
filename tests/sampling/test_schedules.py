"""Schedules: the plan of each epoch, and what follows it."""

import math
from collections import Counter

import pytest

from gpuaug.sampling import BalancedSampler, Schedule, deferred, power, progressive

LABELS = [0] * 40 + [1] * 8
NATURAL, BALANCED = {0: 40, 1: 8}, {0: 40, 1: 40}


def plans(target, epochs):
    sampler = BalancedSampler(LABELS, target)
    found = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        assert Counter(LABELS[draw] for draw in sampler) == sampler.plan_
        assert len(sampler) == sum(sampler.plan_.values())
        found.append(sampler.plan_)
    return found


@pytest.mark.parametrize("epochs", [0, 1, 3])
def test_deferred_is_natural_and_then_balanced(epochs):
    assert plans(deferred(epochs), 5) == [NATURAL] * epochs + [BALANCED] * (5 - epochs)


def test_deferred_between_any_two_targets():
    assert plans(deferred(1, "minority", start={1: 16}), 3) == [{0: 40, 1: 16}] + [{0: 8, 1: 8}] * 2


def test_progressive_goes_in_equal_steps():
    rare = [plan[1] for plan in plans(progressive(4), 7)]
    assert rare == [8, 16, 24, 32, 40, 40, 40]


def test_cosine_begins_and_ends_slowly():
    rare = [plan[1] for plan in plans(progressive(8, shape="cosine"), 10)]
    assert rare == [round(8 + 32 * (1 - math.cos(math.pi * e / 8)) / 2) for e in range(9)] + [40]
    assert rare == [8, 9, 13, 18, 24, 30, 35, 39, 40, 40]


def test_progressive_between_any_two_targets():
    found = plans(progressive(2, target="minority", start=power(0.5)), 3)
    assert found == [{0: 40, 1: 18}, {0: 24, 1: 13}, {0: 8, 1: 8}]


def test_any_function_of_the_epoch():
    schedule = Schedule(lambda epoch: ["natural", 5, {1: 1}][epoch % 3])
    assert plans(schedule, 4) == [NATURAL, {0: 5, 1: 5}, {0: 40, 1: 1}, NATURAL]


def test_a_number_of_draws_and_a_ratio_are_two_targets_though_they_are_equal():
    assert plans(Schedule(lambda epoch: 1.0 if epoch else 1), 3) == [{0: 1, 1: 1}, BALANCED, BALANCED]
    assert plans(Schedule(lambda epoch: 1 if epoch else 1.0), 3) == [BALANCED, {0: 1, 1: 1}, {0: 1, 1: 1}]


def test_one_mapping_that_a_schedule_changes_for_every_epoch():
    asked = {}

    def target(epoch):
        asked[1] = 10 * (epoch + 1)
        return asked

    sampler = BalancedSampler(LABELS, Schedule(target))
    for epoch in (0, 1, 2, 1, 0, 3):
        sampler.set_epoch(epoch)
        assert sampler.plan_ == {0: 40, 1: 10 * (epoch + 1)}


def test_a_fault_is_found_whatever_the_epoch_before():
    sampler = BalancedSampler(LABELS, Schedule(lambda epoch: {1: True} if epoch else {1: 1}))
    with pytest.raises(TypeError, match=r"got True .*for epoch 1"):
        sampler.set_epoch(1)


@pytest.mark.parametrize("drop_last", [False, True])
def test_every_length_follows_the_epoch(drop_last):
    ranks = [
        BalancedSampler(LABELS, deferred(2), num_replicas=3, rank=rank, drop_last=drop_last)
        for rank in range(3)
    ]
    for epoch, total in ((0, 48), (2, 80), (1, 48), (7, 80)):
        for sampler in ranks:
            sampler.set_epoch(epoch)
        length = total // 3 if drop_last else -(-total // 3)
        assert [len(sampler) for sampler in ranks] == [length] * 3
        assert [sampler.total_size for sampler in ranks] == [3 * length] * 3
        assert [len(list(sampler)) for sampler in ranks] == [length] * 3
        assert f"{total} draws an epoch, {length} on rank 0 of 3" in str(ranks[0])


def test_a_running_iteration_keeps_the_length_that_it_began_with():
    sampler = BalancedSampler(LABELS, deferred(1))
    iterator = iter(sampler)
    next(iterator)
    sampler.set_epoch(1)
    assert len(list(iterator)) == 47
    assert len(list(sampler)) == 80


def test_the_order_depends_on_the_epoch_alone_not_on_the_way_to_it():
    forwards, jumping = (BalancedSampler(LABELS, progressive(5, 13)) for _ in range(2))
    orders = {}
    for epoch in range(8):
        forwards.set_epoch(epoch)
        orders[epoch] = forwards.draws().tolist()
    for epoch in (7, 2, 0, 5, 3, 3, 6):
        jumping.set_epoch(epoch)
        assert jumping.draws().tolist() == orders[epoch]


def test_a_schedule_that_never_changes_is_its_target():
    fixed, scheduled = BalancedSampler(LABELS, 13), BalancedSampler(LABELS, Schedule(lambda epoch: 13))
    for epoch in (0, 1, 9, 200):
        fixed.set_epoch(epoch)
        scheduled.set_epoch(epoch)
        assert fixed.draws().tolist() == scheduled.draws().tolist()
        assert fixed.state_dict() == scheduled.state_dict()


def test_a_state_of_a_schedule_is_taken_up_in_its_epoch():
    sampler = BalancedSampler(LABELS, deferred(3))
    sampler.set_epoch(4)
    whole = list(sampler)
    sampler.load_state_dict({**sampler.state_dict(), "position": 70})
    resumed = BalancedSampler(LABELS, deferred(3))
    resumed.load_state_dict(sampler.state_dict())
    assert (resumed.epoch, len(resumed)) == (4, 80)
    assert [draw.key for draw in resumed] == [draw.key for draw in whole[70:]]


def test_a_schedule_with_another_past_is_refused():
    state = {}
    for epochs in (3, 4):
        sampler = BalancedSampler(LABELS, deferred(epochs))
        sampler.set_epoch(5)
        state[epochs] = sampler.state_dict()
    early = BalancedSampler(LABELS, deferred(3))
    with pytest.raises(ValueError, match=f"{state[4]['fingerprint']}; .*{state[3]['fingerprint']}"):
        early.load_state_dict(state[4])
    assert (early.epoch, len(early)) == (0, 48)
    early.load_state_dict(state[3])


def test_schedules_that_agree_so_far_are_the_same_so_far():
    first, second = BalancedSampler(LABELS, deferred(3)), BalancedSampler(LABELS, deferred(9))
    first.set_epoch(2)
    second.load_state_dict(first.state_dict())
    assert second.epoch == 2


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: deferred(-1), ValueError, "epochs must be at least 0, got -1"),
        (lambda: deferred(2.0), TypeError, "epochs must be an int, got float"),
        (lambda: progressive(0), ValueError, "epochs must be at least 1, got 0"),
        (lambda: progressive(True), TypeError, "epochs must be an int, got bool"),
        (
            lambda: progressive(3, shape="step"),
            ValueError,
            "shape must be one of 'linear', 'cosine', got 'step'",
        ),
        (lambda: Schedule("majority"), TypeError, "at must be a function from epoch to target, got str"),
    ],
)
def test_wrong_schedules_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_schedules_fault_names_its_epoch_and_leaves_the_sampler_as_it_was():
    sampler = BalancedSampler(LABELS, deferred(2, target=-1))
    sampler.set_epoch(1)
    with pytest.raises(ValueError, match=r"positive int, got -1 \(from the schedule, for epoch 2\)"):
        sampler.set_epoch(2)
    assert (sampler.epoch, len(list(sampler))) == (1, 48)
    with pytest.raises(ValueError, match="for epoch 0"):
        BalancedSampler(LABELS, deferred(0, target="most"))
