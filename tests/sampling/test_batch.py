"""Batches of k classes x m samples: what must hold of every sequence, counted draw by draw."""

import copy
import json
import math
import pickle
from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.utils.data import DataLoader, Dataset

from gpuaug import BalancedBatchSampler, BalancedLoader, DeviceDataset

LABELS = [0] * 40 + [1] * 13 + [2] * 7 + [3] * 2 + [4]


def rows(batches):
    return [[draw.tensor().tolist() for draw in batch] for batch in batches]


def stream(sampler, epochs):
    """The batches of the first epochs, one after the other."""
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        yield from sampler.draws()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=7),
    st.data(),
    st.integers(0, 2**64 - 1),
    st.sampled_from([0, 1, 2, 77, 2**31 - 1]),
)
def test_an_epoch_has_the_planned_batches(sizes, data, seed, epoch):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    k, m = data.draw(st.integers(1, len(sizes))), data.draw(st.integers(1, 5))
    sampler = BalancedBatchSampler(labels, k, m, batches=data.draw(st.integers(1, 9)), seed=seed)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert len(batches) == len(sampler) == sampler.total
    assert rows(batches) == sampler.draws().tolist()
    for batch in batches:
        turns = [[int(draw) for draw in batch[start : start + m]] for start in range(0, k * m, m)]
        classes = [{labels[index] for index in turn} for turn in turns]
        assert all(len(names) == 1 for names in classes)
        assert len(set().union(*classes)) == k
        for turn, (name,) in zip(turns, classes, strict=True):
            # None again before all of a small class are there.
            times = Counter(turn).values()
            assert max(times) == -(-m // sizes[name])
            assert len(times) == min(m, sizes[name])
    drawn = [draw for batch in batches for draw in batch]
    assert Counter(labels[draw] for draw in drawn) == Counter(sampler.plan_)
    assert len({(int(draw), draw.copy) for draw in drawn}) == len(drawn)
    assert len({draw.key for draw in drawn}) == len(drawn)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_after_every_batch_the_classes_came_equally_often_or_once_more(k):
    sampler = BalancedBatchSampler(LABELS, k, 2, batches=3, seed=4)
    counts = Counter(dict.fromkeys(range(5), 0))
    for batch in stream(sampler, 50):
        counts.update(LABELS[index] for index in batch[::2, 0].tolist())
        assert max(counts.values()) - min(counts.values()) <= 1
    assert set(counts.values()) <= {150 * k // 5, -(-150 * k // 5)}


@pytest.mark.parametrize(("classes", "k"), [(100, 60), (100, 30), (97, 48), (20, 19)])
def test_sets_of_classes_are_as_random_as_even_counts_allow(classes, k):
    """Against a simulation: at random but for those that the counts decide."""
    batches, generator = 1500, np.random.default_rng(0)
    sampler = BalancedBatchSampler(np.arange(classes), k, 1, batches=batches, seed=1)
    drawn = {"keyed": sampler.draws()[..., 0].numpy(), "simulated": np.empty((batches, k), np.int64)}
    counts = np.zeros(classes, np.int64)
    for batch in drawn["simulated"]:
        rank = np.lexsort((generator.random(classes), counts))
        batch[:] = rank[:k]
        counts[batch] += 1
    spreads = {}
    for name, each in drawn.items():
        there = np.zeros((batches, classes))
        there[np.arange(batches)[:, None], each] = 1
        pairs = (there.T @ there)[np.triu_indices(classes, 1)]
        assert pairs.mean() == pytest.approx(batches * k * (k - 1) / classes / (classes - 1))
        spreads[name] = pairs.var()
        shared = [(there[:-lag] * there[lag:]).sum(1) for lag in (1, 2, 3, 5)]
        spreads[name, "shared"] = np.array([each.mean() for each in shared])
        spreads[name, "sets"] = len(np.unique(np.sort(each, axis=1), axis=0))
    assert spreads["keyed"] == pytest.approx(spreads["simulated"], rel=0.15)
    # Where a round ends, random access costs a little: its tail comes a bit early in the next round.
    assert spreads["keyed", "shared"] == pytest.approx(spreads["simulated", "shared"], rel=0.08, abs=0.1)
    if classes == 20:
        assert spreads["keyed", "sets"] == 20
    else:
        assert spreads["keyed", "sets"] == batches


@pytest.mark.parametrize(("classes", "k"), [(5, 2), (5, 3), (6, 4), (7, 3)])
def test_sets_and_pairs_of_few_classes_are_uniform(classes, k):
    batches = 2000
    drawn = BalancedBatchSampler(np.arange(classes), k, 1, batches=batches, seed=3).draws()[..., 0]
    # Neighbours depend on one another, and keep the counts closer together than chance would.
    for size in (2, k):
        counts = Counter(
            part for batch in drawn[::5].sort(1).values.tolist() for part in combinations(batch, size)
        )
        assert len(counts) == math.comb(classes, size)
        assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_any_batch_at_once_and_one_after_the_other():
    whole = BalancedBatchSampler(LABELS, 3, 2, batches=40, seed=2)
    for epoch in (0, 7, 2**31 - 1):
        whole.set_epoch(epoch)
        parts = [whole.draws(at, at + 1) for at in range(40)]
        assert torch.equal(torch.cat(parts), whole.draws())


@pytest.mark.slow
def test_samples_come_equally_often_across_the_epochs():
    m = 3
    sampler = BalancedBatchSampler(LABELS, 2, m, batches=4, seed=1)
    drawn = defaultdict(list)
    for batch in stream(sampler, 120):
        for turn in batch[:, 0].split(m):
            drawn[LABELS[turn[0]]].append(turn.tolist())
    for name, size in ((0, 40), (1, 13), (2, 7)):
        turns = size // m
        passes = [
            [index for turn in drawn[name][start : start + turns] for index in turn]
            for start in range(0, len(drawn[name]) - turns + 1, turns)
        ]
        assert len(passes) > 10
        assert all(len(set(indices)) == turns * m for indices in passes)
        assert len(set(map(tuple, passes))) > 0.9 * len(passes)  # orders of seven may meet again
        assert set().union(*passes) == {index for index, label in enumerate(LABELS) if label == name}


def test_pairs_of_classes_and_of_samples_are_uniform():
    labels = np.repeat(np.arange(6), 8)
    sampler = BalancedBatchSampler(labels, 2, 2, batches=300, seed=9)
    classes, samples = Counter(), Counter()
    for batch in stream(sampler, 8):
        turns = batch[:, 0].split(2)
        classes[tuple(sorted(int(labels[turn[0]]) for turn in turns))] += 1
        samples.update(tuple(sorted(turn.tolist())) for turn in turns)
    assert len(classes) == 15
    assert stats.chisquare(list(classes.values())).pvalue > 1e-3
    of_one = [samples[pair] for pair in ((i, j) for i in range(8) for j in range(i + 1, 8))]
    assert stats.chisquare(of_one).pvalue > 1e-3


def test_copies_count_the_passes_of_the_epoch():
    sampler = BalancedBatchSampler([0] * 4 + [1] * 4, 2, 2, batches=6)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        copies = sampler.draws()[:, :, 1]
        assert copies.tolist() == [[number] * 4 for number in (0, 0, 1, 1, 2, 2)]
    small = BalancedBatchSampler([0] * 9 + [1] * 2, 2, 5, batches=1).draws()[0]
    copies = {9: [], 10: []}
    for index, number, _ in small[small[:, 0] >= 9].tolist():
        copies[index].append(number)
    assert sorted(copies.values()) == [[0, 1], [0, 1, 2]]


class TestGroups:
    # Class 0 has groups of 20, 5, 1 and 1 samples; class 1 has two of the same groups.
    LABELS = np.array([0] * 27 + [1] * 10)
    GROUPS = np.array(["a"] * 20 + ["b"] * 5 + ["c", "d"] + ["a"] * 9 + ["b"])

    def test_no_group_twice_in_a_turn_and_all_equally_often(self):
        sampler = BalancedBatchSampler(self.LABELS, 2, 2, groups=self.GROUPS, batches=30, seed=3)
        times = {0: Counter(), 1: Counter()}
        indices = Counter()
        for batch in stream(sampler, 4):
            for turn in batch[:, 0].split(2):
                groups = self.GROUPS[turn]
                assert len(set(groups)) == 2
                times[int(self.LABELS[turn[0]])].update(groups)
            indices.update(batch[:, 0].tolist())
        assert times[0] == dict.fromkeys("abcd", 60)
        assert times[1] == dict.fromkeys("ab", 120)
        # And a group gives its samples equally often: 60 draws of 20, 60 of 5, 120 of 9.
        assert {indices[index] for index in range(20)} == {3}
        assert {indices[index] for index in range(20, 25)} == {12}
        assert {indices[index] for index in range(27, 36)} <= {13, 14}

    def test_draws_of_an_epoch_stay_distinct(self):
        sampler = BalancedBatchSampler(self.LABELS, 2, 3, groups=self.GROUPS, batches=20)
        sampler.set_epoch(5)
        drawn = sampler.draws().flatten(0, 1)
        assert len(drawn[:, :2].unique(dim=0)) == len(drawn)

    def test_each_sample_its_own_group_changes_nothing(self):
        plain = BalancedBatchSampler(LABELS, 3, 2, seed=8)
        grouped = BalancedBatchSampler(LABELS, 3, 2, seed=8, groups=range(len(LABELS)))
        assert torch.equal(plain.draws(), grouped.draws())

    def test_groups_must_be_as_many_as_labels(self):
        with pytest.raises(ValueError, match="groups must have one entry for each of the 63 labels, got 62"):
            BalancedBatchSampler(LABELS, 2, 2, groups=[0] * 62)

    @pytest.mark.parametrize(
        ("last", "error", "message"),
        [
            (-1, ValueError, "got -1 at position 62"),
            (0.5, TypeError, r"got 0.5 \(float\) at position 62, after int labels"),
        ],
    )
    def test_a_fault_is_told_as_one_of_groups(self, last, error, message):
        with pytest.raises(
            error, match=f"^groups are read in the forms of labels: labels must be .*{message}"
        ):
            BalancedBatchSampler(LABELS, 2, 2, groups=[0] * 62 + [last])


def test_default_length_draws_as_many_as_there_are_samples():
    assert BalancedBatchSampler(LABELS, 2, 4).total == 63 // 8
    assert BalancedBatchSampler(LABELS, 5, 40).total == 1


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_ranks_take_batches_in_turn(world, drop_last):
    shares = [
        BalancedBatchSampler(LABELS, 2, 2, batches=8, num_replicas=world, rank=rank, drop_last=drop_last)
        for rank in range(world)
    ]
    for share in shares:
        share.set_epoch(2)
    order = shares[0].draws().tolist()
    length = 8 // world if drop_last else -(-8 // world)
    assert {len(share) for share in shares} == {length}
    together = [batch for step in zip(*map(rows, shares), strict=True) for batch in step]
    assert together == (order + order)[: length * world]


def test_resume_with_another_number_of_ranks():
    sampler = BalancedBatchSampler(LABELS, 2, 2, batches=9, seed=2)
    sampler.set_epoch(4)
    iterator = iter(sampler)
    head = rows(next(iterator) for _ in range(3))
    state = json.loads(json.dumps(sampler.state_dict()))
    assert state["position"] == 3
    shares = [BalancedBatchSampler(LABELS, 2, 2, batches=9, seed=2, num_replicas=2, rank=r) for r in (0, 1)]
    for share in shares:
        share.load_state_dict(state)
    tail = [batch for step in zip(*map(rows, shares), strict=True) for batch in step]
    assert head + tail == sampler.draws().tolist()


@pytest.mark.parametrize(
    "other",
    [
        BalancedBatchSampler(LABELS[::-1], 2, 2),
        BalancedBatchSampler([label + 1 for label in LABELS], 2, 2),
        BalancedBatchSampler(LABELS, 3, 2),
        BalancedBatchSampler(LABELS, 2, 3),
        BalancedBatchSampler(LABELS, 2, 2, batches=3),
        BalancedBatchSampler(LABELS, 2, 2, groups=[0, 1] * 31 + [0]),
        BalancedBatchSampler(LABELS, 2, 2, seed=1),
    ],
    ids=["labels", "names", "classes", "samples", "batches", "groups", "seed"],
)
def test_another_state_is_refused(other):
    sampler = BalancedBatchSampler(LABELS, 2, 2)
    with pytest.raises(ValueError, match=r"same labels, plan, seed and version.*fingerprint"):
        sampler.load_state_dict(other.state_dict())


def test_parts_agree_with_the_whole(monkeypatch):
    sampler = BalancedBatchSampler(LABELS, 2, 3, batches=40)
    sampler.set_epoch(3)
    whole = sampler.draws()
    assert torch.equal(sampler.draws(7, 19), whole[7:19])
    assert sampler.draws(5, 5).shape == (0, 6, 3)
    monkeypatch.setattr("gpuaug.sampling.base.KeyedSampler._chunk", 13)
    again = BalancedBatchSampler(LABELS, 2, 3, batches=40)
    again.set_epoch(3)
    assert rows(again) == whole.tolist()


@pytest.mark.parametrize("twin", [lambda s: pickle.loads(pickle.dumps(s)), copy.deepcopy])
def test_copies_draw_the_same(twin):
    sampler = BalancedBatchSampler(LABELS, 2, 2, seed=3)
    sampler.set_epoch(4)
    assert rows(twin(sampler)) == rows(sampler)


class Echo(Dataset):
    def __len__(self):
        return len(LABELS)

    def __getitem__(self, draw):
        return draw.tensor()


@pytest.mark.parametrize("workers", [0, 2])
def test_through_a_data_loader(workers):
    sampler = BalancedBatchSampler(LABELS, 2, 3)
    context = "fork" if workers else None
    loader = DataLoader(Echo(), batch_sampler=sampler, num_workers=workers, multiprocessing_context=context)
    assert len(loader) == len(sampler)
    assert torch.equal(torch.stack(list(loader)), sampler.draws())


def test_balanced_loader_says_that_it_makes_its_own_batches():
    images = torch.zeros(len(LABELS), 3, 4, 4, dtype=torch.uint8)
    dataset = DeviceDataset(images, torch.tensor(LABELS))
    with pytest.raises(TypeError, match="got BalancedBatchSampler"):
        BalancedLoader(dataset, BalancedBatchSampler(LABELS, 2, 2), None)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"classes_per_batch": 0}, ValueError, r"classes_per_batch must be in \[1, 6\), got 0"),
        ({"classes_per_batch": 6}, ValueError, r"classes_per_batch must be in \[1, 6\), got 6"),
        ({"classes_per_batch": 2.0}, TypeError, "classes_per_batch must be an int, got float"),
        ({"samples_per_class": 0}, ValueError, r"samples_per_class must be in \[1, .*got 0"),
        ({"batches": 0}, ValueError, r"batches must be in \[1, .*got 0"),
        ({"batches": True}, TypeError, "batches must be an int, got bool"),
        ({"labels": [3, 3]}, ValueError, "labels hold one class only, 3"),
        ({"labels": [0, -1]}, ValueError, "got -1 at position 1"),
        ({"seed": -1}, ValueError, r"seed must be in \[0, 2\*\*64\), got -1"),
        ({"rank": 1}, ValueError, r"rank must be in \[0, 1\), got 1"),
    ],
)
def test_wrong_arguments_of_a_batch_sampler_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        BalancedBatchSampler(
            **{"labels": LABELS, "classes_per_batch": 2, "samples_per_class": 2, **arguments}
        )
