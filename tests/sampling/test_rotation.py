"""The rotation: who is not drawn in this epoch is drawn in the next ones, before any other comes again."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gpuaug.sampling import BalancedSampler, Schedule
from gpuaug.sampling.rotation import Rotation

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize(
    ("size", "draws"), [(4801, 1200), (1001, 300), (1001, 700), (2001, 1000), (500, 1377)]
)
def test_epochs_overlap_as_chance_has_it(size, draws):
    """Also where a round ends within an epoch, whether few or most of a class are drawn (once more)."""
    labels, more, epochs = [0] * size + [1], draws % size, 24
    least = min(more, size - more)
    there = np.zeros((epochs, size))
    for row, times in zip(there, times_by_epoch(labels, {0: draws}, epochs), strict=True):
        row[:] = [times[index] - draws // size for index in range(size)]
    shared = there @ there.T
    assert (shared.diagonal() == more).all()
    law = stats.hypergeom(size, more, more)
    # Epochs that share no round; with fewer, what one has the other cannot have.
    lag = 2 * -(-size // least) + 1
    apart = [shared[i, j] for i in range(epochs) for j in range(i + lag, epochs)]
    assert len(apart) > 10
    assert law.ppf(1e-6) <= min(apart)
    assert max(apart) <= law.ppf(1 - 1e-6)
    assert abs(np.mean(apart) - law.mean()) < 4 * law.std() / np.sqrt(len(apart))


@pytest.mark.slow
@pytest.mark.parametrize("draws", [2, 3, 4, 5, 9, 12])
def test_any_set_is_as_likely_in_an_epoch_in_which_a_round_ends(draws):
    labels, more = [0] * 7 + [1], draws % 7
    epoch = next(e for e in range(9) if 0 < (e + 1) * more % 7 < more)
    sets = Counter()
    for seed in range(500):  # of at most 35 sets
        sampler = BalancedSampler(labels, {0: draws}, seed=seed)
        sampler.set_epoch(epoch)
        times = Counter(sampler.draws()[:, 0].tolist())
        sets[tuple(index for index in range(7) if times[index] > draws // 7)] += 1
    assert stats.chisquare([sets[some] for some in combinations(range(7), more)]).pvalue > 1e-3


def test_a_turn_of_small_shares_changes_to_one_of_large():
    """From draws that go round to draws that are left out, and back, with orders that were renewed."""
    labels = [0] * 30 + [1]
    plans = [7] * 9 + [24] * 9 + [11] * 5 + [26, 3] * 6 + [41] * 4
    so_far = Counter()
    sets = []
    for times in times_by_epoch(labels, Schedule(lambda epoch: {0: plans[epoch]}), len(plans)):
        so_far += times
        assert spread(times, labels, 0) <= 1
        assert spread(so_far, labels, 0) <= 1
        sets.append(frozenset(times))
    assert len(set(sets[:23])) == 23


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
    assert at_once == stepped
    for stand, (n, draws) in zip(at_once.stands, classes, strict=True):
        width = min(draws % n, -draws % n)
        assert (stand.round.number, stand.offset) == divmod(epoch * width, n)


def test_the_last_epoch_of_a_large_class():
    (stand, _) = Rotation((0, 1), (2**40 + 1, 2), 2**33).at(2**31 - 1).stands
    assert (stand.round.number, stand.offset) == divmod((2**31 - 1) * 2**33, 2**40 + 1)
