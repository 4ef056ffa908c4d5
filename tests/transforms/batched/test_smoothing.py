"""Blurs, sharpen and emboss against OpenCV and SciPy, on bytes: within one level."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
import torch

import gpuaug as ga
from gpuaug import random

IMAGES = torch.randint(256, (4, 3, 21, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def draws_of(n):
    return torch.stack((torch.arange(n), torch.ones(n).long(), torch.arange(n) * 7919), dim=1)


def rows(images):
    return [image.permute(1, 2, 0).contiguous().numpy() for image in images]


def far(out, expected):
    """The largest difference in levels."""
    return max(
        np.abs(a.astype(int) - np.atleast_3d(b).astype(int)).max()
        for a, b in zip(rows(out), expected, strict=True)
    )


def params(transform, images, draws):
    groups = transform.recipes(draws, tuple(images.shape))[0].groups
    return {name: torch.cat([group.parameters[name] for group in groups]) for name in groups[0].parameters}


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_blur_matches_opencv(size):
    assert far(ga.Blur(size)(IMAGES), [cv2.blur(image, (size, size)) for image in rows(IMAGES)]) <= 1


@pytest.mark.parametrize("size", [1, 3, 5, 7])
@pytest.mark.parametrize("channels", [1, 3])
def test_median_blur_matches_opencv(size, channels):
    images = IMAGES[:, :channels]
    expected = [cv2.medianBlur(image, size) for image in rows(images)]
    assert far(ga.MedianBlur(size)(images), expected) == 0


def test_each_draw_has_its_own_kernel_size():
    images, draws = IMAGES[:1].expand(60, -1, -1, -1), draws_of(60)
    out = ga.Blur((3, 7))(images, draws)
    groups = ga.Blur((3, 7)).recipes(draws, tuple(images.shape))[0].groups
    assert [group.variant for group in groups] == [3, 5, 7]
    assert torch.cat([group.rows for group in groups]).sort().values.tolist() == list(range(60))
    for group in groups:
        assert torch.equal(out[group.rows], ga.Blur(group.variant)(images[group.rows]))


def line(size, angle, direction):
    """A weighted row of pixels, moved to its centre of mass and turned by SciPy: counterclockwise as seen, y
    downwards.
    """
    kernel = np.zeros((2 * size + 1, 2 * size + 1))
    share = (direction + 1) / 2
    kernel[size, size - size // 2 : size + size // 2 + 1] = np.linspace(share, 1 - share, size)
    _, centre = scipy.ndimage.center_of_mass(kernel)
    kernel = scipy.ndimage.shift(kernel, (0, size - centre), order=1, mode="grid-constant")
    turned = scipy.ndimage.rotate(kernel, angle, reshape=False, order=1, mode="grid-constant")
    return turned / turned.sum()


@pytest.mark.parametrize(("angle", "direction"), [(0, 0), (90, 0.5), (30, -1), (-135, 1), (200, 0.2)])
@pytest.mark.parametrize("size", [3, 5, 9])
def test_motion_blur_averages_along_a_turned_line(size, angle, direction):
    kernel = line(size, angle, direction)
    expected = [cv2.filter2D(image, -1, kernel) for image in rows(IMAGES)]
    assert far(ga.MotionBlur(size, angle, direction)(IMAGES), expected) <= 1


@pytest.mark.parametrize("size", [3, 5, 7, 15, 31])
def test_motion_blur_does_not_shift_the_content(size):
    """One bright pixel: the centre of mass of what it becomes."""
    point = torch.zeros(1, 1, 61, 61)
    point[..., 30, 30] = 1.0
    for angle in (0, 17, 45, 90, 101, 180, -135, -300):
        for direction in (-1, -0.4, 0, 0.3, 0.75, 1):
            blurred = ga.MotionBlur(size, angle, direction)(point)[0, 0].numpy()
            centre = np.array(scipy.ndimage.center_of_mass(blurred))
            assert np.abs(centre - 30).max() < 0.1, (angle, direction)
            assert blurred.sum() == pytest.approx(1, abs=1e-5)


def test_motion_blur_of_a_steep_line_is_a_triangle():
    # Weights 4, 3, 2, 1, 0 in tenths from left to right: their centre of mass is the second one.
    row = torch.zeros(1, 1, 9, 9)
    row[..., 4] = 1.0
    blurred = ga.MotionBlur(5, 0, 1)(row)[0, 0, 4]
    assert blurred.tolist() == pytest.approx([0, 0, 0.1, 0.2, 0.3, 0.4, 0, 0, 0], abs=1e-6)


def test_glass_blur_takes_neighbours_values():
    y, x = torch.meshgrid(torch.arange(21), torch.arange(30), indexing="ij")
    where = torch.stack((y, x)).expand(2, 2, -1, -1).to(torch.uint8)
    draws = draws_of(2)
    out = ga.GlassBlur(sigma=0, max_delta=2, iterations=1)(where, draws).long()
    number = random.uniform_field(draws[:, 2], 0, 2 * 21 * 30).view(2, 2, 21, 30)
    delta = torch.floor(number * 5) - 2
    limits = torch.tensor([20, 29]).view(1, 2, 1, 1)
    assert torch.equal(out, (where + delta).clamp(min=0).minimum(limits).long())
    twice = ga.GlassBlur(sigma=0, max_delta=2, iterations=2)(where, draws).long()
    assert 2 < (twice - where.long()).abs().max() <= 4


def test_glass_blur_smooths_before_and_after():
    flat = ga.GlassBlur(sigma=1.5, max_delta=0)(IMAGES)
    blurred = [cv2.GaussianBlur(image.astype(np.float32), (11, 11), 1.5) for image in rows(IMAGES)]
    expected = [np.round(cv2.GaussianBlur(image, (11, 11), 1.5)) for image in blurred]
    assert far(flat, expected) <= 1


def test_sharpen_matches_opencvs_filter():
    draws = draws_of(4)
    kernels = params(ga.Sharpen(), IMAGES, draws)["kernel"].double()
    expected = [cv2.filter2D(image, -1, k.numpy()) for image, k in zip(rows(IMAGES), kernels, strict=True)]
    assert far(ga.Sharpen()(IMAGES, draws), expected) <= 1
    assert kernels.shape == (4, 3, 3)
    alpha = -kernels[:, 0, 0]
    lightness = (kernels[:, 1, 1] - 1 + alpha) / alpha - 8
    assert ((alpha >= 0.2) & (alpha <= 0.5)).all()
    assert ((lightness > 0.49) & (lightness < 1.01)).all()


def test_emboss_matches_opencvs_filter():
    # Albumentations: [[-1 - s, -s, 0], [-s, 1, s], [0, s, 1 + s]], mixed with the image by alpha.
    s, alpha = 0.5, 0.4
    effect = np.array([[-1 - s, -s, 0], [-s, 1, s], [0, s, 1 + s]])
    kernel = alpha * effect + (1 - alpha) * np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    expected = [cv2.filter2D(image, -1, kernel) for image in rows(IMAGES)]
    assert far(ga.Emboss(alpha, s)(IMAGES), expected) <= 1


def test_blurs_refuse_images_too_small_to_reflect():
    small = torch.zeros(1, 3, 3, 40, dtype=torch.uint8)
    for transform in (ga.Blur(7), ga.MotionBlur(7), ga.GlassBlur(sigma=2)):
        with pytest.raises(ValueError, match=r"needs images of more than \d pixels .* got 3 x 40"):
            transform(small)
    assert ga.MedianBlur(5)(small).shape == small.shape


def test_settings_of_blurs_are_checked():
    for build, message in (
        (lambda: ga.Blur(4), r"kernel_size must be an odd number .* in \[1, 31\], got 4"),
        (lambda: ga.MedianBlur((3, 13)), r"kernel_size must be .* in \[1, 11\], got \(3, 13\)"),
        (lambda: ga.MotionBlur(1), r"kernel_size must be .* in \[3, 31\], got 1"),
        (lambda: ga.MotionBlur(3, direction=2), r"direction must be .* in \[-1, 1\], got 2"),
        (lambda: ga.GlassBlur(iterations=0), r"iterations must be in \[1, 10\], got 0"),
        (lambda: ga.Sharpen(alpha=(0.5, 2)), r"alpha must be .* in \[0, 1\], got \(0.5, 2\)"),
        (lambda: ga.Emboss(strength=-1), r"strength must be .* in \[0, 10\], got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            build()
