"""The CUDA kernel's source, compiled for the host and run thread by thread: its bytes are the reference's."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from cases import calls
from cuda_cases import encode, encode_all, every_width, sanitizer_cases
from host_compiler import CSRC, OF_TESTS, SANITIZERS, agree, compile_cpp, compiler, missing_runtime, run
from hypothesis import given, settings

from gpuaug.ops import reference
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import BLUR, CURVES, ERASE, FIELDS, IMPULSE, SHRINK, WORD

pytestmark = pytest.mark.slow

KERNEL = "cuda/kernel.cuh"
CAUGHT = re.compile(
    r"AddressSanitizer: (heap|stack|global)-|ThreadSanitizer: data race|Sanitizer: SEGV|runtime error"
    r"|is \d+, expected \d+"
)

# What must not go unnoticed: the build's sanitizer, a file of csrc, a piece of it, and what takes its place.
BARRIERS = (
    "the first plan is made",
    "taps, covers and tables are made",
    "the band's rows are filtered across",
    "the next band may take their place",
    "the patch has its levels",
    "the tile has its levels",
    "the tile is finished",
    "no thread is at this tile any more",
)
MUTATIONS = {
    **{f"no barrier: {after}": ("thread", KERNEL, f"__syncthreads();  // {after}", "") for after in BARRIERS},
    "halo not resolved": (
        "address",
        "cuda/tile_plan.cuh",
        "resolve(at < last ? at : last, 0, axis.size, plan.blur_border)",
        "at < last ? at : last",
    ),
    "tap not resolved": (
        "address",
        "common/stages/geometry.h",
        "resolve(ty.index + 1, window.top, window.bottom, recipe.border)",
        "ty.index + 1",
    ),
    "tap of an axis not resolved": (
        "address",
        "cuda/resample_separable.cuh",
        "resolve(index, axis.low, axis.high, plan.border)",
        "index",
    ),
    "words of rows that are not aligned": ("address", "cuda/tile_plan.cuh", "recipe.width % 4 == 0 && ", ""),
    "words beyond the end of the storage": (
        "address",
        "cuda/tile_plan.cuh",
        "end + 3 <= batch.storage_bytes",
        "end <= batch.storage_bytes",
    ),
    "words that are not shifted": (
        "plain",
        "cuda/resample_separable.cuh",
        "static_cast<unsigned>(from) * 8",
        "0",
    ),
    "vector over the end of a row": (
        "address",
        "cuda/write_side_by_side.cuh",
        "first + kVector <= count",
        "first < count",
    ),
    "vector that is not aligned": (
        "address",
        "cuda/write_side_by_side.cuh",
        "/ sizeof(Value) % kAlignment",
        "/ sizeof(Value) * 0",
    ),
    "output of elements off by one": (
        "address",
        "cuda/write_side_by_side.cuh",
        "out + row * row_step;",
        "out + row * row_step + 1;",
    ),
    "vector over the end of a plane's row": (
        "address",
        "cuda/write_planes.cuh",
        "x + kVector > extent",
        "x > extent",
    ),
    "vector of a plane that is not aligned": (
        "address",
        "cuda/write_planes.cuh",
        "/ sizeof(Value) % kVector",
        "/ sizeof(Value) * 0",
    ),
    "output of planes off by one": (
        "address",
        "cuda/write_planes.cuh",
        "out + (channel * height + row) * width;",
        "out + (channel * height + row) * width + 1;",
    ),
    "levels of the wrong rows": ("plain", "cuda/write_planes.cuh", "levels += step;", "levels += step / 8;"),
    "seam without the row above": (
        "plain",
        "cuda/write_planes.cuh",
        "(four & keep) | (four_above & ~keep)",
        "four",
    ),
    "seam past the last row": ("plain", "cuda/write_planes.cuh", "row > 0 && row < rows", "row > 0"),
    "end of a row that begins in the same vector": (
        "plain",
        "cuda/write_planes.cuh",
        "if (last >= 0)",
        "if (last != 0)",
    ),
    "beginning of a row longer than the row": (
        "address",
        "cuda/write_planes.cuh",
        "min(before + extent, kVector)",
        "kVector",
    ),
    "output of strips off by one": (
        "plain",
        "cuda/output.cuh",
        "(channel * batch.height + plan.y.begin + first_row) * batch.width + plan.x.begin + x;",
        "(channel * batch.height + plan.y.begin + first_row) * batch.width + plan.x.begin + x + kVector;",
    ),
    "a blur that begins without its first rows": (
        "plain",
        "cuda/blur.cuh",
        "int row = -2 * kHalo",
        "int row = -kHalo",
    ),
    "a row of the patch in the wrong sum": (
        "plain",
        "cuda/blur.cuh",
        "sums_[2][j] + fine * centre_",
        "sums_[3][j] + fine * centre_",
    ),
    "a blur of odd columns as if they were even": (
        "plain",
        "cuda/packed.cuh",
        "j % 2 ? weights.odd[i] : weights.even[i]",
        "weights.even[i]",
    ),
    "a finished tile over the patch that is still read": (
        "thread",
        "cuda/tiling.h",
        "halo && tiling.vectors && !(stages & LevelStages::kBits)",
        "halo && tiling.vectors",
    ),
    "color without the impulse noise after it": (
        "plain",
        "cuda/color.cuh",
        "colors.over(mixed, picks)",
        "mixed",
    ),
    "curves in another order": (
        "plain",
        "cuda/curves.cuh",
        "curve_word(recipe, i)",
        "curve_word(recipe, 2 - i)",
    ),
    "curves of another level": (
        "plain",
        "cuda/level_tile.cuh",
        "(j < 4 ? levels.x : levels.y) >> shift & 0xFF",
        "levels.x >> shift & 0xFF",
    ),
    "curves and noise without the impulse noise after them": (
        "plain",
        "cuda/level_tile.cuh",
        "plan.covered ?",
        "false ?",
    ),
    "noise of the first channel": (
        "plain",
        "cuda/noise.cuh",
        "noise_bits(recipe, channel, pixel)",
        "noise_bits(recipe, 0, pixel)",
    ),
    "noise of another pixel": (
        "plain",
        "cuda/noise.cuh",
        "noise_place, own, pixel)",
        "noise_place, own, pixel + 1)",
    ),
    "green from the row of red": ("plain", "cuda/color.cuh", "mix(1, stage.green)", "mix(1, stage.red)"),
    "impulse noise where a box is erased": (
        "plain",
        "cuda/cover_tile.cuh",
        "selected(erased, kAllErased, picks)",
        "selected(erased, kAllErased | picks, picks)",
    ),
    "no impulse noise around a box": (
        "plain",
        "cuda/cover_tile.cuh",
        "begun ? picks : kAllKept",
        "kAllKept",
    ),
    "what covered the tile before": ("plain", "cuda/cover_tile.cuh", "begun ? picks : kAllKept", "picks"),
    "a box that begins with its row": ("plain", "cuda/cover_tile.cuh", "& ~left_of(begin)", ""),
    "a box that ends a pixel late": ("plain", "cuda/cover_tile.cuh", "left_of(end) &", "left_of(end + 1) &"),
    "a grid that begins elsewhere": ("plain", "cuda/cover_tile.cuh", "(x + phase) % unit", "x % unit"),
    "a grid of one unit": ("plain", "cuda/cover_tile.cuh", "at + 1 < unit ? at + 1 : 0", "at + 1"),
    "pepper in the place of salt": (
        "plain",
        "cuda/cover_tile.cuh",
        "kAllBlack, kAllWhite",
        "kAllWhite, kAllBlack",
    ),
    "a threshold without what pays for it": ("plain", "cuda/threshold.cuh", "(pair | 0x80008000u)", "pair"),
    "a threshold that is always in the lower half": (
        "plain",
        "cuda/threshold.cuh",
        "in_lower_half(threshold < 0x8000 ? ~0u : 0)",
        "in_lower_half(~0u)",
    ),
    "random bits in another order": ("plain", "cuda/threshold.cuh", "0x7351", "0x7531"),
    "covers of the other half of a strip": ("plain", "cuda/covers.cuh", "picks >> 16", "picks"),
    "a level that is covered in black": ("plain", "cuda/covers.cuh", "(pick - 4) * 8", "0"),
    "covers of the first rows": (
        "plain",
        "cuda/output.cuh",
        "all.picks + first_row * strips + strip",
        "all.picks + strip",
    ),
    "too little memory for covers": ("plain", "cuda/tiling.h", "kStripWidth / 2", "kStripWidth / 4"),
    "impulse noise of one block where it straddles two": (
        "plain",
        "cuda/strip_bits.cuh",
        "if (past == 0) return bits;",
        "return bits;",
    ),
    "table of another draw": (
        "plain",
        "cuda/tile_plan.cuh",
        "batch.table_per_draw != 0 && draw != now.draw",
        "false",
    ),
    "a column without taps": (
        "plain",
        "cuda/resample_separable.cuh",
        "i < columns; i +=",
        "i < columns - 1; i +=",
    ),
    "a source row that stays": (
        "plain",
        "cuda/resample_separable.cuh",
        "if (tap.odd != has_odd)",
        "if (has_odd < 0)",
    ),
    "both taps of a row in one": (
        "plain",
        "cuda/resample_separable.cuh",
        "even_second ? taps.second_weight : 0)",
        "0)",
    ),
    "bytes beyond the end of a row": (
        "address",
        "cuda/resample_separable.cuh",
        "min(first, width - kTapBytes)",
        "first",
    ),
    "words beyond the end of a row": (
        "address",
        "cuda/resample_separable.cuh",
        "min(first & ~3, width - 8)",
        "first & ~3",
    ),
    "rows too short for four columns": ("address", "cuda/tile_plan.cuh", "recipe.width < kTapBytes || ", ""),
    "elements before a row": ("plain", "cuda/write_side_by_side.cuh", "(place >> 2)", "(place / 4)"),
    "levels before a row of a plane": ("plain", "cuda/write_planes.cuh", "(place >> 2)", "(place / 4)"),
    "three channels in another order": (
        "plain",
        "cuda/write_side_by_side.cuh",
        "__byte_perm(early, b, 0x2410)",
        "__byte_perm(early, b, 0x2140)",
    ),
    "a vector of three channels in the place of another": (
        "plain",
        "cuda/write_side_by_side.cuh",
        "to + vector * kVector",
        "to + vector",
    ),
    "elements through another table": ("plain", "cuda/write_side_by_side.cuh", "c == 2 ? 0 : c + 1", "c"),
    "impulse noise where strips go straight": ("plain", "cuda/output.cuh", "straight && !picks", "straight"),
    "the nearest pixel blended with the next": (
        "plain",
        "common/stages/geometry.h",
        "Sampling{kNearestHalf, 0}",
        "Sampling{kNearestHalf, 2047}",
    ),
    "the nearest pixel without its half": (
        "plain",
        "common/stages/geometry.h",
        "Sampling{kNearestHalf, 0}",
        "Sampling{0, 0}",
    ),
    "a filter where the nearest pixel is read": (
        "plain",
        "common/stages/geometry.h",
        "(kBoth | kNearest)",
        "kBoth",
    ),
    "a perspective that is not divided": (
        "plain",
        "common/stages/geometry.h",
        "if (!(recipe.stages & kPerspective)) return",
        "if (true) return",
    ),
    "a perspective on a path along the axes": (
        "plain",
        "cuda/tile_plan.cuh",
        "if (recipe.stages & kPerspective) return kGather;",
        "",
    ),
    "rows divided as columns are": (
        "plain",
        "common/stages/geometry.h",
        "divided(down, divisor)}",
        "divided(across, divisor)}",
    ),
    "a filter across where the border is": (
        "plain",
        "cuda/resample_antialias.cuh",
        "shows_beyond(coordinate, axis.low, axis.high, plan.border)",
        "false",
    ),
    "a filter down, pixel by pixel, where the border is": (
        "plain",
        "cuda/resample_gather.cuh",
        "shows_beyond(coordinate, window.top, window.bottom, recipe.border)",
        "false",
    ),
    "a filter across, pixel by pixel, where the border is": (
        "plain",
        "cuda/resample_gather.cuh",
        "shows_beyond(coordinate, window.left, window.right, recipe.border)",
        "false",
    ),
    "a border of the first channel's level": (
        "plain",
        "cuda/resample_gather.cuh",
        "outside_level(recipe, c)",
        "outside_level(recipe, 0)",
    ),
    "a border that is black beside a filter": (
        "plain",
        "cuda/resample_gather.cuh",
        "left < 0 ? outside :",
        "left < 0 ? 0 :",
    ),
    "a border that is not black on a path that has only black": (
        "plain",
        "cuda/tile_plan.cuh",
        "recipe.border == kZero && recipe.outside != 0",
        "false",
    ),
    "band longer than its memory": (
        "address",
        "cuda/resample_antialias.cuh",
        "> shared.tiling.fine_rows",
        "> 99",
    ),
}


# ---- Building: the true source and the mutated ones, two at a time, each once.

Build = Callable[..., Path]


def compile_program(folder: Path, sanitizer: str, mutation: str | None) -> Path:
    place = folder / re.sub(r"\W+", "_", mutation or sanitizer)
    shutil.copytree(CSRC, place)
    if mutation:
        _, name, old, new = MUTATIONS[mutation]
        text = (CSRC / name).read_text()
        assert text.count(old) == 1, f"csrc/{name} holds the piece to mutate {text.count(old)} times: {old!r}"
        (place / name).write_text(text.replace(old, new))
    flags = [*SANITIZERS[sanitizer], *(["-O0", "-w"] if mutation else []), "-I", str(place)]
    return compile_cpp([OF_TESTS / "cuda_on_cpu.cpp"], place / "cuda_on_cpu", *flags)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    folder = tmp_path_factory.mktemp("cuda_on_cpu")
    compiler()
    wanted = [(sanitizer, None) for sanitizer in SANITIZERS]
    wanted += [(mutation[0], name) for name, mutation in MUTATIONS.items()]
    programs: dict[tuple[str, str | None], Future[Path]] = {}
    pool = ThreadPoolExecutor(max_workers=2)
    for key in wanted:
        if not missing_runtime(key[0]):
            programs[key] = pool.submit(compile_program, folder, *key)

    def program(sanitizer: str, mutation: str | None = None) -> Path:
        if why := missing_runtime(sanitizer):
            pytest.skip(why)
        return programs[sanitizer, mutation].result()

    yield program
    pool.shutdown(cancel_futures=True)


# ---- Tests


@given(call=calls(most_pixels=130))
@settings(max_examples=25, deadline=None)
def test_cuda_source_equals_reference(build: Build, call: tuple):
    count, cases = encode_all([call])
    agree(run(build("plain"), cases), count)


def test_every_width(build: Build):
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


@pytest.mark.parametrize("sanitizer", ["plain", "address"])
def test_a_record_with_stages_that_the_batch_lacks_goes_without_them(build: Build, sanitizer: str):
    """Covers and curves have no shared memory then."""
    storage = torch.arange(3 * 40 * 70).mul(77).remainder(251).byte()
    records = RecipeBuilder.of_batch((1, 3, 40, 70)).recipes((40, 70)).records
    for name, value in {
        "stages": BLUR | IMPULSE | ERASE | CURVES,
        "salt": 30000,
        "box0": 9 << 32,
        "curve0": 1,
    }.items():
        records[:, WORD[name]] = value
    calls = [(storage, records, None, 3, 40, 70, False, stages, False) for stages in (0, BLUR, CURVES)]
    count, cases = encode_all(calls)
    agree(run(build(sanitizer), cases), count)


def test_a_record_outside_the_storage_reads_nothing(build: Build):
    records = torch.zeros(1, len(FIELDS), dtype=torch.int64)
    records[0, WORD["stages"]], records[0, WORD["width"] : WORD["height"] + 1] = 63, 2**40
    call = torch.ones(16, dtype=torch.uint8), records, None, 1, 4, 4, False, 63, False
    done = run(build("plain"), encode(call, torch.zeros(1, 1, 4, 4, dtype=torch.uint8)))
    agree(done, 1)


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_cuda_source_is_clean_under(build: Build, sanitizer: str):
    count, cases = sanitizer_cases()
    done = run(build(sanitizer), cases)
    agree(done, count)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutation_is_caught(build: Build, mutation: str):
    _, cases = sanitizer_cases()
    done = run(build(MUTATIONS[mutation][0], mutation), cases)
    assert done.returncode != 0
    assert CAUGHT.search(done.stderr.decode()), done.stderr.decode()


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
    assert body.count("__syncthreads") == len(BARRIERS)
    assert not any("__syncthreads" in source for source in sources.values())  # none hides in another file
