"""CLAHE against OpenCV: within one level. The op has tests of its own, in tests/ops."""

import cv2
import numpy as np
import pytest
import torch

import gpuaug as ga


def image_of(height, width, channels=1):
    """A dark scene with a bright corner and noise, so that tiles differ."""
    random = np.random.default_rng(height * width)
    y, x = np.mgrid[:height, :width]
    scene = 60 + 40 * np.sin(x / 9) * np.cos(y / 7) + 90 * (x + y > 1.5 * width)
    noise = random.normal(0, 12, (channels, height, width))
    return torch.from_numpy((scene + noise).clip(0, 255).astype(np.uint8))


def opencvs(image, clip_limit, grid):
    clahe = cv2.createCLAHE(clip_limit, (grid[1], grid[0]))
    return torch.stack([torch.from_numpy(clahe.apply(channel.numpy())) for channel in image])


@pytest.mark.parametrize("size", [(64, 96), (61, 83), (64, 83), (20, 31)])
@pytest.mark.parametrize("grid", [(8, 8), (2, 3), (1, 1)])
@pytest.mark.parametrize("clip_limit", [0.5, 1.0, 3.7, 40.0])
def test_clahe_matches_opencv(size, grid, clip_limit):
    image = image_of(*size, channels=3)
    out = ga.CLAHE(clip_limit, grid)(image[None])[0]
    assert (out.int() - opencvs(image, clip_limit, grid).int()).abs().max() <= 1


def test_each_draw_has_its_own_clip_limit():
    image = image_of(64, 64)
    draws = torch.stack((torch.arange(8), torch.ones(8).long(), torch.arange(8) * 7919), dim=1)
    transform = ga.CLAHE((1.0, 30.0), 2)
    (group,) = transform.recipes(draws, (8, 1, 64, 64))[0].groups
    out = transform(image[None].expand(8, -1, -1, -1), draws)
    for n, limit in enumerate(group.parameters["clip_limit"].tolist()):
        assert (out[n].int() - opencvs(image, limit, (2, 2)).int()).abs().max() <= 1
    assert len(out.flatten(1).unique(dim=0)) >= 5  # a limit counts in whole pixels of a tile


def test_clahe_moves_floats_as_far_as_their_unrounded_level():
    images = image_of(61, 83, 3)[None]
    transform = ga.CLAHE(3.0, (4, 5))
    floats = images / 255 + 0.4 / 255
    change = (transform(floats) - floats) * 255
    rounded = transform(images).float() - images
    kept = floats + change / 255 < 1  # not clamped
    assert (change - rounded)[kept].abs().max() < 0.501
    assert (change - change.round())[kept].abs().max() > 0.4


def test_clahe_compiles_to_one_graph():
    images = image_of(32, 48, 3)[None].repeat(4, 1, 1, 1)
    draws = torch.stack((torch.arange(4), torch.arange(4) % 2, torch.arange(4) * 7919), dim=1)
    chain = ga.Compose([ga.CLAHE(tile_grid_size=2), ga.Normalize(0.5, 0.5)], seed=1)
    compiled = torch.compile(chain, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(images, draws), chain(images, draws))


def test_clahe_refuses_an_image_too_small_for_the_grid():
    with pytest.raises(ValueError, match=r"tile_grid_size must be below .* got \(8, 8\) for 8 x 30"):
        ga.CLAHE()(torch.zeros(1, 1, 8, 30, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"clip_limit must be .* in \[0.01, 256\], got 0"):
        ga.CLAHE(0)
