"""Images of 16 bits through every way that a loader has: as their levels would come."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from loading_files import DATA, DECODED
from loading_files import LABELS as OF_FILES
from PIL import Image
from torch.utils.data import DataLoader, StackDataset, TensorDataset

import gpuaug as ga
from gpuaug.loading import collate

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more workers than cores

LABELS = [0] * 19 + [1] * 6
LOW, HIGH = -200, 1800
DTYPES = pytest.mark.parametrize("dtype", [np.uint16, np.int16])


def values_of(dtype, *channels):
    low = 0 if dtype == np.uint16 else -1000
    return np.random.default_rng(0).integers(low, 3000, (len(LABELS), 14, 12, *channels)).astype(dtype)


def levels(values):
    return np.floor(np.clip((values.astype(float) - LOW) * 255 / (HIGH - LOW), 0, 255) + 0.5).astype(np.uint8)


def chain(low=LOW, high=HIGH):
    steps = [ga.RandomResizedCrop(9), ga.RandomHorizontalFlip(), ga.GaussNoise(), ga.Normalize(0.5, 0.5)]
    return ga.Compose([ga.Window(low, high), *steps])


def loader(dataset, augment=None, labels=LABELS, **options):
    return ga.BalancedLoader(dataset, ga.BalancedSampler(labels, seed=5), augment or chain(), 7, **options)


def epoch(loader):
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


def pairs(images):
    return list(zip(images, LABELS, strict=True))


def tensors(values):
    own = torch.from_numpy(values)
    return own[:, None] if own.dim() == 3 else own.permute(0, 3, 1, 2).contiguous()


WAYS = {
    "arrays": pairs,
    "tensors": lambda values: pairs(tensors(values)),
    "one tensor": lambda values: TensorDataset(tensors(values), torch.tensor(LABELS)),
    "one array": lambda values: StackDataset(values, np.array(LABELS)),
    "on the device": lambda values: ga.DeviceDataset(tensors(values), torch.tensor(LABELS)),
    "decoded once": lambda values: ga.DeviceDataset.from_dataset(pairs(values)),
}


def same(got, expected):
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


@DTYPES
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "colors"])
def test_batches_are_those_of_the_levels(dtype, way, channels):
    values = values_of(dtype, *channels)
    expected = epoch(loader(pairs(levels(values)), chain(0, 255)))
    same(epoch(loader(WAYS[way](values))), expected)


@DTYPES
@pytest.mark.parametrize("way", ["arrays", "tensors", "one tensor", "one array"])
def test_workers_send_images_of_16_bits(dtype, way):
    values = values_of(dtype, 3)
    same(epoch(loader(WAYS[way](values), num_workers=2)), epoch(loader(pairs(values))))


def test_pil_images_of_16_bits():
    values = values_of(np.uint16)
    same(epoch(loader(pairs([Image.fromarray(v) for v in values]))), epoch(loader(pairs(values))))


@DTYPES
@pytest.mark.parametrize("workers", [0, 2])
def test_images_of_16_bits_may_differ_in_size(dtype, workers):
    values = values_of(dtype, 3)
    cut = [v[: 6 + n % 5, : 5 + n % 7] for n, v in enumerate(values)]
    expected = epoch(loader(pairs([levels(v) for v in cut]), chain(0, 255)))
    same(epoch(loader(pairs(cut), num_workers=workers)), expected)
    same(epoch(loader(ga.DeviceDataset.from_dataset(pairs(cut)))), expected)


@DTYPES
def test_a_torch_data_loader_takes_images_of_16_bits(dtype):
    values, sampler = values_of(dtype), ga.BalancedSampler(LABELS, seed=5)
    batches = DataLoader(ga.WithDraws(pairs(values)), 7, sampler=sampler, collate_fn=collate, num_workers=1)
    augment = chain()
    got = [(augment(images, draws), labels) for images, labels, draws in batches]
    same(epoch(got), epoch(loader(pairs(values))))


@pytest.mark.parametrize("batches", [1, 3])
def test_a_resumed_epoch_goes_on(batches):
    values = values_of(np.int16)
    random = ga.Compose([ga.Window((-900, 0), (900, 2000)), ga.RandomHorizontalFlip()])
    whole, first, second = (loader(pairs(values), random) for _ in range(3))
    taken = [batch for _, batch in zip(range(batches), first, strict=False)]
    second.load_state_dict(first.state_dict())
    same(epoch([*taken, *second]), epoch(whole))


def test_without_a_window_16_bits_stay():
    values = values_of(np.int16)
    images, _ = epoch(loader(pairs(values), ga.Compose([ga.RandomHorizontalFlip()])))
    assert images.dtype == torch.int16
    with pytest.raises(ValueError, match=r"GaussNoise.* put Window\(low, high\) first"):
        next(iter(loader(pairs(values), ga.Compose([ga.GaussNoise()]))))


def test_files_of_8_bits_through_a_window():
    steps = [ga.RandomResizedCrop(16), ga.RandomHorizontalFlip()]
    window = ga.Compose([ga.Window((10, 50), (150, 250)), *steps])
    files = loader(ga.ImageFiles(DATA, OF_FILES, reducing_gap=None), window, OF_FILES)
    decoded = list(zip(DECODED, OF_FILES, strict=True))
    got, expected = epoch(files), epoch(loader(decoded, window, OF_FILES))
    assert torch.equal(got[1], expected[1])
    assert (got[0].int() - expected[0].int()).abs().max() <= 6  # two decoders of JPEG, under contrast


def test_two_types_are_named():
    values = [np.zeros((4, 5), np.uint16), np.zeros((4, 5), np.int16)]
    with pytest.raises(TypeError, match="one dtype, got uint16 for sample 0 and int16 for sample 1"):
        ga.DeviceDataset.from_dataset([(v, n) for n, v in enumerate(values)])
