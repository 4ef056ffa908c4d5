"""What waits for a device, made an error: on a GPU by torch itself, on the CPU by what would wait there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


@contextmanager
def no_waiting(device: torch.device) -> Iterator[None]:
    if device.type != "cuda":
        with _NoValues(), _NoNumbers():
            yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


class _NoValues(TorchDispatchMode):
    """Refuses values read on the host, and shapes that depend on values."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "_unique2", "equal")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        assert name not in self.WAITING, f"{name} waits for the device"
        return func(*args, **(kwargs or {}))


class _NoNumbers(TorchFunctionMode):
    """Refuses tensors and indices made of numbers of the host: their copy waits for what runs there."""

    WAITING = ("tensor", "as_tensor", "asarray", "new_tensor")

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        assert name not in self.WAITING, f"{name} waits for the device"
        if name == "__getitem__":
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            assert not any(isinstance(part, (list, tuple)) for part in index), "an index waits for the device"
        return func(*args, **(kwargs or {}))
