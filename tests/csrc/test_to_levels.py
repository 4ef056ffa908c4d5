"""The CUDA source that makes levels of values, compiled for the host and run thread by thread."""

from __future__ import annotations

import re
import shutil
import struct
from pathlib import Path

import pytest
import torch
from host_compiler import CSRC, OF_TESTS, SANITIZERS, agree, compile_cpp, compiler, missing_runtime, run
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations.levels import MUTATIONS
from torch import Tensor

from gpuaug.ops import to_levels
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import GEOMETRY, WORD
from gpuaug.recipe.reading import read_through

pytestmark = pytest.mark.slow

KINDS = {torch.uint8: 1, torch.uint16: 2, torch.int16: 3}
UNTOUCHED = 0x4D
SPANS = (510 * 7, 37 * 16 + 5, 1, 37 * 4096 + 5)  # of the first, many a value lies halfway between two levels
CAUGHT = re.compile(
    r"AddressSanitizer: (heap|stack|global)-|ThreadSanitizer: data race|Sanitizer: SEGV|runtime error"
    r"|is \d+, expected \d+"
)
CASES = {name: (file, *case) for file, found in MUTATIONS.items() for name, case in found.items()}


def compile_program(folder: Path, sanitizer: str, mutation: str | None = None) -> Path:
    if why := missing_runtime(sanitizer):
        pytest.skip(why)
    compiler()
    flags = [*SANITIZERS[sanitizer], *(["-O0", "-w"] if mutation else [])]
    place = CSRC
    if mutation:
        name, _, old, new = CASES[mutation]
        place = folder / "csrc"
        shutil.copytree(CSRC, place)
        text = (CSRC / name).read_text()
        assert text.count(old) == 1, f"csrc/{name} holds the piece to mutate {text.count(old)} times: {old!r}"
        (place / name).write_text(text.replace(old, new))
    return compile_cpp([OF_TESTS / "levels_on_cpu.cpp"], folder / sanitizer, *flags, "-I", str(place))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_program(tmp_path_factory.mktemp("levels"), "plain")


def raw(tensor: Tensor) -> bytes:
    return tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def encode(
    images: Tensor, windows: Tensor, records: Tensor, interleaved: bool, levels: int, blocks: int
) -> bytes:
    """A case of images ``(N, C, H, W)``: what its draws read becomes levels, all else stays."""
    _, channels, height, width = images.shape
    storage = images.permute(0, 2, 3, 1).reshape(-1) if interleaved else images.flatten()
    expected = torch.full((levels,), UNTOUCHED, dtype=torch.uint8)
    for n, record in enumerate(records):
        offset, left, top, right, bottom, stages = (
            int(record[WORD[name]]) for name in ("offset", "left", "top", "right", "bottom", "stages")
        )
        start = int(windows[n, 0])
        if not 0 <= start <= storage.numel() - images[0].numel() or offset > levels - images[0].numel():
            continue  # reads or lies outside
        own = record[None].clone()
        own[0, WORD["offset"]] = 0
        made = to_levels.to_levels(storage, windows[n : n + 1], own, channels, interleaved, images[0].numel())
        read = torch.zeros(channels, height, width, dtype=torch.bool)
        if stages & GEOMETRY:
            read[:, top:bottom, left:right] = True
        else:
            read[:] = True
        read = read.permute(1, 2, 0).flatten() if interleaved else read.flatten()
        part = expected[offset : offset + len(made)]
        part[read] = made[read]
    header = struct.pack(
        "7q", KINDS[images.dtype], storage.numel(), len(records), channels, interleaved, levels, blocks
    )
    return header + raw(storage) + raw(windows) + raw(records) + raw(expected)


def images_of(dtype: torch.dtype, *shape: int) -> Tensor:
    limits = torch.iinfo(dtype)
    random = torch.Generator().manual_seed(sum(shape))
    return torch.randint(limits.min, limits.max + 1, shape, generator=random).to(dtype)


def case(images: Tensor, interleaved: bool, blocks: int, cropped: bool = True) -> bytes:
    """Draws of images in another order, each through its own window, the first without geometry."""
    count, _, height, width = shape = tuple(images.shape)
    index = torch.arange(count).flip(0)
    builder = RecipeBuilder.of_batch(shape, index)
    if cropped:
        builder.crop((width // 3, height // 4), (max(width // 2, 1), max(height // 2, 1)), index > 0)
        builder.resize((width, height), index > 0)
    recipes = builder.recipes((height, width))
    if cropped:  # what a record without geometry says of one goes for nothing
        recipes.records[-1, WORD["right"]] = recipes.records[-1, WORD["bottom"]] = 1
    low = torch.arange(count) * 1601 - 3001
    span = torch.tensor(SPANS)[torch.arange(count) % len(SPANS)]
    recipes = read_through(recipes, torch.stack((low, low + span), dim=1), shape)
    return encode(
        images, recipes.reading.windows, recipes.records, interleaved, recipes.reading.values, blocks
    )


def wild_case() -> bytes:
    """Records and windows that say what is not so: all but the last draw are left alone."""
    images = images_of(torch.int16, 6, 2, 5, 7)
    recipes = read_through(
        RecipeBuilder.of_batch((6, 2, 5, 7)).recipes((5, 7)), torch.tensor([[0, 99]] * 6), images.shape
    )
    windows, records = recipes.reading.windows, recipes.records
    windows[0, 0], windows[1, 0], windows[2, 0] = -7, 2**62, images.numel() - 69
    records[3, WORD["offset"]], records[4, WORD["offset"]] = images.numel() - 69, 2**62
    windows[5, 1:] = torch.tensor([2**63 - 1, -(2**63)])
    return encode(images, windows, records, False, images.numel(), 2)


def all_cases() -> tuple[int, bytes]:
    cases = [
        case(images_of(dtype, 4, channels, *size), interleaved, blocks)
        for dtype in KINDS
        for channels, size, interleaved, blocks in (
            *[(1, (1, 1), False, 1), (3, (9, 40), False, 2), (4, (11, 13), True, 3), (7, (6, 70), False, 1)],
            *[(1, (256, 1), False, 4), (3, (12, 12), True, 1)],
        )
    ]
    every = torch.arange(-32768, 32768).to(torch.int16).view(1, 1, 256, 256).expand(4, 1, 256, 256)
    cases += [case(every.contiguous(), False, 4, cropped=False), wild_case()]
    return len(cases), b"".join(cases)


@given(
    dtype=st.sampled_from(list(KINDS)),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 12), st.integers(1, 70)),
    interleaved=st.booleans(),
    blocks=st.integers(1, 4),
)
@settings(max_examples=25, deadline=None)
def test_cuda_source_equals_reference(plain, dtype, shape, interleaved, blocks):
    agree(run(plain, case(images_of(dtype, *shape), interleaved, blocks)), 1)


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_cuda_source_is_clean_under(tmp_path: Path, sanitizer: str):
    count, cases = all_cases()
    agree(run(compile_program(tmp_path, sanitizer), cases), count)


@pytest.mark.thorough  # a compiler for each
@pytest.mark.parametrize("mutation", CASES)
def test_a_mutation_is_caught(tmp_path: Path, mutation: str):
    done = run(compile_program(tmp_path, CASES[mutation][1], mutation), all_cases()[1])
    assert done.returncode != 0
    assert CAUGHT.search(done.stderr.decode()), done.stderr.decode()
