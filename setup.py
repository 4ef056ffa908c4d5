"""Builds the compiled libraries of gpuaug; everything else is in pyproject.toml.

``gpuaug/_C`` (schemas and CPU kernels, from ``csrc``'s ``*.cpp``) is built wherever a C++ compiler is,
``gpuaug/_jpeg`` (from ``csrc/jpeg``) wherever libjpeg-turbo and its headers are as well, and ``gpuaug/_cuda``
(CUDA kernels, from ``csrc``'s ``*.cu``) wherever nvcc is: no GPU need be there. All are on the LibTorch
stable ABI and use no Python symbol: one wheel for torch from 2.11 and Python from 3.11.

Environment:
    FORCE_CUDA            1: fail if the CUDA library cannot be built; 0: leave it out; unset: see above.
    CUDA_HOME             the toolkit; when unset, nvcc's on the path, then /usr/local/cuda.
    TORCH_CUDA_ARCH_LIST  the GPUs to build for; "8.0;9.0+PTX" when unset.
    CXX, MAX_JOBS         the C++ compiler, and how many compile at once.

``pip install`` builds in an environment of its own, into which it downloads the newest torch: a CUDA build
of several GB. What it builds there loads beside any torch from 2.11. With ``--no-build-isolation`` it builds
with the torch that is installed, and downloads none; setuptools>=77 and ninja must be there too.
"""

import ast
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import setuptools
from setuptools import Extension, setup

ROOT = Path(__file__).parent
STABLE_TARGET = "0x020b000000000000"  # torch 2.11
PYTHON_TARGET = "cp311"
HOST_FLAGS = ["-fvisibility=hidden", f"-ffile-prefix-map={ROOT}/="]  # errors name no build folder
CXX_FLAGS = ["-O3", "-std=c++20", "-g0", "-Wall", "-Wextra", "-Wno-unused-parameter", *HOST_FLAGS]
# A product and a sum stay two roundings on every CPU: the backends must agree to the bit.
CXX_FLAGS += ["-ffp-contract=off"]
NVCC_FLAGS = ["-O3", "-std=c++20", "--threads=2", "-Xptxas=-v,-warn-spills"]
NVCC_FLAGS += [f"-Xcompiler={flag}" for flag in HOST_FLAGS]


def warn(message: str) -> None:
    """Say it once: pip runs this file several times, for the metadata first."""
    if {"build", "build_ext", "bdist_wheel", "editable_wheel"} & set(sys.argv):
        print(f"gpuaug: warning: {message}", file=sys.stderr)


def literal(name: str) -> object:
    """A literal that gpuaug/ops/backends.py binds to this name, read without importing the package."""
    for node in ast.parse((ROOT / "gpuaug/ops/backends.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == name:
            return ast.literal_eval(node.value)
    raise SystemExit(f"gpuaug: gpuaug/ops/backends.py does not define {name}")


def find_compiler() -> str | None:
    """The C++ compiler's command, or None; CXX is set to it, because torch's BuildExtension reads that."""
    candidates = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    for candidate in candidates:
        if shutil.which(shlex.split(candidate)[0]):
            os.environ["CXX"] = candidate
            return candidate
    return None


def find_cuda_home() -> Path | None:
    """The folder of a whole CUDA toolkit; the nvcc on the path may be a wrapper that lies elsewhere."""
    named = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH")
    nvcc = shutil.which("nvcc")
    candidates = [named] if named else [nvcc and Path(nvcc).resolve().parents[1], "/usr/local/cuda"]
    for home in map(Path, filter(None, candidates)):
        if (home / "bin/nvcc").exists() and (home / "lib64").exists():
            return home
    return None


def nvcc_version(home: Path) -> str:
    """The toolkit's release, such as "13.0"."""
    printed = subprocess.check_output([home / "bin/nvcc", "--version"], text=True)
    return re.search(r"release (\d+\.\d+)", printed)[1]


def why_no_cuda(home: Path | None, torch_cuda: str | None) -> str | None:
    """Why the CUDA library is not built, or None. FORCE_CUDA=1 ends the build instead."""
    forced = os.environ.get("FORCE_CUDA", "")
    if forced not in ("", "0", "1"):
        raise SystemExit(f"gpuaug: FORCE_CUDA must be 0, 1 or unset, got {forced!r}")
    reason = None
    if forced == "0":
        reason = "FORCE_CUDA=0 was set"
    elif home is None:
        reason = "nvcc was not found"
    elif torch_cuda and torch_cuda.split(".")[0] != nvcc_version(home).split(".")[0]:
        reason = f"nvcc was of CUDA {nvcc_version(home)}, torch of CUDA {torch_cuda}"
    if reason and forced == "1":
        raise SystemExit(f"gpuaug: FORCE_CUDA=1, but the CUDA library cannot be built: {reason}")
    return reason


def has_libjpeg_turbo(compiler: str) -> bool:
    """Whether a program that decodes a window with libjpeg-turbo can be compiled and linked."""
    source = """
    #include <cstdio>
    #include <jpeglib.h>
    static_assert(LIBJPEG_TURBO_VERSION_NUMBER >= 2000000);
    int main() { jpeg_crop_scanline(nullptr, nullptr, nullptr); }
    """
    command = [*shlex.split(compiler), "-xc++", "-", "-ljpeg", "-o", os.devnull]
    return subprocess.run(command, input=source, text=True, capture_output=True).returncode == 0


def library(name: str, *patterns: str, **settings: list) -> Extension:
    """One compiled library on the stable ABI, from the sources that match the patterns."""
    from torch.utils import cpp_extension

    return Extension(
        f"gpuaug.{name}",
        sorted(path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern)),
        include_dirs=[str(ROOT / "csrc"), *cpp_extension.include_paths(), *settings.get("include_dirs", [])],
        library_dirs=cpp_extension.library_paths() + settings.get("library_dirs", []),
        libraries=["torch_cpu", *settings.get("libraries", [])],
        define_macros=[("TORCH_TARGET_VERSION", STABLE_TARGET), *settings.get("define_macros", [])],
        extra_compile_args={"cxx": CXX_FLAGS, "nvcc": NVCC_FLAGS},
        extra_link_args=settings.get("extra_link_args", []),
        language="c++",
        py_limited_api=True,
    )


def cuda_library(compiler: str, home: Path) -> Extension:
    """The CUDA library: the toolkit's runtime is linked in, so that only the driver must be there."""
    from torch.utils import cpp_extension

    cpp_extension.CUDA_HOME = str(home)  # torch looks for it only where it has CUDA itself
    os.environ.setdefault("TORCH_CUDA_ARCH_LIST", "8.0;9.0+PTX")
    return library(
        "_cuda",
        "csrc/**/*.cu",
        include_dirs=[str(home / "include")],
        library_dirs=[str(home / "lib64"), *stand_in_for_torch_cuda(compiler)],
        libraries=["cudart_static", "rt", "dl", "pthread"],
        extra_link_args=["-Wl,--no-as-needed", "-ltorch_cuda"],
        define_macros=[("USE_CUDA", None)],
    )


def stand_in_for_torch_cuda(compiler: str) -> list[str]:
    """The folder of an empty libtorch_cuda to link against, where the torch that is here has none."""
    import torch

    if torch.version.cuda:
        return []
    folder = ROOT / "build/stand_in"
    folder.mkdir(parents=True, exist_ok=True)
    soname = "libtorch_cuda.so"
    command = f"{compiler} -shared -Wl,-soname,{soname} -xc++ /dev/null -o"
    subprocess.run([*shlex.split(command), folder / soname], check=True)
    return [str(folder)]


def build_command(record: dict) -> type:
    """torch's BuildExtension; it leaves ``_build.json`` beside the libraries: what they were built with."""
    from torch.utils.cpp_extension import BuildExtension

    class Build(BuildExtension):
        def initialize_options(self) -> None:
            super().initialize_options()
            # Also for editable installs, whose folder is temporary otherwise: ninja compiles what changed.
            self.build_temp = "build/objects"

        def run(self) -> None:
            super().run()
            folder = ROOT / "gpuaug" if self.inplace else Path(self.build_lib) / "gpuaug"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "_build.json").write_text(json.dumps(record, indent=1) + "\n")

    return Build


def compiled() -> dict:
    """setup()'s arguments for what is compiled here: nothing, with a warning, where there is no compiler."""
    compiler = find_compiler()
    if compiler is None:
        if os.environ.get("FORCE_CUDA") == "1":
            raise SystemExit("gpuaug: FORCE_CUDA=1, but no C++ compiler was found")
        warn("no C++ compiler was found, so nothing is compiled: the slower PyTorch reference will serve")
        return {}
    try:
        import torch
    except ModuleNotFoundError:
        raise SystemExit("gpuaug: a build without isolation needs torch first: pip install torch") from None
    home = find_cuda_home()
    reason = why_no_cuda(home, torch.version.cuda)
    if reason:
        warn(f"the CUDA library is not built: {reason}")
    extensions = [library("_C", "csrc/*.cpp", "csrc/host/*.cpp", "csrc/cpu/*.cpp")]
    jpeg = has_libjpeg_turbo(compiler)
    if jpeg:
        extensions.append(library("_jpeg", "csrc/jpeg/*.cpp", libraries=["jpeg"]))
    else:
        warn("libjpeg-turbo and its headers were not found: Pillow will decode JPEG files, whole and slower")
    if not reason:
        extensions.append(cuda_library(compiler, home))
    record = {
        "gpuaug": literal("__version__"),
        "schemas": list(literal("SCHEMAS")),
        "torch": torch.__version__,
        "machine": platform.machine(),
        "cuda": None if reason else nvcc_version(home),
        "arches": None if reason else os.environ["TORCH_CUDA_ARCH_LIST"],
        "why_no_cuda": reason,
        "jpeg": literal("JPEG_SCHEMA") if jpeg else None,
        "sources": {
            path.relative_to(ROOT / "csrc").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(ROOT.glob("csrc/**/*.*"))
        },
    }
    return {
        "ext_modules": extensions,
        "cmdclass": {"build_ext": build_command(record)},
        "options": {"bdist_wheel": {"py_limited_api": PYTHON_TARGET}},
    }


if int(setuptools.__version__.split(".")[0]) < 77:
    # Older ones do not know pyproject.toml's licence fields, and say so obscurely.
    raise SystemExit("gpuaug: a build without isolation needs setuptools>=77: pip install -U setuptools")
setup(**compiled())
