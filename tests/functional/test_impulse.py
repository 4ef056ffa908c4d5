"""salt_and_pepper: which pixels, how many, and whose."""

import math

import pytest
import torch

from gpuaug.functional import salt_and_pepper


def random_keys(n):
    return torch.randint(-(2**63), 2**63 - 1, (n,))


@pytest.mark.parametrize(("salt", "pepper"), [(0.15, 0.1), (0.0, 0.3), (0.5, 0.5), (1.0, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_pixel_is_input_salt_or_pepper_at_the_given_rates(salt, pepper, channels):
    images = torch.randint(1, 255, (16, channels, 64, 64), dtype=torch.uint8)
    out = salt_and_pepper(images, salt, pepper, random_keys(16))
    if channels == 4:  # alpha stays
        assert torch.equal(out[:, 3], images[:, 3])
        images, out = images[:, :3], out[:, :3]
    white, black, kept = out == 255, out == 0, out == images
    assert bool((white | black | kept).all())
    for changed in (white, black):  # all colors at once
        assert torch.equal(changed.any(1), changed.all(1))
    pixels = 16 * 64 * 64
    for changed, rate in ((white, salt), (black, pepper)):
        five_sigma = 5 * math.sqrt(rate * (1 - rate) / pixels)
        assert abs(changed[:, 0].double().mean().item() - rate) <= five_sigma + 2**-16


def test_pixels_are_independent_of_their_neighbours():
    out = salt_and_pepper(torch.full((64, 1, 64, 64), 7, dtype=torch.uint8), 0.5, 0.0, random_keys(64))
    white = (out[:, 0] == 255).double() - 0.5
    for step in (1, 2, 3, 7, 8):
        for a, b in ((white[:, :, step:], white[:, :, :-step]), (white[:, step:], white[:, :-step])):
            correlation = (a * b).mean() * 4
            assert abs(correlation) < 5 / math.sqrt(a.numel())


def test_each_image_has_its_own_rate_of_salt_and_pepper():
    images = torch.full((3, 1, 8, 8), 7, dtype=torch.uint8)
    out = salt_and_pepper(
        images, torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 1.0]), random_keys(3)
    )
    assert [o.unique().tolist() for o in out] == [[7], [255], [0]]


def test_salt_and_pepper_depend_on_the_key_and_the_place():
    images = torch.full((4, 1, 16, 16), 7, dtype=torch.uint8)
    keys = torch.tensor([5, 6, 5, -5])
    out = salt_and_pepper(images, 0.3, 0.3, keys)
    assert torch.equal(out[0], out[2])
    assert not torch.equal(out[0], out[1])
    assert not torch.equal(out[0], out[3])
    assert torch.equal(salt_and_pepper(images[:1], 0.3, 0.3, keys[1:2])[0], out[1])  # alone as in the batch
    assert not torch.equal(salt_and_pepper(images, 0.3, 0.3, keys, place=1), out)


def test_salt_and_pepper_change_the_same_pixels_of_floats_and_bytes():
    images = torch.randint(1, 255, (4, 3, 9, 11), dtype=torch.uint8)
    keys = random_keys(4)
    out = salt_and_pepper(images, 0.2, 0.2, keys)
    floats = salt_and_pepper(images / 255.0, 0.2, 0.2, keys)
    assert torch.equal((floats * 255).round().to(torch.uint8), out)


def test_gradients_stop_at_salt_and_pepper():
    images = torch.rand(2, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    keys = torch.tensor([1, 2])
    torch.autograd.gradcheck(lambda x: salt_and_pepper(x, 0.3, 0.3, keys), images)
    out = salt_and_pepper(images, 0.5, 0.5, keys)
    out.sum().backward()
    assert images.grad.abs().sum() == 0
