"""The CUDA kernel as nvcc compiles it, run on the CPU: nvcc's PTX, statement for statement, as C++.

Beside the source on the shim (``test_cuda_source.py``) this is the machine's own view: what nvcc merges into
one access, and every access's alignment, at which a GPU traps. It ends before ptxas.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from cases import calls
from cuda_cases import CHAINS, encode_all, every_width, sanitizer_cases
from host_compiler import CSRC, SANITIZERS, agree, compile_cpp, missing_runtime, run
from hypothesis import given, settings
from ptx.kernel import PRINTED, VARIANTS, Variant, build, find_nvcc, variants_of

from gpuaug.recipe.layout import BLUR, SHRINK

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_nvcc() is None, reason="needs nvcc, on the path or in $CUDA_HOME/bin (/usr/local/cuda/bin)"
    ),
]

QUICKLY = ("-O0",)  # the C++ of all variants compiles in a third of the time; its cases are few
BARRIER = re.compile(r"\bbar\.sync\s+0;")


def calls_of(*variants: Variant) -> list[tuple]:
    """The chains that take these variants, and no others."""
    return [call for call in CHAINS if variants_of(call) == variants]


def cases_of(*variants: Variant) -> tuple[int, bytes]:
    return encode_all(calls_of(*variants))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All variants."""
    return build(compile_cpp, tmp_path_factory.mktemp("ptx"), flags=QUICKLY)


def test_the_chains_take_every_variant():
    assert {variant for call in CHAINS for variant in variants_of(call)} == set(VARIANTS)


@pytest.mark.thorough  # all variants are compiled
def test_every_path_of_every_variant(program: Path):
    count, cases = sanitizer_cases()
    agree(run(program, cases), count)


@pytest.mark.thorough
def test_ptx_gives_the_bytes_of_the_cpu_at_every_width(program: Path):
    count, cases = every_width()
    agree(run(program, cases), count)


@pytest.mark.thorough
@given(call=calls(most_pixels=130))
@settings(max_examples=25, deadline=None)
def test_ptx_equals_the_reference(program: Path, call: tuple):
    count, cases = encode_all([call])
    agree(run(program, cases), count)


def test_instructions_are_counted_where_that_is_asked_for(tmp_path: Path):
    variant = Variant(0, "uint8_t")
    count, cases = cases_of(variant)
    done = run(build(compile_cpp, tmp_path, [variant], flags=(*QUICKLY, "-DPTX_COUNT")), cases)
    *counted, last = done.stdout.decode().splitlines()
    assert last == f"{count} cases agree"
    pixels = [call[3] * call[4] * call[5] * len(call[1]) for call in calls_of(variant)]
    numbers = zip(*(map(int, PRINTED.fullmatch(line).groups()) for line in counted), strict=True)
    executed, issued, longest, waits, blocks, threads = numbers
    # Two tilings of each call. A pixel cannot do with one instruction, and does not need a thousand.
    twice = [number for number in pixels for _ in range(2)]
    assert all(p < n < 1000 * p + 10**6 for p, n in zip(twice, executed, strict=True))
    # A warp has 32 lanes; half of them work, or more, wherever there is much to do.
    assert all(n <= 32 * w < 32 * n for n, w in zip(executed, issued, strict=True))
    # The longest thread executes the mean at least, and all of it at most; each reads its recipe.
    launches = zip(executed, longest, waits, blocks, threads, strict=True)
    assert all(n <= b * t * most and 0 < w < most < n for n, most, w, b, t in launches)


# ---- What must not go unnoticed

# A variant, a file of csrc, a piece of it, what takes its place, and what is said then.
MUTATIONS = {
    "vectors of rows that are not whole ones": (
        Variant(SHRINK, "uint16_t"),
        "cuda/tiling.h",
        "batch.width % kStripWidth == 0",
        "batch.width % 2 == 0",
        r"PTX: a misaligned access of 16 bytes",
    ),
    "words of a source that begins anywhere": (
        Variant(0, "uint8_t"),
        "cuda/tile_plan.cuh",
        "recipe.width >= 8 && source % 4 == 0",
        "recipe.width >= 8",
        r"PTX: a misaligned access of 4 bytes",
    ),
    # The shim cannot see this one: what stands under `#ifdef __CUDACC__` is nvcc's alone.
    "shared memory that begins at half a vector": (
        Variant(BLUR, "uint8_t"),
        "cuda/shared.cuh",
        "return reinterpret_cast<unsigned char*>(memory);",
        "return reinterpret_cast<unsigned char*>(memory) + 8;",
        r"PTX: a misaligned access of 16 bytes",
    ),
    "a level rounded down": (
        Variant(0, "uint8_t"),
        "cuda/packed.cuh",
        "((1 << 10) + (64 << 11)) << 6",
        "((1 << 10) + (63 << 11)) << 6",
        r"is \d+, expected \d+",
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutation_is_caught(tmp_path: Path, mutation: str):
    variant, name, old, new, said = MUTATIONS[mutation]
    csrc = shutil.copytree(CSRC, tmp_path / "csrc")
    text = (csrc / name).read_text()
    assert text.count(old) == 1, f"csrc/{name} holds the piece to mutate {text.count(old)} times: {old!r}"
    (csrc / name).write_text(text.replace(old, new))
    done = run(build(compile_cpp, tmp_path, [variant], csrc=csrc, flags=QUICKLY), cases_of(variant)[1])
    assert done.returncode != 0
    assert re.search(said, done.stderr.decode()), done.stderr.decode()


# Barriers of a variant without shrinking: two of the source's eight are its bands'.
WAITS = 6


@pytest.mark.parametrize(
    "removed", [None, 0, *(pytest.param(n, marks=pytest.mark.thorough) for n in range(1, WAITS))]
)
def test_threads_wait_for_one_another(tmp_path: Path, removed: int | None):
    """ThreadSanitizer is content, but for a barrier that is taken out of the PTX: then it sees a race, or a
    read by taps that are not there yet.
    """
    if why := missing_runtime("thread"):
        pytest.skip(why)
    variant = Variant(BLUR, "uint16_t")
    count, cases = cases_of(variant)

    def change(ptx: str) -> str:
        places = [found.span() for found in BARRIER.finditer(ptx)]
        assert len(places) == WAITS
        if removed is None:
            return ptx
        begin, end = places[removed]
        return ptx[:begin] + ptx[end:]

    flags = (*QUICKLY, *SANITIZERS["thread"])
    done = run(build(compile_cpp, tmp_path, [variant], change=change, flags=flags), cases)
    if removed is None:
        agree(done, count)
    else:
        assert re.search(r"ThreadSanitizer: (data race|SEGV)", done.stderr.decode())
