"""The CUDA kernel's source, compiled for the host and run thread by thread: its bytes are the reference's."""

from __future__ import annotations

import functools
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from cases import calls
from hypothesis import Phase, given, settings
from torch import Tensor

from gpuaug import reference
from gpuaug.recipe import Draft, blur_weights
from gpuaug.record import FIELDS, SHRINK, WORD

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
KERNEL = "augment_kernel.cuh"
FLAGS = ["-O1", "-g1", "-std=c++20", "-pthread", "-Wall", "-Wextra", "-Werror"]
SANITIZERS = {
    "plain": [],
    "address": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "thread": ["-fsanitize=thread"],
}
# Leaks are not looked for: that needs ptrace, which containers forbid.
OPTIONS = {"ASAN_OPTIONS": "detect_leaks=0", "TSAN_OPTIONS": "halt_on_error=1"}
CAUGHT = re.compile(
    r"AddressSanitizer: \w+-buffer-overflow|ThreadSanitizer: data race|runtime error|is \d+, expected \d+"
)

# What must not go unnoticed: the build's sanitizer, a file of csrc, a piece of it, and what takes its place.
MUTATIONS = {
    "no barrier after the fill": (
        *("thread", KERNEL),
        "__syncthreads();\n        blur_patch_across(patch, recipe);",
        "blur_patch_across(patch, recipe);",
    ),
    "no barrier after the blur across": (
        *("thread", KERNEL),
        "blur_patch_across(patch, recipe);\n        __syncthreads();",
        "blur_patch_across(patch, recipe);",
    ),
    "no barrier before the next fill": ("thread", KERNEL, "__syncthreads();  // the next", "// the next"),
    "halo not resolved across": (
        *("address", KERNEL),
        "resolve(tile_x + column - kHalo, 0, batch.width, border)",
        "tile_x + column - kHalo",
    ),
    "halo not resolved down": (
        *("address", KERNEL),
        "resolve(tile_y + row - kHalo, 0, batch.height, border)",
        "tile_y + row - kHalo",
    ),
    "tap not resolved": (
        *("address", "stages.h"),
        "resolve(ty.index + 1, window.top, window.bottom, recipe.border)",
        "ty.index + 1",
    ),
    "output off by one": ("address", KERNEL, "+ x * to.column;", "+ x * to.column + 1;"),
    "shared memory not filled": (
        *("plain", KERNEL),
        "i < kPatchHeight * kPatchWidth;",
        "i < kPatchHeight * kPatchWidth - 1;",
    ),
}


# ---- Building: the true source and the mutated ones, two at a time, each once.

Build = Callable[..., Path]


def compiler() -> str:
    found = shutil.which("g++") or shutil.which("clang++")
    if found is None:
        pytest.skip("needs a C++ compiler")
    return found


@functools.cache
def missing_runtime(sanitizer: str, folder: Path) -> str:
    """Why programs under this sanitizer do not run here; "" where they do."""
    source, program = folder / "trivial.cpp", folder / f"trivial_{sanitizer}"
    source.write_text("#include <barrier>\nint main() {}\n")
    command = [compiler(), *FLAGS, *SANITIZERS[sanitizer], str(source), "-o", str(program)]
    for step in command, [*launcher(), str(program)]:
        done = subprocess.run(step, capture_output=True, text=True, timeout=60)
        if done.returncode:
            wanted = " ".join(["C++20's <barrier>", *SANITIZERS[sanitizer]])
            return f"needs a compiler and a runtime for {wanted}: {done.stderr.strip()[-300:]}"
    return ""


def compile_program(folder: Path, sanitizer: str, mutation: str | None) -> Path:
    place = folder / (mutation or sanitizer).replace(" ", "_")
    shutil.copytree(CSRC, place)
    if mutation:
        _, name, old, new = MUTATIONS[mutation]
        text = (CSRC / name).read_text()
        assert text.count(old) == 1, f"csrc/{name} holds the piece to mutate {text.count(old)} times: {old!r}"
        (place / name).write_text(text.replace(old, new))
    program = place / "cuda_on_cpu"
    source = ROOT / "tests" / "csrc" / "cuda_on_cpu.cpp"
    command = [compiler(), *FLAGS, *SANITIZERS[sanitizer], "-I", str(place), str(source), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[:2000]
    return program


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    folder = tmp_path_factory.mktemp("cuda_on_cpu")
    compiler()
    wanted = [(sanitizer, None) for sanitizer in SANITIZERS]
    wanted += [(mutation[0], name) for name, mutation in MUTATIONS.items()]
    programs: dict[tuple[str, str | None], Future[Path]] = {}
    pool = ThreadPoolExecutor(max_workers=2)
    for key in wanted:
        if not missing_runtime(key[0], folder):
            programs[key] = pool.submit(compile_program, folder, *key)

    def program(sanitizer: str, mutation: str | None = None) -> Path:
        if why := missing_runtime(sanitizer, folder):
            pytest.skip(why)
        return programs[sanitizer, mutation].result()

    yield program
    pool.shutdown(cancel_futures=True)


@functools.cache
def launcher() -> tuple[str, ...]:
    """ThreadSanitizer's memory map and a kernel's randomised one may collide: not where it is turned off."""
    fixed = ("setarch", os.uname().machine, "-R")
    if shutil.which("setarch") and subprocess.run([*fixed, "true"], capture_output=True).returncode == 0:
        return fixed
    return ()


def run(program: Path, cases: bytes) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | OPTIONS
    return subprocess.run(
        [*launcher(), program], input=cases, capture_output=True, timeout=60, env=environment
    )


# ---- Cases: the op's arguments and the expected output, as tests/csrc/cuda_on_cpu.cpp reads them.


def raw(tensor: Tensor) -> bytes:
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


def encode(call: tuple, expected: Tensor) -> bytes:
    storage, records, table, channels, height, width, interleaved, stages, channels_last = call
    table_bytes = b"" if table is None else raw(table)
    per_draw = 0 if table is None or len(table) == 1 else channels * 256
    header = struct.pack(
        "11q",
        *(storage.numel(), len(records), len(table_bytes), per_draw, channels, height, width),
        *(interleaved, stages, channels_last, expected.element_size()),
    )
    if channels_last:
        expected = expected.permute(0, 2, 3, 1)
    return header + raw(storage) + raw(records) + table_bytes + raw(expected)


def chain(
    *names: str,
    source: tuple[int, int],
    size: tuple[int, int],
    channels: int = 1,
    table: torch.dtype | None = None,
    layouts: tuple[bool, bool] = (False, False),
) -> tuple:
    """A call with two draws, each of an image of its own; sizes are (height, width)."""
    random = torch.Generator().manual_seed(len(names) + channels + source[0])
    storage = torch.randint(256, (2 * channels * source[0] * source[1],), generator=random, dtype=torch.uint8)
    draft = Draft.of_batch((2, channels, *source))
    if "crop" in names:
        draft.crop(torch.tensor([[-2, 1], [3, -1]]), (source[1] - 2, source[0] - 3))
    draft.border("reflect")
    draft.resize((size[1], size[0]))
    if "article" in names:
        draft.blur(None)
    if "gaussian" in names:
        draft.blur(blur_weights(torch.tensor([0.7, 2.0])))
    if "noise" in names:
        draft.noise(torch.tensor([0.2, 0.1]), torch.tensor([0.1, 0.3]), torch.tensor([5, -6]), 1)
    recipes = draft.recipes(size)
    values = None if table is None else torch.randn(2, channels, 256, generator=random).to(table)
    return storage, recipes.records, values, channels, *size, layouts[0], recipes.stages, layouts[1]


# Several tiles, the last ones partly outside the output; every stage; every element size.
CHAINS = (
    chain("article", source=(11, 40), size=(11, 40), channels=3),
    chain("gaussian", "crop", "noise", source=(9, 20), size=(19, 35), channels=2, table=torch.float32),
    chain("noise", source=(6, 7), size=(17, 33), channels=4, table=torch.float16, layouts=(True, True)),
    chain("crop", "article", source=(50, 90), size=(10, 34), table=torch.bfloat16, layouts=(False, True)),
    chain("crop", source=(60, 12), size=(9, 33), channels=3, layouts=(True, False)),
)


@functools.cache
def sanitizer_cases() -> tuple[int, bytes]:
    chosen = list(CHAINS)

    @given(calls(most_pixels=34))
    @settings(max_examples=12, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    def choose(call: tuple) -> None:
        chosen.append(call)

    choose()
    return len(chosen), b"".join(encode(call, reference.augment(*call)) for call in chosen)


# ---- Tests


@given(call=calls(most_pixels=40))
@settings(max_examples=60, deadline=None)
def test_cuda_source_equals_reference(build: Build, call: tuple):
    done = run(build("plain"), encode(call, reference.augment(*call)))
    assert (done.stderr.decode(), done.stdout) == ("", b"1 cases agree\n")


def test_a_record_that_shrinks_without_geometry_is_copied(build: Build):
    recipes = Draft.of_batch((1, 1, 4, 4)).recipes((4, 4))
    records = recipes.records
    records[0, WORD["stages"]], records[0, WORD["xx"] : WORD["yy"] + 1] = SHRINK, 2**33
    storage = torch.arange(16, dtype=torch.uint8)
    call = storage, records, None, 1, 4, 4, False, SHRINK, False
    assert torch.equal(reference.augment(*call).flatten(), storage)
    assert torch.equal(torch.ops.gpuaug.augment(*call).flatten(), storage)
    done = run(build("plain"), encode(call, storage.view(1, 1, 4, 4)))
    assert (done.stderr.decode(), done.stdout) == ("", b"1 cases agree\n")


def test_a_record_outside_the_storage_reads_nothing(build: Build):
    records = torch.zeros(1, len(FIELDS), dtype=torch.int64)
    records[0, WORD["stages"]], records[0, WORD["width"] : WORD["height"] + 1] = 15, 2**40
    call = torch.ones(16, dtype=torch.uint8), records, None, 1, 4, 4, False, 15, False
    done = run(build("plain"), encode(call, torch.zeros(1, 1, 4, 4, dtype=torch.uint8)))
    assert (done.stderr.decode(), done.stdout) == ("", b"1 cases agree\n")


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_cuda_source_is_clean_under(build: Build, sanitizer: str):
    count, cases = sanitizer_cases()
    done = run(build(sanitizer), cases)
    assert (done.stderr.decode(), done.stdout) == ("", f"{count} cases agree\n".encode())


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutation_is_caught(build: Build, mutation: str):
    _, cases = sanitizer_cases()
    done = run(build(MUTATIONS[mutation][0], mutation), cases)
    assert done.returncode != 0
    assert CAUGHT.search(done.stderr.decode()), done.stderr.decode()


def test_no_thread_returns_before_a_barrier():
    """One thread that returned early would leave its block waiting for ever, on a GPU without any word."""
    text = re.sub(r"//.*", "", (CSRC / KERNEL).read_text())
    head, body = re.search(r"__global__(.*?)\{(.*?)^\}", text, re.DOTALL | re.MULTILINE).groups()
    assert "augment_kernel" in head
    assert not re.search(r"\breturn\b", body)
    assert body.count("__syncthreads") == text.count("__syncthreads") > 0  # none hides in another function
