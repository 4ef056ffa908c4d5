"""Noise: its numbers by SciPy and the standard library, its formula by hand, bytes against floats."""

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
import scipy.stats
import torch

import gpuaug as ga
from gpuaug import random
from gpuaug.stages import noise

BYTES = torch.randint(256, (6, 3, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
KINDS = [
    ga.GaussNoise((0.02, 0.3)),
    ga.GaussNoise(0.1, per_channel=False),
    ga.MultiplicativeNoise((0.3, 2.0)),
    ga.MultiplicativeNoise((0.3, 2.0), per_channel=True),
    ga.MultiplicativeNoise((0.3, 2.0), per_channel=True, elementwise=False),
]


def draws_of(n):
    return torch.stack((torch.arange(n), torch.ones(n).long(), torch.arange(n) * 7919), dim=1)


def test_table_entries_are_means_of_parts_of_a_normal_distribution():
    normal = NormalDist()
    edges = [-np.inf, *(normal.inv_cdf(part / 256) for part in range(1, 256)), np.inf]
    means = [scipy.stats.truncnorm.mean(low, high) for low, high in pairwise(edges)]
    expected = 1024 * np.array(means) / np.sqrt(np.mean(np.square(means)))
    assert np.abs(noise.normals().numpy() - expected).max() <= 0.5


def test_sums_of_two_table_entries_have_the_documented_distribution():
    low, high = np.meshgrid(noise.normals().numpy(), noise.normals().numpy())
    values = np.sort((4 * low + 3 * high).ravel() / 5120)
    share = np.arange(1 << 16) / (1 << 16)
    below = scipy.stats.norm.cdf(values)
    assert max(np.abs(below - share).max(), np.abs(below - share - 1 / (1 << 16)).max()) < 0.0004
    assert values.std() == pytest.approx(1, abs=1e-5)
    assert scipy.stats.kurtosis(values) == pytest.approx(0, abs=0.025)
    assert values[-1] == pytest.approx(4.16, abs=0.005)


def test_gauss_noise_matches_its_formula_pixel_by_pixel():
    draws = draws_of(2)
    out = ga.GaussNoise(0.1)(BYTES[:2], draws)
    numbers = noise.normals().tolist()
    for n, channel, y, x in ((0, 0, 0, 0), (1, 2, 19, 29), (0, 1, 7, 13)):
        pixel = y * 30 + x
        word = int(random.philox(torch.tensor([pixel // 8, channel, 0, 0]), draws[n, 2])[pixel % 8 // 2])
        bits = word >> 16 if pixel % 2 else word & 0xFFFF
        drawn = (4 * numbers[bits & 0xFF] + 3 * numbers[bits >> 8]) / 5120
        expected = int(BYTES[n, channel, y, x]) + 0.1 * 255 * drawn
        assert abs(int(out[n, channel, y, x]) - min(max(expected, 0), 255)) <= 0.51


def test_gauss_noise_has_its_standard_deviation():
    grey = torch.full((4, 3, 64, 64), 0.5)
    noise = ga.GaussNoise(0.1)(grey, draws_of(4)) - 0.5
    assert scipy.stats.kstest(noise.flatten().numpy() / 0.1, "norm").pvalue > 1e-3
    shared = ga.GaussNoise(0.1, per_channel=False)(grey, draws_of(4))
    assert torch.equal(shared[:, 0], shared[:, 2])
    assert not torch.equal(noise[:, 0], noise[:, 2])


def test_noise_of_channels_and_pixels_is_independent():
    noise = ga.GaussNoise(0.1)(torch.full((2, 3, 40, 40), 0.5), draws_of(2)) - 0.5
    rows = noise.reshape(6, -1)
    neighbours = torch.stack((noise[..., :-1].flatten(), noise[..., 1:].flatten()))
    assert (torch.corrcoef(rows) - torch.eye(6)).abs().max() < 0.13  # 5 standard deviations
    assert torch.corrcoef(neighbours)[0, 1].abs() < 0.06


def test_multiplicative_noise_is_a_factor():
    grey = torch.full((4, 3, 32, 32), 0.5)
    factor = ga.MultiplicativeNoise((0.5, 1.5), per_channel=True)(grey, draws_of(4)) / 0.5
    assert scipy.stats.kstest(factor.flatten().numpy() - 0.5, "uniform").pvalue > 1e-3
    per_draw = ga.MultiplicativeNoise((0.5, 1.5), elementwise=False)(grey, draws_of(4))
    assert len(per_draw.unique()) == 4
    per_channel = ga.MultiplicativeNoise((0.5, 1.5), True, elementwise=False)(grey, draws_of(4))
    assert len(per_channel.unique()) == 12


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.7, 10.0])
def test_multiplicative_noise_with_one_factor_is_a_product(factor):
    product = np.round(BYTES.numpy().astype(np.float64) * factor).clip(max=255)
    out = ga.MultiplicativeNoise(factor)(BYTES)
    # 1.7 is kept in steps of 2**-12, and NumPy rounds halves to even.
    assert np.abs(out.numpy() - product).max() <= (factor in (0.5, 1.7))


@pytest.mark.parametrize("transform", [ga.GaussNoise(0), ga.MultiplicativeNoise(1)])
def test_noise_of_strength_0_changes_nothing(transform):
    assert torch.equal(transform(BYTES), BYTES)


@pytest.mark.parametrize("transform", KINDS, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_of_floats_agrees_with_bytes(transform, channels):
    images, draws = BYTES[:, :channels], draws_of(6)
    expected = transform(images, draws).double()
    got = transform(images.double() / 255, draws) * 255
    assert (got - expected).abs().max() <= 0.5 + 1e-6


@pytest.mark.parametrize("transform", KINDS, ids=str)
def test_noise_has_the_gradient_of_a_sum_or_product(transform):
    images = torch.full((2, 3, 4, 5), 0.4, dtype=torch.float64, requires_grad=True)
    out = transform(images, draws_of(2))
    out.sum().backward()
    expected = torch.ones_like(images) if isinstance(transform, ga.GaussNoise) else out.detach() / 0.4
    inside = (out.detach() > 0) & (out.detach() < 1)
    assert inside.any()
    torch.testing.assert_close(images.grad[inside], expected[inside])


def test_noise_and_impulse_share_a_pass_but_two_noises_do_not():
    chain = [ga.RandomGamma(), ga.GaussNoise(), ga.SaltAndPepper(), ga.CutOut(3)]
    assert ga.Compose(chain).step.passes == 1
    assert ga.Compose([*chain[:2], ga.MultiplicativeNoise()]).step.passes == 2
