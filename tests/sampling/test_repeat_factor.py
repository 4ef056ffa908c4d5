"""Repeat-factor sampling, against the definition computed sample by sample."""

import copy
import json
import math
import pickle
from collections import Counter
from math import inf, nan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

import gpuaug
from gpuaug import BalancedLoader, RepeatFactorSampler
from gpuaug.sampling.repeat_factor import stochastic_round

LABELS = [["common"]] * 60 + [["common", "rare"]] * 3 + [[]] * 5 + [["rarest"]]


def by_definition(labels, threshold):
    """The repeat factor of every sample, as the LVIS article defines it."""
    frequency = Counter(name for names in labels for name in set(names))
    of_class = {name: max(1.0, math.sqrt(threshold * len(labels) / n)) for name, n in frequency.items()}
    return [max((of_class[name] for name in names), default=1.0) for names in labels]


def rows(draws):
    return [draw.tensor().tolist() for draw in draws]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 6), max_size=5), min_size=1, max_size=40).filter(any),
    st.floats(1e-3, 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**31 - 1),
)
def test_factors_and_an_epoch_against_the_definition(labels, threshold, seed, epoch):
    sampler = RepeatFactorSampler([sorted(set(names)) for names in labels], threshold, seed=seed)
    factors = by_definition(labels, threshold)
    assert sampler.factors_.tolist() == pytest.approx(factors, rel=1e-12)
    sampler.set_epoch(epoch)
    draws = list(sampler)
    assert len(draws) == len(sampler) == sampler.total
    copies = {}
    for draw in draws:
        copies.setdefault(int(draw), []).append(draw.copy)
    for index, factor in enumerate(factors):
        times = len(copies.get(index, ()))
        assert times in {math.floor(factor * (1 - 1e-12)), math.floor(factor), math.ceil(factor)}
        assert sorted(copies[index]) == list(range(times))
    assert len({draw.key for draw in draws}) == len(draws)


def test_the_table_of_detectron2():
    """The values of its own test of RepeatFactorTrainingSampler."""
    sampler = RepeatFactorSampler([[0, 1], [0], []], 0.5)
    assert sampler.factors_.tolist() == pytest.approx([math.sqrt(3 / 2), 1.0, 1.0])


def test_repeat_factors_are_those_by_hand():
    sampler = RepeatFactorSampler(LABELS, 0.4)
    n = len(LABELS)
    assert sampler.counts_ == {"common": 63, "rare": 3, "rarest": 1}
    assert sampler.class_factors_ == pytest.approx(
        {"common": 1.0, "rare": math.sqrt(0.4 * n / 3), "rarest": math.sqrt(0.4 * n)}
    )


def test_the_mean_over_the_epochs_is_the_factor():
    sampler = RepeatFactorSampler(LABELS, 0.4, seed=11)
    epochs = 400
    times = np.zeros(len(LABELS))
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        times += np.bincount(sampler.draws()[:, 0], minlength=len(LABELS))
    factors = sampler.factors_.numpy()
    part = factors % 1
    deviation = np.sqrt(part * (1 - part) / epochs)
    assert (np.abs(times / epochs - factors) <= 5 * deviation).all()
    assert (part > 0).sum() == 4


def test_rounding_is_independent_over_samples_and_epochs():
    values = np.full(5000, 2.3)
    rounded = np.stack([stochastic_round(values, 1, epoch) for epoch in range(20)]) - 2
    assert rounded.min() == 0
    assert rounded.max() == 1
    bound = 5 * math.sqrt(0.21 / rounded.size)
    assert abs(rounded.mean() - 0.3) < bound
    assert abs((rounded[1:] * rounded[:-1]).mean() - 0.09) < bound  # neighbouring epochs
    assert abs((rounded[:, 1:] * rounded[:, :-1]).mean() - 0.09) < bound  # neighbouring samples


def test_rounding_is_a_pure_function_of_seed_epoch_and_index(monkeypatch):
    values = np.random.default_rng(0).uniform(1, 4, 1001)
    whole = stochastic_round(values, 2**64 - 1, 2**31 - 1)
    monkeypatch.setattr("gpuaug.sampling.repeat_factor._CHUNK", 8)
    assert (stochastic_round(values, 2**64 - 1, 2**31 - 1) == whole).all()
    other = values.copy()
    other[:500] = 1.0
    assert (stochastic_round(other, 2**64 - 1, 2**31 - 1)[500:] == whole[500:]).all()
    assert (stochastic_round(values, 0, 2**31 - 1) != whole).any()
    assert (stochastic_round(np.arange(9.0), 3, 3) == np.arange(9)).all()


def test_forms_of_the_same_labels_draw_the_same():
    matrix = np.array([["common" in names, "rare" in names, "rarest" in names] for names in LABELS])
    lists = [[["common", "rare", "rarest"].index(name) for name in names] for names in LABELS]
    first = RepeatFactorSampler(matrix, 0.4, seed=5)
    second = RepeatFactorSampler(lists, 0.4, seed=5)
    assert torch.equal(first.draws(), second.draws())
    assert first.state_dict() == second.state_dict()
    assert torch.equal(first.draws()[:, :2], RepeatFactorSampler(LABELS, 0.4, seed=5).draws()[:, :2])


def test_the_order_of_a_samples_labels_is_not_in_the_fingerprint():
    """A set of strings has another order in every process, and a resumed run is another process."""
    one, other = ([["b", "a"], ["b"]], [["a", "b", "a"], ["b"]])
    states = [RepeatFactorSampler(labels, 0.4).state_dict() for labels in (one, other, list(map(set, one)))]
    assert states[0] == states[1] == states[2]


def test_len_follows_the_epoch():
    sampler = RepeatFactorSampler(LABELS, 0.4)
    lengths = set()
    for epoch in range(20):
        sampler.set_epoch(epoch)
        assert len(list(sampler)) == len(sampler)
        lengths.add(len(sampler))
    assert len(lengths) > 1


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_ranks_interleave_to_the_global_order(world, drop_last):
    shares = [
        RepeatFactorSampler(LABELS, 0.4, num_replicas=world, rank=rank, drop_last=drop_last)
        for rank in range(world)
    ]
    for share in shares:
        share.set_epoch(3)
    order = shares[0].draws().tolist()
    length = len(order) // world if drop_last else -(-len(order) // world)
    together = [row for step in zip(*map(rows, shares), strict=True) for row in step]
    assert together == (order + order)[: length * world]


def test_resume_with_another_number_of_ranks():
    sampler = RepeatFactorSampler(LABELS, 0.4, seed=2)
    sampler.set_epoch(6)
    iterator = iter(sampler)
    head = rows(next(iterator) for _ in range(17))
    state = json.loads(json.dumps(sampler.state_dict()))
    shares = [RepeatFactorSampler(LABELS, 0.4, seed=2, num_replicas=2, rank=rank) for rank in (0, 1)]
    for share in shares:
        share.load_state_dict(state)
    tail = [row for step in zip(*map(rows, shares), strict=True) for row in step]
    assert head + tail[: len(sampler) - 17] == sampler.draws().tolist()


@pytest.mark.parametrize(
    "other",
    [
        RepeatFactorSampler(LABELS, 0.5),
        RepeatFactorSampler(LABELS[::-1], 0.4),
        RepeatFactorSampler([["cat" if name == "rare" else name for name in names] for names in LABELS], 0.4),
    ],
    ids=["threshold", "order", "names"],
)
def test_another_state_is_refused(other):
    sampler = RepeatFactorSampler(LABELS, 0.4)
    with pytest.raises(ValueError, match=r"same labels, plan, seed and version.*fingerprint"):
        sampler.load_state_dict(other.state_dict())


@pytest.mark.parametrize("twin", [lambda s: pickle.loads(pickle.dumps(s)), copy.deepcopy])
def test_copies_draw_the_same(twin):
    sampler = RepeatFactorSampler(LABELS, 0.4, seed=3)
    sampler.set_epoch(4)
    assert rows(twin(sampler)) == rows(sampler)


def test_priors_are_the_shares_of_the_draws_of_each_epoch():
    labels = [0] * 50 + [1] * 7 + [2] * 3
    sampler = RepeatFactorSampler(labels, 0.7, seed=5)
    found = [sampler.priors(epoch).tolist() for epoch in range(3)]
    assert len({tuple(shares) for shares in found}) > 1
    for epoch, shares in enumerate(found):
        sampler.set_epoch(epoch)
        drawn = [labels[index] for index in sampler.draws()[:, 0].tolist()]
        assert shares == [drawn.count(name) / len(drawn) for name in range(3)]
        assert sampler.priors().tolist() == shares


def test_priors_of_samples_with_several_classes_or_none_are_refused():
    for labels, count in [([[0], [0, 1], [1]], 2), ([[0], [], [1]], 0)]:
        with pytest.raises(
            ValueError, match=f"priors need one class for every sample, .*; sample 1 has {count}"
        ):
            RepeatFactorSampler(labels, 0.5).priors(0)


def test_the_printed_table_has_the_factor_of_each_class():
    lines = str(RepeatFactorSampler([[name] for name in range(30)], 1.0)).splitlines()
    assert lines[0].startswith("RepeatFactorSampler: ")
    assert lines[1].split() == ["class", "samples", "repeat", "factor"]
    assert lines[2].split() == ["0", "1", f"{math.sqrt(30):.2f}"]
    assert "(10 more)" in lines[12]
    assert len(lines) == 23


def test_through_the_loaders():
    sampler = RepeatFactorSampler(LABELS, 0.4)
    sampler.set_epoch(2)
    plain = torch.cat(list(DataLoader(range(len(LABELS)), batch_size=8, sampler=sampler)))
    assert torch.equal(plain, sampler.draws()[:, 0])

    images = torch.zeros(len(LABELS), 3, 4, 4, dtype=torch.uint8)
    dataset = gpuaug.DeviceDataset(images, torch.arange(len(LABELS)))
    loader = BalancedLoader(dataset, sampler, gpuaug.Normalize(0.5, 0.5), batch_size=8)
    for epoch in (2, 3):
        loader.set_epoch(epoch)
        assert torch.equal(torch.cat([labels for _, labels in loader]), sampler.draws()[:, 0])
    assert loader.state_dict()["position"] == sampler.total


@pytest.mark.parametrize(
    ("threshold", "error", "message"),
    [
        (0, ValueError, r"threshold must be in \(0, 1\], got 0"),
        (1.5, ValueError, r"threshold must be in \(0, 1\], got 1.5"),
        (nan, ValueError, r"threshold must be in \(0, 1\], got nan"),
        (-inf, ValueError, r"threshold must be in \(0, 1\], got -inf"),
        ("0.1", TypeError, "threshold must be a number, got str"),
        (True, TypeError, "threshold must be a number, got bool"),
    ],
)
def test_a_threshold_out_of_range_is_refused(threshold, error, message):
    with pytest.raises(error, match=message):
        RepeatFactorSampler(LABELS, threshold)
