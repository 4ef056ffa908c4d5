"""Host memory that is reused: batches are decoded into it, or copied from it to a device."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class Event(Protocol):
    """The end of a copy from a buffer, such as a ``torch.cuda.Event``. After it the buffer is free."""

    def query(self) -> bool: ...

    def synchronize(self) -> None: ...


class Buffer:
    """Memory for one batch at a time."""

    def __init__(self, ring: BufferRing) -> None:
        self._ring = ring
        self._memory = torch.empty(0, dtype=torch.uint8, device="cpu")
        self._layout: list[tuple[torch.Size, torch.dtype]] = []
        self._laid: tuple[Tensor, list[Tensor]] = (self._memory, [])
        self.event: Event | None = None  # the end of the last copy from this buffer

    def bytes(self, count: int) -> Tensor:
        """The first ``count`` bytes, uint8 ``(count,)``. Earlier contents may be lost."""
        if len(self._memory) < count:
            # An eighth more, so that a slightly larger batch needs no fresh pages, which are slow.
            step = self._ring.step
            size = -(-(count + count // 8) // step) * step
            self._layout, self._laid = [], (self._memory[:0], [])
            self._memory = torch.empty(0, dtype=torch.uint8, device="cpu")  # freed first
            with torch.inference_mode(False):  # an inference tensor could be written in inference mode only
                memory = torch.empty(size, dtype=torch.uint8, device="cpu")
                self._memory = memory.pin_memory() if self._ring.pinned else memory
        return self._memory[:count]

    def like(self, tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Memory for copies of tensors: its bytes, and a view of them for each tensor, in shape and dtype.

        Earlier contents may be lost.
        """
        layout = [(tensor.shape, tensor.dtype) for tensor in tensors]
        if layout != self._layout:  # most batches have the layout of the one before
            with torch.inference_mode(False):  # inference tensors could be written in inference mode only
                flat = self.bytes(sum(sizes(tensors)))
                self._layout, self._laid = layout, (flat, parts(flat, tensors))
        return self._laid

    def free(self, event: Event | None = None) -> None:
        """Returns the buffer to its ring, to be used again once ``event`` is done; with None, at once."""
        self.event = event
        self._ring.put(self)


class BufferRing:
    """A pool of buffers that are reused in the order in which they were returned.

    It holds as many buffers as batches are in use at the same time.

    >>> ring = BufferRing()
    >>> first = ring.take()
    >>> first.bytes(6).shape
    torch.Size([6])
    >>> first.free()
    >>> ring.take() is first
    True

    Args:
        pinned: whether the memory is page-locked, so that copies to a CUDA device are asynchronous.
        step: the size of a buffer is a multiple of this, in bytes; by default a large page.
        busy: if this number of copies is still running, :meth:`take` waits instead of allocating.
    """

    def __init__(self, pinned: bool = False, *, step: int = 1 << 21, busy: int = 3) -> None:
        self.pinned, self.step, self._busy = pinned, step, busy
        self._lock = threading.Lock()
        self._free: list[Buffer] = []  # the buffer that was returned first comes first

    def take(self) -> Buffer:
        """Takes a free buffer: a returned one whose copy is done, or a new one.

        If ``busy`` returned buffers are still being copied, this waits for the first of them.
        """
        with self._lock:
            for place, buffer in enumerate(self._free):
                if buffer.event is None or buffer.event.query():
                    del self._free[place]
                    return buffer
            if len(self._free) < self._busy:
                return Buffer(self)
            buffer = self._free.pop(0)
        if buffer.event is not None:
            buffer.event.synchronize()
        return buffer

    def put(self, buffer: Buffer) -> None:
        with self._lock:
            self._free.append(buffer)

    def __getstate__(self) -> dict[str, Any]:
        return {"pinned": self.pinned, "step": self.step, "busy": self._busy}

    def __setstate__(self, state: dict[str, Any]) -> None:
        BufferRing.__init__(self, **state)


_ALIGNED = 64  # the alignment of each tensor in a buffer, in bytes


def sizes(tensors: Sequence[Tensor]) -> list[int]:
    """The number of bytes of each tensor, with the padding before the next one."""
    return [-(-tensor.numel() * tensor.itemsize // _ALIGNED) * _ALIGNED for tensor in tensors]


def parts(flat: Tensor, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Splits bytes into a view for each tensor, of its dtype and shape."""
    return [
        part[: tensor.numel() * tensor.itemsize].view(tensor.dtype).view(tensor.shape)
        for part, tensor in zip(flat.split(sizes(tensors)), tensors, strict=True)
    ]
