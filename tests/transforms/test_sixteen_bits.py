"""Images of 16 bits that stay so: moved, erased and scaled, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from every_transform import ENTRIES, build, draws_of, every_transform

import gpuaug as ga

DTYPES = pytest.mark.parametrize("dtype", [torch.uint16, torch.int16], ids=str)
KEEPING = ("geometry", "erase", "output")
POLICIES = ("AutoAugment", "RandAugment", "TimmRandAugment", "TrivialAugmentWide")  # begin with geometry


def images_of(dtype, *shape):
    limits = torch.iinfo(dtype)
    random = torch.Generator().manual_seed(len(shape))
    return torch.randint(limits.min, limits.max + 1, shape, generator=random).to(dtype)


@DTYPES
@pytest.mark.parametrize("channels", [1, 3, 4, 9])
def test_moving_whole_pixels_keeps_every_value(dtype, channels):
    images = images_of(dtype, 3, channels, 12, 10)
    flips = [ga.RandomHorizontalFlip(p=1.0), ga.RandomVerticalFlip(p=1.0), ga.CenterCrop((8, 6))]
    out = ga.Compose(flips)(images)
    assert out.dtype == dtype
    assert torch.equal(out.int(), images.int().flip(2, 3)[:, :, 2:10, 2:8])


@DTYPES
def test_every_value_of_16_bits_comes_back(dtype):
    limits = torch.iinfo(dtype)
    every = torch.arange(limits.min, limits.max + 1).to(dtype).view(1, 1, 256, 256)
    assert torch.equal(ga.RandomHorizontalFlip(p=0.0)(every).int(), every.int())
    assert torch.equal(ga.RandomHorizontalFlip(p=1.0)(every).int(), every.int().flip(3))


@DTYPES
@pytest.mark.parametrize("size", [(7, 9), (31, 40)])
def test_a_resize_of_16_bits_is_float64_rounded_once(dtype, size):
    images = images_of(dtype, 2, 3, 16, 17)
    exact = torch.nn.functional.interpolate(images.double(), size, mode="bilinear", antialias=True)
    out = ga.Resize(size)(images)
    assert out.dtype == dtype
    assert (out.double() - exact).abs().max() <= 0.5 + 1e-4


@DTYPES
def test_normalize_of_16_bits_matches_torchvision(dtype):
    v2 = pytest.importorskip("torchvision.transforms.v2")
    images = images_of(dtype, 2, 3, 8, 9)
    expected = v2.Compose([v2.ToDtype(torch.float64, scale=True), v2.Normalize([0.4] * 3, [0.2] * 3)])(images)
    out = ga.Compose([ga.RandomHorizontalFlip(p=0.0), ga.Normalize(0.4, 0.2)])(images)
    assert out.dtype == torch.float32
    assert torch.allclose(out.double(), expected, atol=1e-6)


@DTYPES
@pytest.mark.parametrize("level", [0, 51, 255])
def test_fills_of_16_bits_are_shares_of_the_largest_value(dtype, level):
    images = images_of(dtype, 1, 1, 8, 8)
    expected = round(level / 255 * torch.iinfo(dtype).max)
    erased = ga.Compose([ga.RandomErasing(p=1.0, scale=(0.3, 0.4), value=level)])(images, draws_of(1))
    changed = erased.int() != images.int()
    assert changed.any()
    assert (erased.int()[changed] == expected).all()
    assert ga.Pad(1, fill=level)(images)[0, 0, 0, 0].item() == expected


@DTYPES
def test_several_passes_clips_and_memory_formats_keep_16_bits(dtype):
    images = images_of(dtype, 2, 3, 3, 12, 12)
    steps = [ga.RandomRotation(20), ga.CutOut(4), ga.RandomResizedCrop((9, 8))]
    out = ga.Compose(steps)(images, draws_of(2))
    assert (out.shape, out.dtype) == ((2, 3, 3, 9, 8), dtype)
    last = images[:, 0].contiguous(memory_format=torch.channels_last)
    moved = ga.Compose(steps)(last, draws_of(2))
    assert moved.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(moved.int(), ga.Compose(steps)(images[:, 0].contiguous(), draws_of(2)).int())


@every_transform
def test_every_transform_of_8_bits_is_refused_by_name(name):
    images = images_of(torch.uint16, 2, 3, 24, 24)
    if name == "Window" or (ENTRIES[name].stage in KEEPING and name not in POLICIES):
        out = build(name)(images, draws_of(2))
        assert out.dtype == {"Window": torch.uint8, "Normalize": torch.float32}.get(name, torch.uint16)
        return
    with pytest.raises(
        ValueError, match=rf"^{name}.* is for levels of 8 bits, got uint16 .* put Window\(low, hi"
    ):
        ga.Compose([ga.RandomHorizontalFlip(), build(name)])(images, draws_of(2))


def test_images_of_16_bits_and_different_sizes_need_a_window():
    packed = ga.pack([np.zeros((4, 5), np.uint16), np.zeros((6, 5), np.uint16)])
    with pytest.raises(ValueError, match=r"must be uint8, got uint16: put Window\(low, high\) first"):
        ga.Resize((4, 4))(packed)
    with pytest.raises(TypeError, match="one dtype, got uint8 at position 0 and int16 at position 1"):
        ga.pack([np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.int16)])
