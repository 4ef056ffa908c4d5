"""No argument of a registered op crashes, hangs or reads outside: wild calls, and each fault that was one."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
import wild_calls
from hypothesis import assume, given, settings
from torch import Tensor
from torch.utils import cpp_extension

from gpuaug.ops import backends, clahe, keyed, reference
from gpuaug.recipe import assemble
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import FIELDS, WORD, Opcode
from gpuaug.sampling import order as sampling_order
from gpuaug.sampling.labels.read import read_labels
from gpuaug.sampling.order import Order
from gpuaug.sampling.rotation import Rotation

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests/wild_calls.py"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FLAGS = ["-std=c++20", "-fPIC", "-O1", "-g1", "-ffp-contract=off", "-fvisibility=hidden", *SANITIZERS]
TARGET = re.search(r'STABLE_TARGET = "(0x\w+)"', (ROOT / "setup.py").read_text())[1]
FLAGS += [f"-DTORCH_TARGET_VERSION={TARGET}", "-DGPUAUG_ALL_VECTORS="]
# Leaks are not looked for: Python has its own. An allocation that is refused is torch's error.
OPTIONS = "detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=4096"


# ---- The CPU library under sanitizers, and a package around it


def compiler() -> list[str]:
    found = os.environ.get("CXX", "").split() or [shutil.which("g++")]
    if not found[0] or platform.system() != "Linux" or "clang" in found[0]:
        pytest.skip("needs g++ and Linux")
    return found


def runtimes() -> str:
    """The sanitizers' libraries, and that of C++ whose exceptions they watch: loaded before Python."""
    names = ("libasan.so", "libubsan.so", "libstdc++.so")
    found = [
        subprocess.check_output([*compiler(), f"-print-file-name={name}"], text=True).strip()
        for name in names
    ]
    if not all(os.path.isabs(path) for path in found):
        pytest.skip("the compiler has no library for its sanitizers")
    return " ".join(found)


def quick(source: Path) -> bool:
    """Not those that include torch's headers: these are compiled first."""
    return "torch/csrc" not in source.read_text()


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a gpuaug whose CPU library is compiled with sanitizers."""
    folder = tmp_path_factory.mktemp("sanitized")
    runtimes()
    include = [f"-I{path}" for path in (ROOT / "csrc", *cpp_extension.include_paths())]

    def compile_source(source: Path) -> Path:
        made = folder / f"{source.parent.name}_{source.stem}.o"
        command = [*compiler(), *FLAGS, *include, "-c", source, "-o", made]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        return made

    with ThreadPoolExecutor(max_workers=2) as pool:
        parts = list(pool.map(compile_source, sorted((ROOT / "csrc").glob("**/*.cpp"), key=quick)))
    package = folder / "gpuaug"
    shutil.copytree(
        ROOT / "gpuaug", package, ignore=shutil.ignore_patterns("*.so", "__pycache__", "embedded")
    )
    libraries = [f"-L{path}" for path in cpp_extension.library_paths()]
    command = [
        *compiler(),
        "-shared",
        *SANITIZERS,
        *parts,
        *libraries,
        "-ltorch_cpu",
        "-o",
        package / "_C.abi3.so",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    build = dict.fromkeys(("gpuaug", "torch", "machine", "cuda", "arches", "why_no_cuda"))
    (package / "_build.json").write_text(json.dumps(build | {"schemas": list(backends.SCHEMAS)}))
    return folder


# ---- Wild calls


def run(case: Path, environment: dict[str, str], **examples: int) -> tuple[dict[str, int], str]:
    """How many calls of each op ran, and where the package was."""
    command = [sys.executable, PROGRAM, case, *(f"{name}={count}" for name, count in examples.items())]
    variables = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=400, env=variables, cwd=case.parent
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line and not line.startswith("frame #")]
        found = [line for line in said if re.search(r"ERROR: |runtime error|Timeout|Error: ", line)]
        pytest.fail("\n".join([f"exit status {done.returncode}", case.read_text(), *found[-3:], *said[-30:]]))
    *lines, place = done.stdout.splitlines()
    ran = {name: int(count) for name, count in re.findall(r"(\w+): (\d+) ran", "\n".join(lines))}
    assert ran.keys() == examples.keys()
    return ran, place


WILD = (
    *("keyed_draws", "uniform", "own_draws", "order", "assemble"),
    *("augment", "augment_in_turn", "mix", "clahe"),
)


def test_wild_calls_under_sanitizers(sanitized: Path, tmp_path: Path):
    environment = {"PYTHONPATH": str(sanitized), "LD_PRELOAD": runtimes(), "ASAN_OPTIONS": OPTIONS}
    # Four or five records a call: the numbers are bounded by time.
    ran, place = run(tmp_path / "case", environment, **dict.fromkeys(WILD, 150), augment_records=400)
    assert place == str(sanitized / "gpuaug/__init__.py")
    assert all(count > 25 for count in ran.values()), ran
    assert ran["augment_records"] > 300


@pytest.mark.parametrize("backend", [pytest.param("cpu", marks=pytest.mark.native), "reference"])
def test_wild_calls_of_ops_never_crash(backend: str, tmp_path: Path):
    environment = {"PYTHONPATH": str(ROOT), "GPUAUG_REFERENCE": str(int(backend == "reference"))}
    ran, _ = run(tmp_path / "case", environment, **dict.fromkeys(WILD, 60), augment_records=60)
    assert all(ran.values()), ran


# ---- Each fault that was one, in both implementations

LONGS = torch.arange(3)
RECORDS = RecipeBuilder.of_batch((2, 1, 4, 4)).recipes((4, 4)).records
STORAGE = torch.zeros(32, dtype=torch.uint8)


def freed(tensor: Tensor, left: int = 0) -> Tensor:
    tensor = tensor.clone()
    tensor.untyped_storage().resize_(left)
    return tensor


def augment(op: Callable, **changed: object) -> Tensor:
    given = {"storage": STORAGE, "records": RECORDS, "table": None, "channels": 1, "height": 4, "width": 4}
    given |= {"interleaved": False, "stages": 0, "channels_last": False, "line": None} | changed
    return op(*given.values())


def assembled(op: Callable, columns: list[Tensor], records: Tensor = RECORDS) -> int:
    return op(
        records.clone() if records.untyped_storage().nbytes() else records, columns, [0.0], [-1] * 4, 4, 4
    )


def order(op: Callable, part: int, change: Callable[[Tensor], object], wide: bool = True) -> Tensor:
    table = read_labels([0, 1, 1, 1, 0, 1, 1])
    sound = Order(table, Rotation(table.classes, tuple(table.counts.tolist()), "majority").at(0), seed=0)
    parts = [sound._members, sound._classes, sound._bijections]
    parts = [tensor.to(torch.int64 if wide else torch.int32, copy=True) for tensor in parts]
    result = change(parts[part])
    if isinstance(result, Tensor):
        parts[part] = result
    return op(*parts, torch.arange(sound.total), 0, 0)


IMAGES = torch.arange(3 * 2 * 4 * 6, dtype=torch.uint8).view(3, 2, 4, 6)


def equalize(op: Callable, **changed: object) -> None:
    """The op ``clahe`` on two of three images, with some of its arguments changed."""
    sound = {"images": IMAGES, "rows": LONGS[:2], "clip_limit": torch.ones(2), "down": 2, "across": 2}
    op(*(sound | changed).values())


def put(where: object, value: int) -> Callable[[Tensor], None]:
    return lambda tensor: tensor.__setitem__(where, value)


OPS = {
    "keyed_draws": (keyed.keyed_draws, torch.ops.gpuaug.keyed_draws),
    "uniform": (keyed.uniform, torch.ops.gpuaug.uniform),
    "order": (sampling_order.reference, torch.ops.gpuaug.order),
    "assemble": (assemble.assemble, torch.ops.gpuaug.assemble),
    "augment": (reference.augment, torch.ops.gpuaug.augment),
    "clahe": (clahe.clahe, torch.ops.gpuaug.clahe),
}
BYTES = "must lie in its storage, which has {} bytes"
ONE_DEVICE = "must be on one device"
FOLLOW = "classes must follow one another"
MEMBERS = "with samples among the 7 members"
ONE_OVER = "bijections must have one over the samples of each class"


@pytest.mark.parametrize("which", ["reference", "op"])
@pytest.mark.parametrize(
    ("name", "call", "message"),
    [
        (
            "uniform",
            lambda op: op(LONGS, [0] * 4, [1 << 62] * 4),
            r"counts must be at most 2\*\*34, got 46116",
        ),
        ("uniform", lambda op: op(LONGS, [0] * 3, [1]), "counts must be as many as places"),
        ("uniform", lambda op: op(LONGS, [0], [-1]), "counts must be at least 0, got -1"),
        ("uniform", lambda op: op(LONGS, [-1], [1]), r"places must be in \[0, 2\*\*32\), got -1"),
        ("uniform", lambda op: op(LONGS, [2**32], [1]), r"places must be in \[0, 2\*\*32\), got 4294967296"),
        ("uniform", lambda op: op(freed(LONGS), [0], [1]), f"keys {BYTES.format(0)}"),
        ("keyed_draws", lambda op: op(LONGS, freed(LONGS, 16), 0, 0), f"copy {BYTES.format(16)}"),
        ("keyed_draws", lambda op: op(LONGS, LONGS.to("meta"), 0, 0), ONE_DEVICE),
        ("order", lambda op: order(op, 1, Tensor.zero_), r"positions must be in \[0, 0\)"),
        ("order", lambda op: order(op, 1, put(np.s_[:, 0], 0)), FOLLOW),
        ("order", lambda op: order(op, 1, put(np.s_[:2], -1)), r"positions must be in \[0, -1\)"),
        ("order", lambda op: order(op, 2, Tensor.zero_), "bijections must begin with one over the positions"),
        ("order", lambda op: order(op, 2, put(np.s_[:, 1:], 0)), ONE_OVER),
        ("order", lambda op: order(op, 2, put(np.s_[0, 2:], -1)), ONE_OVER),
        ("order", lambda op: order(op, 2, put(np.s_[1, 2:], 2**31 - 1)), ONE_OVER),
        ("order", lambda op: order(op, 2, put(np.s_[-1, 1:], 99)), ONE_OVER),
        ("order", lambda op: order(op, 1, put(np.s_[3, 1:], 2**30)), MEMBERS),
        (
            "order",
            lambda op: order(op, 1, put(np.s_[4, 1:], -1)),
            "an offset among its samples",
        ),
        ("order", lambda op: order(op, 0, lambda t: t[:0]), "with samples among the 0 members"),
        ("order", lambda op: order(op, 0, freed), f"members {BYTES.format(0)}"),
        ("assemble", lambda op: assembled(op, [freed(LONGS[:2])]), f"columns {BYTES.format(0)}"),
        ("assemble", lambda op: assembled(op, [], freed(RECORDS)), f"records {BYTES.format(0)}"),
        ("assemble", lambda op: assembled(op, [LONGS[:2].to("meta")]), ONE_DEVICE),
        ("augment", lambda op: augment(op, storage=freed(STORAGE)), f"storage {BYTES.format(0)}"),
        ("augment", lambda op: augment(op, records=freed(RECORDS, 500)), f"records {BYTES.format(500)}"),
        ("augment", lambda op: augment(op, table=freed(torch.zeros(1, 1, 256))), f"table {BYTES.format(0)}"),
        ("augment", lambda op: augment(op, records=RECORDS.to("meta")), ONE_DEVICE),
        # 2**21 * (2**43 + 1) wraps to 2**21 in 64 bits.
        (
            "augment",
            lambda op: augment(op, height=2**21, width=2**43 + 1),
            "the output is too large: 2 x 1 x 2097152",
        ),
        ("clahe", lambda op: equalize(op, images=freed(IMAGES)), f"images {BYTES.format(0)}"),
        ("clahe", lambda op: equalize(op, rows=freed(LONGS[:2], 8)), f"rows {BYTES.format(8)}"),
        ("clahe", lambda op: equalize(op, clip_limit=freed(torch.ones(2), 4)), "clip_limit must lie in its"),
        ("clahe", lambda op: equalize(op, images=IMAGES.to("meta")), ONE_DEVICE),
        ("clahe", lambda op: equalize(op, images=IMAGES[:, :, :, ::2]), "images must be contiguous or chan"),
        ("clahe", lambda op: equalize(op, images=IMAGES.float()), "images must be contiguous or channels_la"),
        ("clahe", lambda op: equalize(op, clip_limit=torch.ones(3)), r"clip_limit must be float32 \(2,\)"),
        ("clahe", lambda op: equalize(op, rows=LONGS[:2].int()), r"rows must be int64 \(n\)"),
        ("clahe", lambda op: equalize(op, rows=torch.tensor([1, 1])), r"rows must ascend within \[0, 3\)"),
        ("clahe", lambda op: equalize(op, rows=torch.tensor([-1, 1])), r"rows must ascend within \[0, 3\)"),
        ("clahe", lambda op: equalize(op, rows=torch.tensor([1, 3])), r"rows must ascend within \[0, 3\)"),
        ("clahe", lambda op: equalize(op, down=4), r"must be in \[1, 4\) and \[1, 6\), got 4 and 2"),
        ("clahe", lambda op: equalize(op, across=0), r"must be in \[1, 4\) and \[1, 6\), got 2 and 0"),
        (
            "clahe",
            lambda op: equalize(op, images=torch.empty(3, 0, 2**16, 2**17, dtype=torch.uint8)),
            "a tile must have at most 2147483647 pixels, got 32769 x 65537",
        ),
    ],
)
def test_a_wild_argument_is_refused(which: str, name: str, call: Callable, message: str):
    with pytest.raises(RuntimeError, match=message):
        call(OPS[name][which == "op"])


OVERFULL = "state must count images from 0 and name a rank"


@pytest.mark.parametrize(
    ("state", "count", "message"),
    [
        (freed(LONGS), 2, f"state {BYTES.format(0)}"),
        (freed(LONGS, 8), 2, f"state {BYTES.format(8)}"),
        (LONGS.double(), 2, r"state must be int64 \(3,\), got torch.float64"),
        (LONGS[:2], 2, r"state must be int64 \(3,\), got torch.int64 \(2,\)"),
        (torch.tensor([0, -5, 0]), 2, rf"{OVERFULL} .*, got -5 and 0"),
        (torch.tensor([0, 5, -1]), 2, rf"{OVERFULL} .*, got 5 and -1"),
        (torch.tensor([0, 5, 2**31]), 2, rf"{OVERFULL} .*, got 5 and 2147483648"),
        (LONGS, -1, "count must be at least 0, got -1"),
        (torch.tensor([0, 2**63 - 1, 0]), 1, r"below 2\*\*63, got 1 after 9223372036854775807"),
        (LONGS, 2**62, "Storage size calculation overflowed|allocate"),
    ],
)
def test_own_draws_of_a_wild_state_are_refused_and_not_counted(state: Tensor, count: int, message: str):
    before = state.tolist() if state.untyped_storage().nbytes() >= 16 else None
    with pytest.raises((RuntimeError, ValueError), match=message):
        torch.ops.gpuaug.own_draws(state, count)
    assert before is None or state.tolist() == before


@pytest.mark.parametrize("which", ["reference", "op"])
@pytest.mark.parametrize("wide", [False, True], ids=["int32", "int64"])
def test_no_table_of_one_number_hangs(which: str, wide: bool):
    for part in (1, 2):
        for value in (0, -1, 1, 2**31 - 1):
            with pytest.raises(RuntimeError, match=r"positions|classes|bijections"):
                order(OPS["order"][which == "op"], part, lambda t, v=value: t.fill_(v), wide)


@pytest.mark.parametrize("which", ["reference", "op"])
def test_no_numbers_of_any_number_of_keys(which: str):
    keys = torch.zeros(1, dtype=torch.int64).expand(2**50)
    assert OPS["uniform"][which == "op"](keys, [3], [0]).shape == (0, 2**50)


@pytest.mark.native
@given(wild_calls.assemble())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_wild_programs_give_the_same_records(call: tuple):
    records, columns, *_ = call
    # PyTorch works on memory that the op refuses, and not on meta.
    assume((records.layout, records.device) == ("plain", "cpu"))
    assume(all(column.layout != "misaligned" for column in columns))
    ours, theirs = (wild_calls.outcome(op, call) for op in OPS["assemble"])
    assert (ours is None) == (theirs is None)
    if ours is not None:
        assert ours[1] == theirs[1]
        assert torch.equal(ours[0][0], theirs[0][0])


@pytest.mark.native
def test_memory_between_two_elements_is_refused():
    keys = torch.frombuffer(bytearray(25), dtype=torch.int64, offset=1)
    with pytest.raises(RuntimeError, match="keys must be aligned to its elements of 8 bytes"):
        torch.ops.gpuaug.uniform(keys, [0], [1])


def test_any_number_of_columns():
    many = torch.tensor([[4]]).expand(1, 2**40)
    made = [torch.zeros(2, len(FIELDS), dtype=torch.int64) for _ in range(2)]
    for op, records in zip(OPS["assemble"], made, strict=True):
        op(records, [many, torch.tensor([7])], [0.0], [-1, -1, 2**40 - 1, 2**40], 4, 4)
        assert records[:, WORD["width"]].tolist() == [4, 4]
        assert records[:, WORD["height"]].tolist() == [7, 7]


def test_offsets_and_boxes_wrap():
    """Where a sum is beyond 64 bits: as Python's integers modulo 2**64, in both implementations."""
    far = [2**63 - 1, -(2**63), 2**62, -(2**62) - 1, 5]
    first, step, size = (torch.tensor(far[k:] + far[:k]) for k in range(3))
    columns = [first, step, torch.stack((size, first), dim=1)]
    place = torch.tensor(
        [[0.5, 1e300], [-1e300, 0.5], [2.0**62, -(2.0**62)], [0.0, 1.0], [1.0, 0.0]]
    ).double()
    code = [0, 1, -1, -1, int(Opcode.CUT_OUT), -2, 4, 5, 2, 3, -2]
    made = [torch.zeros(5, len(FIELDS), dtype=torch.int64) for _ in range(2)]
    for op, records in zip(OPS["assemble"], made, strict=True):
        op(records, [*columns, place], [10.0, 1.0], code, 4, 4)
    assert torch.equal(*made)
    wrapped = [
        (a + n * b + 2**63) % 2**64 - 2**63
        for n, (a, b) in enumerate(zip(first.tolist(), step.tolist(), strict=True))
    ]
    assert made[1][:, WORD["offset"]].tolist() == wrapped
