"""Sharpness against torchvision and Pillow."""

from __future__ import annotations

import pytest
import torch
import torchvision.transforms.v2.functional as tv
from torch import Tensor

import gpuaug as ga
from gpuaug.recipe.layout import BLUR, SHARPEN, SHARPEN_UNIT

IMAGES = torch.randint(256, (4, 3, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
FACTORS = [0.0, 0.1, 0.5, 1.0, 1.5, 1.9, 10.0]


def sharpened(images: Tensor, factor: float) -> Tensor:
    return ga.RandomSharpness(factor)(images)


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.5, 3.25])
@pytest.mark.parametrize("channels", [1, 3])
def test_sharpness_of_exact_factors_matches_torchvision(factor: float, channels: int):
    for images in (IMAGES[:, :channels], IMAGES[:, :channels] // 9 + 100, (IMAGES[:, :1] > 127) * 255):
        images = images.to(torch.uint8)
        assert torch.equal(sharpened(images, factor), tv.adjust_sharpness(images, factor))


@pytest.mark.parametrize("factor", FACTORS)
def test_sharpness_of_any_factor_matches_torchvision(factor: float):
    # Both truncate: floats may fall below a level that is reached exactly, steps of 2**-16 too.
    out, expected = sharpened(IMAGES, factor), tv.adjust_sharpness(IMAGES, factor)
    assert (out.int() - expected.int()).abs().max() <= 1
    assert (out != expected).float().mean() < 0.1


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (9, 2), (3, 3), (1, 40), (4, 3)])
def test_sharpness_keeps_the_border(size: tuple[int, int]):
    images = torch.randint(256, (2, 3, *size), dtype=torch.uint8)
    out = sharpened(images, 0.0)
    inside = torch.zeros(size, dtype=torch.bool)
    inside[1:-1, 1:-1] = True
    assert torch.equal(out[..., ~inside], images[..., ~inside])
    assert torch.equal(out, tv.adjust_sharpness(images, 0.0))


def test_sharpness_keeps_alpha():
    images = torch.randint(256, (2, 4, 9, 9), dtype=torch.uint8)
    out = sharpened(images, 0.0)
    assert torch.equal(out[:, 3], images[:, 3])
    assert torch.equal(out[:, :3], sharpened(images[:, :3].contiguous(), 0.0))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("size", [(20, 30), (2, 5)])
def test_sharpness_of_floats_matches_torchvision(factor: float, size: tuple[int, int]):
    images = torch.rand(2, 3, *size, dtype=torch.float64).requires_grad_()
    out = sharpened(images, factor)
    torch.testing.assert_close(out, tv.adjust_sharpness(images, factor), atol=2e-5, rtol=0)
    out.sum().backward()
    assert torch.isfinite(images.grad).all()


def test_sharpness_factors_fill_their_range():
    index = torch.arange(4000)
    draws = torch.stack((index, torch.ones_like(index), index * 7919), dim=1)
    (recipes,) = ga.RandomSharpness((0.5, 2.0)).recipes(draws, (4000, 3, 8, 8))
    assert (recipes.field("stages") & BLUR).unique().tolist() == [BLUR]
    assert recipes.field("blur").unique().tolist() == [SHARPEN]
    factor = recipes.field("outer") / SHARPEN_UNIT
    assert 0.5 <= factor.min() < 0.51
    assert 1.99 < factor.max() <= 2.0


def test_sharpness_takes_the_place_of_a_blur():
    sharpen = ga.RandomSharpness()
    assert ga.Compose([ga.RandomHorizontalFlip(), sharpen, ga.ColorJitter(0.1)]).step.passes == 1
    assert ga.Compose([ga.GaussianBlur(), sharpen]).step.passes == 2


def test_sharpness_factors_are_checked():
    with pytest.raises(ValueError, match=r"factor must be .* in \[0, 10\], got 11"):
        ga.RandomSharpness(11)


@pytest.mark.filterwarnings("ignore:floating images take the differentiable path")
def test_sharpness_of_small_floats_beside_a_draw_that_stays():
    """A blur is none of theirs: a Gaussian could not reflect them."""
    images = torch.rand(64, 3, 2, 2)
    out = ga.RandomApply([ga.RandomSharpness(3.0)], seed=1)(images)
    assert torch.equal(out, images)  # every pixel lies at the border
