"""Perspective: torchvision's pixels, its corners, and what follows them."""

import pytest
import torch
from every_transform import draws_of
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

import gpuaug as ga


def smooth_images(n, channels=3, height=50, width=70):
    """As photographs: little changes within a pixel."""
    random = torch.Generator().manual_seed(n)
    coarse = torch.rand(n, channels, 7, 9, generator=random) * 254 + 1
    return (
        torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(1, 255).to(torch.uint8)
    )


def corners_of(perspective, draws, shape):
    """Where the image's corner pixels go, in turn around it."""
    height, width = shape[2:]
    start = torch.tensor([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]])
    images = torch.zeros(len(draws), *shape[1:], dtype=torch.uint8)
    points = start.double().expand(len(draws), 4, 2)
    return start.tolist(), perspective(images, draws, keypoints=points).keypoints


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(50, 70), (224, 160)])
def test_perspective_matches_torchvision(channels, height, width):
    images, draws = smooth_images(6, channels, height, width), draws_of(6)
    perspective = ga.RandomPerspective(p=1.0)
    out = perspective(images, draws)
    start, ends = corners_of(perspective, draws, images.shape)
    assert (ends - ends.round()).abs().max() < 1e-5  # whole pixels
    for n in range(6):
        given = images[n].double(), start, ends[n].round().long().tolist()
        theirs = tv.perspective(*given, interpolation=InterpolationMode.BILINEAR)
        inside = tv.perspective(
            torch.ones_like(given[0]), *given[1:], interpolation=InterpolationMode.BILINEAR
        )
        assert ((out[n] - theirs).abs() * (inside > 1 - 1e-6)).max() <= 1
        assert ((out[n] != 0) & (inside == 0)).sum() == 0


def test_nearest_perspective_matches_torchvision():
    images, draws = torch.randint(256, (6, 3, 50, 70), dtype=torch.uint8), draws_of(6)
    perspective = ga.RandomPerspective(p=1.0, interpolation="nearest", fill=(9, 250, 77))
    out = perspective(images, draws)
    start, ends = corners_of(perspective, draws, images.shape)
    for n in range(6):
        theirs = tv.perspective(
            *(images[n], start, ends[n].round().long().tolist()),
            interpolation=InterpolationMode.NEAREST,
            fill=[9.0, 250.0, 77.0],
        )
        assert (out[n] == theirs).all(0).double().mean() > 0.995


def test_corners_match_torchvision():
    n, height, width = 8000, 20, 30
    _, ends = corners_of(ga.RandomPerspective(0.5, p=1.0), draws_of(n), (n, 1, height, width))
    moved = (ends[:, 0]).round()
    for values, most in ((moved[:, 0], 7), (moved[:, 1], 5)):
        counts = torch.bincount(values.long(), minlength=most + 1)
        assert len(counts) == most + 1
        expected = n / (most + 1)
        assert ((counts - expected) ** 2 / expected).sum() < 35  # chi-square, at most 7 degrees of freedom
    assert abs(
        int((ga.RandomPerspective().recipes(draws_of(n), (n, 1, 9, 9))[0].records[:, 0] != 0).sum()) - n / 2
    ) < (5 * n**0.5 / 2)


def test_floats_boxes_and_masks_follow_a_perspective():
    images, draws = smooth_images(8), draws_of(8)
    perspective = ga.RandomPerspective(p=1.0, fill=77)
    out = perspective(images, draws)
    assert (perspective(images.double() / 255, draws) * 255 - out).abs().max() <= 1
    near = ga.RandomPerspective(p=1.0, interpolation="nearest")
    moved = near(images, draws, masks=images, boxes=torch.tensor([10.0, 10, 30, 40]).expand(8, 1, 4))
    assert (moved.images == moved.masks).double().mean() > 0.999
    shown = torch.zeros_like(images)
    shown[:, :, 10:40, 10:30] = 255
    marked = near(shown, draws)
    for box, image in zip(moved.boxes[:, 0], marked, strict=True):
        y, x = image[0].nonzero().unbind(1)
        around = torch.stack((x.min(), y.min(), x.max() + 1, y.max() + 1))
        assert (around - box).abs().max() <= 1.5


def test_crops_and_flips_join_a_perspective():
    images, draws = smooth_images(6), draws_of(6)
    perspective = ga.RandomPerspective(p=1.0, padding_mode="edge")
    chain = ga.Compose([perspective, ga.CenterCrop((30, 41)), ga.RandomHorizontalFlip(1.0)])
    assert chain.step.passes == 1
    apart = ga.Compose([perspective])(images, draws)[:, :, 10:40, 14:55].flip(3)
    assert (chain(images, draws).int() - apart.int()).abs().max() <= 1


@pytest.mark.parametrize("size", [1, 2, 3, 17])
@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_perspective_takes_any_size_and_distortion(size, scale):
    images = torch.randint(256, (20, 1, size, size), dtype=torch.uint8)
    out = ga.RandomPerspective(scale, p=1.0)(images, draws_of(20))
    assert out.shape == images.shape
    if scale == 0:
        assert torch.equal(out, images)


def test_wrong_settings_of_perspective_are_refused():
    with pytest.raises(ValueError, match=r"distortion_scale must be in \[0, 1\], got 1.5"):
        ga.RandomPerspective(1.5)
