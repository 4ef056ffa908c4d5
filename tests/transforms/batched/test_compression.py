"""Downscale against OpenCV, JPEG against Pillow's encoder, FancyPCA against its formula."""

import io

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import gpuaug as ga
from gpuaug.transforms.batched.jpeg import CHROMINANCE, LUMINANCE, _table


def draws_of(n):
    return torch.stack((torch.arange(n), torch.ones(n).long(), torch.arange(n) * 7919), dim=1)


def photograph(height=72, width=88):
    """Smooth shapes with edges and a little noise."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    disc = (x - 40) ** 2 + (y - 30) ** 2 < 400
    waves = [120 + 50 * np.sin(x / 20 + c) + 40 * np.cos(y / (12 + c)) for c in range(3)]
    scene = np.stack([wave + 60 * disc * (c - 1) for c, wave in enumerate(waves)])
    scene += random.normal(0, 3, scene.shape)
    return torch.from_numpy(scene.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("scale", [0.25, 0.5, 0.3, 0.9])
def test_downscale_matches_opencv(scale):
    image = photograph()
    rows = image.permute(1, 2, 0).numpy()
    small = (max(1, int(88 * scale)), max(1, int(72 * scale)))
    expected = cv2.resize(cv2.resize(rows, small, interpolation=cv2.INTER_NEAREST), (88, 72), interpolation=0)
    assert np.array_equal(ga.Downscale(scale)(image[None])[0].permute(1, 2, 0).numpy(), expected)


def test_downscale_to_one_pixel():
    image = photograph()
    out = ga.Downscale(1e-6)(image[None])[0]
    assert torch.equal(out, image[:, :1, :1].expand_as(image))


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 75, 90, 100])
def test_jpeg_tables_match_libjpeg(quality):
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
    tables = Image.open(file).quantization
    for base, number in ((LUMINANCE, 0), (CHROMINANCE, 1)):
        assert _table(base, torch.tensor([quality]))[0].flatten().tolist() == list(tables[number])


def jpeg(image, quality):
    rows = image.permute(1, 2, 0).numpy()
    file = io.BytesIO()
    picture = Image.fromarray(rows if rows.shape[2] == 3 else rows[:, :, 0])
    picture.save(file, "JPEG", quality=quality, subsampling="4:2:0")
    decoded = np.atleast_3d(np.array(Image.open(file)))
    return torch.from_numpy(decoded).permute(2, 0, 1)


@pytest.mark.parametrize("quality", [10, 30, 60, 95])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_near_pillow(quality, channels):
    image = photograph()[:channels]
    out, expected = ga.JpegCompression(quality)(image[None])[0].float(), jpeg(image, quality).float()
    # libjpeg rounds its chroma in another pattern.
    assert (out - expected).abs().mean() < {1: 0.4, 3: 1.0}[channels]
    assert (expected - image.float()).abs().mean() > 1


def test_each_draw_has_its_own_jpeg_quality():
    images, draws = photograph()[None].expand(6, -1, -1, -1), draws_of(6)
    transform = ga.JpegCompression((10, 90))
    out = transform(images, draws)
    (group,) = transform.recipes(draws, tuple(images.shape))[0].groups
    for n, table in enumerate(group.parameters["luminance"]):
        same = [q for q in range(10, 91) if torch.equal(_table(LUMINANCE, torch.tensor([q]))[0], table)]
        assert any(torch.equal(ga.JpegCompression(q)(images[:1])[0], out[n]) for q in same)


def test_fancy_pca_adds_one_color_along_the_axes():
    grey, draws = torch.full((2000, 3, 2, 2), 0.5), draws_of(2000)
    color = ga.FancyPCA(0.1)(grey, draws) - 0.5
    assert (color - color[:, :, :1, :1]).abs().max() == 0
    axes = ga.FancyPCA().axes.float()
    variances = torch.tensor([0.2175, 0.0188, 0.0045])
    along = color[:, :, 0, 0] @ torch.linalg.inv(axes).T / variances
    assert (along.std(0) - 0.1).abs().max() < 0.008  # 5 standard deviations
    assert along.mean(0).abs().max() < 0.012
    assert (torch.corrcoef(along.T) - torch.eye(3)).abs().max() < 0.12
    alone = ga.FancyPCA(0.1)(grey[:, :1], draws)[:, 0, 0, 0] - 0.5
    grey = color[:, :, 0, 0] @ torch.tensor([0.299, 0.587, 0.114])
    torch.testing.assert_close(alone, grey, atol=1e-6, rtol=0)


def test_fancy_pca_takes_other_axes():
    axes, variances = torch.eye(3), [1.0, 0.0, 0.0]
    out = ga.FancyPCA(0.1, axes, variances)(torch.full((3, 3, 2, 2), 0.5), draws_of(3))
    assert (out[:, 1:] == 0.5).all()
    assert (out[:, 0] != 0.5).all()
    with pytest.raises(ValueError, match=r"axes must be finite, of shape \(3, 3\), got"):
        ga.FancyPCA(axes=[[1.0]])


def test_jpeg_and_fancy_pca_check_their_arguments():
    for transform in (ga.JpegCompression(), ga.FancyPCA()):
        with pytest.raises(ValueError, match="needs images of 1, 3 or 4 channels, got 2"):
            transform(torch.zeros(1, 2, 8, 8, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"quality must be a whole number .* in \[1, 100\], got 0"):
        ga.JpegCompression(0)
