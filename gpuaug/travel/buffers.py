"""Host memory that is used again: batches are decoded into it, or travel from it to a device."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class Event(Protocol):
    """The end of a copy from a buffer, such as a ``torch.cuda.Event``: after it the buffer is used again."""

    def query(self) -> bool: ...

    def synchronize(self) -> None: ...


class Buffer:
    """Memory for one batch, at a time."""

    def __init__(self, ring: BufferRing) -> None:
        self._ring = ring
        self._memory = torch.empty(0, dtype=torch.uint8, device="cpu")
        self._layout: list[tuple[torch.Size, torch.dtype]] = []
        self._laid: tuple[Tensor, list[Tensor]] = (self._memory, [])
        self.event: Event | None = None  # of the last copy from it

    def bytes(self, count: int) -> Tensor:
        """uint8 ``(count,)``. What was there before is lost."""
        if len(self._memory) < count:
            # A little more, so that the next larger batch finds room: fresh pages are slow.
            step = self._ring.step
            size = -(-(count + count // 8) // step) * step
            self._layout, self._laid = [], (self._memory[:0], [])
            self._memory = torch.empty(0, dtype=torch.uint8, device="cpu")  # freed first
            with torch.inference_mode(False):  # else it could be written in inference mode alone
                memory = torch.empty(size, dtype=torch.uint8, device="cpu")
                self._memory = memory.pin_memory() if self._ring.pinned else memory
        return self._memory[:count]

    def like(self, tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Memory for tensors: its bytes, and of each tensor one of its shape and type there. What was there
        before is lost.
        """
        layout = [(tensor.shape, tensor.dtype) for tensor in tensors]
        if layout != self._layout:  # batches mostly follow others like them
            with torch.inference_mode(False):  # else they could be written in inference mode alone
                flat = self.bytes(sum(sizes(tensors)))
                self._layout, self._laid = layout, (flat, parts(flat, tensors))
        return self._laid

    def free(self, event: Event | None = None) -> None:
        """Gives the memory back, which nobody reads once ``event`` is done; None: from now on."""
        self.event = event
        self._ring.put(self)


class BufferRing:
    """A pool of buffers, used again in the order in which they were given back: as many as batches are on
    their way at the same time.

    >>> ring = BufferRing()
    >>> first = ring.take()
    >>> first.bytes(6).shape
    torch.Size([6])
    >>> first.free()
    >>> ring.take() is first
    True

    Args:
        pinned: whether the memory is page-locked, from which a CUDA device copies without waiting.
        step: bytes, of which a buffer has a multiple; by default a large page.
        busy: with so many copies still running, :meth:`take` waits instead of allocating.
    """

    def __init__(self, pinned: bool = False, *, step: int = 1 << 21, busy: int = 3) -> None:
        self.pinned, self.step, self._busy = pinned, step, busy
        self._lock = threading.Lock()
        self._free: list[Buffer] = []  # the one that was given back first comes first

    def take(self) -> Buffer:
        """A buffer that nobody uses: one that was given back and whose copy is done, else a new one. Where
        ``busy`` were given back and are still read, this waits for the first.
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


_ALIGNED = 64  # bytes, to which each of several tensors begins


def sizes(tensors: Sequence[Tensor]) -> list[int]:
    """The bytes of each tensor, up to where the next one begins."""
    return [-(-tensor.numel() * tensor.itemsize // _ALIGNED) * _ALIGNED for tensor in tensors]


def parts(flat: Tensor, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Of bytes that lie end to end, each tensor's in its type and shape."""
    return [
        part[: tensor.numel() * tensor.itemsize].view(tensor.dtype).view(tensor.shape)
        for part, tensor in zip(flat.split(sizes(tensors)), tensors, strict=True)
    ]
