"""AutoAugment's policies beside torchvision's, and what it chooses."""

import pytest
import torch
from scipy.stats import chisquare
from torchvision.transforms.v2 import AutoAugment, AutoAugmentPolicy

import gpuaug as ga
from gpuaug import random
from gpuaug.transforms.policies.auto_augment_policies import POLICIES


@pytest.mark.parametrize("name", POLICIES)
def test_policies_match_torchvision(name):
    theirs = AutoAugment(AutoAugmentPolicy(name))._policies
    assert [[(op, p, level or 0) for op, p, level in pair] for pair in theirs] == [
        [tuple(step) for step in pair] for pair in POLICIES[name]
    ]


@pytest.mark.parametrize("name", POLICIES)
def test_pairs_and_ops_have_the_papers_probabilities(name):
    policy, count = ga.AutoAugment(name), 50_000
    draws = random.keyed_draws(13, 0, torch.arange(count), torch.ones(count, dtype=torch.int64))
    (numbers,) = random.uniform(draws[:, 2], [0], [policy.random_count])
    rows = policy.choose(numbers)
    expected = torch.zeros(policy._space.nothing + 1, policy._space.nothing + 1, dtype=torch.float64)
    for pair in POLICIES[name]:
        outcomes = []
        for step in pair:
            number = [entry.name for entry in policy._space.entries].index(step.op)
            row = 2 * (number * 10 + step.level)
            outcomes.append([(row, step.p / 2), (row + 1, step.p / 2), (policy._space.nothing, 1 - step.p)])
        for first, p in outcomes[0]:
            for second, q in outcomes[1]:
                expected[first, second] += p * q * count / len(POLICIES[name])
    found = torch.zeros_like(expected)
    found.index_put_((rows[:, 0], rows[:, 1]), torch.ones(count).double(), accumulate=True)
    assert not found[expected == 0].any()
    enough = expected >= 5
    rest = [torch.stack([table[~enough & (expected > 0)].sum()]) for table in (found, expected)]
    found, expected = torch.cat((found[enough], rest[0])), torch.cat((expected[enough], rest[1]))
    known = expected > 0
    assert chisquare(found[known], expected[known]).pvalue > 1e-4


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="policy must be one of 'imagenet', 'cifar10', 'svhn', got 'mnist'"):
        ga.AutoAugment("mnist")
