"""The rotation: who is not drawn in this epoch is drawn in the next ones, before any other comes again."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug.sampling import BalancedSampler, Schedule
from gpuaug.sampling.rotation import Rotation


def times_by_epoch(labels, target, epochs, seed=0):
    """For every epoch how often it drew each sample."""
    sampler = BalancedSampler(labels, target, seed=seed)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        yield Counter(map(int, sampler))


def spread(times, labels, name):
    drawn = [times[index] for index, label in enumerate(labels) if label == name]
    return max(drawn) - min(drawn)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.lists(st.integers(1, 30), min_size=1, max_size=4),
    st.integers(0, 2**64 - 1),
)
def test_after_every_epoch_all_of_a_class_were_drawn_equally_often_or_once_more(one, other, plans, seed):
    labels = [0] * one + [1] * other
    schedule = Schedule(lambda epoch: plans[epoch % len(plans)])
    so_far = Counter()
    for times in times_by_epoch(labels, schedule, 2 * max(one, other), seed):
        so_far += times
        for name in (0, 1):
            assert spread(times, labels, name) <= 1
            assert spread(so_far, labels, name) <= 1


@pytest.mark.parametrize(("draws", "epochs"), [(10, 3), (7, 30), (1, 30), (29, 30)])
def test_an_under_sampled_class_is_gone_through_before_any_sample_comes_again(draws, epochs):
    labels = [0] * 30 + [1]
    seen = Counter()
    for times in times_by_epoch(labels, {0: draws}, epochs):
        assert max(times.values()) == 1
        seen += times
    assert {seen[index] for index in range(30)} == {draws * epochs // 30}


def test_the_remainder_of_an_over_sampled_class_goes_round():
    labels = [0] * 6 + [1] * 4
    epochs = list(times_by_epoch(labels, 6, 4))
    twice = [{index for index, n in times.items() if n == 2} for times in epochs]
    assert [len(samples) for samples in twice] == [2] * 4
    assert twice[0] | twice[1] == twice[2] | twice[3] == {6, 7, 8, 9}


def test_every_round_has_an_order_of_its_own():
    labels = [0] * 12 + [1]
    halves = [frozenset(times) - {12} for times in times_by_epoch(labels, {0: 6}, 40)]
    for first, second in zip(halves[::2], halves[1::2], strict=True):
        assert first | second == set(range(12))
    assert len(set(halves)) > 30  # of 924 halves


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 90)), min_size=2, max_size=4),
    st.integers(0, 100),
)
def test_any_epoch_at_once_and_step_by_step(classes, epoch):
    names = tuple(range(len(classes)))
    counts = tuple(n for n, _ in classes)
    target = {name: draws for name, (_, draws) in zip(names, classes, strict=True)}
    at_once = Rotation(names, counts, target).at(epoch)
    stepped = Rotation(names, counts, Schedule(lambda epoch: target)).at(epoch)
    assert at_once.offsets.tolist() == stepped.offsets.tolist()
    assert at_once.rounds.tolist() == stepped.rounds.tolist()
    assert at_once.digest == stepped.digest
    for offset, turn, (n, draws) in zip(at_once.offsets, at_once.rounds, classes, strict=True):
        assert offset == epoch * draws % n
        assert turn == sum(1 for e in range(1, epoch + 1) if e * draws % n == 0)


def test_the_last_epoch_of_a_large_class():
    turn = Rotation((0, 1), (2**40 + 1, 2), 2**33).at(2**31 - 1)
    assert turn.offsets[0] == (2**31 - 1) * 2**33 % (2**40 + 1)
