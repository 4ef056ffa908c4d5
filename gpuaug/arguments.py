"""What every op asks of the tensors that it is given; ``csrc/host/arguments.h`` has the same."""

from __future__ import annotations

import torch
from torch import Tensor


def check_memory(name: str, tensor: Tensor) -> None:
    """Raise where a tensor says more than its storage holds: it was freed or shrunk under it.

    >>> check_memory("storage", torch.zeros(3, 4).T)

    Raises:
        RuntimeError: with the storage's size.
    """
    if tensor.numel() == 0:
        return
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    last = tensor.storage_offset() + sum((size - 1) * stride for size, stride in sizes)
    held = tensor.untyped_storage().nbytes()
    if (last + 1) * tensor.element_size() > held:
        raise RuntimeError(
            f"{name} must lie in its storage, which has {held} bytes: fewer than the tensor has"
        )


def check_words(name: str, tensor: Tensor) -> None:
    """Raise where a tensor is not int64 ``(n,)``.

    >>> check_words("keys", torch.arange(3))
    """
    if tensor.dtype != torch.int64 or tensor.dim() != 1:
        raise RuntimeError(f"{name} must be int64 (n), got {tensor.dtype} {tuple(tensor.shape)}")
    check_memory(name, tensor)


def check_one_device(**tensors: Tensor | None) -> None:
    """Raise where tensors are on several devices: an op with one on ``meta`` would compute nothing.

    >>> check_one_device(index=torch.arange(3), copy=torch.arange(3))
    """
    devices = {name: tensor.device for name, tensor in tensors.items() if tensor is not None}
    if len(set(devices.values())) > 1:
        where = ", ".join(f"{name} on {device}" for name, device in devices.items())
        raise RuntimeError(f"{' and '.join(devices)} must be on one device, got {where}")
