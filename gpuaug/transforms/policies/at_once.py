"""The number of draws that a batched op changes at once."""

from __future__ import annotations

from torch import Tensor

from gpuaug.tracing import traced

CACHED = 1 << 20  # values of 4 bytes: new memory and cache misses cost more than the arithmetic


def at_once(images: Tensor) -> int:
    """For bytes on a CPU as many draws as its cache holds; otherwise all of them.

    >>> import torch
    >>> at_once(torch.zeros(64, 3, 224, 224, dtype=torch.uint8)), at_once(torch.zeros(64, 3, 224, 224))
    (6, 64)
    """
    if images.device.type != "cpu" or images.is_floating_point() or traced():
        return max(1, len(images))
    return max(1, CACHED // max(1, images[:1].numel()))
