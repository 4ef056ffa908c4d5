"""Images of different sizes through the loader: packed, and resized by the kernel alone."""

import numpy as np
import pytest
import torch
from shown_indices import LABELS, make, no_children

from gpuaug import Draw
from gpuaug.loading import DeviceDataset, WithDraws
from gpuaug.transforms import (
    Compose,
    GaussianBlur,
    Normalize,
    RandomHorizontalFlip,
    RandomResizedCrop,
    SaltAndPepper,
)


class Ragged:
    """Photographs of any size; ``planar`` gives tensors (C, H, W) in the place of arrays (H, W, C)."""

    def __init__(self, planar=False):
        self.planar = planar

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        random = np.random.default_rng(index)
        height, width = random.integers(9, 30, 2)
        image = random.integers(0, 256, (height, width, 3), np.uint8)
        if self.planar:
            image = torch.from_numpy(image).permute(2, 0, 1).contiguous()
        return image, LABELS[index]


def to_one_size():
    return Compose(
        [
            RandomResizedCrop(12),
            RandomHorizontalFlip(),
            GaussianBlur(),
            SaltAndPepper(0.1),
            Normalize(0.5, 0.5),
        ]
    )


@pytest.mark.parametrize("batch_size", [1, 5, 18])
@pytest.mark.parametrize("planar", [False, True], ids=["decoded", "planar"])
@pytest.mark.parametrize("kind", ["here", "workers", "resident"])
def test_images_of_different_sizes_come_as_if_one_by_one(kind, planar, batch_size):
    samples, augment = Ragged(planar), to_one_size()
    dataset = DeviceDataset.from_dataset(samples) if kind == "resident" else samples
    loader = make(dataset, augment, batch_size, num_workers=2 if kind == "workers" else 0)
    loader.set_epoch(3)
    batches = list(loader)
    drawn = loader.sampler.draws()[:, 0].tolist()
    assert torch.cat([labels for _, labels in batches]).tolist() == [LABELS[i] for i in drawn]
    images = torch.cat([images for images, _ in batches])
    for image, draw in zip(images, loader.sampler.draws(), strict=True):
        sample, _ = WithDraws(samples)[Draw(int(draw[0]))][:2]
        assert torch.equal(image, augment(sample[None], draw[None])[0])


@pytest.mark.cuda
@pytest.mark.parametrize("kind", ["here", "workers", "resident"])
def test_images_of_different_sizes_on_the_gpu(kind):
    dataset = DeviceDataset.from_dataset(Ragged(), "cuda") if kind == "resident" else Ragged()
    augment = to_one_size()
    there = make(dataset, augment, 5, device="cuda", num_workers=2 if kind == "workers" else 0)
    here = make(Ragged(), augment, 5)
    for (images, labels), (expected_images, expected_labels) in zip(there, here, strict=True):
        assert images.device.type == "cuda"
        assert torch.equal(images.cpu(), expected_images)
        assert torch.equal(labels.cpu(), expected_labels)


@pytest.mark.parametrize("kind", ["here", "workers", "resident"])
def test_images_of_different_sizes_need_a_transform(kind):
    dataset = DeviceDataset.from_dataset(Ragged()) if kind == "resident" else Ragged()
    loader = make(dataset, num_workers=2 if kind == "workers" else 0)
    with pytest.raises(ValueError, match="augment must not be None for images of different sizes"):
        list(loader)
    assert no_children()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_transform_that_leaves_different_sizes(workers):
    loader = make(Ragged(), RandomHorizontalFlip(), num_workers=workers)
    message = r"got .* for draw 0 \(sample \d+\) and .* \(sample \d+\): .* Resize\(\(height, width\)\)"
    with pytest.raises(ValueError, match=message):
        list(loader)
    assert no_children()
