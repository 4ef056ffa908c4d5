"""The host's time of a call on CUDA, from recipes to the launch, without a GPU: ``PYTHONPATH=. python -m
host_side``, in this folder's parent, after gpuaug was built with nvcc.

``--root`` names another checkout that was built as well, so that two can be compared in turns.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from host_side import build_runtime, preloaded, toolkit

COUNTED = (
    "cudaDeviceGetAttribute",
    "cudaOccupancyMaxActiveBlocksPerMultiprocessor",
    "cudaHostAlloc",
    "cudaEventCreateWithFlags",
    "cudaEventQuery",
    "cudaEventRecord",
    "cudaMemcpyAsync",
    "cudaMemsetAsync",
    "cudaEventSynchronize",
    "cudaStreamSynchronize",
    "cudaDeviceSynchronize",
    "cudaLaunchKernel",
)


def link(folder: Path, root: Path, home: Path) -> Path:
    """Links a build's CUDA library without the static runtime, which needs a driver."""
    import torch

    objects = [str(path) for path in root.glob("build/temp*/csrc/cuda/*.o")]
    if not objects:
        raise SystemExit(f"no CUDA library was built in {root}")
    library = folder / "launch.so"
    libraries = ["-L", str(Path(torch.__file__).parent / "lib"), "-lc10", "-ltorch_cpu"]
    libraries += ["-Wl,--no-as-needed", "-ltorch_cuda", "-L", str(home / "lib64"), "-lcudart"]
    subprocess.run(["g++", "-shared", *objects, *libraries, "-o", str(library)], check=True)
    return library


def microseconds(call: Callable[[], object], turns: int = 15, calls: int = 200) -> tuple[float, float]:
    """The microseconds of one call: the fastest series, and the median of the series."""
    times = []
    for _ in range(turns + 1):
        begin = perf_counter()
        for _ in range(calls):
            call()
        times.append((perf_counter() - begin) / calls * 1e6)
    return min(times[1:]), median(times[1:])


def measure(library: str) -> None:
    import torch

    import gpuaug
    from gpuaug.travel.to_device import travel

    warnings.filterwarnings("ignore", message=".*[Oo]verrid")
    torch.ops.load_library(library)
    torch.set_num_threads(1)
    runtime = ctypes.CDLL(None)
    images = torch.zeros(256, 3, 32, 32, dtype=torch.uint8).to("cuda")
    steps = [gpuaug.RandomResizedCrop(32), gpuaug.RandomHorizontalFlip(), gpuaug.GaussianBlur()]
    normalize = gpuaug.Normalize(0.5, 0.25)
    chain = gpuaug.Compose([*steps, normalize])
    measured = gpuaug.Compose([*steps, gpuaug.Equalize(), normalize])
    index = torch.arange(256)
    draws = torch.stack((index, index % 4, index * 7919), dim=1)
    passes = chain.recipes(draws, tuple(images.shape))
    measured_passes = measured.recipes(draws, tuple(images.shape))
    runtime.stub_copy(0)
    there = tuple(travel(part, images.device) for part in passes)

    def both() -> None:
        chain.apply_recipes(images, tuple(travel(part, images.device) for part in passes))

    def both_measured() -> None:
        measured.apply_recipes(images, tuple(travel(part, images.device) for part in measured_passes))

    for name, call, launches in (
        ("calls of the runtime", both, 1),
        ("with measured curves", both_measured, 2),
    ):
        call()
        before = {name: runtime.stub_count(name.encode()) for name in COUNTED}
        for _ in range(100):
            call()
        calls = {name: (runtime.stub_count(name.encode()) - before[name]) / 100 for name in COUNTED}
        if (calls["cudaLaunchKernel"], calls["cudaMemsetAsync"]) != (launches, launches - 1):
            raise SystemExit(f"{name}: not {launches} launches and {launches - 1} clearings, but {calls}")
        print(f"{name}:", ", ".join(f"{name} {count:g}" for name, count in calls.items() if count))
    for name, call in (
        ("recipes to the device", lambda: [travel(part, images.device) for part in passes]),
        ("recipes on the device to the launch", lambda: chain.apply_recipes(images, there)),
        ("recipes to the launch", both),
        ("recipes to both launches", both_measured),
        ("functional.flip, all of it", lambda: gpuaug.functional.flip(images)),
    ):
        fastest, middle = microseconds(call)
        print(f"{name:36} {fastest:5.1f} us, median {middle:5.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    home = toolkit()
    if home is None:
        raise SystemExit("needs a CUDA toolkit")
    with tempfile.TemporaryDirectory() as name:
        library = link(Path(name), options.root, home)
        paths = (options.root, Path(__file__).resolve().parents[1])
        environment = preloaded(build_runtime(Path(name), home), *paths)
        command = [sys.executable, "-m", "host_side", "--measure", str(library)]
        subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main()
