"""The folders of csrc: which includes what, and that every header stands alone."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from host_compiler import CSRC, FLAGS, OF_TESTS, compiler

# A folder, and those that it may include beside its own.
FOLDERS = {
    "common": set(),
    "host": {"common"},
    "cpu": {"common", "host"},
    "cuda": {"common", "host"},
    "jpeg": {"host"},
}
SOURCES = sorted(path for path in CSRC.rglob("*.*") if path.parent != CSRC)


def folder(path: str) -> str:
    return path.partition("/")[0]


def against(path: str, text: str) -> list[str]:
    """The includes that a file may not have. Quotes are for our own files, from the root of csrc."""
    included = re.findall(r'^#include "(.*)"', text, re.MULTILINE)
    return [name for name in included if folder(name) not in {folder(path), *FOLDERS[folder(path)]}]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(CSRC).as_posix())
def test_arrows_point_one_way(path: Path):
    assert against(path.relative_to(CSRC).as_posix(), path.read_text()) == []


@pytest.mark.parametrize(
    ("path", "included", "allowed"),
    [
        ("cpu/a.h", "cuda/b.cuh", False),
        ("cuda/a.cuh", "cpu/b.h", False),
        ("host/a.h", "cpu/b.h", False),
        ("common/stages/a.h", "host/b.h", False),
        ("common/a.h", "b.h", False),
        ("cpu/a.h", "common/stages/b.h", True),
        ("cuda/a.cuh", "host/b.h", True),
    ],
)
def test_an_arrow_back_is_found(path: str, included: str, allowed: bool):
    assert against(path, f'#include <cstdint>\n#include "{included}"\n') == ([] if allowed else [included])


def test_common_and_the_kernels_know_no_probabilities_and_no_torch():
    """Probabilities are drawn in Python; kernels take pointers and sizes."""
    for path in SOURCES:
        text = re.sub(r"//.*", "", path.read_text())
        if folder(path.relative_to(CSRC).as_posix()) == "common" or path.suffix == ".cuh":
            assert "torch/" not in text, path
        assert not re.search(r"\bprobabilit|std::(bernoulli|uniform_real)_distribution", text), path


@pytest.mark.thorough
def test_every_header_compiles_alone(tmp_path: Path):
    """The CUDA ones beside the words of CUDA that the tests' shim gives."""

    def compile_alone(header: Path) -> str:
        source = tmp_path / (re.sub(r"\W", "_", header.relative_to(CSRC).as_posix()) + ".cpp")
        cuda = '#include "cuda_shim.h"\n' if header.parent.name == "cuda" else ""
        source.write_text(f'{cuda}#include "{header.relative_to(CSRC)}"\n')
        command = [compiler(), *FLAGS, "-Wno-unused-function", "-Wno-unused-const-variable"]
        command += ["-fsyntax-only", "-I", str(CSRC), "-I", str(OF_TESTS), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        return "" if done.returncode == 0 else f"{header.relative_to(CSRC)}: {done.stderr[:500]}"

    alone = [path for path in SOURCES if path.suffix in (".h", ".cuh")]
    alone = [path for path in alone if "<torch/" not in path.read_text()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        assert [said for said in pool.map(compile_alone, alone) if said] == []
