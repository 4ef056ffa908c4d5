"""Host memory that batches are decoded into, and that is used again."""

from __future__ import annotations

import threading
from typing import Any, Protocol

import torch
from torch import Tensor

_STEP = 1 << 21  # bytes: a large page
_BUSY = 3  # with so many copies still running, take() waits instead of allocating


class Event(Protocol):
    """The end of a copy from a buffer, such as a ``torch.cuda.Event``: after it the buffer is used again."""

    def query(self) -> bool: ...

    def synchronize(self) -> None: ...


class Buffer:
    """Memory for one batch, at a time."""

    def __init__(self, ring: BufferRing) -> None:
        self._ring = ring
        self._memory = torch.empty(0, dtype=torch.uint8, device="cpu")
        self.event: Event | None = None  # of the last copy from it

    def bytes(self, count: int) -> Tensor:
        """uint8 ``(count,)``. What was there before is lost."""
        if len(self._memory) < count:
            # A little more, so that the next larger batch finds room: fresh pages are slow.
            size = -(-(count + count // 8) // _STEP) * _STEP
            self._memory = torch.empty(0, dtype=torch.uint8, device="cpu")  # freed first
            memory = torch.empty(size, dtype=torch.uint8, device="cpu")
            self._memory = memory.pin_memory() if self._ring.pinned else memory
        return self._memory[:count]

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
    """

    def __init__(self, pinned: bool = False) -> None:
        self.pinned = pinned
        self._lock = threading.Lock()
        self._free: list[Buffer] = []  # the one that was given back first comes first

    def take(self) -> Buffer:
        """A buffer that nobody uses: one that was given back and whose copy is done, else a new one. Where
        several were given back and are still read, this waits for the first.
        """
        with self._lock:
            done = (b for b in self._free if b.event is None or b.event.query())
            buffer = next(done, self._free[0] if len(self._free) >= _BUSY else Buffer(self))
            if buffer in self._free:
                self._free.remove(buffer)
        if buffer.event is not None:
            buffer.event.synchronize()
            buffer.event = None
        return buffer

    def put(self, buffer: Buffer) -> None:
        with self._lock:
            self._free.append(buffer)

    def __getstate__(self) -> dict[str, Any]:
        return {"pinned": self.pinned}

    def __setstate__(self, state: dict[str, Any]) -> None:
        BufferRing.__init__(self, state["pinned"])
