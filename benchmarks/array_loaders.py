"""Small arrays in memory: the cost of a loader if there is nothing to decode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from alternate import alternate, count_images
from case import MEAN, STD
from torch.utils.data import DataLoader, Dataset

SIDE, BATCH, CLASSES = 32, 512, 10


class Arrays(Dataset[Any]):
    """Images uint8 (32, 32, 3) with integer labels, in plain Python."""

    def __init__(self, count: int) -> None:
        random = np.random.default_rng(0)
        self.images = random.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)
        self.labels = [index % CLASSES for index in range(count)]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return self.images[index], self.labels[index]


def measure_arrays(count: int, workers: int, rounds: int) -> dict[str, Any]:
    """The images per second of gpuaug's loader, with a flip and normalization, and of a bare DataLoader."""
    arrays, rows = Arrays(count), {}
    for number in sorted({0, workers}):
        with _loaders(arrays, number) as loaders:
            check(loaders["gpuaug"])
            runs: dict[str, Callable[[], int]] = {
                f"{name}, {number} workers": partial(count_images, loader) for name, loader in loaders.items()
            }
            rows.update(alternate(runs, rounds))
    return {"side": SIDE, "batch": BATCH, "images": count, "rows": rows}


@contextmanager
def _loaders(arrays: Arrays, workers: int) -> Iterator[dict[str, Any]]:
    import gpuaug

    options = {"num_workers": workers, "persistent_workers": workers > 0}
    augment = gpuaug.Compose([gpuaug.RandomHorizontalFlip(), gpuaug.Normalize(MEAN, STD)])
    sampler = gpuaug.BalancedSampler(arrays.labels, seed=0)
    yield {
        "gpuaug": gpuaug.BalancedLoader(arrays, sampler, augment, BATCH, **options),
        "only fetches": DataLoader(arrays, BATCH, shuffle=True, **options),
    }


def check(loader: Any) -> None:
    """Checks that every image is one of the data set's, or its mirror image, with its label."""
    arrays = loader.dataset
    known = {arrays.images[index].tobytes(): arrays.labels[index] for index in range(len(arrays))}
    images, labels = next(iter(loader))
    assert images.dtype == torch.float32, f"a result must be float32, got {images.dtype}"
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    levels = images.mul(std).add(mean).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    for image, label in zip(levels, labels.tolist(), strict=True):
        found = known.get(image.tobytes(), known.get(image[:, ::-1].tobytes()))
        assert found == label, f"an image must have the label {found}, got {label}"
