"""Contrast and histograms against torchvision: exact, or within one level where the peer truncates."""

import pytest
import torch
import torchvision.transforms.v2.functional as tv

import gpuaug as ga

IMAGES = torch.randint(256, (6, 3, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
DARK = (IMAGES.float() / 3 + 20).to(torch.uint8)  # not the whole range


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
