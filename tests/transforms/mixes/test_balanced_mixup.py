"""Balanced-MixUp: the partner's share and class, beside SciPy."""

import pytest
import scipy.stats
import torch
from mixed_batches import batch, numbers

import gpuaug as ga


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 3.0])
def test_the_partners_share_is_beta_distributed(alpha):
    _, _, draws = batch(4000, channels=1, size=1)
    mix = ga.BalancedMixUp([9, 3], alpha)
    shares = 1 - mix.own_share(torch.from_numpy(numbers(draws)[:, 2]))
    assert scipy.stats.kstest(shares.numpy(), scipy.stats.beta(alpha, 1).cdf).pvalue > 0.01
    mean = alpha / (1 + alpha)
    deviation = (alpha / ((alpha + 1) ** 2 * (alpha + 2)) / 4000) ** 0.5
    assert abs(shares.mean() - mean) < 4 * deviation


def test_balanced_mixup_matches_its_formula():
    images, labels, draws = batch(30)
    out, (y1, y2, lam) = ga.BalancedMixUp([10, 10, 10], alpha=0.5)(images, labels, draws)
    for n, (_, choice, share, *_) in enumerate(numbers(draws)):
        partner = int(choice * 30)  # classes of one size: each of the batch is as likely
        assert (y1[n], y2[n]) == (labels[n], labels[partner])
        assert lam[n].item() == pytest.approx(1 - share**2)  # Beta(1/2, 1)
        mean = (1 - share**2) * images[n].double() + share**2 * images[partner].double()
        assert (out[n] - mean).abs().max() <= 0.5 + 1e-3


def test_partners_from_the_batch_are_balanced():
    n, counts = 3000, [2500, 400, 100]
    images, _, draws = batch(n, channels=1, size=2)
    labels = torch.arange(3).repeat_interleave(torch.tensor(counts))
    _, (y1, y2, _) = ga.BalancedMixUp(counts)(images, labels, draws)
    assert torch.equal(y1, labels)
    assert scipy.stats.chisquare(y2.bincount().numpy()).pvalue > 0.01


def test_repr_of_balanced_mixup():
    assert repr(ga.BalancedMixUp([9, 3])) == "BalancedMixUp(alpha=0.2, p=1.0)"
    assert (
        repr(ga.BalancedMixUp([9, 3], partners="plan")) == "BalancedMixUp(alpha=0.2, p=1.0, partners='plan')"
    )
