"""What a call asks of CUDA's runtime, with tables in place of the driver: here, ``cuda_runtime.h``."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from host_compiler import CSRC, OF_TESTS, OPTIONS, SANITIZERS, compile_cpp, launcher, missing_runtime


@pytest.mark.parametrize("sanitizer", ["plain", "thread"])
def test_a_gpu_and_a_kernel_are_asked_about_once(tmp_path: Path, sanitizer: str):
    """By eight threads at once; an error is asked for again."""
    if missing := missing_runtime(sanitizer):
        pytest.skip(missing)
    assert _run("gpu_asked", tmp_path, *SANITIZERS[sanitizer]) == "asked once\n"


def test_only_pinned_memory_has_an_address(tmp_path: Path):
    assert _run("host_memory", tmp_path) == "as pinned\n"


def _run(name: str, folder: Path, *flags: str) -> str:
    """What the program of this folder prints."""
    source = OF_TESTS / f"{name}.cpp"
    program = compile_cpp([source], folder / name, "-I", str(OF_TESTS), "-I", str(CSRC), *flags)
    command = [*launcher(), str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=OPTIONS)
    return done.stdout + done.stderr
