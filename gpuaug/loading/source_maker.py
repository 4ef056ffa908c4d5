"""The choice of a loader's source of batches, by its data set."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Subset

from gpuaug.files.image_files import ImageFiles
from gpuaug.loading.device_dataset import DeviceDataset
from gpuaug.loading.file_source import FileSource
from gpuaug.loading.sources import Batches, DecodedSource, ResidentSource

AnySource = DecodedSource | ResidentSource | FileSource


def source_maker(
    dataset: Any, *, device: torch.device, follow: bool, **options: Any
) -> Callable[..., AnySource]:
    """A function that makes a source from batches of draws.

    The source reads images on the device, files that threads decode, or samples that processes read.

    Args:
        dataset: as in ``BalancedLoader``.
        device: as in ``BalancedLoader``.
        follow: whether there is a transform, whose geometry masks, boxes and keypoints follow.
        options: the options of ``DecodedSource``.
    """
    files = as_image_files(dataset, options)
    options["pin_memory"] = device.type == "cuda" and not isinstance(dataset, DeviceDataset)
    if files is not None:
        check_decode(files.decode, device, follow)
        shared = {name: options[name] for name in _SHARED}
        return partial(_of_files, partial(FileSource, files, **shared))
    kind = ResidentSource if isinstance(dataset, DeviceDataset) else DecodedSource
    return partial(_of_samples, partial(kind, dataset, follow=follow, **options))


_SHARED = ("num_workers", "prefetch_factor", "timeout", "pin_memory")
_OF_PROCESSES = ("multiprocessing_context", "worker_init_fn")


def _of_files(
    make: Callable[..., AnySource], batches: Batches, labels: Tensor | None = None, **of_processes: Any
) -> AnySource:
    return make(batches, labels=labels)


def _of_samples(
    make: Callable[..., AnySource], batches: Batches, labels: Tensor | None = None, **of_processes: Any
) -> AnySource:
    return make(batches, **of_processes)


def as_image_files(dataset: Any, options: Mapping[str, Any]) -> ImageFiles | None:
    """``ImageFiles``, given, or made from a torchvision folder data set that decodes in the same way.

    None for any other data set; processes read those.

    Args:
        dataset: any data set.
        options: the options of the loader. With ``worker_init_fn`` or ``multiprocessing_context``, a folder
            data set is read by processes.

    Raises:
        ValueError: ``ImageFiles`` with an option that is for processes only.
    """
    given = [name for name in _OF_PROCESSES if options[name] is not None]
    if isinstance(dataset, ImageFiles):
        if given:
            raise ValueError(
                f"{', '.join(given)} must not be given with ImageFiles: threads of this process decode them"
            )
        return dataset
    whole = dataset
    while type(whole) is Subset:
        whole = whole.dataset
    folder = sys.modules.get("torchvision.datasets.folder")
    if given or folder is None or not isinstance(whole, folder.DatasetFolder):
        return None
    try:
        return ImageFiles.from_dataset(dataset)
    except TypeError:  # a transform, or a loader of its own
        return None


def check_decode(decode: str, device: torch.device, follow: bool) -> None:
    if decode == "device" and device.type != "cuda":
        raise RuntimeError(
            f"decode must be 'host' for a device other than CUDA, got 'device' and {device}: give "
            "BalancedLoader device='cuda', or ImageFiles decode='host'"
        )
    if decode == "device" and not follow:
        raise ValueError("decode must be 'host' if augment is None, got 'device'")
