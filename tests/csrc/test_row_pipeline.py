"""The CPU kernel by itself, in every generation of vectors and under sanitizers: its bytes are right."""

from __future__ import annotations

import functools
import itertools
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cuda_cases import ONE, encode_all, every_width, sanitizer_cases

from gpuaug import functional
from gpuaug.images.packed import Packed
from gpuaug.ops import reference
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import GEOMETRY, WORD
from gpuaug.stages.output import normalization_scale_shift, normalization_table

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["-std=c++20", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-DGPUAUG_ALL_VECTORS="]
SANITIZED = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
# What a processor must have to run a generation.
GENERATIONS = {
    "x86-64": set(),
    "x86-64-v3": {"avx2", "bmi2", "fma"},
    "x86-64-v4": {"avx512bw", "avx512dq", "avx512vl"},
}

# xx, xy, yx, yy: what may be packed, what is read too sparsely for that, what no 32 bits hold.
MAPS = {
    "turned": (0.9, 0.3, -0.25, 0.8),
    "mirrored": (-1.3, 0.4, 0.6, 1.2),
    "quarter": (0.0, 1.0, -1.0, 0.0),
    "sparse": (4.0, -3.0, 2.5, 5.0),
    "steep": (2.0**8, 1.0, 2.0**-20, -(2.0**8)),
    "wrapping": (2.0**20, 2.0**29, 2.0**30, 3.0),
}

Run = Callable[[bytes], subprocess.CompletedProcess]


@functools.cache
def features() -> set[str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return set(next((line for line in lines if line.startswith("flags")), "").split())


@pytest.fixture(scope="module", params=itertools.product(GENERATIONS, ("fast", "sanitized")), ids="-".join)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    compiler = os.environ.get("CXX") or shutil.which("g++")
    if not compiler or platform.system() != "Linux" or platform.machine() != "x86_64":
        pytest.skip("needs g++ and Linux on x86-64")
    generation, kind = request.param
    if missing := GENERATIONS[generation] - features():
        pytest.skip(f"this processor has no {', '.join(sorted(missing))}")
    flags = [f"-march={generation}", *(SANITIZED if kind == "sanitized" else ["-O3"])]
    program = tmp_path_factory.mktemp("row_pipeline") / "row_pipeline"
    sources = [ROOT / "tests/csrc/row_pipeline_alone.cpp", *sorted((ROOT / "csrc").glob("cpu/rows_*.cpp"))]
    command = [*compiler.split(), *FLAGS, *flags, "-I", ROOT / "csrc", *sources, "-o", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode and "cannot find" in done.stderr:
        pytest.skip("the compiler has no library for its sanitizers")
    assert done.returncode == 0, done.stderr[:2000]

    def run(cases: bytes) -> subprocess.CompletedProcess:
        environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
        return subprocess.run([program], input=cases, capture_output=True, timeout=120, env=environment)

    return run


@functools.cache
def turns(turn: tuple[float, float, float, float]) -> tuple[int, bytes]:
    """Maps about the middle of sources as small as a pixel and of windows of larger ones."""
    random = torch.Generator().manual_seed(0)
    sources = [(1, 1), (2, 3), (20, 33), (40, 21)]
    xx, xy, yx, yy = turn
    chosen = []
    for channels, border, width in itertools.product((1, 2, 3, 4), ("zero", "edge", "reflect"), (9, 300)):
        interleaved, last, blurred = (bool(len(chosen) & bit) for bit in (1, 2, 4))
        storage = torch.randint(256, (1507 * channels,), dtype=torch.uint8, generator=random)
        builder = RecipeBuilder.of_packed(Packed.of_sizes(storage, sources, channels, interleaved))
        builder.border(border)
        builder.crop((0, 0), (width, 17))
        if blurred:
            builder.blur(torch.linspace(0.5, 2.0, len(sources)))
        records = builder.recipes((17, width)).records
        middle = [(w / 2 - xx * width / 2 - xy * 8, h / 2 - yx * width / 2 - yy * 8) for h, w in sources]
        maps = torch.tensor([(xx, yy, xy, yx, x, y) for x, y in middle], dtype=torch.float64)
        records[:, WORD["xx"] : WORD["y1"] + 1] = maps.mul(2.0**32).long()
        records[:, WORD["stages"]] |= GEOMETRY
        window = torch.tensor([(4, 5, 30, 17), (2, 9, 20, 33)])
        records[2:, WORD["left"] : WORD["bottom"] + 1] = window
        stages = int(records[0, WORD["stages"]])
        chosen.append((storage, records, None, channels, 17, width, interleaved, stages, last))
    return encode_all(chosen, sizes=(ONE,))


def agrees(run: Run, cases: tuple[int, bytes]) -> None:
    done = run(cases[1])
    assert (done.stderr.decode(), done.stdout.decode()) == ("", f"{cases[0]} cases agree\n")


def test_the_cpu_kernel_is_right_on_every_path(run: Run):
    agrees(run, sanitizer_cases(sizes=(ONE,)))  # its strips do not depend on a GPU


def test_the_cpu_kernel_is_right_at_every_width(run: Run):
    agrees(run, every_width())


@pytest.mark.parametrize("name", MAPS)
def test_the_cpu_kernel_is_right_at_every_angle(run: Run, name: str):
    agrees(run, turns(MAPS[name]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_values_from_a_line(run: Run, dtype: torch.dtype):
    images = torch.randint(256, (3, 3, 5, 70), dtype=torch.uint8)
    mean, std = torch.rand(2, 3, 3, dtype=torch.float64) + 0.1
    table = normalization_table(mean, std, channels=3, dtype=dtype)
    scale_shift = normalization_scale_shift(mean, std, channels=3)
    records = RecipeBuilder.of_batch((3, 3, 5, 70)).recipes((5, 70)).records
    call = (images.flatten(), records, table, 3, 5, 70, False, 0, False, scale_shift)
    assert torch.equal(reference.augment(*call), functional.normalize(images, mean, std, dtype))
    agrees(run, encode_all([call], sizes=(ONE,)))


def test_a_wrong_byte_is_noticed(run: Run):
    count, cases = every_width()
    assert count > 1
    assert run(cases[:-1] + bytes([cases[-1] ^ 1])).returncode == 1
