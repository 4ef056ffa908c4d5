"""The host's part of a call on CUDA, with a runtime that needs no driver: ``runtime.cpp``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

RUNTIME = Path(__file__).parent / "runtime.cpp"


def toolkit() -> Path | None:
    """The folder of a CUDA toolkit: from the environment, the usual one, or that of PyTorch's wheels."""
    named = [os.environ[name] for name in ("CUDA_HOME", "CUDA_PATH") if name in os.environ]
    wheels = [str(path) for entry in sys.path if entry for path in Path(entry).glob("nvidia/cu*")]
    candidates = map(Path, [*named, "/usr/local/cuda", *wheels])
    return next((home for home in candidates if (home / "include/cuda_runtime_api.h").exists()), None)


def build_runtime(folder: Path, home: Path) -> Path:
    """Compiles the runtime with a toolkit's headers. PyTorch finds it under the driver's name too."""
    library = folder / "libcuda.so.1"
    command = [shutil.which("g++") or "c++", "-std=c++20", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC"]
    command += ["-fvisibility=hidden", f"-Wl,-soname,{library.name}", "-I", str(home / "include")]
    subprocess.run([*command, str(RUNTIME), "-o", str(library)], check=True)
    return library


def preloaded(library: Path, *paths: Path) -> dict[str, str]:
    """The environment of a Python that uses the library and imports from the paths."""
    return os.environ | {"LD_PRELOAD": str(library), "PYTHONPATH": os.pathsep.join(map(str, paths))}
