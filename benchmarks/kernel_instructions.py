"""Instructions that the CUDA kernel executes for a pixel, counted by executing it: needs nvcc, no GPU.

    python benchmarks/kernel_instructions.py
    python benchmarks/kernel_instructions.py --only 'A, 224 px'    # some cases

nvcc's PTX of the kernel runs on the CPU, statement for statement (``tests/ptx``), with every jump taken as on
a GPU, and each case's result is compared with the op's. A statement is an instruction; one whose predicate
does not hold counts, as it takes its slot. What is counted is all that blocks do: staging, taps, plans and
loops, and work for pixels beyond the edge. ptxas comes after: it turns a statement into none, one or several
of the machine's instructions, so a count is a measure of the work and not the machine's own.

*Lane instructions* are those of all threads; *warp instructions* are what the schedulers issue for them. From
one barrier to the next a warp issues a run of statements as often as its busiest lane executes it, at the
least: lanes that diverge and come back at other times cost more.

Tiles are an H100's, as large as in a large batch, and a block makes about as many pixels as where 256 images
of 224 px are spread over four blocks for each multiprocessor. A pixel has three channels.
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch
from case import MEAN, STD
from cuda_cases import ONE, encode
from ptx.kernel import ELEMENTS, Variant, build, find_nvcc
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import gpuaug
from gpuaug.recipe.layout import BLUR, SHRINK

RESULTS = Path(__file__).with_name("results") / "kernel-instructions.json"
CHANNELS = 3
BLOCKS = 3  # of a launch on the CPU: tests/csrc/cuda_launch.h
PIXELS = 256 * 224**2 * BLOCKS // (4 * 132)  # of a batch, at the least
BATCHES = 4  # of a case: what draws differ in is evened out
FLAGS = ("-O2", "-std=c++20", "-fno-strict-aliasing", "-pthread", "-w")
FOR_THE_COUNT = ("-DPTX_COUNT", "-DSHARED_KIB=228")
LAST = torch.channels_last

WINDOW_AND_FLIP = (
    lambda side: gpuaug.RandomCrop(side * 20 // 32),
    lambda side: gpuaug.Resize(side),
    lambda side: gpuaug.RandomHorizontalFlip(),
)
BLUR_AND_NOISE = (
    lambda side: gpuaug.GaussianBlur(5, sigma=(0.1, 2.0)),
    lambda side: gpuaug.SaltAndPepper(0.25),
)


@dataclass(frozen=True)
class Case:
    """A batch of square images and what it goes through; ``side`` is the source's and the output's."""

    side: int
    stages: tuple[Callable[[int], gpuaug.transforms.base.Transform], ...] = WINDOW_AND_FLIP
    dtype: torch.dtype = torch.bfloat16
    source: torch.memory_format = torch.contiguous_format
    out: torch.memory_format = torch.contiguous_format

    @property
    def draws(self) -> int:
        """Of a batch."""
        return -(-PIXELS // self.side**2)

    @property
    def pixels(self) -> int:
        """Of all batches."""
        return BATCHES * self.draws * self.side**2

    def calls(self) -> list[tuple[tuple, Tensor]]:
        """The arguments of the op for each batch, and what it gives."""
        stages = [stage(self.side) for stage in self.stages]
        normalize = gpuaug.Normalize(mean=MEAN, std=STD, dtype=self.dtype)
        augment = gpuaug.Compose([*stages, normalize], memory_format=self.out)
        shape = (self.draws, CHANNELS, self.side, self.side)
        images = torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        images = images.contiguous(memory_format=self.source)
        index = torch.arange(BATCHES * self.draws)
        draws = torch.stack([index, torch.ones_like(index), index * 0x1E3779B97F4A7C15], dim=1)
        with _Calls() as calls:
            for some in draws.split(self.draws):
                augment.apply_recipes(images, augment.recipes(some, shape))
        return calls.found


class _Calls(TorchDispatchMode):
    """Notes calls of the op, with their results."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[tuple, Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.gpuaug.augment.default:
            self.found.append((args, out))
        return out


FULL = WINDOW_AND_FLIP + BLUR_AND_NOISE
COLOR = (*WINDOW_AND_FLIP, lambda side: gpuaug.ColorJitter(0.2, 0.2, 0.2))
CURVES = (*WINDOW_AND_FLIP, lambda side: gpuaug.RandomGamma(gamma=(0.5, 2.0)))
NOISE = (*WINDOW_AND_FLIP, lambda side: gpuaug.GaussNoise(std=0.1))
CASES = {
    "A, 224 px": Case(224),
    "A, 224 px, from HWC": Case(224, source=LAST),
    "A, 224 px, to channels_last": Case(224, out=LAST),
    "A, 225 px": Case(225),
    "A, 225 px, from HWC": Case(225, source=LAST),
    "A, 32 px": Case(32),
    "A, 64 px": Case(64),
    "A and color, 64 px": Case(64, COLOR),
    "A and curves, 64 px": Case(64, CURVES),
    "A and noise, 64 px": Case(64, NOISE),
    "B, 224 px": Case(224, FULL, torch.float32),
    "B, 224 px, to channels_last": Case(224, FULL, torch.float32, out=LAST),
    "B, 32 px": Case(32, FULL, torch.float32),
}


def compile_cpp(sources: Iterable[Path], to: Path, *flags: str) -> Path:
    """A program, or with the flag -c an object file."""
    subprocess.run(["g++", *FLAGS, *flags, *map(str, sources), "-o", str(to)], check=True, timeout=300)
    return to


def variant_of(call: tuple) -> Variant:
    """The variant of the kernel that a call of the op takes."""
    table, stages = call[2], call[7]
    size = 1 if table is None else table.element_size()
    return Variant(stages & (BLUR | SHRINK), {bytes_: name for name, bytes_ in ELEMENTS.items()}[size])


def count(names: Iterable[str]) -> dict[str, dict[str, float]]:
    """By case: lane instructions and warp instructions, each for an output pixel.

    Raises:
        RuntimeError: a case whose result is not the op's.
    """
    calls = {name: CASES[name].calls() for name in names}
    every = [call for found in calls.values() for call in found]
    encoded = b"".join(encode(call, out, ONE) for call, out in every)
    with tempfile.TemporaryDirectory() as folder:
        variants = dict.fromkeys(variant_of(call) for call, _ in every)
        program = build(compile_cpp, Path(folder), variants, flags=FOR_THE_COUNT)
        done = subprocess.run([program], input=encoded, capture_output=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"of {list(calls)}: {done.stderr.decode()}")
    printed = re.findall(r"(\d+) instructions, (\d+) of warps", done.stdout.decode())
    counted = iter([[int(value) for value in line] for line in printed])
    rows = {}
    for name, found in calls.items():
        lanes, warps = (sum(column) for column in zip(*(next(counted) for _ in found), strict=True))
        pixels = CASES[name].pixels
        rows[name] = {"lane": round(lanes / pixels, 1), "warp": round(warps / pixels, 2)}
    return rows


def nvcc_release() -> str | None:
    """nvcc's release, such as 13.0; None without an nvcc."""
    nvcc = find_nvcc()
    if nvcc is None:
        return None
    said = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"release ([\d.]+),", said)[1]


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--only", action="append", choices=CASES, metavar="CASE", help="; ".join(CASES))
    arguments = parser.parse_args()
    found = count(arguments.only or CASES)
    for name, each in found.items():
        print(f"{name:30}" + "".join(f"{value:8} {kind}" for kind, value in each.items()))


if __name__ == "__main__":
    main()
