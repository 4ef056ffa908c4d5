"""SSD's distortion of colors, beside torchvision's functions."""

import pytest
import torch
from every_transform import draws_of
from torchvision.transforms.v2 import functional as tv

import gpuaug as ga

NOTHING = {"brightness": (1, 1), "contrast": (1, 1), "saturation": (1, 1), "hue": (0, 0)}


def test_factors_match_torchvision_in_some_order_of_the_channels():
    images = torch.randint(60, 160, (30, 3, 9, 9), dtype=torch.uint8)
    fixed = NOTHING | {"brightness": (0.9, 0.9), "saturation": (0.7, 0.7)}
    out = ga.RandomPhotometricDistort(**fixed, p=1.0)(images, draws_of(30))
    expected = tv.adjust_saturation(tv.adjust_brightness(images.double() / 255, 0.9), 0.7) * 255
    assert (out.sort(1).values - expected.sort(1).values).abs().max() <= 1


def test_photometric_contrast_is_about_middle_grey():
    images = torch.randint(100, 150, (30, 3, 9, 9), dtype=torch.uint8)
    out = ga.RandomPhotometricDistort(**NOTHING | {"contrast": (1.5, 1.5)}, p=1.0)(images, draws_of(30))
    expected = (images.double() - 127.5) * 1.5 + 127.5
    assert (out.sort(1).values - expected.sort(1).values).abs().max() <= 1


def test_all_channel_orders_are_equally_likely():
    n = 6000
    images = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1).expand(n, 3, 1, 1)
    out = ga.RandomPhotometricDistort(**NOTHING, p=1.0)(images, draws_of(n))
    orders, counts = out.flatten(1).unique(dim=0, return_counts=True)
    assert orders.sum(1).tolist() == [60] * 6
    assert ((counts - n / 6) ** 2 / (n / 6)).sum() < 30  # chi-square, 5 degrees of freedom


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_each_distortion_has_its_probability(name):
    n = 4000
    images = torch.tensor([100, 110, 120], dtype=torch.uint8).view(1, 3, 1, 1).expand(n, 3, 1, 1)
    strong = {"hue": (0.3, 0.3)}.get(name, (1.3, 1.3))
    out = ga.RandomPhotometricDistort(**NOTHING | {name: strong}, p=0.3)(images, draws_of(n))
    same = (out.flatten(1).sort(1).values == images.flatten(1)).all(1)
    assert abs(int(same.sum()) - 0.7 * n) < 5 * (n * 0.3 * 0.7) ** 0.5


def test_photometric_distort_shares_a_pass_with_colors():
    chain = ga.Compose([ga.ColorJitter(0.2), ga.RandomPhotometricDistort(), ga.Normalize(0.5, 0.5)])
    assert chain.step.passes == 1
    images = torch.randint(256, (2, 3, 4, 4), dtype=torch.uint8)
    assert torch.equal(ga.RandomPhotometricDistort(p=0.0)(images), images)


def test_photometric_distort_needs_colors():
    with pytest.raises(ValueError, match="RandomPhotometricDistort: images must have 3 or 4 channels, got 1"):
        ga.RandomPhotometricDistort()(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))
