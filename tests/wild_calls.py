"""Calls of every registered op with arguments that nobody meant; tests/ops/test_wild_calls.py runs it.

``python wild_calls.py CASE OP=EXAMPLES...`` writes each call into the file CASE before it is made, so that
whoever started this process can say which one crashed it or took too long. A call must raise, or give a
result of the right shape.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor
from wild_tensors import FLOATS, INTEGERS, SEEDS, WORDS, Changed, Wild, as_tuples, changed, tensors

import gpuaug
from gpuaug.recipe.layout import ARITY, BITS, FIELDS, FIRST_FREE, WORD, Opcode
from gpuaug.sampling.labels.read import read_labels
from gpuaug.sampling.order import Order
from gpuaug.sampling.rotation import Rotation

SECONDS = 30  # for one call
STAGES = sum(BITS.values())
REFUSED = (RuntimeError, ValueError, TypeError, IndexError, MemoryError)
# ---- Calls of each op, and the shape and type of their results.


@st.composite
def keyed_draws(draw: st.DrawFn) -> tuple:
    n = draw(st.sampled_from((0, 1, 3, 40)))
    return draw(tensors((n,))), draw(tensors((n,))), draw(INTEGERS), draw(INTEGERS)


@st.composite
def uniform(draw: st.DrawFn) -> tuple:
    n = draw(st.sampled_from((0, 1, 3, 40)))
    few = st.one_of(
        st.integers(0, 30), st.integers(0, 30), st.sampled_from((-1, 2**34, 2**34 + 1, 2**62, 2**63 - 1))
    )
    counts = draw(st.lists(few, max_size=4))
    places = [draw(st.one_of(st.integers(0, 9), INTEGERS)) for _ in counts]
    if draw(st.integers(0, 9)) == 0:
        places.append(0)
    return draw(tensors((n,))), places, counts


@st.composite
def own_draws(draw: st.DrawFn) -> tuple:
    sound = torch.tensor([draw(SEEDS), draw(st.integers(0, 2**40)), draw(st.integers(0, 8))])
    return changed(draw, sound, "int64"), draw(st.one_of(st.integers(0, 40), INTEGERS))


@st.composite
def order(draw: st.DrawFn) -> tuple:
    count = draw(st.sampled_from((2, 3, 40)))
    labels = [*range(count), *draw(st.lists(st.integers(0, count - 1), max_size=20))]
    table = read_labels(np.array(labels))
    target = draw(st.sampled_from(("majority", "minority", 5)))
    turn = Rotation(table.classes, tuple(table.counts.tolist()), target).at(draw(st.integers(0, 3)))
    sound = Order(table, turn, draw(SEEDS))
    dtype = draw(st.sampled_from(("int32", "int64")))
    members = changed(draw, sound._members, draw(st.sampled_from(("int32", "int64"))))
    classes, bijections = changed(draw, sound._classes, dtype), changed(draw, sound._bijections, dtype)
    n = draw(st.sampled_from((0, 1, 3, 400)))
    positions = Changed(as_tuples(torch.arange(n).remainder(sound.total).tolist()), "int64")
    positions = draw(st.sampled_from((positions, positions, draw(tensors((n,), values="small")))))
    return members, classes, bijections, positions, draw(INTEGERS), draw(INTEGERS)


@st.composite
def assemble(draw: st.DrawFn) -> tuple:
    n = draw(st.sampled_from((0, 1, 3, 40)))
    shapes = st.sampled_from(((n,), (1,), (n, 3), (1, 2), (n, 0)))
    dtypes = st.sampled_from(("int64", "float64", "float32", "bool"))
    columns = [draw(tensors(draw(shapes), draw(dtypes), sound=95)) for _ in range(draw(st.integers(0, 4)))]
    numbers = draw(st.lists(st.one_of(st.floats(), st.sampled_from(FLOATS)), min_size=1, max_size=6))
    count = sum(1 if len(c.shape) == 1 else c.shape[1] for c in columns if len(c.shape) in (1, 2))
    named = st.integers(-len(numbers), max(count, 1) - 1 if count else -1)
    operand = st.one_of(*[named] * 20, INTEGERS) if draw(st.integers(0, 3)) == 0 else named
    code = draw(st.lists(operand, min_size=4, max_size=4))
    for opcode in draw(st.lists(st.sampled_from(Opcode), max_size=4)):
        if opcode == Opcode.WORDS:
            first = draw(st.integers(FIRST_FREE, len(FIELDS)))
            count = draw(st.integers(0, len(FIELDS) - first))
            words = draw(st.lists(operand, min_size=count, max_size=count))
            if draw(st.integers(0, 9)) == 0:
                first, count = draw(INTEGERS), draw(INTEGERS)
            bit = draw(st.sampled_from(list(BITS.values())))
            code += [int(opcode), draw(operand), bit, first, count, *words]
        else:
            code += [int(opcode), *draw(st.lists(operand, min_size=ARITY[opcode], max_size=ARITY[opcode]))]
    if draw(st.integers(0, 9)) == 0:
        code = code[: draw(st.integers(0, len(code)))]
    records = draw(tensors((n, len(FIELDS)), values="small", sound=95))
    return records, columns, numbers, code, draw(INTEGERS), draw(INTEGERS)


@st.composite
def clahe(draw: st.DrawFn) -> tuple:
    n, channels = draw(st.sampled_from((0, 1, 3, 9))), draw(st.integers(1, 5))
    height, width = draw(st.integers(1, 20)), draw(st.integers(1, 40))
    images = draw(tensors((n, channels, height, width), "uint8", "bits", sound=90))
    rows = draw(st.none() | tensors((n,), values="small"))
    if draw(st.booleans()):  # ascending ones
        rows = Changed(tuple(range(0, n, 2)), "int64")
    count = n if rows is None or isinstance(rows, Wild) else len(rows.sound)
    grid = [draw(st.one_of(*[st.integers(1, most)] * 20, INTEGERS)) for most in (height, width)]
    return images, rows, draw(tensors((count,), "float32", sound=90)), *grid


@dataclass(frozen=True)
class Records:
    """Records of anything, most of which read inside a storage of so many bytes."""

    count: int
    channels: int
    bytes: int
    seed: int

    def tensor(self) -> Tensor:
        random = torch.Generator().manual_seed(self.seed)

        def whole(low: int, high: int) -> Tensor:
            return torch.randint(low, high, (self.count,), generator=random)

        def some(p: float, shape: tuple[int, ...]) -> Tensor:
            return torch.rand(shape, generator=random) < p

        shape = (self.count, len(FIELDS))
        pool = torch.tensor(WORDS)
        kinds = torch.randint(0, 4, shape, generator=random)
        records = torch.randint(-300, 300, shape, generator=random)
        records = torch.where(kinds == 1, pool[torch.randint(len(pool), shape, generator=random)], records)
        bits = torch.randint(-(2**63), 2**63 - 1, shape, generator=random)
        records = torch.where(kinds == 2, bits >> torch.randint(0, 64, shape, generator=random), records)
        for name in (
            "xx",
            "yy",
            "xy",
            "yx",
            "x1",
            "y1",
        ):  # a map that reads the image more often than its border
            steps = torch.randn(self.count, generator=random, dtype=torch.float64) * (
                9 if name[1] == "1" else 1.5
            )
            tame = (steps * 2.0**32).long() * some(0.7 if name in ("xy", "yx") else 1.0, (self.count,))
            records[:, WORD[name]] = torch.where(some(0.8, (self.count,)), tame, records[:, WORD[name]])
        records[:, WORD["stages"]] = whole(0, STAGES + 1)
        for name, bits in {"border": 3, "blur": 2}.items():
            records[:, WORD[name]] = torch.where(
                some(0.9, (self.count,)), whole(0, bits), records[:, WORD[name]]
            )
        readable = some(0.98, (self.count,))
        for name, value in {"width": whole(1, 33), "height": whole(1, 33)}.items():
            records[:, WORD[name]] = torch.where(readable, value, records[:, WORD[name]])
        rest = self.bytes - self.channels * records[:, WORD["width"]] * records[:, WORD["height"]]
        records[:, WORD["offset"]] = torch.where(readable, rest.clamp(min=0) * some(0.7, (self.count,)), 0)
        return records


SIDES = st.one_of(st.integers(1, 40), st.integers(1, 40), st.sampled_from((64, 130)))


@st.composite
def augment_records(draw: st.DrawFn) -> tuple:
    """Sound tensors, and records of anything."""
    n, channels, size = draw(st.integers(1, 8)), draw(st.integers(1, 4)), 4096
    records = Records(n, channels, size, draw(SEEDS))
    table = line = None
    if draw(st.booleans()):
        rows = draw(st.sampled_from((1, n)))
        table = Wild(
            (rows, channels, 256), draw(st.sampled_from(("float32", "float16", "bfloat16"))), "small"
        )
        line = Wild((rows, channels, 2), "float64", "wild") if draw(st.booleans()) else None
    storage = Wild((size,), "uint8", "bits", seed=draw(SEEDS))
    booleans = [draw(st.booleans()) for _ in range(2)]
    return storage, records, table, channels, draw(SIDES), draw(SIDES), booleans[0], STAGES, booleans[1], line


@st.composite
def augment(draw: st.DrawFn) -> tuple:
    """Tensors of anything."""
    storage, records, table, channels, height, width, *rest, line = draw(augment_records())
    n = records.count
    which = draw(st.integers(0, 4))
    if which == 0:
        storage = draw(tensors((4096,), "uint8", "bits", sound=10))
    if which == 1:
        records = draw(tensors((n, len(FIELDS)), values=draw(st.sampled_from(("small", "wild"))), sound=10))
    if which == 2:
        table = draw(tensors((n, channels, 256), "float32", sound=10))
    if which == 3:
        table = table or Wild((n, channels, 256), "float32")
        line = draw(tensors((n, channels, 2), "float64", sound=10))
    if draw(st.integers(0, 7)) == 0:  # no memory is enough, or none is needed
        large = ((2**21, 2**43 + 1), (2**32, 2**32), (2**62, 4), (2**63 - 1, 1), (0, 4), (4, -1))
        height, width = draw(st.sampled_from(large))
    elif draw(st.integers(0, 9)) == 0:
        channels = draw(st.sampled_from((0, 5, -1, 2**32, 2**32 + 1, 2**63 - 1)))
    return storage, records, table, channels, height, width, *rest, line


@st.composite
def augment_in_turn(draw: st.DrawFn) -> tuple:
    """Records of anything in the first pass, and mostly sound ones in the next."""
    storage, records, table, channels, height, width, interleaved, _, last, line = draw(augment_records())
    n, sizes = records.count, [draw(SIDES), draw(SIDES)]
    later = Later(n, channels, *sizes, draw(SEEDS))
    if draw(st.integers(0, 4)) == 0:
        later = draw(tensors((n, len(FIELDS)), values="small", sound=20))
    sizes += [height, width]
    if draw(st.integers(0, 9)) == 0:
        sizes = draw(st.lists(INTEGERS, max_size=5))
    return storage, [records, later], table, channels, sizes, interleaved, last, line


@dataclass(frozen=True)
class Later:
    """Records of anything but where they read: what a pass before gives."""

    count: int
    channels: int
    height: int
    width: int
    seed: int

    def tensor(self) -> Tensor:
        records = Records(self.count, self.channels, 1 << 30, self.seed).tensor()
        size = self.channels * self.height * self.width
        own = {"offset": torch.arange(self.count) * size, "height": self.height, "width": self.width}
        for name, value in own.items():
            records[:, WORD[name]] = value
        return records


@st.composite
def mix(draw: st.DrawFn) -> tuple:
    n, m, k, size = (draw(st.sampled_from(some)) for some in ((1, 3), (0, 1, 3), (0, 2, 16), (0, 1, 200)))
    rows = draw(st.one_of(st.none(), tensors((m,), values="small")))
    m = n if rows is None else m
    images, parts = draw(tensors((n, size), "uint8", "bits")), draw(tensors((m * k, size), "uint8", "bits"))
    random = torch.Generator().manual_seed(draw(SEEDS))
    shares = Changed(as_tuples(torch.randint(0, 1800, (m, 1 + k), generator=random).tolist()), "int64")
    return images, rows, parts, draw(st.sampled_from((shares, shares, draw(tensors((m, 1 + k))))))


def made(tensor: Tensor, shape: tuple[int, ...], *dtypes: torch.dtype) -> None:
    assert (tuple(tensor.shape), tensor.dtype in dtypes) == (shape, True), (tensor.shape, tensor.dtype)
    if tensor.device.type == "cpu":
        tensor.clone()  # reads all of it


def made_image(out: Tensor, arguments: list) -> None:
    _, records, table, channels, height, width, *_ = arguments
    made(out, (len(records), channels, height, width), torch.uint8 if table is None else table.dtype)


OPS: dict[str, tuple[st.SearchStrategy, Callable[[Tensor, list], None]]] = {
    "keyed_draws": (keyed_draws(), lambda out, given: made(out, (len(given[0]), 3), given[0].dtype)),
    "uniform": (uniform(), lambda out, given: made(out, (sum(given[2]), len(given[0])), torch.float64)),
    "own_draws": (own_draws(), lambda out, given: made(out, (given[1], 3), torch.int64)),
    "order": (order(), lambda out, given: made(out, (len(given[3]), 3), given[3].dtype)),
    "augment": (augment(), made_image),
    "augment_records": (augment_records(), made_image),
    "augment_in_turn": (
        augment_in_turn(),
        lambda out, given: made_image(out, [None, given[1][-1], *given[2:4], *given[4][-2:]]),
    ),
    "mix": (mix(), lambda out, given: made(given[0], tuple(given[0].shape), torch.uint8)),
}


def made_records(stages: int, _: list) -> None:
    assert 0 <= stages <= STAGES, stages


def made_in_place(out: None, arguments: list) -> None:
    assert out is None
    if arguments[0].device.type == "cpu":
        arguments[0].clone()  # reads all of it


OPS["assemble"] = (assemble(), made_records)
OPS["clahe"] = (clahe(), made_in_place)


# ---- The program


def build(argument: object) -> object:
    if isinstance(argument, list):
        return [build(part) for part in argument]
    return argument.tensor() if hasattr(argument, "tensor") else argument


def outcome(op: Callable, call: tuple) -> tuple[list, object] | None:
    """A call's arguments after it, and its result; None where it raised, or torch has no such tensors."""
    try:
        arguments = build(list(call))
        return arguments, op(*arguments)
    except REFUSED:
        return None


def run(name: str, examples: int, file: TextIO) -> None:
    strategy, check = OPS[name]
    op = getattr(torch.ops.gpuaug, name.removesuffix("_records"))
    told = {"ran": 0, "refused": 0}

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def every_call(call: tuple) -> None:
        file.seek(0)
        file.truncate()
        file.write(f"{name}{call}")
        file.flush()
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        try:
            arguments = build(list(call))
        except REFUSED as refusal:  # torch has no such tensor
            file.write(f"\nno such tensor: {refusal}")
            return
        try:
            out = op(*arguments)
        except REFUSED:
            told["refused"] += 1
            return
        told["ran"] += 1
        check(out, arguments)

    every_call()
    print(f"{name}: {told['ran']} ran, {told['refused']} refused", flush=True)


def limit_memory() -> None:
    """So that what asks for more memory than there is gets an error, whatever the system promises."""
    status = Path("/proc/self/statm")
    if status.exists() and "ASAN_OPTIONS" not in os.environ:  # they have a limit of their own
        own = int(status.read_text().split()[0]) * resource.getpagesize()
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (own + (4 << 30), most))


if __name__ == "__main__":
    limit_memory()
    torch.set_num_threads(1)
    with Path(sys.argv[1]).open("w") as case:
        for wanted in sys.argv[2:]:
            name, examples = wanted.split("=")
            run(name, int(examples), case)
    print(gpuaug.__file__)
