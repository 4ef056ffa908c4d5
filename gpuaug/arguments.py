"""Checks of the tensors that ops are called with, as in ``csrc/host/arguments.h``."""

from __future__ import annotations

import torch
from torch import Tensor


def check_memory(name: str, tensor: Tensor) -> None:
    """Raises if a tensor reaches beyond its storage, which was freed or shrunk.

    >>> check_memory("storage", torch.zeros(3, 4).T)

    Raises:
        RuntimeError: the storage is too small; the message has its size.
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
    """Raises unless a tensor is int64 ``(n,)``.

    >>> check_words("keys", torch.arange(3))
    """
    if tensor.dtype != torch.int64 or tensor.dim() != 1:
        raise RuntimeError(f"{name} must be int64 (n), got {tensor.dtype} {tuple(tensor.shape)}")
    check_memory(name, tensor)


def check_one_device(**tensors: Tensor | None) -> None:
    """Raises if tensors are on several devices. (An op with one on ``meta`` would compute nothing.)

    >>> check_one_device(index=torch.arange(3), copy=torch.arange(3))
    """
    devices = {name: tensor.device for name, tensor in tensors.items() if tensor is not None}
    if len(set(devices.values())) > 1:
        where = ", ".join(f"{name} on {device}" for name, device in devices.items())
        raise RuntimeError(f"{' and '.join(devices)} must be on one device, got {where}")
