"""gaussian_blur, beside OpenCV, torchvision and direct sums."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as tv

from gpuaug.functional import gaussian_blur


@st.composite
def images_and_sigmas(draw, least=1):
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    n, channels = draw(st.integers(1, 3)), draw(st.sampled_from([1, 3, 4]))
    shape = (n, channels, draw(st.integers(least, 30)), draw(st.integers(least, 30)))
    images = torch.randint(256, shape, generator=random, dtype=torch.uint8)
    if draw(st.booleans()):  # black and white only: where an error in a weight shows most
        images = (images > 127).to(torch.uint8) * 255
    sigmas = draw(st.lists(st.floats(0.05, 20), min_size=n, max_size=n))
    return images, torch.tensor(sigmas, dtype=torch.float64)


@given(images_and_sigmas())
@settings(max_examples=150, deadline=None)
def test_blur_is_within_one_level_of_opencv(case):
    images, sigmas = case
    out = gaussian_blur(images, sigmas)
    for image, sigma, ours in zip(images, sigmas.tolist(), out, strict=True):
        floats = np.ascontiguousarray(image.permute(1, 2, 0).double().numpy())
        theirs = cv2.GaussianBlur(floats, (5, 5), sigma, borderType=cv2.BORDER_REFLECT_101)
        # Of OpenCV's floats, which are exact: its bytes, with weights in 1/256, are up to 3 levels from them.
        apart = ours.permute(1, 2, 0).double() - torch.from_numpy(theirs).view(*image.shape[1:], -1)
        # Rounding: of the level 1/2, across 1/128, of four weights a pass 1/2**17 times 255.
        assert apart.abs().max() <= 0.5 + 1 / 128 + 2 * 4 * 255 / 2**17  # 0.5234


@pytest.mark.parametrize(
    ("sigma", "weights"), [(0.7, (630, 13463, 37350)), (20.0, (13074, 13124, 13140)), (0.05, (0, 0, 65536))]
)
def test_blur_rounds_once_across_and_once_down(sigma, weights):
    outer, inner, centre = weights  # of exp(-d * d / (2 * sigma * sigma)), together 2**16
    assert 2 * outer + 2 * inner + centre == 2**16
    taps = (outer, inner, centre, inner, outer)
    rows = [[0, 255, 3], [200, 7, 90], [255, 254, 0]]
    reflected = (2, 1, 0, 1, 2, 1, 0)  # the pixels at -2 to 4
    across = [
        [(sum(w * row[reflected[x + k]] for k, w in enumerate(taps)) + 2**9) >> 10 for x in range(3)]
        for row in rows
    ]
    levels = [
        [(sum(w * across[reflected[y + k]][x] for k, w in enumerate(taps)) + 2**21) >> 22 for x in range(3)]
        for y in range(3)
    ]
    assert gaussian_blur(torch.tensor([[rows]], dtype=torch.uint8), sigma)[0, 0].tolist() == levels


@given(images_and_sigmas(least=3))
@settings(max_examples=100, deadline=None)
def test_blur_is_within_one_level_of_torchvision(case):
    images, sigmas = case
    out = gaussian_blur(images, sigmas)
    for image, sigma, ours in zip(images, sigmas.tolist(), out, strict=True):
        theirs = tv.gaussian_blur(image, [5, 5], [sigma, sigma])
        assert (ours.int() - theirs.int()).abs().max() <= 1


@given(images_and_sigmas())
@settings(max_examples=100, deadline=None)
def test_the_articles_kernel_matches_a_direct_sum(case):
    images, _ = case
    kernel = np.array(
        [[1, 4, 7, 4, 1], [4, 16, 26, 16, 4], [7, 26, 41, 26, 7], [4, 16, 26, 16, 4], [1, 4, 7, 4, 1]]
    )
    assert kernel.sum() == 273
    out = gaussian_blur(images, sigma=None)
    for image, ours in zip(images.flatten(0, 1).numpy(), out.flatten(0, 1).numpy(), strict=True):
        total = scipy.ndimage.correlate(image.astype(np.int64), kernel, mode="constant", cval=0)
        np.testing.assert_array_equal(ours, total // 273)


def test_each_image_is_blurred_by_its_sigma():
    images = torch.zeros(2, 1, 7, 7, dtype=torch.uint8)
    images[:, :, 3, 3] = 255
    sharp, soft = gaussian_blur(images, torch.tensor([0.05, 10.0]))[:, 0]
    assert torch.equal(sharp, images[0, 0])
    assert soft[1:6, 1:6].unique().tolist() == [10]  # nearly 255 / 25 everywhere


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5), (2, 2), (2, 9), (3, 1)])
def test_blur_of_images_smaller_than_the_radius(height, width):
    images = torch.randint(256, (1, 1, height, width), dtype=torch.uint8)
    out = gaussian_blur(images, sigma=1.0)[0, 0].double()
    padded = np.pad(
        images[0, 0].numpy().astype(float), 2, mode="reflect" if min(height, width) > 1 else "edge"
    )
    if min(height, width) == 1 < max(height, width):  # one axis has nothing to reflect
        pads = [((2, 2), (0, 0)), ((0, 0), (2, 2))]
        padded = images[0, 0].numpy().astype(float)
        for pad, size in zip(pads, (height, width), strict=True):
            padded = np.pad(padded, pad, mode="edge" if size == 1 else "reflect")
    line = np.exp(-0.5 * np.arange(-2, 3) ** 2.0)
    line /= line.sum()
    exact = scipy.ndimage.correlate(padded, np.outer(line, line))[2:-2, 2:-2]
    assert (out - torch.from_numpy(exact)).abs().max() < 0.6


@given(images_and_sigmas(least=3))
@settings(max_examples=30, deadline=None)
def test_blur_of_floats_agrees_with_bytes(case):
    images, sigmas = case
    floats = gaussian_blur(images.double(), sigmas)
    assert (floats - gaussian_blur(images, sigmas)).abs().max() <= 0.5 + 0.05
    article = gaussian_blur(images.double(), None)
    assert ((article + 1e-9).floor() - gaussian_blur(images, None)).abs().max() == 0


def test_blur_has_gradients():
    images = torch.rand(2, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    sigmas = torch.tensor([0.7, 1.9], dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(gaussian_blur, (images, sigmas))
    torch.autograd.gradcheck(lambda x: gaussian_blur(x, None), images)
