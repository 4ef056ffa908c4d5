"""A camera's noise and its fields: distributions by SciPy, formulas by NumPy and Python's colorsys."""

import colorsys

import numpy as np
import scipy.stats
import torch

import gpuaug as ga
from gpuaug import random
from gpuaug.transforms.batched.iso_noise import _poisson

KEYS = torch.arange(8) * 0x9E3779B97F4A7C1 - 5


def draws_of(n):
    return torch.stack((torch.arange(n), torch.ones(n).long(), torch.arange(n) * 7919), dim=1)


def test_random_fields_are_philox_of_the_documented_counter():
    field = random.uniform_field(KEYS, place=3, count=10, number=2)
    for n in range(8):
        for value in range(10):
            counter = torch.tensor([value // 4, 2, 3, 2])
            word = int(random.philox(counter, KEYS[n])[value % 4])
            assert field[n, value].item() == (word >> 8) / 2**24


def test_normal_fields_are_box_muller_of_uniform_fields():
    normal = random.normal_field(KEYS, place=1, count=7)
    u = random.uniform_field(KEYS, place=1, count=8).double().numpy()
    radius, angle = np.sqrt(-2 * np.log(u[:, ::2] + 2.0**-24)), 2 * np.pi * u[:, 1::2]
    expected = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=-1).reshape(8, 8)[:, :7]
    np.testing.assert_allclose(normal.numpy(), expected, atol=2e-5)


def test_random_fields_have_their_distribution():
    uniform = random.uniform_field(KEYS, 0, 5000)
    normal = random.normal_field(KEYS, 0, 5000, number=1)
    assert scipy.stats.kstest(uniform.flatten().numpy(), "uniform").pvalue > 1e-3
    assert scipy.stats.kstest(normal.flatten().numpy(), "norm").pvalue > 1e-3
    rows = torch.cat((uniform, normal))
    off_diagonal = torch.corrcoef(rows) - torch.eye(len(rows))
    assert off_diagonal.abs().max() < 0.07  # 5 standard deviations


def test_poisson_counts_match_scipy():
    mean = torch.tensor([0.0, 0.3, 12.0, 120.0])
    number = random.uniform_field(KEYS[:4], 0, 4000)
    expected = scipy.stats.poisson.ppf(number.double().numpy(), mean.double().numpy()[:, None]).clip(min=0)
    assert (_poisson(mean, number).numpy() != expected).mean() < 1e-3  # where a number is on a step


def test_iso_noise_matches_its_formula_pixel_by_pixel():
    images = torch.rand(1, 3, 6, 7, generator=torch.Generator().manual_seed(1))
    draws, place = draws_of(1), 0
    out = ga.ISONoise(0.05, 0.6)(images, draws)[0]
    pixels = images[0].permute(1, 2, 0).reshape(-1, 3).tolist()
    hls = [colorsys.rgb_to_hls(*pixel) for pixel in pixels]
    mean = np.std([light for _, light, _ in hls]) * 0.6 * 255
    number = random.uniform_field(draws[:, 2], place, 42)[0].double().numpy()
    turn = random.normal_field(draws[:, 2], place, 42, number=1)[0].double().numpy() * 0.05 * 0.6
    noise = scipy.stats.poisson.ppf(number, mean)
    expected = [
        colorsys.hls_to_rgb((h + t) % 1, light + n / 255 * (1 - light), s)
        for (h, light, s), n, t in zip(hls, noise, turn, strict=True)
    ]
    np.testing.assert_allclose(out.permute(1, 2, 0).reshape(-1, 3).numpy(), expected, atol=2e-4)


def test_iso_noise_of_grey_images_is_lightness_noise():
    images = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    out = ga.ISONoise(intensity=0.5)(images, draws_of(2))
    noise = (out - images) / (1 - images) * 255
    assert (noise - noise.round()).abs().max() < 0.01
    assert noise.min() > -0.01
