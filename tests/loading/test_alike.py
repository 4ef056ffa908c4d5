"""Pairs of one form, stacked at once: the batch is the one that samples make one by one."""

import numpy as np
import pytest
import torch
from one_by_one import one_by_one, raised, same
from shown_indices import make

from gpuaug.loading.alike import Stacked
from gpuaug.loading.read_batch import read_batch

ORDER = [3, 0, 2, 2, 1]


def bytes_of(*shape):
    return np.random.default_rng(7).integers(0, 256, (4, *shape), np.uint8)


def frozen(images):
    images.flags.writeable = False
    return images


def mapped(images, path):
    np.save(path, images)
    return np.load(path, mmap_mode="r")


IMAGES = {
    "rgb": lambda path: bytes_of(5, 4, 3),
    "gray": lambda path: bytes_of(5, 4),
    "one channel": lambda path: bytes_of(5, 4, 1),
    "four channels": lambda path: bytes_of(2, 3, 4),
    "one pixel": lambda path: bytes_of(1, 1, 3),
    "read-only": lambda path: frozen(bytes_of(5, 4, 3)),
    "memory map": lambda path: mapped(bytes_of(5, 4, 3), path / "images.npy"),
    "flipped": lambda path: bytes_of(5, 4, 3)[:, :, ::-1],
    "other channel order": lambda path: bytes_of(5, 4, 3)[..., ::-1],
    "with gaps": lambda path: bytes_of(10, 4, 3)[:, ::2],
    "floats": lambda path: torch.rand(4, 3, 5, 4),
    "half floats": lambda path: torch.rand(4, 1, 5, 4).half(),
    "bytes in a tensor": lambda path: torch.from_numpy(bytes_of(3, 5, 4)),
    "interleaved tensor": lambda path: torch.from_numpy(bytes_of(5, 4, 3)).permute(0, 3, 1, 2),
    "interleaved floats": lambda path: torch.rand(4, 3, 5, 4).to(memory_format=torch.channels_last),
    "tensor with gaps": lambda path: torch.rand(4, 3, 5, 8)[..., ::2],
}
LABEL_TYPES = [
    int,
    float,
    bool,
    np.int64,
    np.uint8,
    np.float32,
    np.bool_,
    torch.tensor,
    lambda value: torch.tensor(value, dtype=torch.float16),
]


@pytest.mark.parametrize("kind", IMAGES)
def test_images_of_one_form_are_stacked(kind, tmp_path):
    samples = [(image, number) for number, image in enumerate(IMAGES[kind](tmp_path))]
    batch = read_batch(samples, ORDER)
    assert isinstance(batch, Stacked)
    same(batch, one_by_one(samples, ORDER))


@pytest.mark.parametrize("label", LABEL_TYPES)
def test_labels_of_one_form_are_stacked(label):
    samples = [(image, label(number)) for number, image in enumerate(bytes_of(5, 4, 3))]
    batch = read_batch(samples, ORDER)
    assert isinstance(batch, Stacked)
    same(batch, one_by_one(samples, ORDER))


class Pair(tuple):
    pass


class Picture(np.ndarray):
    pass


RGB = bytes_of(5, 4, 3)
PLAIN = [(image, number) for number, image in enumerate(RGB)]


def other(place, sample):
    return [*PLAIN[:place], sample, *PLAIN[place + 1 :]]


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(
    "sample",
    [
        Pair((RGB[0], 1)),
        [RGB[0], 1],
        (RGB[0].view(Picture), 1),
        (RGB[0], np.int64(1)),
        (torch.from_numpy(RGB[0]).permute(2, 0, 1), 1),
        (torch.from_numpy(RGB[0]).permute(2, 0, 1).contiguous(), 1),
        (np.asfortranarray(RGB[0]), 1),
    ],
    ids=["tuple", "list", "array", "label", "interleaved", "planar", "Fortran"],
)
def test_one_other_sample_changes_nothing(sample, place):
    samples = other(place, sample)
    batch = make(samples * 3, batch_size=18)
    order = batch.sampler.draws()[:, 0].tolist()
    same(next(iter(batch)), one_by_one(samples * 3, order))


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(
    "sample",
    [
        (RGB[0],),
        (RGB[0].astype(np.float32), 1),
        (RGB[0].transpose(2, 0, 1), 1),
        (RGB[0][:0], 1),
        (RGB[0][..., :2], 1),
        (RGB[0], "one"),
        (RGB[0], None),
        (RGB[0], 1.5),
        (RGB[0], torch.zeros(2)),
        (RGB[0], 1, 2),
        (torch.rand(3, 5, 4), 1),
        (torch.rand(3, 5, 4, device="meta"), 1),
        {"image": RGB[0], "label": 1},
        3,
    ],
)
def test_one_bad_sample_is_named_as_ever(sample, place):
    samples = other(place, sample)
    batch = make(samples * 3, batch_size=18)
    order = batch.sampler.draws()[:, 0].tolist()
    assert raised(lambda: next(iter(batch))) == raised(lambda: one_by_one(samples * 3, order))


def test_labels_that_are_too_large_are_named_as_ever():
    samples = [(image, 2**70) for image in RGB]
    assert raised(lambda: read_batch(samples, ORDER)) == raised(lambda: one_by_one(samples, ORDER))


class Broken:
    """Sample 2 is no image, and sample 3 cannot be read."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index == 3:
            raise OSError("cannot read")
        return (3 if index == 2 else RGB[index]), 0


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [0, 3, 2, 1], [3, 2], [2, 3], [0, 1, 4]])
def test_the_first_fault_is_told(order):
    assert raised(lambda: read_batch(Broken(), order)) == raised(lambda: one_by_one(Broken(), order))


@pytest.mark.parametrize("kind", IMAGES)
def test_stacked_batches_come_from_a_worker(kind, tmp_path):
    samples = [(image, number) for number, image in enumerate(IMAGES[kind](tmp_path))] * 3
    loader = make(samples, batch_size=18, num_workers=1)
    ((images, labels),) = loader
    same((images, labels), one_by_one(samples, loader.sampler.draws()[:, 0].tolist()))
    assert images.is_shared()  # written by the worker where it is read here
    assert not labels.is_shared()
