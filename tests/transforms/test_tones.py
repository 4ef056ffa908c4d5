"""Tone curves against torchvision and NumPy: exact, or within one level where the peer truncates."""

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as tv

import gpuaug as ga
from gpuaug.transforms.settings import span, whole_span

IMAGES = torch.randint(256, (6, 3, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
DARK = (IMAGES.float() / 3 + 20).to(torch.uint8)  # not the whole range


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterize_is_torchvisions(bits):
    assert torch.equal(ga.Posterize(bits)(IMAGES), tv.posterize(IMAGES, bits))


def test_posterize_to_no_bits_is_black():
    assert (ga.Posterize(0)(IMAGES) == 0).all()


@pytest.mark.parametrize("level", [0, 1, 100, 128, 255])
def test_solarize_is_torchvisions(level):
    out = ga.Solarize((level - 0.5) / 255 if level else 0.0)(IMAGES)
    assert torch.equal(out, tv.solarize(IMAGES, level))


@pytest.mark.parametrize("gamma", [0.3, 0.8, 1.5, 3.0])
def test_gamma_is_numpys(gamma):
    expected = np.round(255 * (IMAGES.numpy().astype(np.float64) / 255) ** gamma)
    assert np.abs(ga.RandomGamma(gamma)(IMAGES).numpy() - expected).max() <= 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("factor", [0.0, 0.5, 1.7])
def test_contrast_is_torchvisions(channels, factor):
    images = DARK[:, :channels]
    out = ga.RandomMeanContrast(factor)(images).int()
    # torchvision rounds the mean to a level and truncates the result.
    assert (out - tv.adjust_contrast(images, factor).int()).abs().max() <= 1


@pytest.mark.parametrize("images", [IMAGES, DARK], ids=["whole range", "dark"])
def test_autocontrast_is_torchvisions(images):
    out = ga.AutoContrast()(images).int()
    assert (out - tv.autocontrast(images).int()).abs().max() <= 1  # truncates


@pytest.mark.parametrize("images", [IMAGES, DARK, DARK // 50, torch.full_like(DARK, 9)])
def test_equalize_is_torchvisions(images):
    assert torch.equal(ga.Equalize()(images), tv.equalize(images))


def test_flat_channels_stay():
    flat = torch.tensor([0, 7, 255], dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 8, 8)
    for transform in (ga.AutoContrast(), ga.Equalize()):
        assert torch.equal(transform(flat), flat)


def test_parameters_fill_their_range():
    draws = torch.stack((torch.arange(4000), torch.ones(4000).long(), torch.arange(4000) * 7919), dim=1)

    def parameter(transform, name):
        (group,) = transform.recipes(draws, (4000, 3, 8, 8))[0].groups
        return group.params[name]

    bits = parameter(ga.Posterize((2, 5)), "bits")
    assert bits.unique().tolist() == [2, 3, 4, 5]
    assert (bits.bincount()[2:] - 1000).abs().max() < 150  # 5 standard deviations
    gamma = parameter(ga.RandomGamma((0.5, 2.0)), "gamma")
    assert 0.5 <= gamma.min() < 0.51
    assert 1.99 < gamma.max() < 2.0
    assert abs(gamma.mean() - 1.25) < 0.04


def test_settings_are_checked():
    for build, error, message in (
        (lambda: ga.Posterize(9), ValueError, r"bits must be .* in \[0, 8\], got 9"),
        (lambda: ga.Posterize(2.5), TypeError, "bits must be a whole number .* got 2.5"),
        (lambda: ga.Solarize((1, 0.5)), ValueError, r"threshold must be .* in \[0, 2\], got \(1, 0.5\)"),
        (lambda: ga.RandomGamma(float("nan")), ValueError, "gamma must be .* got nan"),
        (lambda: ga.RandomMeanContrast("1"), TypeError, "factor must be a number .* got '1'"),
        (lambda: ga.GaussNoise(0.1, per_channel=1), TypeError, "per_channel must be a bool, got int"),
        (lambda: span("x", (1, 2, 3), 0, 9), TypeError, r"x must be .* got \(1, 2, 3\)"),
        (lambda: whole_span("k", (3, 6), 3, 9, odd=True), ValueError, r"k must be an odd .* got \(3, 6\)"),
    ):
        with pytest.raises(error, match=message):
            build()
