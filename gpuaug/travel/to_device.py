"""Copies of recipes and indices from the host to a device, through pinned memory that is reused."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpuaug.recipe.recipes import Recipes
from gpuaug.tracing import traced
from gpuaug.travel.buffers import BufferRing, parts

_STEP = 1 << 16  # bytes; the recipes of most batches fit a buffer of this size
# The number of copies that may be pending on a stream before the host waits for the first. A host that is
# this far ahead would soon wait for room in the driver's queue anyway.
_AHEAD = 64

# Rings by device and stream. The copies of a stream end in their order, so that a ring's first buffer is the
# first to be free, and no stream waits for another.
_rings: dict[tuple[int, int], BufferRing] = {}


def travel(recipes: Recipes, device: torch.device) -> Recipes:
    """Copies recipes to a device. To a GPU this is one asynchronous copy, on its current stream."""
    if device.type == "cuda":
        there = iter(_sent(recipes.tensors, device))
        return recipes.each(lambda _: next(there))
    return recipes if device.type == "cpu" else recipes.to(device)


def carried(tensor: Tensor, device: torch.device) -> Tensor:
    """Copies a host tensor to a device, asynchronously."""
    if device.type == "cuda":
        return _sent([tensor], device)[0]
    return tensor.to(device)


def _sent(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Copies host tensors to a GPU: one after another in one buffer, by one copy."""
    index = torch.cuda.current_device() if device.index is None else device.index
    if _lasts(index) or any(tensor.requires_grad for tensor in tensors):
        return [tensor.pin_memory().to(device, non_blocking=True) for tensor in tensors]
    stream = torch.cuda.current_stream(index)  # faster with a number than with a device
    buffer = _ring(index, stream).take()
    here, staged = buffer.like(tensors)
    for part, tensor in zip(staged, tensors, strict=True):
        part.copy_(tensor)
    if len(staged) == 1:
        there = [staged[0].to(device, non_blocking=True)]
    else:
        there = parts(here.to(device, non_blocking=True), tensors)
    event = buffer.event if isinstance(buffer.event, torch.cuda.Event) else torch.cuda.Event()
    event.record(stream)
    buffer.free(event)
    return there


def _ring(device: int, stream: torch.cuda.Stream) -> BufferRing:
    key = (device, stream.cuda_stream)
    ring = _rings.get(key)
    return ring or _rings.setdefault(key, BufferRing(pinned=True, step=_STEP, busy=_AHEAD))


def _lasts(index: int) -> bool:
    """Whether the pinned memory must not be reused.

    A captured graph copies from it at every replay, and no event may be queried during the capture. PyTorch
    keeps memory that is pinned during a capture as long as the graph. Tensors that are made while PyTorch
    traces may be fake.

    While another thread captures in CUDA's "global" mode, no thread may query an event, not even PyTorch's
    allocators. Programs with other running threads need
    ``torch.cuda.graph(..., capture_error_mode="thread_local")``.
    """
    if traced():
        return True
    if index == torch.cuda.current_device():
        return torch.cuda.is_current_stream_capturing()
    with torch.cuda.device(index):
        return torch.cuda.is_current_stream_capturing()
