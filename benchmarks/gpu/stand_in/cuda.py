"""``torch.cuda`` and ``torch.profiler`` for the stand-in GPU."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
import torch._dynamo  # it reads torch.cuda's functions when it is imported: before they are replaced
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from stand_in.device import GPU, Gpu, OnGpu, is_pinned, pin, to

NAME = "No GPU (stand-in)"
PROPERTIES = SimpleNamespace(
    name=NAME, major=9, minor=0, total_memory=80 << 30, L2_cache_size=1 << 16, multi_processor_count=132
)


class Stream:
    cuda_stream = 0

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        self.device = GPU

    def wait_stream(self, other: Stream) -> None: ...

    def wait_event(self, event: Event) -> None: ...

    def synchronize(self) -> None: ...

    def record_event(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record()
        return event


class Event:
    def __init__(self, enable_timing: bool = False, blocking: bool = False) -> None:
        self._timed, self._at = enable_timing, None

    def record(self, stream: Stream | None = None) -> None:
        self._at = time.perf_counter()

    def query(self) -> bool:
        return True

    def synchronize(self) -> None: ...

    def elapsed_time(self, end: Event) -> float:
        if not (self._timed and end._timed and self._at and end._at):
            raise RuntimeError("both events must be recorded, with enable_timing=True")
        return (end._at - self._at) * 1e3


class Autocast(torch.autocast):
    """Autocast; PyTorch's own code takes the stand-in's tensors for CPU tensors."""

    def __init__(self, device_type: str, **options: Any) -> None:
        super().__init__("cpu" if device_type == "cuda" else device_type, **options)


class CUDAGraph:
    def __init__(self) -> None:
        self._ops: list[Callable[[], None]] = []

    def replay(self) -> None:
        for op in self._ops:
            op()


class Profile:
    """``torch.profiler.profile``: an event for each op that a GPU would launch, one after another."""

    def __init__(self, **_: Any) -> None: ...

    def __enter__(self) -> Profile:
        Gpu.current.launches = []
        return self

    def __exit__(self, *_: Any) -> None:
        names, Gpu.current.launches = Gpu.current.launches or [], None
        self._events = [
            SimpleNamespace(
                name=name,
                device_type=torch.autograd.DeviceType.CUDA,
                is_user_annotation=False,
                time_range=SimpleNamespace(start=2.0 * i, end=2.0 * i + 1),
            )
            for i, name in enumerate(names)
        ]

    def events(self) -> list[SimpleNamespace]:
        return self._events


@contextlib.contextmanager
def graph(captured: CUDAGraph, **_: Any) -> Iterator[None]:
    Gpu.current.capture = captured._ops
    try:
        yield
    finally:
        Gpu.current.capture = None


def set_sync_debug_mode(mode: int | str) -> None:
    Gpu.current.sync_error = mode in (2, "error")


def install() -> Gpu:
    """Enters the GPU for the rest of the process, and makes PyTorch and gpuaug report it."""
    torch._C._ensureCUDADeviceGuardSet()  # which GPU "cuda" is must be known without a driver
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device="cuda") begins on the host
    torch.__future__.set_overwrite_module_params_on_conversion(
        True
    )  # or a module keeps the host's parameters
    stream, nothing = Stream(), lambda *_, **__: None
    gpu = Gpu()
    replaced = {
        **{"Stream": Stream, "Event": Event, "CUDAGraph": CUDAGraph, "graph": graph},
        "_lazy_init": nothing,
        "current_device": lambda: 0,
        "current_stream": lambda device=None: stream,
        "device_count": lambda: 1,
        "empty_cache": nothing,
        "get_device_capability": lambda device=None: (9, 0),
        "get_device_name": lambda device=None: NAME,
        "get_device_properties": lambda device=None: PROPERTIES,
        "get_rng_state": lambda device=None: torch.get_rng_state(),
        "get_rng_state_all": lambda: [],
        "get_sync_debug_mode": lambda: 2 * gpu.sync_error,
        "is_available": lambda: True,
        "is_current_stream_capturing": lambda: gpu.capture is not None,
        "is_bf16_supported": lambda including_emulation=True: True,
        "is_initialized": lambda: True,
        "manual_seed": nothing,
        "manual_seed_all": nothing,
        "max_memory_allocated": lambda device=None: 0,
        "set_device": nothing,
        "set_rng_state": nothing,
        "set_rng_state_all": nothing,
        "set_sync_debug_mode": set_sync_debug_mode,
        "stream": lambda stream: contextlib.nullcontext(),
        "synchronize": nothing,
    }
    for name, value in replaced.items():
        if not hasattr(torch.cuda, name):
            raise AttributeError(f"torch.cuda has no {name} to stand in for")
        setattr(torch.cuda, name, value)
    torch.profiler.profile, torch.autocast = Profile, Autocast
    Tensor.pin_memory = lambda self, device=None: self if is_pinned(self) else pin(self.clone())
    Tensor.is_pinned = lambda self, device=None: is_pinned(self)
    Tensor.record_stream, Tensor.to = record_stream, to
    gpu.__enter__()
    from gpuaug import tracing
    from gpuaug.ops import backends

    backends.has_cuda, backends._reasons["cuda"] = True, ""
    tracing.is_in_torch_dispatch_mode = in_another_mode
    return gpu


def in_another_mode() -> bool:
    """The stand-in is a dispatch mode, but traces nothing."""
    return any(not isinstance(mode, Gpu) for mode in _get_current_dispatch_mode_stack())


def record_stream(tensor: Tensor, stream: Stream) -> None:
    if not isinstance(tensor, OnGpu):
        raise RuntimeError(f"record_stream needs a tensor on a GPU, got one on {tensor.device}")
    if not isinstance(stream, Stream):
        raise TypeError(f"record_stream needs a stream, got {type(stream).__name__}")
