"""The CUDA kernel's variants, through nvcc to PTX and through C++ to a program that runs cases.

Kept apart from pytest, so that a benchmark can use it too.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from ptx.translate import translate

from gpuaug.recipe.layout import BLUR, CURVES, SHRINK, STATISTICS

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["-ptx", "-O3", "-std=c++20", "-arch=sm_90"]
ELEMENTS = {"uint8_t": 1, "uint16_t": 2, "uint32_t": 4}  # bytes
ENTRY = re.compile(r"\.entry (_ZN6gpuaug14augment_kernel\w+)")
# What a program that counts (-DPTX_COUNT) prints of a launch.
PRINTED = re.compile(
    r"(\d+) instructions, (\d+) of warps; (\d+) in a thread's block, (\d+) waits; (\d+) blocks of (\d+)"
)


class Variant(NamedTuple):
    """The kernel's template arguments. With STATISTICS it counts levels in place of writing them."""

    stages: int
    element: str


_STAGES = (0, BLUR, SHRINK, BLUR | SHRINK)
VARIANTS = (
    *itertools.starmap(Variant, itertools.product(_STAGES, ELEMENTS)),
    *(Variant(STATISTICS | stages, "uint8_t") for stages in _STAGES),
)


def variants_of(call: tuple) -> tuple[Variant, ...]:
    """The variants that a call of the op takes, one launch after another."""
    table, stages = call[2], call[7]
    size = 1 if table is None else table.element_size()
    own, both = stages & (BLUR | SHRINK), CURVES | STATISTICS
    writes = Variant(own, {bytes_: name for name, bytes_ in ELEMENTS.items()}[size])
    return (Variant(STATISTICS | own, "uint8_t"), writes) if stages & both == both else (writes,)


def find_nvcc() -> str | None:
    """nvcc's command: the one on the path, else that of CUDA_HOME (/usr/local/cuda where it is not set)."""
    home = Path(os.environ.get("CUDA_HOME") or "/usr/local/cuda")
    return shutil.which("nvcc") or shutil.which("nvcc", path=home / "bin")


_ptx: dict[tuple[str, Variant, str], str] = {}


def to_ptx(nvcc: str, variant: Variant, csrc: Path, folder: Path) -> str:
    """nvcc's PTX of one variant, made once of the same sources; ``folder`` is for the files in between."""
    key = (nvcc, variant, _digest(csrc))
    if key not in _ptx:
        _ptx[key] = _compile(nvcc, variant, csrc, folder)
    return _ptx[key]


def _digest(csrc: Path) -> str:
    """A hash of all sources under a folder: their names and their bytes."""
    digest = hashlib.sha256()
    for path in sorted(path for path in csrc.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(csrc)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _compile(nvcc: str, variant: Variant, csrc: Path, folder: Path) -> str:
    source = folder / f"{variant.element}_{variant.stages}.cu"
    ptx = source.with_suffix(".ptx")
    source.write_text(
        '#include "cuda/kernel.cuh"\n'
        f"template __global__ void gpuaug::augment_kernel<{variant.stages}, {variant.element}>"
        "(const gpuaug::Batch, const gpuaug::Tiling);\n"
    )
    command = [nvcc, *FLAGS, "-I", str(csrc), str(source), "-o", str(ptx)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"nvcc fails: {done.stderr[:2000]}")
    return ptx.read_text()


def build(
    compile_cpp: Callable[..., Path],
    folder: Path,
    variants: Iterable[Variant] = VARIANTS,
    *,
    csrc: Path = ROOT / "csrc",
    change: Callable[[str], str] = str,
    flags: tuple[str, ...] = (),
) -> Path:
    """The program that runs these variants, two compilers at a time.

    Args:
        compile_cpp: called with sources, the file to make, and flags, as ``host_compiler.compile_cpp`` is.
        folder: for what is built.
        csrc: the kernel's sources.
        change: what to make of the PTX before it is translated.
        flags: of the C++ compiler, such as a sanitizer's. -DPTX_COUNT: the program prints the instructions
            that each case's threads execute together; -DSHARED_KIB=228: tiles are an H200's, not an A100's.
    """
    nvcc, variants = find_nvcc(), list(variants)
    include = ("-I", str(csrc), "-I", str(ROOT / "tests/csrc"))

    def compile_variant(variant: Variant) -> tuple[str, Path]:
        ptx = change(to_ptx(nvcc, variant, csrc, folder))
        source = folder / f"{variant.element}_{variant.stages}.cpp"
        source.write_text(translate(ptx))
        # nvcc leaves labels that nothing jumps to, and registers that nothing reads.
        quiet = ("-Wno-unused-label", "-Wno-unused-but-set-variable", "-Wno-unused-variable")
        compiled = compile_cpp([source], source.with_suffix(".o"), "-c", *quiet, *include, *flags)
        return ENTRY.search(ptx)[1], compiled

    with ThreadPoolExecutor(max_workers=2) as pool:
        names, objects = zip(*pool.map(compile_variant, variants), strict=True)
    listed = folder / "variants.cpp"
    listed.write_text(_list_of(dict(zip(variants, names, strict=True))))
    sources = [ROOT / "tests/csrc/ptx_on_cpu.cpp", listed, *objects]
    return compile_cpp(sources, folder / "ptx_on_cpu", *include, *flags)


def _list_of(names: dict[Variant, str]) -> str:
    declared = "".join(f"void {name}(const ptx::Thread&);\n" for name in names.values())
    rows = ", ".join(f"{{{v.stages}, {ELEMENTS[v.element]}, {name}}}" for v, name in names.items())
    return (
        f'#include "ptx_variants.h"\n{declared}'
        f"std::span<const Variant> variants() {{ static const Variant all[] = {{{rows}}}; return all; }}\n"
    )
