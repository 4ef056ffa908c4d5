"""Recipes and indices on their way from the host to a device, by way of pinned memory that is used again."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpuaug.recipe.recipes import Recipes
from gpuaug.tracing import traced
from gpuaug.travel.buffers import BufferRing, parts

_STEP = 1 << 16  # bytes: the recipes of most batches then have buffers of one size
# Copies that may be on their way on one stream before the host waits for the first of them. A host that is so
# far ahead would soon wait for room in the driver's queue.
_AHEAD = 64

# By device and stream: copies of one stream end in their order, so that a ring's first buffer is the first
# to be free, and no stream waits for another.
_rings: dict[tuple[int, int], BufferRing] = {}


def travel(recipes: Recipes, device: torch.device) -> Recipes:
    """Recipes on the device: to a GPU one copy from pinned memory, on its current stream, that nobody waits
    for.
    """
    if device.type == "cuda":
        there = iter(_sent(recipes.tensors, device))
        return recipes.each(lambda _: next(there))
    return recipes if device.type == "cpu" else recipes.to(device)


def carried(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host on the device, which is not waited for."""
    if device.type == "cuda":
        return _sent([tensor], device)[0]
    return tensor.to(device)


def _sent(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Tensors of the host on a GPU: end to end in one buffer, and one copy."""
    index = torch.cuda.current_device() if device.index is None else device.index
    if _lasts(index) or any(tensor.requires_grad for tensor in tensors):
        return [tensor.pin_memory().to(device, non_blocking=True) for tensor in tensors]
    stream = torch.cuda.current_stream(index)  # of a number it is found faster than of a device
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
    """Whether the memory must stay as it is. A graph that is captured copies from it at every replay, and no
    event may be asked meanwhile; PyTorch keeps what was pinned then as long as the graph. What is made while
    PyTorch traces may be a stand-in.

    While another thread captures in CUDA's "global" mode no thread may ask an event, PyTorch's allocators
    included: ``torch.cuda.graph(..., capture_error_mode="thread_local")`` is for programs whose other threads
    go on.
    """
    if traced():
        return True
    if index == torch.cuda.current_device():
        return torch.cuda.is_current_stream_capturing()
    with torch.cuda.device(index):
        return torch.cuda.is_current_stream_capturing()
