"""A stand-in GPU: tensors that report ``cuda:0``, with their values on the host.

It rejects what a GPU rejects: operands on two devices and, with the sync debug mode or during a graph's
capture, waiting for the device. It logs what a GPU would launch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from gpuaug.recipe.layout import FIELDS, STATISTICS

STAGES = 7  # among the arguments of the op augment

GPU, HOST = torch.device("cuda", 0), torch.device("cpu")

# The host waits for the values of these, or for their number.
WAITING = {
    "_local_scalar_dense",
    "_unique2",
    "equal",
    "is_nonzero",
    "item",
    "masked_select",
    "nonzero",
    "unique_dim",
}
MIXING = {"_index_put_impl_", "_to_copy", "copy_", "index", "index_put", "index_put_"}  # take both devices


class OnGpu(Tensor):
    """A tensor on the GPU; ``host`` has its values.

    Only Python sees the device. PyTorch's own code takes it for a CPU tensor, so that autograd needs no
    stream of a GPU.
    """

    host: Tensor

    @staticmethod
    def __new__(cls, host: Tensor) -> OnGpu:
        size = {"strides": host.stride(), "storage_offset": host.storage_offset()}
        made = Tensor._make_wrapper_subclass(cls, host.shape, dtype=host.dtype, device=HOST, **size)
        made.host = host
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with Gpu.current:  # in one of autograd's threads, or below another mode
            return func(*args, **(kwargs or {}))

    device = property(lambda self: GPU)
    is_cuda, is_cpu = property(lambda self: True), property(lambda self: False)

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        if args and isinstance(args[0], OnGpu):
            args = (GPU, args[0].dtype, *args[1:])
        device, dtype, non_blocking, memory_format = torch._C._nn._parse_to(*args, **kwargs)
        if device is None or device.type == "cuda":
            return super().to(dtype=dtype, memory_format=memory_format)
        gpu = Gpu.current
        gpu.wait("a copy to the host", not non_blocking)
        gpu.downwards = True
        try:
            return torch.ops.aten._to_copy(self, dtype=dtype or self.dtype, device=HOST)
        finally:
            gpu.downwards = False

    def new_tensor(
        self, data: Any, *, dtype: Any = None, device: Any = GPU, requires_grad: bool = False
    ) -> Tensor:
        return torch.tensor(data, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)

    def cuda(self, *_: Any, **__: Any) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self.to("cpu")

    def numpy(self, *_: Any, **__: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __repr__(self, **_: Any) -> str:
        return f"OnGpu({self.host})"


class Gpu(TorchDispatchMode):
    """The GPU: while it is entered, ``device="cuda"`` works."""

    current: Gpu

    def __init__(self) -> None:
        super().__init__()
        Gpu.current = self
        self.sync_error = False
        self.downwards = (
            False  # a copy to the host: PyTorch's own code says "cpu" of where a tensor is already
        )
        self.capture: list[Callable[[], None]] | None = None
        self.launches: list[str] | None = None  # names, while a profiler listens

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        given, _ = tree_flatten((args, kwargs))
        wrappers = {id(v.host): v for v in given if isinstance(v, OnGpu)}
        name = func.overloadpacket.__name__
        device = kwargs.get("device")
        stays = device is None or (name == "_to_copy" and device.type == "cpu" and not self.downwards)
        target = GPU if (bool(wrappers) if stays else device.type == "cuda") else HOST
        pinned = kwargs.pop("pin_memory", None)
        if not wrappers and target == HOST:
            made = func(*args, **kwargs)
            return pin(made) if pinned else made
        on_host = [v for v in given if isinstance(v, Tensor) and not isinstance(v, OnGpu) and v.dim() > 0]
        if func is torch.ops.gpuaug.augment.default and list(map(id, on_host)) == [id(args[0])]:
            if not is_pinned(args[0]):
                raise RuntimeError("storage in the host's memory must be page-locked for a GPU to read it")
            on_host = []  # read over the bus
        if wrappers and on_host and name not in MIXING:
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but {name} got cuda:0 and cpu"
            )
        self.wait(name, name in WAITING or (bool(on_host) and _blocks(name, args, kwargs)))
        self._log(name, func, args, bool(on_host))
        if device is not None:
            kwargs["device"] = HOST
        if kwargs.get("non_blocking"):
            kwargs["non_blocking"] = False  # from host to host
        inner = tree_map(lambda v: v.host if isinstance(v, OnGpu) else v, (args, kwargs))
        made = launch(func, inner)
        if self.capture is not None:
            self.capture.append(repeated(func, inner, made))

        def placed(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            if id(value) in wrappers:
                return wrappers[id(value)]  # in place
            if any(value is v for v in given):
                return value
            return OnGpu(value) if target == GPU else value

        return tree_map(placed, made)

    def wait(self, name: str, waits: bool = True) -> None:
        """The host waits for the device: an error in the sync debug mode, and while a graph is captured."""
        if waits and self.sync_error:
            raise RuntimeError(f"called a synchronizing CUDA operation: {name}")
        if waits and self.capture is not None:
            raise RuntimeError(f"operation not permitted when stream is capturing: {name}")

    def _log(self, name: str, func: Any, args: Any, crosses: bool) -> None:
        schema = func._schema
        is_view = bool(schema.returns) and all(r.alias_info is not None for r in schema.returns)
        if self.launches is None or (is_view and not schema.is_mutable):
            return
        kind = "Memcpy HtoD" if crosses and name in MIXING else f"{name}_kernel"
        if func is torch.ops.gpuaug.augment.default and args[STAGES] & STATISTICS:
            self.launches += ["Memset (Device)", kind]  # of the levels, which are counted first
        self.launches.append(kind)


_to = Tensor.to


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``Tensor.to`` for host tensors: to the device that another tensor reports."""
    if args and isinstance(args[0], OnGpu):
        args = (GPU, args[0].dtype, *args[1:])
    return _to(self, *args, **kwargs)


def launch(func: Any, inner: Any) -> Any:
    try:
        return func(*inner[0], **inner[1])
    except RuntimeError as error:
        if func is not torch.ops.gpuaug.augment.default or "reads outside the images" not in str(error):
            raise
    storage, records, *others = inner[0]  # the GPU's kernel checks as it reads, and gives zeros
    places = [FIELDS.index(name) for name in ("offset", "height", "width")]
    offset, height, width = records[:, places].unbind(1)
    good = (offset >= 0) & (offset + height * width * others[1] <= len(storage))
    out = func(storage, torch.where(good[:, None], records, records[good][:1]), *others)
    return out * good.view(-1, 1, 1, 1)


def _blocks(name: str, args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether an op on tensors of both devices waits: all do but non-blocking copies from pinned memory."""
    if name not in ("_to_copy", "copy_"):
        return True
    source, flag = (args[0], None) if name == "_to_copy" else (args[1], args[2] if len(args) > 2 else None)
    return not (kwargs.get("non_blocking", flag) and (isinstance(source, OnGpu) or is_pinned(source)))


def repeated(func: Any, inner: Any, made: Any) -> Callable[[], None]:
    """The replay of one op of a graph: with the same arguments, and results in the same memory."""
    outs, _ = tree_flatten(made)

    def run() -> None:
        with torch.no_grad():
            again, _ = tree_flatten(func(*inner[0], **inner[1]))
            for old, new in zip(outs, again, strict=True):
                if isinstance(old, Tensor) and old is not new and old.data_ptr() != new.data_ptr():
                    old.copy_(new)

    return run


_pinned: dict[int, StorageWeakRef] = {}  # by address


def pin(value: Tensor) -> Tensor:
    storage = value.untyped_storage()
    _pinned[storage.data_ptr()] = StorageWeakRef(storage)
    return value


def is_pinned(value: Tensor) -> bool:
    """Whether the memory, of which a tensor may be a part, was pinned."""
    if isinstance(value, OnGpu):
        return False
    found = _pinned.get(value.untyped_storage().data_ptr())
    return found is not None and not found.expired()
