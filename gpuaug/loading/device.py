"""The device of a loader."""

from __future__ import annotations

from typing import Any

import torch

from gpuaug.images.packed import is_read_over_bus
from gpuaug.loading.device_dataset import DeviceDataset


def find_device(dataset: Any, device: torch.device | str | None) -> torch.device:
    """The loader's device, with its number; checked to exist and to be able to read the data set."""
    resident = dataset.device if isinstance(dataset, DeviceDataset) else None
    found = torch.device(device if device is not None else resident or "cpu")
    if found.type not in ("cpu", "cuda"):
        raise RuntimeError(f"device must be a CPU or CUDA device, got {found}")
    if found.type == "cuda":
        count = torch.cuda.device_count()
        if not count:
            raise RuntimeError(f"device must be 'cpu' where PyTorch sees no CUDA device, got {found}")
        if (found.index or 0) >= count:
            raise RuntimeError(
                f"device must be one of the {count} CUDA devices that PyTorch sees, got {found}"
            )
        found = torch.device("cuda", torch.cuda.current_device() if found.index is None else found.index)
    if resident is not None and found != resident and not is_read_over_bus(dataset.images, found):
        raise RuntimeError(
            f"device must be that of the DeviceDataset, {resident}, got {found}; dataset.to(device) moves "
            "the data set, and dataset.pin_memory() lets a CUDA device read it on the host"
        )
    return found
