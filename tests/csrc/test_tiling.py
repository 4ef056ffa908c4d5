"""How the CUDA kernel cuts a batch into tiles, in ``csrc/cuda/tiling.h``: as launches rely on it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from host_compiler import CSRC, OF_TESTS, compile_cpp

KIB = 1 << 10


def test_tiles_of_every_shape_fit_every_gpu(tmp_path: Path):
    program = compile_cpp([OF_TESTS / "tilings.cpp"], tmp_path / "tilings", "-I", str(CSRC))
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    found = re.fullmatch(r"(\d+) tilings hold, of (\d+) bytes at most\n", done.stdout)
    assert found, done.stdout + done.stderr
    count, most = map(int, found.groups())
    assert count > 1_000_000
    assert 40 * KIB < most <= 47 * KIB  # tiles are as large as they may be
