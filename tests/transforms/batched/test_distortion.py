"""Distortions: fields by OpenCV, NumPy and SciPy, pixels read by SciPy."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
import torch

import gpuaug as ga
from gpuaug import random

IMAGES = torch.rand(3, 2, 21, 34, generator=torch.Generator().manual_seed(0))
DRAWS = torch.stack((torch.arange(3), torch.ones(3).long(), torch.arange(3) * 7919), dim=1)
MODES = {"edge": "nearest", "zero": "grid-constant", "reflect": "mirror"}


def read(image, x, y, mode):
    at = np.stack((y, x))
    return np.stack([scipy.ndimage.map_coordinates(c, at, order=1, mode=MODES[mode]) for c in image.numpy()])


@pytest.mark.parametrize("k", [-0.36, -0.1, 0.4])
@pytest.mark.parametrize("mode", MODES)
def test_optical_distortion_matches_opencvs_lens(k, mode):
    height, width = IMAGES.shape[2:]
    camera = np.array([[width, 0, (width - 1) / 2], [0, height, (height - 1) / 2], [0, 0, 1]])
    lens = np.array([k, k, 0, 0, 0], dtype=np.float64)
    x, y = cv2.initUndistortRectifyMap(camera, lens, None, camera, (width, height), cv2.CV_32FC1)
    out = ga.OpticalDistortion(k, padding_mode=mode)(IMAGES, DRAWS)
    for n in range(3):
        np.testing.assert_allclose(out[n].numpy(), read(IMAGES[n], x, y, mode), atol=1e-4)


def test_a_positive_k_draws_corners_inwards():
    """To a barrel: of a straight line near the edge, the middle stays further out than the ends."""
    line = torch.zeros(1, 1, 101, 101)
    line[..., 20, :] = 1.0
    place = ga.OpticalDistortion(0.5, padding_mode="edge")(line)[0, 0].argmax(0)
    assert 20 < place[50] < place[30] < place[10]
    place = ga.OpticalDistortion(-0.3)(line)[0, 0].argmax(0)
    assert 20 > place[50] > place[25] > place[15]


@pytest.mark.parametrize("size", [(50, 50), (21, 34)])
def test_the_strongest_pincushion_folds_nothing(size):
    """Along the diagonal, where the lens bends most, what is read goes on outwards."""
    height, width = size
    x, y = torch.meshgrid(torch.arange(width) * 1.0, torch.arange(height) * 1.0, indexing="xy")
    places = torch.stack((x / width, y / height))[None]
    read = ga.OpticalDistortion(-0.36)(places)[0]
    assert (read[0].diff(dim=1) > 0).all()
    assert (read[1].diff(dim=0) > 0).all()


def test_grid_distortion_is_piecewise_linear():
    transform = ga.GridDistortion(4, (-0.6, 2.0))
    (group,) = transform.recipes(DRAWS, tuple(IMAGES.shape))[0].groups
    out = transform(IMAGES, DRAWS)
    height, width = IMAGES.shape[2:]
    for n, nodes in enumerate(group.parameters["nodes"].double().numpy()):
        assert (np.diff(nodes) > 0).all()
        assert nodes[:, 0].tolist() == [0, 0]
        parts = np.diff(nodes[0]) / np.diff(nodes[0]).sum()
        assert parts.max() / parts.min() < 3 / 0.4
        x, y = (
            np.interp(np.arange(side) + 0.5, np.linspace(0, side, 5), share * side) - 0.5
            for share, side in zip(nodes, (width, height), strict=True)
        )
        expected = read(IMAGES[n], *np.meshgrid(x, y), "edge")
        np.testing.assert_allclose(out[n].numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("sigma", [0.7, 3.0])
def test_elastic_field_matches_scipys_blur(sigma):
    height, width = IMAGES.shape[2:]
    out = ga.ElasticTransform(15.0, sigma)(IMAGES, DRAWS)
    for n in range(3):
        noise = (
            random.uniform_field(DRAWS[n : n + 1, 2], 0, 2 * height * width).view(2, height, width).numpy()
        )
        smooth = [scipy.ndimage.gaussian_filter(2 * field - 1, sigma, mode="constant") for field in noise]
        y, x = np.mgrid[:height, :width]
        expected = read(IMAGES[n], x + 15 * smooth[0], y + 15 * smooth[1], "reflect")
        np.testing.assert_allclose(out[n].numpy(), expected, atol=2e-4)


def test_each_draw_has_its_own_field():
    same = IMAGES[:1].expand(3, -1, -1, -1)
    for transform in (ga.OpticalDistortion(), ga.GridDistortion(), ga.ElasticTransform()):
        assert len(transform(same, DRAWS).flatten(1).unique(dim=0)) == 3


def test_settings_of_distortions_are_checked():
    for build, message in (
        (
            lambda: ga.OpticalDistortion(padding_mode="wrap"),
            "padding_mode must be one of edge, zero, reflect",
        ),
        (lambda: ga.OpticalDistortion(3), r"distort_limit must be .* in \[-0.36, 2\], got 3"),
        (lambda: ga.OpticalDistortion((-0.5, 0)), r"must be .* in \[-0.36, 2\], got \(-0.5, 0\)"),
        (lambda: ga.GridDistortion(0), r"num_steps must be in \[1, 64\], got 0"),
        (lambda: ga.GridDistortion(distort_limit=-1), r"distort_limit must be .* in \[-0.9, 10\], got -1"),
        (lambda: ga.ElasticTransform(sigma=0), r"sigma must be in \[0.1, 100\], got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            build()
