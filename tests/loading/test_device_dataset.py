"""A data set that lives on the device."""

import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from waiting import no_waiting

import gpuaug
from gpuaug import BalancedSampler
from gpuaug.images.packed import Packed, pack
from gpuaug.loading import BalancedLoader, DeviceDataset

IMAGES = torch.arange(5 * 3 * 2 * 2, dtype=torch.uint8).reshape(5, 3, 2, 2)
LABELS = torch.tensor([0, 1, 0, 1, 1])


def test_a_device_dataset_holds_samples():
    dataset = DeviceDataset(IMAGES, LABELS)
    assert len(dataset) == 5
    image, label = dataset[3]
    assert torch.equal(image, IMAGES[3])
    assert label == 1
    assert repr(dataset) == "DeviceDataset((5, 3, 2, 2), device='cpu')"


def test_to_moves_images_and_labels():
    dataset = DeviceDataset(IMAGES, LABELS)
    assert dataset.to("cpu") is dataset
    moved = dataset.to("meta")
    assert (moved.images.device.type, moved.labels.device.type) == ("meta", "meta")
    assert dataset.device.type == "cpu"


def test_images_of_a_device_dataset_are_dense():
    strided = IMAGES.repeat(1, 1, 1, 2)[..., ::2]
    dataset = DeviceDataset(strided, LABELS)
    assert dataset.images.is_contiguous()
    assert torch.equal(dataset.images, strided)


@pytest.mark.parametrize("interleaved", [True, False])
def test_from_dataset_decodes_every_sample(interleaved):
    samples = [
        (np.ascontiguousarray(image.permute(1, 2, 0)) if interleaved else image, int(label))
        for image, label in zip(IMAGES, LABELS, strict=True)
    ]
    dataset = DeviceDataset.from_dataset(samples)
    assert torch.equal(dataset.images, IMAGES)
    assert torch.equal(dataset.labels, LABELS)
    assert dataset.images[0].stride(0) == (1 if interleaved else 4)


def test_images_as_they_are_wait_for_nothing(device):
    sampler = BalancedSampler(LABELS, seed=2)
    loader = BalancedLoader(DeviceDataset(IMAGES, LABELS).to(device), sampler, None, batch_size=2)
    with no_waiting(device) if device.type == "cuda" else nullcontext():
        batches = list(loader)
    index = sampler.draws()[:, 0]
    assert torch.equal(torch.cat([images for images, _ in batches]).cpu(), IMAGES[index])
    assert torch.equal(torch.cat([labels for _, labels in batches]).cpu(), LABELS[index])


RAGGED = [(torch.randint(256, (3, 4 + i, 9 - i), dtype=torch.uint8), i % 2) for i in range(5)]


@pytest.mark.parametrize("interleaved", [True, False])
def test_images_of_different_sizes_are_packed(interleaved):
    samples = [
        (np.ascontiguousarray(image.permute(1, 2, 0)) if interleaved else image, label)
        for image, label in RAGGED
    ]
    dataset = DeviceDataset.from_dataset(samples)
    assert isinstance(dataset.images, Packed)
    assert dataset.images.interleaved == interleaved
    assert dataset.images.storage.numel() == sum(image.numel() for image, _ in RAGGED)
    check_ragged(dataset)


def test_a_device_dataset_takes_packed_images():
    labels = torch.tensor([label for _, label in RAGGED])
    check_ragged(DeviceDataset(pack([image for image, _ in RAGGED]), labels))


def check_ragged(dataset):
    assert len(dataset) == 5
    for number, (image, label) in enumerate(RAGGED):
        assert torch.equal(dataset[number][0], image)
        assert dataset[number][1] == label
    assert repr(dataset).startswith("DeviceDataset(Packed(5 images of 3 channels, ")
    moved = dataset.to("meta")
    assert (moved.device.type, moved.labels.device.type) == ("meta", "meta")


def test_the_first_image_gives_the_memory_order():
    planar = [
        (image.permute(1, 2, 0).contiguous().permute(2, 0, 1) if n else image)
        for n, (image, _) in enumerate(RAGGED)
    ]
    dataset = DeviceDataset.from_dataset([(image, 0) for image in planar])
    assert not dataset.images.interleaved  # as the first image
    for number, (image, _) in enumerate(RAGGED):
        assert torch.equal(dataset[number][0], image)


def test_pinning_needs_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    dataset = DeviceDataset(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.zeros(4))
    with pytest.raises(RuntimeError, match="pin must be False without a CUDA device"):
        dataset.pin_memory()
    with pytest.raises(RuntimeError, match="pin must be False without a CUDA device"):
        DeviceDataset.from_dataset([(np.zeros((4, 4), np.uint8), 0)], pin=True)
    with pytest.raises(ValueError, match="pin must be False for images that go to cuda, got True"):
        DeviceDataset.from_dataset([(np.zeros((4, 4), np.uint8), 0)], device="cuda", pin=True)


@pytest.mark.parametrize("packed", [False, True])
def test_pinned_images_are_taken_by_a_loader_of_a_device(packed, monkeypatch):
    """With stand-ins: memory that says it is pinned, and a device that PyTorch sees."""
    sizes = [(8, 8), (8, 9 if packed else 8)]
    samples = [(np.zeros((*size, 3), np.uint8), n) for n, size in enumerate(sizes)]
    dataset = DeviceDataset.from_dataset(samples)
    sampler = gpuaug.BalancedSampler([0, 1])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    with pytest.raises(RuntimeError, match=r"got cuda:0; .* dataset.pin_memory\(\) lets a CUDA"):
        gpuaug.BalancedLoader(dataset, sampler, gpuaug.Resize(4), 2, device="cuda")
    monkeypatch.setattr(torch.Tensor, "is_pinned", lambda self: True)
    loader = gpuaug.BalancedLoader(dataset, sampler, gpuaug.Resize(4), 2, device="cuda")
    assert loader.device == torch.device("cuda", 0)
    (batch,) = loader._prepared(loader._source)
    assert batch.resident
    copied = batch._replace(passes=(), rest=()).to(torch.device("meta"))
    assert copied.images is dataset.images  # stays where it is


@pytest.mark.cuda
@pytest.mark.parametrize("packed", [False, True])
def test_a_cuda_device_reads_pinned_images(packed):
    random = np.random.default_rng(0)
    sizes = [(20, 24 + n % 3 if packed else 24) for n in range(30)]
    samples = [(random.integers(0, 256, (*size, 3), np.uint8), n % 2) for n, size in enumerate(sizes)]
    augment = gpuaug.Compose(
        [gpuaug.RandomResizedCrop(16), gpuaug.GaussianBlur(), gpuaug.Normalize(0.5, 0.5)]
    )
    on_host = DeviceDataset.from_dataset(samples)
    pinned = DeviceDataset.from_dataset(samples, pin=True)
    assert pinned.pin_memory() is pinned
    loaders = [
        gpuaug.BalancedLoader(data, gpuaug.BalancedSampler([0, 1] * 15), augment, 7, device=device)
        for data, device in ((on_host, "cpu"), (pinned, "cuda"))
    ]
    for (expected, labels), (got, own) in zip(*loaders, strict=True):
        assert got.is_cuda
        assert torch.equal(got.cpu(), expected)
        assert torch.equal(own.cpu(), labels)
    (recipes,) = augment.recipes(torch.zeros(1, 3, dtype=torch.int64), (1, 3, 20, 24))
    pageable = torch.zeros(3 * 20 * 24, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="must be page-locked"):
        torch.ops.gpuaug.augment(
            pageable, recipes.records.cuda(), None, 3, 16, 16, True, recipes.stages, False
        )


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_read_the_samples_in_order(threads):
    names = set()

    class Samples:
        def __len__(self):
            return 100

        def __getitem__(self, index):
            names.add(threading.current_thread().name)
            if index == self.bad:
                raise OSError("cannot read")
            return np.full((2, 3), index, np.uint8), index

        bad = None

    dataset = DeviceDataset.from_dataset(Samples(), num_workers=threads)
    assert dataset.images[:, 0, 0, 0].tolist() == dataset.labels.tolist() == list(range(100))
    assert threading.main_thread().name not in names
    Samples.bad = 61
    with pytest.raises(RuntimeError, match="sample 61: OSError: cannot read"):
        DeviceDataset.from_dataset(Samples(), num_workers=threads)
    with pytest.raises(ValueError, match=r"num_workers must be in .*, got -1"):
        DeviceDataset.from_dataset(Samples(), num_workers=-1)


def test_from_dataset_shows_progress(capsys):
    DeviceDataset.from_dataset(list(zip(IMAGES, LABELS, strict=True)), progress=True)
    assert "5/5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("images", "labels", "error", "message"),
    [
        (
            IMAGES.numpy(),
            LABELS,
            TypeError,
            "images must be a tensor, got ndarray: convert it with torch.as_tensor",
        ),
        (IMAGES, LABELS.tolist(), TypeError, "labels must be a tensor, got list"),
        (IMAGES.float(), LABELS, TypeError, "images must be uint8, uint16 or int16, got float32"),
        (
            IMAGES[0],
            LABELS,
            ValueError,
            r"shape \(N, C, H, W\) with C in \[1, 64\], got \(3, 2, 2\)",
        ),
        (IMAGES.repeat(1, 22, 1, 1), LABELS, ValueError, r"C in \[1, 64\], got \(5, 66, 2, 2\)"),
        (IMAGES[:, :, :0], LABELS, ValueError, r"at least 1 pixel, got shape \(5, 3, 0, 2\)"),
        (IMAGES, LABELS[:4], ValueError, r"one label for each of the 5 images, got shape \(4,\)"),
        (IMAGES, torch.tensor(1), ValueError, r"one label for each of the 5 images, got shape \(\)"),
        (IMAGES, LABELS.to("meta"), RuntimeError, "one device, got cpu and meta"),
        (pack(IMAGES), LABELS[:4], ValueError, r"one label for each of the 5 images, got shape \(4,\)"),
        (IMAGES, pack(IMAGES), TypeError, "labels must be a tensor, got Packed"),
    ],
)
def test_wrong_images_or_labels_are_refused(images, labels, error, message):
    with pytest.raises(error, match=message):
        DeviceDataset(images, labels)


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        ([], ValueError, "at least 1 sample, got 0"),
        ([(torch.zeros(3, 2, 2), 0)], TypeError, "sample 0: .* uint8, uint16 or int16, got float32"),
        (
            [(np.zeros((2, 2), np.uint8), 0), (np.zeros((2, 2, 3), np.uint8), 0)],
            ValueError,
            r"one number of channels, got 1 for sample 0 and 3 for sample 1: convert",
        ),
    ],
)
def test_from_dataset_faults(samples, error, message):
    with pytest.raises(error, match=message):
        DeviceDataset.from_dataset(samples)
