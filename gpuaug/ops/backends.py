"""Finds and loads the compiled libraries; says which backends are available, and why one is not.

>>> why_not("reference")
''

The PyTorch reference takes the place of a missing backend, with the same bytes, but more slowly. The import
of gpuaug warns about that once. With ``GPUAUG_REFERENCE=1`` in the environment no library is loaded, and
there is no warning.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import torch

__version__ = "0.1.0"

# Every operator, as in csrc/library.cpp. It is defined here if that library is not loaded.
SCHEMAS = (
    "augment(Tensor storage, Tensor records, Tensor? table, int channels, int height, int width, "
    "bool interleaved, int stages, bool channels_last, Tensor? scale_shift=None) -> Tensor",
    "to_levels(Tensor storage, Tensor windows, Tensor records, int channels, bool interleaved, int values) "
    "-> Tensor",
    "augment_in_turn(Tensor storage, Tensor[] records, Tensor? table, int channels, int[] sizes, "
    "bool interleaved, bool channels_last, Tensor? scale_shift=None) -> Tensor",
    "mix(Tensor(a!) images, Tensor? rows, Tensor parts, Tensor shares) -> ()",
    "keyed_draws(Tensor index, Tensor copy, int seed, int epoch) -> Tensor",
    "order(Tensor members, Tensor classes, Tensor bijections, Tensor positions, int seed, int epoch) "
    "-> Tensor",
    "assemble(Tensor(a!) records, Tensor[] columns, float[] constants, int[] code, int height, int width) "
    "-> int",
    "uniform(Tensor keys, int[] places, int[] counts) -> Tensor",
    "clahe(Tensor(a!) images, Tensor? rows, Tensor clip_limit, int down, int across) -> ()",
)

# The operator of csrc/jpeg, in a library of its own that is loaded at its first use.
JPEG_SCHEMA = "decode_jpeg(Tensor data, Tensor(a!) out, int left, int top, int scale) -> ()"

# As in gpuaug/transforms/advice.py.
REFERENCE_SLOWER = "190 to 380"

_FOLDER = Path(__file__).parents[1]
_FIX = "pip install . --no-build-isolation --force-reinstall --no-deps, in the folder of gpuaug's sources"


def _read_build() -> dict[str, Any]:
    """The facts that setup.py recorded beside the libraries; empty if there was no compiler."""
    path = _FOLDER / "_build.json"
    return json.loads(path.read_text()) if path.exists() else {}


_build = _read_build()
_reasons = {"reference": ""}


def why_not(backend: str) -> str:
    """The reason why a backend, "cpu" or "cuda", is not available; "" if it is.

    >>> why_not("reference")
    ''

    Raises:
        ValueError: ``backend`` is not one of gpuaug's.
    """
    if backend not in _reasons:
        raise ValueError(f"backend must be one of {', '.join(_reasons)}, got {backend!r}")
    return _reasons[backend]


def info() -> str:
    """A text with versions, backends and GPUs. It initializes CUDA: fork workers before the call, not after.

    >>> print(info())
    gpuaug ...
    """
    lines = [
        f"gpuaug {__version__}",
        f"python {platform.python_version()}",
        f"torch {torch.__version__}, {_cuda(torch.version.cuda)}",
        f"built with {_built_with()}",
    ]
    lines += [
        f"backend {backend}: {f'no, {reason}' if reason else 'yes'}" for backend, reason in _reasons.items()
    ]
    lines.append(f"JPEG files: {why_no_jpeg() or 'windows, by libjpeg-turbo'}")
    for index in range(torch.cuda.device_count()):
        gpu = torch.cuda.get_device_properties(index)
        memory = f"{gpu.total_memory / 2**30:.0f} GiB"
        lines.append(f"GPU {index}: {gpu.name}, compute capability {gpu.major}.{gpu.minor}, {memory}")
    if not torch.cuda.device_count():
        lines.append("GPU: none that torch can use")
    return "\n".join(lines)


def _cuda(version: str | None, arches: str = "") -> str:
    return f"CUDA {version}{arches and f' for GPUs of {arches}'}" if version else "no CUDA"


def _built_with() -> str:
    if not _build:
        return "no C++ compiler"
    cuda = _cuda(_build["cuda"], _build["arches"])
    return f"gpuaug {_build['gpuaug']}, torch {_build['torch']}, {cuda}, {_build['machine']}"


def _running() -> str:
    return (
        f"gpuaug {__version__}, torch {torch.__version__}, {_cuda(torch.version.cuda)}, {platform.machine()}"
    )


class _Unavailable(Exception):
    """A backend is not available. ``surprise``: the user should be warned."""

    def __init__(self, reason: str, surprise: bool = True) -> None:
        super().__init__(reason)
        self.surprise = surprise


def _load_library(name: str) -> None:
    path = next(_FOLDER.glob(f"{name}.*so"), None)
    if path is None:
        if _build:
            raise _Unavailable(f"gpuaug/{name} was built, but is missing")
        raise _Unavailable("nothing was compiled, as there was no C++ compiler")
    if _build.get("schemas") != list(SCHEMAS):
        # The schemas of a loaded library stay, so a library of other sources must not be loaded.
        raise _Unavailable(f"{path.name} was built from other sources of gpuaug")
    try:
        torch.ops.load_library(path)
    except OSError as error:
        raise _Unavailable(f"{path.name} cannot be loaded: {error.__cause__ or error}") from error


def _load_cpu() -> None:
    if os.environ.get("GPUAUG_REFERENCE") == "1":
        raise _Unavailable("GPUAUG_REFERENCE=1 is set", surprise=False)
    _load_library("_C")


def _load_cuda() -> None:
    if why_not("cpu"):
        raise _Unavailable("it needs the CPU library", surprise=False)
    if torch.version.cuda is None:
        raise _Unavailable(f"torch {torch.__version__} has no CUDA", surprise=False)
    driver, capabilities = _ask_driver()
    if _build["cuda"] is None:
        raise _Unavailable(f"it was not built: {_build['why_no_cuda']}", surprise=bool(capabilities))
    if driver and driver < int(_build["cuda"].split(".")[0]):
        raise _Unavailable(
            f"it was built with CUDA {_build['cuda']}, but this driver supports CUDA {driver} at most"
        )
    if capabilities and not any(covers(_build["arches"], capability) for capability in capabilities):
        here = ", ".join(f"{major}.{minor}" for major, minor in capabilities)
        raise _Unavailable(f"it was built for GPUs of {_build['arches']}, but these GPUs are of {here}")
    _load_library("_cuda")


def covers(arches: str, capability: tuple[int, int]) -> bool:
    """Whether code built for ``TORCH_CUDA_ARCH_LIST=arches`` runs on a GPU of that compute capability.

    >>> covers("8.0;9.0+PTX", (8, 6)), covers("8.0;9.0+PTX", (10, 0)), covers("8.0;9.0", (7, 5))
    (True, True, False)

    Machine code runs on its own major version, from its minor version up; PTX is compiled for anything newer.
    """
    for arch in arches.replace(" ", ";").split(";"):
        parsed = re.fullmatch(r"(\d+)\.(\d+)(\+PTX)?", arch)
        if parsed is None:  # a name such as Hopper, or a form such as 9.0a: left to the driver
            return True
        oldest = (int(parsed[1]), int(parsed[2]))
        if capability >= oldest and (parsed[3] or capability[0] == oldest[0]):
            return True
    return False


def _ask_driver() -> tuple[int, list[tuple[int, int]]]:
    """The newest CUDA major version that the driver supports, and the compute capabilities of its GPUs.

    NVML is asked, as a process that has initialized CUDA cannot use it in forked workers. Without a driver
    the result is (0, []).
    """
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return 0, []
    if nvml.nvmlInit_v2() != 0:
        return 0, []
    driver, count = ctypes.c_int(0), ctypes.c_uint(0)
    nvml.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(driver))
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    capabilities = []
    for index in range(count.value):
        handle, major, minor = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int()
        nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle))
        if nvml.nvmlDeviceGetCudaComputeCapability(handle, ctypes.byref(major), ctypes.byref(minor)) == 0:
            capabilities.append((major.value, minor.value))
    nvml.nvmlShutdown()
    return driver.value // 1000, capabilities


@cache
def why_no_jpeg() -> str:
    """The reason why Pillow decodes JPEG files whole; "" if libjpeg-turbo decodes windows of them.

    The library is loaded here.

    >>> isinstance(why_no_jpeg(), str)
    True
    """
    try:
        if why_not("cpu"):
            raise _Unavailable("it needs the CPU library")
        built = _build.get("jpeg", "")  # older builds do not record it
        if built is None:
            raise _Unavailable("it was not built, as libjpeg-turbo's headers were missing")
        if built != JPEG_SCHEMA:
            raise _Unavailable("it was built from other sources of gpuaug")
        _load_library("_jpeg")
    except _Unavailable as unavailable:
        return f"decoded whole, by Pillow: {unavailable}"
    return ""


def _load_backends() -> None:
    surprises = []
    for backend, load in (("cpu", _load_cpu), ("cuda", _load_cuda)):
        try:
            load()
            _reasons[backend] = ""
        except _Unavailable as unavailable:
            _reasons[backend] = str(unavailable)
            if unavailable.surprise:
                surprises.append(f"No {backend} backend: {unavailable}.")
    if surprises:
        warnings.warn(
            "gpuaug runs on the PyTorch reference, with the same results; without the CPU kernel it takes "
            f"{REFERENCE_SLOWER} times as long. {' '.join(surprises)} "
            f"Built with {_built_with()}; running {_running()}. To fix it: {_FIX}.",
            RuntimeWarning,
            stacklevel=2,
        )


_load_backends()
has_cpu = not _reasons["cpu"]
has_cuda = not _reasons["cuda"]

if not has_cpu:
    _definitions = torch.library.Library("gpuaug", "DEF")
    for _schema in SCHEMAS:
        _definitions.define(_schema)
