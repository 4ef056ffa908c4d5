"""Samples to a batch."""

import pytest
import torch

from gpuaug.images.packed import Packed
from gpuaug.loading import collate


def sample(index, image, label=0):
    return image, label, torch.tensor([index, 0, 0])


def interleaved(*shape):
    """A random image (C, H, W) whose memory is (H, W, C)."""
    channels, height, width = shape
    return torch.randint(0, 256, (height, width, channels), dtype=torch.uint8).permute(2, 0, 1)


@pytest.mark.parametrize("shape", [(3, 5, 4), (1, 2, 2), (4, 1, 3)])
def test_decoded_images_stay_interleaved(shape):
    images = [interleaved(*shape) for _ in range(3)]
    batch, _, _ = collate([sample(i, image) for i, image in enumerate(images)])
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(batch, torch.stack(images))


def test_planar_images_stay_planar():
    images = [torch.rand(3, 5, 4) for _ in range(2)]
    batch, _, _ = collate([sample(i, image) for i, image in enumerate(images)])
    assert batch.is_contiguous()
    assert torch.equal(batch, torch.stack(images))


def test_interleaved_and_planar_images_make_one_batch():
    images = [interleaved(3, 5, 4), interleaved(3, 5, 4).contiguous(), interleaved(3, 5, 8)[:, :, ::2]]
    for order in (images, images[::-1]):
        batch, _, _ = collate([sample(i, image) for i, image in enumerate(order)])
        assert torch.equal(batch, torch.stack(order))


def test_labels_and_draws_are_stacked():
    _, labels, draws = collate([sample(4, interleaved(3, 2, 2), 1), sample(9, interleaved(3, 2, 2), 0)])
    assert labels.tolist() == [1, 0]
    assert draws.tolist() == [[4, 0, 0], [9, 0, 0]]


@pytest.mark.parametrize("decoded", [True, False])
def test_images_of_different_sizes_are_packed(decoded):
    images = [interleaved(3, 2, 2), interleaved(3, 2, 2), interleaved(3, 5, 2), interleaved(3, 2, 5)]
    images = images if decoded else [image.contiguous() for image in images]
    packed, labels, draws = collate([sample(i, image, i % 2) for i, image in enumerate(images)])
    assert isinstance(packed, Packed)
    assert packed.interleaved == decoded
    assert all(torch.equal(a, b) for a, b in zip(packed, images, strict=True))
    assert (labels.tolist(), draws[:, 0].tolist()) == ([0, 1, 0, 1], [0, 1, 2, 3])


def test_floats_of_different_sizes_name_the_samples():
    samples = [sample(4, torch.rand(3, 2, 2)), sample(6, torch.rand(3, 2, 2)), sample(9, torch.rand(3, 5, 2))]
    message = r"uint16 or int16, got float32, \(3, 2, 2\) for sample 4 and \(3, 5, 2\) for sample 9: resize"
    with pytest.raises(ValueError, match=message):
        collate(samples)


@pytest.mark.parametrize("shape", [(1, 2, 2), (1, 5, 2)])
def test_other_channels_name_the_samples(shape):
    with pytest.raises(ValueError, match="channels, got 3 for sample 4 and 1 for sample 9: convert"):
        collate([sample(4, interleaved(3, 2, 2)), sample(9, interleaved(*shape))])


def test_mixed_dtypes_name_the_samples():
    with pytest.raises(TypeError, match="one dtype, got uint8 for sample 4 and float32 for sample 9"):
        collate([sample(4, interleaved(3, 2, 2)), sample(9, torch.rand(3, 2, 2))])
