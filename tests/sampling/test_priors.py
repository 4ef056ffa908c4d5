"""The shares of an epoch's draws, beside the draws themselves."""

from collections import Counter

import pytest
import torch

from gpuaug.sampling import BalancedBatchSampler, BalancedSampler, Schedule, deferred, power, progressive

LABELS = ["a"] * 40 + ["b"] * 10 + ["c"] * 3


def counted(sampler, epoch):
    """The shares among the draws that an epoch really has."""
    sampler.set_epoch(epoch)
    draws = sampler.draws().reshape(-1, 3)[:, 0].tolist()
    counts = Counter(LABELS[index] for index in draws)
    return [counts[name] / len(draws) for name in "abc"]


@pytest.mark.parametrize(
    "target",
    [
        "natural",
        "majority",
        7,
        0.5,
        power(0.5),
        {"c": 9},
        deferred(2),
        progressive(3),
        deferred(1, "minority"),
    ],
)
def test_shares_of_the_draws(target):
    sampler, other = (BalancedSampler(LABELS, target) for _ in range(2))
    for epoch in (4, 0, 1, 2, 3):
        found = sampler.priors(epoch)
        assert (found.dtype, found.shape) == (torch.float64, (3,))
        assert found.tolist() == counted(other, epoch)
        assert other.priors().tolist() == found.tolist()


def test_shares_of_batches():
    sampler, other = (BalancedBatchSampler(LABELS, 2, 3, batches=4) for _ in range(2))
    for epoch in (2, 0, 5, 1):
        assert sampler.priors(epoch).tolist() == counted(other, epoch)
        assert other.priors().tolist() == counted(other, epoch)


def test_asking_moves_nothing():
    sampler, other = (BalancedSampler(LABELS, progressive(4)) for _ in range(2))
    iterator = iter(sampler)
    first = [next(iterator) for _ in range(9)]
    sampler.priors(7)
    assert sampler.state_dict()["position"] == 9
    assert [(*map(int, (d, d.copy)),) for d in [*first, *iterator]] == [
        (*map(int, (d, d.copy)),) for d in other
    ]
    assert sampler.priors().tolist() == other.priors().tolist()


def test_more_draws_than_a_float_can_count():
    sampler = BalancedSampler([0, 0, 1], {0: 2**33 - 1, 1: 2**32})
    assert sampler.priors(0).tolist() == [(2**33 - 1) / (2**33 - 1 + 2**32), 2**32 / (2**33 - 1 + 2**32)]


@pytest.mark.parametrize(
    "build", [lambda: BalancedSampler(LABELS), lambda: BalancedBatchSampler(LABELS, 2, 1)]
)
@pytest.mark.parametrize(
    ("epoch", "error", "message"),
    [
        (-1, ValueError, r"epoch must be in \[0, 2147483648\), got -1"),
        (2**31, ValueError, "epoch must be in"),
        (1.0, TypeError, "epoch must be an int, got float"),
        (True, TypeError, "epoch must be an int, got bool"),
    ],
)
def test_priors_refuse_wrong_epochs(build, epoch, error, message):
    with pytest.raises(error, match=message):
        build().priors(epoch)


def test_a_schedule_that_gives_a_bad_target():
    sampler = BalancedSampler(LABELS, Schedule(lambda epoch: 5 - epoch))
    with pytest.raises(ValueError, match=r"positive int, got 0 \(from the schedule, for epoch 5\)"):
        sampler.priors(5)
    assert sampler.priors(0).tolist() == [1 / 3] * 3
