"""Programs: the compiled op and the reference make the same records, to the bit; and the right ones."""

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug.recipe import assemble, program
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import (
    ARITY,
    BLUR,
    BORDERS,
    COLOR,
    CURVES,
    ERASE,
    FIELDS,
    FIRST_FREE,
    GEOMETRY,
    NEAREST,
    NOISE,
    TRIES,
    WORD,
    Opcode,
)
from gpuaug.recipe.program import Program

SIDES = st.integers(1, 400)


@st.composite
def programs(draw):
    """A program of any entries in any order, each for some draws: columns, constants, code and count."""
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    n = draw(st.integers(1, 7))

    def column(number, low, high):
        """Between two bounds: one number for all, or a column of any type and memory layout."""
        low, high = (low, high) if isinstance(low, tuple) else ((low,), (high,))
        rows = torch.rand(1 if draw(st.integers(0, 9)) == 0 else n, len(low), generator=random).double()
        values = torch.tensor(low) + rows * (torch.tensor(high) - torch.tensor(low))
        values = values.round() if number is int else values
        kind = draw(st.integers(0, 4))
        if kind == 0:
            given = tuple(values[0].tolist())
            return given if len(given) > 1 else given[0]
        values = values.T.contiguous().T if draw(st.booleans()) else values
        values = values if kind < 3 else values.float() if number is float else values.long()
        return values if len(low) > 1 or draw(st.booleans()) else values[:, 0]

    def selection():
        return draw(st.sampled_from((True, torch.rand(n, generator=random) < 0.5)))

    def extent():
        return column(int, (1, 1), (draw(SIDES), draw(SIDES)))

    def entry(made, opcode):
        low, high = sorted((draw(SIDES) / 100, draw(SIDES) / 100))
        keys = torch.randint(-(2**63), 2**63 - 1, (n, 2), generator=random)[:, 1]
        operands = {
            Opcode.CROP: lambda: (
                column(draw(st.sampled_from((int, float))), (-9, -9), (200, 200)),
                extent(),
            ),
            Opcode.WINDOW: lambda: (column(float, (0, 0), (0.999, 0.999)), extent(), column(int, 0, 9)),
            Opcode.FIT: lambda: (
                column(float, (0, 0), (0.999, 0.999)),
                (low, high),
                torch.rand(n, TRIES, generator=random).double() * draw(st.sampled_from((0.01, 1.0, 3.0))),
                (torch.rand(TRIES, n, generator=random).double() + low).T,
            ),
            Opcode.RESIZE: lambda: (extent(), draw(st.booleans())),
            Opcode.FLIP: lambda: (draw(st.integers(0, 1)),),
            Opcode.AFFINE: lambda: (
                column(float, (-2,) * 4, (2,) * 4),
                column(float, 0.1, 3),
                column(float, (-0.5, -0.5), (0.5, 0.5)),
            ),
            Opcode.BORDER: lambda: (
                draw(st.sampled_from(list(BORDERS.values()))),
                draw(st.integers(0, 2**32 - 1)),
            ),
            Opcode.NEAREST: lambda: (),
            Opcode.PERSPECTIVE: lambda: (
                column(float, (-2, -2, -9, -2, -2, -9, -0.01, -0.01), (2, 2, 9, 2, 2, 9, 0.01, 0.01)),
            ),
            Opcode.BLUR: lambda: (draw(st.integers(0, 1)), column(float, 0.01, 9)),
            Opcode.IMPULSE: lambda: (keys, draw(st.integers(0, 2**32 - 1)), *(column(float, 0, 0.5),) * 2),
            Opcode.ADJUST: lambda: (
                column(float, (0,) * 3, (2,) * 3),
                torch.rand(n, generator=random) < 0.5,
                column(float, (-1, -1), (1, 1)),
            ),
            Opcode.CUT_OUT: lambda: (
                column(float, (0, 0), (0.999, 0.999)),
                column(int, (0, 0), (70_000, 99)),
                column(int, 0, 255),
            ),
            Opcode.COLOR: lambda: (column(float, (-3,) * 12, (3,) * 12),),
            Opcode.CURVE: lambda: (draw(st.sampled_from((0, 1283, keys))),),
        }
        if opcode == Opcode.WORDS:
            first = draw(st.sampled_from(FIELDS[FIRST_FREE:]))
            most = len(FIELDS) - WORD[first]
            words = (draw(st.sampled_from((0, -5, keys, column(int, 0, 9000)))) for _ in range(most))
            count = draw(st.integers(0, most))
            made.write_words(1 << draw(st.integers(0, 9)), first, selection(), *islice(words, count))
        else:
            made.write(opcode, selection(), *operands[opcode]())

    first = draw(st.sampled_from((0, torch.randint(2**62, (n,), generator=random))))
    made = Program(first, draw(st.integers(0, 2**20)), extent())
    for opcode in draw(st.lists(st.sampled_from(Opcode), max_size=8)):
        entry(made, opcode)
    return made.columns, made.constants, made.code, n


@pytest.mark.native
@given(programs(), SIDES, SIDES)
@settings(max_examples=400, deadline=None)
def test_cpp_equals_reference(made, height, width):
    columns, numbers, code, n = made
    ours, theirs = (torch.full((n, len(FIELDS)), -1) for _ in range(2))
    union = torch.ops.gpuaug.assemble(ours, columns, numbers, code, height, width)
    assert union == assemble.assemble(theirs, columns, numbers, code, height, width)
    assert torch.equal(ours, theirs)
    assert union & ~program.possible_stages(numbers, code) == 0


@pytest.mark.native
def test_cpp_equals_reference_in_large_batches():
    n = 5000  # several threads' shares
    builder = RecipeBuilder.of_batch((n, 3, 40, 30))
    builder.window(torch.rand(n, 2), (20, 10), torch.rand(n) < 0.5)
    builder.resize((25, 35), antialias=False)
    builder.blur(1.5, torch.arange(n) == n - 1)
    made = builder._program.columns, builder._program.constants, builder._program.code
    ours, theirs = (torch.empty(n, len(FIELDS), dtype=torch.int64) for _ in range(2))
    union = torch.ops.gpuaug.assemble(ours, *made, 35, 25)
    assert union == assemble.assemble(theirs, *made, 35, 25) == GEOMETRY | BLUR
    assert torch.equal(ours, theirs)


# ---- Entries, by hand. A fixed-point one is 2**32.

ONE = 1 << 32


def record(*entries, size, extent=(10, 8)):
    made = Program(5, 0, extent)
    for opcode, *operands in entries:
        if operands and isinstance(operands[0], str):
            made.write_words(opcode, operands[0], True, *operands[1:])
        else:
            made.write(opcode, True, *operands)
    records = torch.empty(1, len(FIELDS), dtype=torch.int64)
    union = torch.ops.gpuaug.assemble(records, made.columns, made.constants, made.code, *size)
    fields = dict(zip(FIELDS, records[0].tolist(), strict=True))
    assert fields["stages"] == union
    return {name: value for name, value in fields.items() if value != WHOLE.get(name, 0)}


def box(left, top, right, bottom):
    return left | top << 16 | right << 32 | bottom << 48


HALF = (0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0)
ONES = dict.fromkeys(("rr", "gg", "bb"), 4096)
# exp(-2) and exp(-1/2) of 1 + 2 * (exp(-2) + exp(-1/2)), twice, in 2**-15.
OF_SIGMA_1 = {"stages": 2, "outer": 3571, "inner": 16004}
WHOLE = {"offset": 5, "width": 10, "height": 8, "xx": ONE, "yy": ONE, "right": 10, "bottom": 8}


@pytest.mark.parametrize(
    ("entries", "size", "expected"),
    [
        ([], (8, 10), {}),
        ([(Opcode.CROP, (2, 3), (4, 4))], (4, 4), {"stages": 1, "x1": 2 * ONE, "y1": 3 * ONE}),
        # 10 - 4 + 2 * 1 leaves 9 positions, 8 - 4 + 2 * 1 leaves 7; half of each is 4.5 and 3.5.
        ([(Opcode.WINDOW, (0.5, 0.5), (4, 4), 1)], (4, 4), {"stages": 1, "x1": 3 * ONE, "y1": 2 * ONE}),
        ([(Opcode.FLIP, 0)], (8, 10), {"stages": 1, "xx": -ONE, "x1": 9 * ONE}),
        ([(Opcode.FLIP, 1), (Opcode.FLIP, 1)], (8, 10), {}),
        (
            [(Opcode.CROP, (2, 0), (5, 8)), (Opcode.RESIZE, (10, 8), True)],
            (8, 10),
            {"stages": 1, "xx": ONE // 2, "x1": 2 * ONE - ONE // 4, "left": 2, "right": 7},
        ),
        ([(Opcode.RESIZE, (5, 8), False)], (8, 5), {"stages": 1, "xx": 2 * ONE, "x1": ONE // 2}),
        ([(Opcode.RESIZE, (5, 8), True)], (8, 5), {"stages": 9, "xx": 2 * ONE, "x1": ONE // 2}),
        # The fourth try fits: a fifth of 80 pixels at a ratio of 1 is 4 x 4, at half of 7 and of 5 positions.
        (
            [(Opcode.FIT, (0.5, 0.5), (1, 1), (2, 3, 1.2, *[0.2] * 7), (1,) * 10)],
            (4, 4),
            {"stages": 1, "x1": 3 * ONE, "y1": 2 * ONE},
        ),
        # The root of 6.25 is 2.5: half to even, as every rounding here.
        (
            [(Opcode.FIT, (0, 0), (1, 1), (6.25 / 80,) * 10, (1,) * 10), (Opcode.RESIZE, (2, 2), False)],
            (2, 2),
            {"stages": 1},
        ),
        # None fits: all of the height, and as much of the width, in the middle.
        ([(Opcode.FIT, (0, 0), (0.5, 1), (2,) * 10, (1,) * 10)], (8, 8), {"stages": 1, "x1": ONE}),
        # A quarter turn of 10 x 8 pixels about (5, 4): x = y + 1 and y = 9 - x, of pixels' corners.
        (
            [(Opcode.AFFINE, (0, 1, -1, 0), 1, (0, 0))],
            (8, 10),
            {"stages": 1, "xx": 0, "yy": 0, "xy": ONE, "yx": -ONE, "x1": ONE, "y1": 8 * ONE},
        ),
        # At twice the size, about the middle.
        (
            [(Opcode.AFFINE, (1, 0, 0, 1), 2, (0, 0))],
            (8, 10),
            {"stages": 1, "xx": ONE // 2, "yy": ONE // 2, "x1": 9 * ONE // 4, "y1": 7 * ONE // 4},
        ),
        # Moved by half of 6 pixels, and a tenth of 4, none; a crop's edge becomes the window's.
        (
            [(Opcode.CROP, (1, 2), (6, 4)), (Opcode.AFFINE, (1, 0, 0, 1), 1, (0.5, 0.1))],
            (4, 6),
            {"stages": 1, "x1": -2 * ONE, "y1": 2 * ONE, "left": 1, "top": 2, "right": 7, "bottom": 6},
        ),
        ([(Opcode.AFFINE, (1, 0, 0, 1), 1, (0.25, 0))], (8, 10), {"stages": 1, "x1": -2 * ONE}),
        # After it, a resize narrows the window no more.
        (
            [
                (Opcode.AFFINE, (1, 0, 0, 1), 1, (0, 0)),
                (Opcode.CROP, (2, 0), (5, 8)),
                (Opcode.RESIZE, (10, 8), True),
            ],
            (8, 10),
            {"stages": 1, "xx": ONE // 2, "x1": 2 * ONE - ONE // 4},
        ),
        ([(Opcode.BORDER, 1, 0x2A09)], (8, 10), {"border": 1, "outside": 0x2A09}),
        ([(Opcode.NEAREST,)], (8, 10), {"stages": NEAREST}),
        (
            [(Opcode.RESIZE, 5, 4, 1), (Opcode.NEAREST,)],
            (4, 5),
            {
                **{"stages": GEOMETRY | NEAREST, "xx": 2 * ONE, "yy": 2 * ONE},
                **{"x1": ONE // 2, "y1": ONE // 2},
            },
        ),
        ([(Opcode.BLUR, 1, 1)], (8, 10), {"stages": 2, "blur": 1}),
        ([(Opcode.BLUR, 1, 1), (Opcode.BLUR, 0, 1)], (8, 10), OF_SIGMA_1),
        ([(Opcode.BLUR, 0, 1), (Opcode.BLUR, 2, 1.5)], (8, 10), {"stages": 2, "blur": 2, "outer": 98304}),
        (
            [(Opcode.IMPULSE, torch.tensor([-(2**63)]), 2**32 - 1, 0.5, 0.25)],
            (8, 10),
            {"stages": 4, "key": -(2**63), "place": 2**32 - 1, "salt": 1 << 15, "pepper": 3 << 14},
        ),
        # Half of everything, then an eighth of white more of red, and green and blue in each other's place.
        (
            [(Opcode.COLOR, HALF), (Opcode.COLOR, (1, 0, 0, 0.125, 0, 0, 1, 0, 0, 1, 0, 0))],
            (8, 10),
            {"stages": COLOR, "rr": 2048, "gb": 2048, "bg": 2048, "r1": 255 * 512},
        ),
        # The other way round the eighth is halved too.
        (
            [(Opcode.COLOR, (1, 0, 0, 0.125, 0, 0, 1, 0, 0, 1, 0, 0)), (Opcode.COLOR, HALF)],
            (8, 10),
            {"stages": COLOR, "rr": 2048, "gb": 2048, "bg": 2048, "r1": 255 * 256},
        ),
        # Rounded once, at the end: half of -3 steps is -1.5, to even.
        (
            [(Opcode.COLOR, HALF), (Opcode.COLOR, (-3 / 4096, *[0] * 11))],
            (8, 10),
            {"stages": COLOR, "rr": -2},
        ),
        (
            [(Opcode.IMPULSE, torch.tensor([0]), 0, 2.5 / 65536, 2 / 65536)],
            (8, 10),
            {"stages": 4, "salt": 2, "pepper": 4},
        ),
        # Half as bright, then twice the contrast: 2 * (value / 2) - 1/2.
        (
            [(Opcode.ADJUST, 0.5, 2, 1, True, (1, 0))],
            (8, 10),
            {"stages": COLOR, **ONES, **dict.fromkeys(("r1", "g1", "b1"), -255 * 2048)},
        ),
        # The other way round what contrast takes away is halved too.
        (
            [(Opcode.ADJUST, 0.5, 2, 1, False, (1, 0))],
            (8, 10),
            {"stages": COLOR, **ONES, **dict.fromkeys(("r1", "g1", "b1"), -255 * 1024)},
        ),
        # Without saturation all are grey: 0.299, 0.587 and 0.114 of 4096.
        (
            [(Opcode.ADJUST, 1, 1, 0, False, (1, 0))],
            (8, 10),
            {
                "stages": COLOR,
                **dict.fromkeys(("rr", "gr", "br"), 1225),
                **dict.fromkeys(("rg", "gg", "bg"), 2404),
                **dict.fromkeys(("rb", "gb", "bb"), 467),
            },
        ),
        # 10 x 8 pixels: about pixel 5, 4 a box of 3 x 2; about the last ones one that is cut off.
        (
            [(Opcode.CUT_OUT, (0.5, 0.5), (3, 2), 9), (Opcode.CUT_OUT, (0.99, 0.99), (4, 4), 7)],
            (8, 10),
            {"stages": ERASE, "fill": 7, "box0": box(4, 3, 7, 5), "box1": box(7, 5, 10, 8)},
        ),
        (
            [(Opcode.CUT_OUT, (0, 0), (3, 2), 9)],
            (8, 10),
            {"stages": ERASE, "fill": 9, "box0": box(0, 0, 2, 1)},
        ),
        (
            [(Opcode.CURVE, 7), (Opcode.CURVE, 8), (NOISE, "noise", 7, 6, 8, 9, 5)],
            (8, 10),
            {
                **{"stages": CURVES | NOISE, "curve0": 7, "curve1": 8, "key": 5},
                **{"noise": 7, "noise_place": 6, "noise_low": 8, "noise_span": 9},
            },
        ),
    ],
)  # fmt: skip
def test_each_entry_makes_the_words_by_hand(entries, size, expected):
    assert record(*entries, size=size) == expected


# ---- Faults


LAST = len(FIELDS) - 1
RECORDS = rf"records must be contiguous int64 \(n, {len(FIELDS)}\)"


def call(columns=(), numbers=(0, 1, 2, 2), code=(-1, -2, -3, -4), records=None):
    records = torch.empty(2, len(FIELDS), dtype=torch.int64) if records is None else records
    return torch.ops.gpuaug.assemble(records, list(columns), list(numbers), list(code), 4, 4)


@pytest.mark.native
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"records": torch.empty(2, 21, dtype=torch.int64)}, RECORDS),
        ({"records": torch.empty(2, len(FIELDS))}, RECORDS),
        ({"columns": [torch.zeros(3)]}, r"columns must be \(n\) or \(n, k\), for the n of 2 draws"),
        ({"columns": [torch.zeros(2, 1, 1)]}, r"columns must be \(n\) or \(n, k\), for the n of 2 draws"),
        ({"columns": [torch.zeros(2).half()]}, "columns must be float64, int64, float32 or bool"),
        ({"code": [-1, -2, -3]}, "code must begin with four operands"),
        ({"code": [-1, -2, -3, -5]}, "code names constant 4 of 4"),
        ({"code": [-1, -2, -3, 1], "columns": [torch.zeros(2)]}, "code names column 1 of 1"),
        ({"code": [-1, -2, -3, -4, len(Opcode)]}, f"code has no entry {len(Opcode)}"),
        ({"code": [-1, -2, -3, -4, -1]}, "code has no entry -1"),
        ({"code": [-1, -2, -3, -4, Opcode.FLIP, -1]}, "code ends within an entry"),
        ({"code": [-1, -2, -3, -4, Opcode.WORDS, -1, 1, 40]}, "code ends within an entry"),
        ({"code": [-1, -2, -3, -4, Opcode.WORDS, -1, 1, 40, 1]}, "code ends within an entry"),
        (
            {"code": [-1, -2, -3, -4, Opcode.WORDS, -1, 1, FIRST_FREE - 1, 1, -1]},
            rf"code writes 1 words from {FIRST_FREE - 1} on, of those in \[{FIRST_FREE}, {len(FIELDS)}\)",
        ),
        (
            {"code": [-1, -2, -3, -4, Opcode.WORDS, -1, 1, LAST, 2, -1, -1]},
            f"code writes 2 words from {LAST} on",
        ),
        ({"code": [-1, -2, -3, -4, Opcode.WORDS, -1, 1, 2**63 - 1, 2**63 - 1]}, "code writes "),
        ({"code": [-1, -2, -3, -4, Opcode.WORDS, -1, 1, LAST, -1]}, f"code writes -1 words from {LAST} on"),
    ],
)
def test_cpp_checks_its_arguments(arguments, message):
    with pytest.raises(RuntimeError, match=message):
        call(**arguments)


@pytest.mark.parametrize("opcode", Opcode)
def test_an_entry_that_selects_no_draw_is_not_written(opcode):
    made = Program(0, 3, (1, 1))
    before = list(made.code), list(made.constants)
    made.write(opcode, False, *(1.0,) * (ARITY[opcode] - 1))
    made.write_words(NOISE, "noise", False, 1.0)
    assert (made.code, made.constants) == before


def test_every_entry_has_operands():
    assert set(ARITY) == set(Opcode)


def test_assemble_passes_opcheck():
    made = Program(torch.tensor([0, 9]), 0, (2, 2))
    made.write(Opcode.FLIP, torch.tensor([True, False]), 0)
    records = torch.empty(2, len(FIELDS), dtype=torch.int64)
    torch.library.opcheck(
        torch.ops.gpuaug.assemble.default,
        (records, made.columns, made.constants, made.code, 4, 4),
        test_utils=("test_schema", "test_faketensor"),  # a graph holds the reference, which gives no number
    )
