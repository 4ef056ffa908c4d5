"""A C++ compiler, the sanitizers that its programs run under, and programs that read cases of the op.

``tests/csrc/cases.h`` says what a case is; ``tests/cuda_cases.py`` writes them.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
OF_TESTS = ROOT / "tests" / "csrc"
FLAGS = ["-O1", "-std=c++20", "-fno-strict-aliasing", "-pthread", "-Wall", "-Wextra", "-Werror"]
FLAGS += ["-Wno-unknown-pragmas"]  # nvcc's `unroll`
SANITIZERS = {
    "plain": [],
    "address": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "thread": ["-fsanitize=thread"],
}
# Leaks are not looked for: that needs ptrace, which containers forbid.
OPTIONS = {"ASAN_OPTIONS": "detect_leaks=0", "TSAN_OPTIONS": "halt_on_error=1"}


def compiler() -> str:
    """The compiler's command; without one the test is skipped."""
    found = shutil.which("g++") or shutil.which("clang++")
    if found is None:
        pytest.skip("needs a C++ compiler")
    return found


def compile_cpp(sources: Iterable[Path], to: Path, *flags: str) -> Path:
    """A program, or with the flag -c an object file."""
    command = [compiler(), *FLAGS, *flags, *map(str, sources), "-o", str(to)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[:2000]
    return to


@functools.cache
def missing_runtime(sanitizer: str) -> str:
    """Why programs under this sanitizer do not run here; "" where they do."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "trivial.cpp"), Path(folder, "trivial")
        source.write_text("#include <barrier>\nint main() {}\n")
        command = [compiler(), *FLAGS, *SANITIZERS[sanitizer], str(source), "-o", str(program)]
        for step in command, [*launcher(), str(program)]:
            done = subprocess.run(step, capture_output=True, text=True, timeout=60)
            if done.returncode:
                wanted = " ".join(["C++20's <barrier>", *SANITIZERS[sanitizer]])
                return f"needs a compiler and a runtime for {wanted}: {done.stderr.strip()[-300:]}"
    return ""


@functools.cache
def launcher() -> tuple[str, ...]:
    """ThreadSanitizer's memory map and a kernel's randomised one may collide: not where it is turned off."""
    fixed = ("setarch", os.uname().machine, "-R")
    if shutil.which("setarch") and subprocess.run([*fixed, "true"], capture_output=True).returncode == 0:
        return fixed
    return ()


def run(program: Path, cases: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """``variables``: of the environment."""
    environment = os.environ | OPTIONS | variables
    return subprocess.run(
        [*launcher(), program], input=cases, capture_output=True, timeout=180, env=environment
    )


def agree(done: subprocess.CompletedProcess[bytes], count: int) -> None:
    """Asserts that a program found all cases right."""
    assert (done.stderr.decode(), done.stdout) == ("", f"{count} cases agree\n".encode())
