"""CIELAB beside kornia's, in float64."""

import kornia
import torch

from gpuaug.transforms.batched.lab import lab

LEVELS = torch.arange(256.0).view(1, 1, 16, 16)


def test_lab_matches_kornia():
    some = torch.tensor([*range(32), *range(32, 256, 13), 255]).float()
    cube = torch.cartesian_prod(some, some, some).T.reshape(1, 3, len(some), -1)
    expected = kornia.color.rgb_to_lab(cube.double() / 255)
    assert (lab(cube) - expected).abs().max() < 0.1


def test_one_channel_has_the_lightness_of_its_grey():
    grey = lab(LEVELS.expand(1, 3, 16, 16))
    assert torch.equal(lab(LEVELS)[:, 0], grey[:, 0])
    assert grey[:, 1:].abs().max() < 0.05
    assert (lab(LEVELS).flatten().diff() > 0).all()
    both = torch.cat((LEVELS, 255 - LEVELS), dim=1)
    assert torch.equal(lab(both), torch.cat((lab(LEVELS), lab(255 - LEVELS)), dim=1))


def test_lab_is_on_the_images_device(device):
    images = torch.randint(256, (3, 3, 9, 11), generator=torch.Generator().manual_seed(0)).float()
    out = lab(images.to(device))
    assert out.device.type == device.type
    assert torch.equal(out.cpu(), lab(images))
