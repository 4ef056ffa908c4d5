"""Sharpness beside torchvision's."""

import pytest
import torch
from every_transform import images_of
from torchvision.transforms.v2 import functional as F

import gpuaug as ga


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0, 1.9, 5.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_beside_torchvision(factor, channels):
    images = images_of(3, channels)
    got = ga.RandomSharpness(factor)(images)
    expected = F.adjust_sharpness(images, factor)
    # It rounds the smoothed levels, and cuts the fraction off in the end.
    assert (got.int() - expected.int()).abs().max() <= 1 + abs(1 - factor) / 2
    floats = ga.RandomSharpness(factor)(images / 255)
    torch.testing.assert_close(floats, F.adjust_sharpness(images / 255, factor))


def test_what_has_no_middle_stays():
    images = torch.randint(256, (2, 3, 2, 9), dtype=torch.uint8)
    assert torch.equal(ga.RandomSharpness(0.0)(images), images)
