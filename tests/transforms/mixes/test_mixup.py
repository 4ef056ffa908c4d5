"""MixUp's formula, draw by draw."""

import numpy as np
import scipy.stats
import torch
from mixed_batches import batch, numbers

import gpuaug as ga


def test_mixup_matches_its_formula():
    images, labels, draws = batch(7)
    out, (y1, y2, lam) = ga.MixUp(0.4)(images, labels, draws)
    expected = scipy.stats.beta.ppf(numbers(draws)[:, 2], 0.4, 0.4)
    np.testing.assert_allclose(lam.numpy(), expected, atol=1e-4)
    for n, u in enumerate(numbers(draws)[:, 1]):
        partner = (n + 1 + int(u * 6)) % 7
        assert (y1[n], y2[n]) == (labels[n], labels[partner])
        mean = lam[n].double() * images[n] + (1 - lam[n].double()) * images[partner]
        assert (out[n] - mean).abs().max() <= 0.5 + 1e-3
    floats, (*_, again) = ga.MixUp(0.4)(images / 255.0, labels, draws)
    assert (floats * 255 - out).abs().max() <= 0.5 + 1e-3
    assert torch.equal(lam, again)
