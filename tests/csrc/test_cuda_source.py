"""The CUDA kernel's source, compiled for the host and run thread by thread: its bytes are the reference's."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from cases import calls
from cuda_cases import encode, encode_all, every_width, sanitizer_cases
from host_compiler import CSRC, OF_TESTS, SANITIZERS, agree, compile_cpp, compiler, missing_runtime, run
from hypothesis import given, settings
from mutations import stages, tiles

from gpuaug.ops import reference
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import (
    BITS,
    BLUR,
    COLOR,
    CURVES,
    EQUALIZE,
    ERASE,
    FIELDS,
    IMPULSE,
    NOISE,
    NORMAL,
    PER_PIXEL,
    POSTERIZE,
    SHRINK,
    STATISTICS,
    WORD,
)

pytestmark = pytest.mark.slow

KERNEL, TABLES = "cuda/kernel.cuh", "common/stages/statistics.h"
EVERY_STAGE = sum(BITS.values())

Build = Callable[[str], Path]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """The program of a sanitizer; two are compiled at a time, each once."""
    folder = tmp_path_factory.mktemp("cuda_on_cpu")
    compiler()

    def compile_program(sanitizer: str) -> Path:
        flags = [*SANITIZERS[sanitizer], "-I", str(CSRC)]
        return compile_cpp([OF_TESTS / "cuda_on_cpu.cpp"], folder / sanitizer, *flags)

    pool = ThreadPoolExecutor(max_workers=2)
    programs = {
        sanitizer: pool.submit(compile_program, sanitizer)
        for sanitizer in SANITIZERS
        if not missing_runtime(sanitizer)
    }

    def program(sanitizer: str) -> Path:
        if why := missing_runtime(sanitizer):
            pytest.skip(why)
        return programs[sanitizer].result()

    yield program
    pool.shutdown(cancel_futures=True)


@given(call=calls(most_pixels=130))
@settings(max_examples=25, deadline=None)
def test_cuda_source_equals_reference(build: Build, call: tuple):
    count, cases = encode_all([call])
    agree(run(build("plain"), cases), count)


def test_the_cuda_kernel_is_right_at_every_width(build: Build):
    count, cases = every_width()
    agree(run(build("plain"), cases), count)


def test_packed_arithmetic_is_that_of_the_stages(tmp_path: Path):
    program = compile_cpp(
        [OF_TESTS / "packed_arithmetic.cpp"], tmp_path / "packed_arithmetic", "-I", str(CSRC)
    )
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert (done.stderr, done.stdout) == ("", "the same integers\n")


def test_a_record_that_shrinks_without_geometry_is_copied(build: Build):
    recipes = RecipeBuilder.of_batch((1, 1, 4, 4)).recipes((4, 4))
    records = recipes.records
    records[0, WORD["stages"]], records[0, WORD["xx"] : WORD["yy"] + 1] = SHRINK, 2**33
    storage = torch.arange(16, dtype=torch.uint8)
    call = storage, records, None, 1, 4, 4, False, SHRINK, False
    assert torch.equal(reference.augment(*call).flatten(), storage)
    assert torch.equal(torch.ops.gpuaug.augment(*call).flatten(), storage)
    done = run(build("plain"), encode(call, storage.view(1, 1, 4, 4)))
    agree(done, 1)


def test_wild_weights_and_places_are_those_of_the_reference(build: Build):
    wild = [
        (word, value) for word in ("outer", "inner", "place") for value in (-1, 2**63 - 1, 40000, -(2**63))
    ]
    records = RecipeBuilder.of_batch((len(wild), 1, 6, 9)).recipes((6, 9)).records
    for name, value in {"stages": BLUR | IMPULSE, "outer": 9000, "inner": 20000, "salt": 9000}.items():
        records[:, WORD[name]] = value
    for n, (word, value) in enumerate(wild):
        records[n, WORD[word]] = value
    storage = torch.arange(len(wild) * 6 * 9).mul(77).remainder(251).byte()
    call = storage, records, None, 1, 6, 9, False, BLUR | IMPULSE, False
    count, cases = encode_all([call])
    agree(run(build("plain"), cases), count)


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_a_record_with_stages_that_the_batch_lacks_goes_without_them(build: Build, sanitizer: str):
    """Covers and curves have no shared memory then, and a blur writes over its patch."""
    storage = torch.arange(3 * 40 * 72).mul(77).remainder(251).byte()
    records = RecipeBuilder.of_batch((1, 3, 40, 72)).recipes((40, 72)).records
    for name, value in {
        "stages": BLUR | IMPULSE | ERASE | CURVES | STATISTICS | COLOR | NOISE,
        **{"outer": 3000, "inner": 9000, "rr": 4096, "r1": 9 << 12, "gg": 4096, "bg": 4096},
        **{"noise": NORMAL | PER_PIXEL, "noise_span": 3000, "salt": 30000, "box0": 9 << 32},
        **{"curve0": POSTERIZE | 3 << 8, "curve1": EQUALIZE},
    }.items():
        records[:, WORD[name]] = value
    unions = (0, BLUR, CURVES, STATISTICS, BLUR | CURVES, CURVES | STATISTICS)
    calls = [(storage, records, None, 3, 40, 72, False, stages, False) for stages in unions]
    count, cases = encode_all(calls)
    agree(run(build(sanitizer), cases), count)


def test_a_record_outside_the_storage_reads_nothing(build: Build):
    records = torch.zeros(1, len(FIELDS), dtype=torch.int64)
    records[0, WORD["stages"]], records[0, WORD["width"] : WORD["height"] + 1] = EVERY_STAGE, 2**40
    call = torch.ones(16, dtype=torch.uint8), records, None, 1, 4, 4, False, EVERY_STAGE, False
    done = run(build("plain"), encode(call, torch.zeros(1, 1, 4, 4, dtype=torch.uint8)))
    agree(done, 1)


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_cuda_source_is_clean_under(build: Build, sanitizer: str):
    count, cases = sanitizer_cases()
    done = run(build(sanitizer), cases)
    agree(done, count)


def test_no_thread_returns_before_a_barrier():
    """One thread that left early would leave its block waiting for ever, on a GPU without any word."""
    sources = {
        path.relative_to(CSRC).as_posix(): re.sub(r"//.*", "", path.read_text())
        for path in CSRC.glob("**/*.*h")
    }
    text = sources.pop(KERNEL)
    head, body = re.search(r"__global__(.*?)\{(.*?)^\}", text, re.DOTALL | re.MULTILINE).groups()
    assert "augment_kernel" in head
    assert not re.search(r"\b(return|break|continue|goto)\b", body)
    assert body.count("__syncthreads") == len(tiles.BARRIERS)
    # None hides in another file, but for the one by which a block's threads make tables together:
    # measured_tables has no return, and goes by the recipe alone, which all of them share.
    del sources["cuda/clahe.cuh"]  # has a test of its own
    assert sources["cuda/count_tile.cuh"].count("void barrier() const { __syncthreads(); }") == 1
    assert sum(source.count("__syncthreads") for source in sources.values()) == 1
    tables = (CSRC / TABLES).read_text().partition("measured_tables(")[2].partition("\n}\n")[0]
    assert tables.count("team.barrier()") == len(stages.OF_TABLES)
    assert not re.search(r"\b(return|break|goto)\b", re.sub(r"//.*", "", tables))
