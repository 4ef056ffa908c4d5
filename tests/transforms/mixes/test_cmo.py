"""The partners of CMO."""

import torch
from mixed_batches import batch

import gpuaug as ga


def test_cmo_draws_partners_by_weight():
    n = 3000
    images, _, draws = batch(n, channels=1, size=2)
    labels = torch.tensor([0] * 2500 + [1] * 400 + [2] * 100)
    counts = [2500, 400, 100]
    _, (y1, y2, _) = ga.CMO(counts, p=1.0)(images, labels, draws)
    assert torch.equal(y1, labels)
    assert (y2.bincount() / n - 1 / 3).abs().max() < 0.045  # 5 standard deviations
    _, (_, natural, _) = ga.CMO(counts, power=0.0, p=1.0)(images, labels, draws)
    assert (natural.bincount() / n - torch.tensor(counts) / n).abs().max() < 0.035
