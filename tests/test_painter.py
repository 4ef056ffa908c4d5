"""The CPU kernel by itself, in every generation of vectors and under sanitizers: its bytes are right."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cuda_cases import ONE, encode_all, every_width, sanitizer_cases

from gpuaug import functional, reference
from gpuaug.normalization import normalization_line, normalization_table
from gpuaug.recipe import Draft

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["-std=c++20", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-DGPUAUG_ALL_VECTORS="]
SANITIZED = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
# What a processor must have to run a generation.
GENERATIONS = {
    "x86-64": set(),
    "x86-64-v3": {"avx2", "bmi2", "fma"},
    "x86-64-v4": {"avx512bw", "avx512dq", "avx512vl"},
}

Run = Callable[[bytes], subprocess.CompletedProcess]


@functools.cache
def features() -> set[str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return set(next((line for line in lines if line.startswith("flags")), "").split())


@pytest.fixture(scope="module", params=[*GENERATIONS, "sanitized"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    compiler = os.environ.get("CXX") or shutil.which("g++")
    if not compiler or platform.system() != "Linux" or platform.machine() != "x86_64":
        pytest.skip("needs g++ and Linux on x86-64")
    flags = SANITIZED
    if request.param != "sanitized":
        if missing := GENERATIONS[request.param] - features():
            pytest.skip(f"this processor has no {', '.join(sorted(missing))}")
        flags = ["-O3", f"-march={request.param}"]
    program = tmp_path_factory.mktemp("painter") / "painter"
    sources = [ROOT / "tests/csrc/painter_alone.cpp", *sorted((ROOT / "csrc").glob("lines_*.cpp"))]
    command = [*compiler.split(), *FLAGS, *flags, "-I", ROOT / "csrc", *sources, "-o", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode and "cannot find" in done.stderr:
        pytest.skip("the compiler has no library for its sanitizers")
    assert done.returncode == 0, done.stderr[:2000]

    def run(cases: bytes) -> subprocess.CompletedProcess:
        environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
        return subprocess.run([program], input=cases, capture_output=True, timeout=120, env=environment)

    return run


def agrees(run: Run, cases: tuple[int, bytes]) -> None:
    done = run(cases[1])
    assert (done.stderr.decode(), done.stdout.decode()) == ("", f"{cases[0]} cases agree\n")


def test_every_path(run: Run):
    agrees(run, sanitizer_cases(sizes=(ONE,)))  # its strips do not depend on a GPU


def test_every_width(run: Run):
    agrees(run, every_width())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_values_from_a_line(run: Run, dtype: torch.dtype):
    images = torch.randint(256, (3, 3, 5, 70), dtype=torch.uint8)
    mean, std = torch.rand(2, 3, 3, dtype=torch.float64) + 0.1
    table = normalization_table(mean, std, channels=3, dtype=dtype)
    line = normalization_line(mean, std, channels=3)
    records = Draft.of_batch((3, 3, 5, 70)).recipes((5, 70)).records
    call = (images.flatten(), records, table, 3, 5, 70, False, 0, False, line)
    assert torch.equal(reference.augment(*call), functional.normalize(images, mean, std, dtype))
    agrees(run, encode_all([call], sizes=(ONE,)))


def test_a_wrong_byte_is_noticed(run: Run):
    count, cases = every_width()
    assert count > 1
    assert run(cases[:-1] + bytes([cases[-1] ^ 1])).returncode == 1
