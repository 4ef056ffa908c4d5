"""Partners: whom the keys choose, how often, and that nothing else counts."""

import numpy as np
import pytest
import scipy.stats
import torch

from gpuaug import BalancedSampler
from gpuaug.random import draw_keys, uniform
from gpuaug.sampling import Schedule
from gpuaug.sampling.partners import PARTNERS, own_count

RANDOM = torch.Generator().manual_seed(0)
LABELS = torch.tensor([1] * 40 + [0] * 10 + [7] * 5)[torch.randperm(55, generator=RANDOM)]
SHUFFLED = torch.randperm(6000, generator=RANDOM)


def draws(n, epoch=0):
    index, copy = torch.arange(n) % 55, torch.arange(n) // 55
    return torch.stack((index, copy, draw_keys(0, epoch, index, copy)), dim=1)


def partners(weights=(1, 1, 1), sampler=None):
    sampler = sampler or BalancedSampler(LABELS, "natural")
    return sampler.partners(lambda samples, drawn: torch.tensor(weights))


@pytest.mark.parametrize("weights", [[1, 1, 1], [10, 40, 5], [0, 3, 1], [0, 0, 2.5]])
def test_classes_come_by_weight_and_samples_of_a_class_alike(weights):
    found = partners(weights).of(draws(6000))[:, 0]
    classes = LABELS[found]
    counts = np.array([(classes == name).sum() for name in (0, 1, 7)])
    wanted = 6000 * np.array(weights) / sum(weights)
    assert (counts[wanted == 0] == 0).all()
    some = wanted > 0
    assert some.sum() == 1 or scipy.stats.chisquare(counts[some], wanted[some]).pvalue > 0.01
    for name, count in zip((0, 1, 7), counts, strict=True):
        members = found.bincount(minlength=55)[name == LABELS]
        assert not count or scipy.stats.chisquare(members.numpy()).pvalue > 0.01


def test_a_partner_is_a_function_of_the_key():
    every, some = draws(6000), partners()
    found = some.of(every)
    assert torch.equal(some.of(every[SHUFFLED]), found[SHUFFLED])
    assert torch.equal(torch.cat([some.of(part) for part in every.split(7)]), found)
    other = every.clone()
    other[:, :2] = 3
    assert torch.equal(some.of(other), found)
    assert torch.equal(partners(sampler=BalancedSampler(LABELS, "natural", seed=9)).of(every), found)


def test_a_partner_has_a_copy_and_a_key_of_its_own():
    every = draws(6000)
    found = partners().of(every)
    assert (found.shape, found.dtype) == ((6000, 3), torch.int64)
    assert ((found[:, 1] >= PARTNERS) & (found[:, 1] < 1 << 32)).all()
    assert scipy.stats.chisquare((found[:, 1] % 3).bincount().numpy()).pvalue > 0.01  # OneOf(by="copy")
    assert len(torch.cat((every, found))[:, 2].unique()) == 12000
    assert own_count(torch.cat((every, found[:50]))) == 6000
    for key in (every, found):
        (number,) = uniform(key[:, 2], [0], [1])
        assert scipy.stats.kstest(number[:, 0].numpy(), "uniform").pvalue > 0.01


def test_weights_are_of_the_epochs_plan():
    plans = [{0: 1, 1: 2, 7: 3}, {0: 4, 1: 5, 7: 6}]
    sampler, seen = BalancedSampler(LABELS, Schedule(lambda epoch: plans[epoch])), []

    def weigh(samples, drawn):
        seen.append((samples.tolist(), drawn.tolist()))
        return samples

    for epoch in range(2):
        sampler.set_epoch(epoch)
        sampler.partners(weigh)
    assert seen == [([10.0, 40.0, 5.0], [1.0, 2.0, 3.0]), ([10.0, 40.0, 5.0], [4.0, 5.0, 6.0])]


def test_no_draws_have_no_partners():
    assert partners().of(draws(0)).shape == (0, 3)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 1], r"weights must be one for each of the 3 classes, got shape \(2,\)"),
        ([1, -1, 1], r"weights must be finite, at least 0, and one above 0, got \[1, -1, 1\]"),
        ([0, 0, 0], "weights must be finite, at least 0, and one above 0"),
        ([1, float("nan"), 1], "weights must be finite, at least 0, and one above 0"),
        ([1, float("inf"), 1], "weights must be finite, at least 0, and one above 0"),
    ],
)
def test_weights_are_checked(weights, message):
    with pytest.raises(ValueError, match=message):
        partners(weights)
