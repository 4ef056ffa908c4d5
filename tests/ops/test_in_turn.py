"""The op ``gpuaug::augment_in_turn``: passes as one after another, in both implementations."""

import pytest
import torch
from cases import calls
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug.ops import reference
from gpuaug.ops.in_turn import run_in_turn
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import AUTOCONTRAST, CONTRAST, CONTRAST_UNIT, EQUALIZE, POSTERIZE, WORD


@st.composite
def chains(draw: st.DrawFn, most_pixels: int = 24) -> tuple:
    """The arguments of the op: draws of which each has something to do in some of the passes."""
    storage, records, table, channels, height, width, interleaved, _, channels_last = draw(calls(most_pixels))
    n, random = len(records), torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    passes, sizes = [records], [height, width]

    def some(p: float = 0.4) -> torch.Tensor:
        return torch.rand(n, generator=random) < p

    for _ in range(draw(st.integers(0, 3))):
        builder = RecipeBuilder.of_batch((n, channels, height, width))
        if draw(st.integers(0, 2)) == 0:
            height, width = draw(st.integers(1, most_pixels)), draw(st.integers(1, most_pixels))
            builder.resize((width, height))
        builder.border("zero", some())
        builder.affine(torch.randn(n, 4, generator=random, dtype=torch.float64), (0.25, 0.0), some())
        builder.blur(torch.rand(n, generator=random) * 3 + 0.05, some(0.2))
        builder.color(torch.randn(n, 12, generator=random), some(0.2))
        for curve, parameter in ((POSTERIZE, 3), (EQUALIZE, 0), (CONTRAST, 3 * CONTRAST_UNIT // 2)):
            builder.curve(curve, parameter, some(0.2))
        builder.cut_out((0.5, 0.5), (4, 3), 9, some(0.2))
        passes.append(builder.recipes((height, width)).records)
        sizes += [height, width]
    return storage, passes, table, channels, sizes, interleaved, channels_last


def one_by_one(storage, passes, table, channels, sizes, interleaved, channels_last):
    """Each pass of the whole batch, by the other op's reference."""
    stages = 0
    for number, records in enumerate(passes):
        for own in records[:, 0].tolist():
            stages |= own
        size, last = sizes[2 * number : 2 * number + 2], number + 1 == len(passes)
        out = reference.augment(
            *(storage, records, table if last else None, channels, *size, interleaved, stages),
            channels_last and last,
        )
        storage, interleaved = out.flatten(), False
    return out


OPS = [pytest.param(torch.ops.gpuaug.augment_in_turn, marks=pytest.mark.native), reference.augment_in_turn]
both = pytest.mark.parametrize("op", OPS, ids=["op", "reference"])


@both
@pytest.mark.parametrize("threads", [1, 4])
@given(chain=chains())
@settings(max_examples=120, deadline=None)
def test_passes_in_one_op_equal_single_passes(op, threads, chain):
    """With many threads few draws are cut into strips."""
    had = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        out, expected = op(*chain), one_by_one(*chain)
    finally:
        torch.set_num_threads(had)
    assert out.dtype == expected.dtype
    assert torch.equal(out, expected)
    layout = torch.channels_last if chain[-1] else torch.contiguous_format
    assert out.numel() == 0 or out.is_contiguous(memory_format=layout)


@both
def test_tall_draws_in_strips(op):
    """Of one draw every thread has a part in each pass, and in what it counts."""
    images = torch.randint(60, 200, (1, 3, 90, 33), dtype=torch.uint8)
    passes = []
    for curve in (EQUALIZE, AUTOCONTRAST):
        builder = RecipeBuilder.of_batch((1, 3, 90, 33))
        builder.affine((0.9, 0.1, -0.1, 0.9), (0.1, 0.0))
        builder.blur(1.0)
        builder.curve(curve)
        passes.append(builder.recipes((90, 33)).records)
    call = (images.flatten(), passes, None, 3, [90, 33] * 2, False, False)
    assert torch.equal(op(*call), one_by_one(*call))


@pytest.mark.native
@given(chain=chains(most_pixels=12))
@settings(max_examples=15, deadline=None)
def test_augment_in_turn_passes_opcheck(chain):
    torch.library.opcheck(torch.ops.gpuaug.augment_in_turn.default, chain)


def two_passes():
    records = RecipeBuilder.of_batch((2, 1, 4, 4)).recipes((4, 4)).records
    return [torch.zeros(32, dtype=torch.uint8), [records, records.clone()], None, 1, [4] * 4, False, False]


def put(word: str, value: int):
    def change(call: list) -> None:
        call[1][1][1, WORD[word]] = value

    return change


def give(position: int, value: object):
    return lambda call: call.__setitem__(position, value)


@both
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (give(4, [4, 4]), "sizes must be a height and a width for each of the records, .* got 2 for 2"),
        (give(1, []), "of one pass at least, got 4 for 0"),
        (give(4, [0, 4, 4, 4]), "the output size must be positive, got 0 x 4"),
        (put("offset", 0), "draw 1 must read what its pass before gives, 4 x 4 from 16 on, got 4 x 4 from 0"),
        (put("width", 3), "draw 1 must read what its pass before gives, 4 x 4 from 16 on, got 4 x 3"),
        (lambda call: call[1].__setitem__(0, call[1][0][:1]), "records must be of the same draws in each"),
        (give(0, torch.zeros(31, dtype=torch.uint8)), "draw 1 reads outside the images"),
    ],
)
def test_wrong_passes_are_refused(op, change, message):
    call = two_passes()
    change(call)
    with pytest.raises(RuntimeError, match=message):
        op(*call)


def test_bytes_on_the_host_run_in_turn():
    few, many = torch.zeros(1, 4, 8, 8, dtype=torch.uint8), torch.zeros(1, 5, 8, 8, dtype=torch.uint8)
    assert [run_in_turn(images, torch.device("cpu")) for images in (few, many, few.float())] == [
        True,
        False,
        False,
    ]
