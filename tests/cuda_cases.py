"""Calls of the op that take every path of the CUDA kernel, and how tests/csrc/cases.h reads them."""

from __future__ import annotations

import functools
import itertools
import struct

import torch
from cases import calls
from hypothesis import Phase, given, settings
from torch import Tensor

from gpuaug.images.packed import Packed
from gpuaug.ops import reference
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import (
    AUTOCONTRAST,
    BITS,
    CONTRAST,
    EQUALIZE,
    FACTOR,
    FIRST_CHANNEL,
    GEOMETRY,
    NORMAL,
    PER_CHANNEL,
    PER_PIXEL,
    POSTERIZE,
    POWER,
    SHRINK,
    SOLARIZE,
    WORD,
)

ONE, MANY = 1, 132  # multiprocessors: the fewer, the larger the tiles


def raw(tensor: Tensor) -> bytes:
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


def encode(call: tuple, expected: Tensor, multiprocessors: int = ONE, least_aligned: bool = False) -> bytes:
    """A case. ``least_aligned``: addresses as little aligned as csrc/common/batch.h allows."""
    storage, records, table, channels, height, width, interleaved, stages, channels_last, *line = call
    table_bytes = b"" if table is None else raw(table)
    line_bytes = b"".join(map(raw, line))
    per_draw = 0 if table is None or len(table) == 1 else channels * 256
    header = struct.pack(
        "14q",
        *(
            storage.numel(),
            len(records),
            len(table_bytes),
            per_draw,
            len(line_bytes),
            channels,
            height,
            width,
        ),
        *(interleaved, stages, channels_last, expected.element_size(), multiprocessors, least_aligned),
    )
    if channels_last:
        expected = expected.permute(0, 2, 3, 1)
    return header + raw(storage) + raw(records) + table_bytes + line_bytes + raw(expected)


def encode_all(chosen: list[tuple], sizes: tuple[int, ...] = (ONE, MANY)) -> tuple[int, bytes]:
    """How many cases, and their encoding: every call with large tiles and with small ones, in turn at round
    addresses and at the least aligned ones.
    """
    cases = list(itertools.chain(*(tilings_of(call, n, sizes) for n, call in enumerate(chosen))))
    return len(cases), b"".join(cases)


def tilings_of(call: tuple, number: int, sizes: tuple[int, ...] = (ONE, MANY)) -> list[bytes]:
    """The cases of a call; ``number`` says which of them has the least aligned addresses."""
    expected = reference.augment(*call)
    return [
        encode(call, expected, multiprocessors, least_aligned=(number + i) % 2 == 1)
        for i, multiprocessors in enumerate(sizes)
    ]


def chain(
    *names: str,
    sources: list[tuple[int, int]],
    size: tuple[int, int],
    channels: int = 1,
    table: torch.dtype | None = None,
    layouts: tuple[bool, bool] = (False, False),
    border: str = "reflect",
    fill: tuple[int, ...] = (0,),
) -> tuple:
    """A call with a draw for each source image.

    Sizes are (height, width), layouts (interleaved, channels_last).
    """
    random = torch.Generator().manual_seed(len(names) + channels + size[1])
    n = len(sources)
    bytes_of_all = sum(channels * height * width for height, width in sources)
    storage = torch.randint(256, (bytes_of_all,), generator=random, dtype=torch.uint8)
    packed = Packed.of_sizes(storage, sources, channels, layouts[0])
    builder = RecipeBuilder.of_packed(packed)
    odd = torch.arange(n) % 2 == 1
    if "crop" in names:
        extent = torch.stack((packed.widths - 3, packed.heights - 2), dim=1).clamp(min=1)
        builder.crop(torch.tensor([[-2, 1], [3, -1]]).repeat(n, 1)[:n], extent)
    builder.border(border, fill=fill)
    if "small" in names:  # in the middle of what lies beyond it
        builder.affine((1, 0, 0, 1), (0.1, -0.2), scale=torch.linspace(0.4, 0.7, n))
    if "nearest" in names:
        builder.interpolate("nearest", odd)
    builder.resize((size[1], size[0]))
    if "perspective" in names:
        bottom = torch.linspace(-0.5, 0.5, 2 * n).view(n, 2) / torch.tensor((size[1], size[0]))
        rows = torch.tensor((0.9, 0.2, -3.0, -0.1, 1.1, 2.0)).expand(n, 6)
        builder.perspective(torch.cat((rows, bottom), dim=1), torch.arange(n) != 1)
    if "flip" in names:
        builder.flip(0, odd)
        builder.flip(1, ~odd)
    if "article" in names:
        builder.blur(None, ~odd)
    if "gaussian" in names:
        builder.blur(torch.linspace(0.5, 2.0, n), odd)
    if "sharpen" in names:
        builder.sharpen(torch.linspace(0.0, 3.0, n), torch.arange(n) % 3 != 1)
    if "color" in names:
        builder.color(torch.randn(n, 12, generator=random), torch.arange(n) % 3 != 1)
    if "equalized" in names:
        builder.curve(EQUALIZE, 0, odd)
    if "curves" in names:
        builder.curve(POWER, torch.arange(n) * 9000 + 40000, torch.arange(n) % 3 != 2)
        builder.curve(SOLARIZE, 3 << 22, odd)
        builder.curve(POSTERIZE, 5, ~odd)
    if "inverted" in names:
        builder.curve(SOLARIZE, 3 << 22, odd)
    if "measured" in names:
        some = torch.arange(n) % 5 != 0
        builder.curve(EQUALIZE, 0, some & odd)
        builder.curve(CONTRAST, torch.arange(n) * 50000 + 20000, some & (torch.arange(n) % 3 != 1))
        builder.curve(AUTOCONTRAST, 0, some & ~odd)
    if "noise" in names:
        keys, most = torch.arange(n) * 0x2E3779B97F4A7C15 - 9, torch.arange(n) * 1500 + 900
        builder.noise(NORMAL | PER_PIXEL, most, 0, keys, 2, odd)
        own = PER_CHANNEL + 6 * FIRST_CHANNEL
        builder.noise(FACTOR | PER_PIXEL | own, most, 4000, keys, 2, torch.arange(n) % 4 == 0)
        builder.noise(FACTOR | own, most, 5000, keys, 2, torch.arange(n) % 4 == 2)
    if "impulse" in names:
        keys = torch.arange(n) * 0x1E3779B97F4A7C15 - 6
        builder.impulse(torch.full((n,), 0.2), torch.full((n,), 0.1), keys, 1, torch.arange(n) % 3 != 2)
    if "snow" in names:  # more than half of the pixels, and more than half with the black ones
        keys, salt = torch.arange(n) * 0x1E3779B97F4A7C15 - 6, torch.arange(n) * 0.4 + 0.2
        builder.impulse(salt, torch.full((n,), 0.35), keys, 1, True)
    if "boxes" in names:
        corner = torch.rand(n, 4, 2, generator=random) * torch.tensor((size[1], size[0]))
        boxes = torch.cat((corner, corner + torch.tensor((9, 5))), dim=2).long()
        builder.erase(boxes, torch.arange(n) * 40 + 3, torch.arange(n) % 3 != 1)
    if "grid" in names:
        unit = torch.arange(n) + 5
        builder.erase_grid(unit, unit - 3, torch.stack((unit - 1, unit - 2), dim=1), 200, odd)
    recipes = builder.recipes(size)
    records, stages = recipes.records, recipes.stages
    if "turn" in names:
        turn = torch.tensor([3, 3, -2, 2, 1, 1]) << 30  # xx, yy, xy, yx, x1, y1
        records[:, WORD["xx"] : WORD["y1"] + 1] = turn
        records[:, WORD["stages"]] |= GEOMETRY
        stages |= GEOMETRY
    if "perspective" in names:  # also where only the division leaves the axes
        records[0, WORD["xy"] : WORD["yx"] + 1] = 0
    if "nearest" in names:  # also where a record asks for a filter, which the assembled ones do not
        records[odd, WORD["stages"]] |= stages & SHRINK
    values = None if table is None else torch.randn(n, channels, 256, generator=random).to(table)
    return packed.storage, records, values, channels, *size, layouts[0], stages, layouts[1]


SMALL, WIDE = [(9, 20), (11, 18)], [(20, 44), (20, 44), (23, 41)]
LAST = (False, True)
BFLOAT, HALF, FLOAT = torch.bfloat16, torch.float16, torch.float32

# Several tiles, the last ones partly outside the output; every source, stage, layout and size of an element.
CHAINS = (
    chain("boxes", "grid", "impulse", sources=WIDE, size=(30, 72), channels=3),
    chain("boxes", "color", "gaussian", sources=WIDE, size=(19, 35), channels=2, layouts=(True, True)),
    chain("color", "curves", "impulse", "boxes", sources=WIDE, size=(30, 72), channels=3, table=BFLOAT),
    chain("curves", "gaussian", sources=WIDE, size=(19, 35), channels=4, layouts=(True, True)),
    chain("curves", "noise", "impulse", sources=WIDE, size=(30, 72), channels=3, table=FLOAT),
    chain("noise", "boxes", "gaussian", sources=WIDE, size=(19, 35), channels=2, layouts=(True, True)),
    chain(
        "color", "curves", "noise", "impulse", "grid", sources=WIDE, size=(30, 72), channels=4, table=BFLOAT
    ),
    chain(
        "noise", "impulse", "boxes", "gaussian", sources=WIDE, size=(19, 35), channels=4, layouts=(True, True)
    ),
    chain("turn", "impulse", "boxes", sources=SMALL, size=(9, 33), channels=4, layouts=(True, False)),
    chain("crop", "curves", "grid", sources=[(50, 90)] * 2, size=(10, 34), channels=4, table=FLOAT),
    chain("grid", sources=SMALL, size=(17, 33), table=FLOAT),
    chain("color", sources=SMALL, size=(17, 40), channels=1),
    chain("color", "impulse", "gaussian", sources=WIDE, size=(30, 72), channels=3, table=BFLOAT),
    chain(
        "noise", "gaussian", sources=WIDE, size=(30, 72), channels=3, table=BFLOAT
    ),  # a stage after the blur
    chain("color", "impulse", "crop", sources=WIDE, size=(19, 35), channels=4, layouts=(True, True)),
    chain("turn", "color", sources=[(50, 90)] * 2, size=(30, 35), channels=2, table=FLOAT),
    chain("article", "gaussian", sources=[(11, 40)] * 2, size=(11, 40), channels=3),
    chain("gaussian", "crop", "impulse", sources=SMALL, size=(19, 35), channels=2, table=FLOAT),
    chain("impulse", sources=SMALL, size=(17, 33), channels=4, table=HALF, layouts=(True, True)),
    chain("crop", "flip", "impulse", sources=WIDE, size=(30, 72), channels=3, table=BFLOAT),
    chain("crop", "flip", sources=WIDE, size=(30, 72), table=FLOAT, layouts=(True, True), border="zero"),
    chain("flip", "gaussian", "article", "impulse", sources=WIDE, size=(30, 80), channels=2, border="edge"),
    chain("turn", "article", "impulse", sources=SMALL, size=(9, 33), channels=3, layouts=(True, False)),
    chain(
        "crop",
        "article",
        "gaussian",
        sources=[(50, 90)] * 2,
        size=(10, 34),
        table=BFLOAT,
        layouts=(False, True),
    ),
    chain("crop", "impulse", sources=[(60, 12), (12, 60)], size=(9, 33), channels=3, layouts=(True, False)),
    chain("flip", "gaussian", sources=[(6, 11)] * 2, size=(7, 71), border="zero"),
    chain("impulse", sources=[(3, 70)], size=(1, 128), channels=4, table=FLOAT, layouts=LAST),
    chain("flip", sources=[(5, 99), (70, 5)], size=(4, 6), channels=2, table=HALF, border="zero"),
    chain("impulse", sources=[(130, 130)], size=(8, 9), channels=2, layouts=(True, True)),
    chain("flip", sources=[(6, 11)], size=(3, 5)),  # rows shorter than a vector, and no room after the last
    chain("crop", sources=[(40, 90)] * 2, size=(12, 259), channels=2, table=BFLOAT),  # two tiles a row
    chain("flip", sources=[(1, 3), (6, 2)], size=(5, 9)),  # fewer columns than four taps read
    chain("turn", sources=[(40, 90)], size=(40, 250)),  # the widest tiles
    chain("turn", "gaussian", sources=[(64, 90)] * 2, size=(64, 252)),  # the patch of most places
    chain("crop", "impulse", sources=[(40, 90)], size=(40, 256), channels=3, table=HALF),
    chain("impulse", sources=WIDE, size=(19, 35), channels=3, table=BFLOAT, layouts=(True, True)),
    *(
        chain(*names, sources=WIDE, size=(30, 72), channels=3, table=table, layouts=LAST)
        for names, table in ((("flip",), None), (("impulse",), BFLOAT), (("gaussian",), FLOAT))
    ),
    chain("gaussian", "flip", "impulse", sources=[(50, 90)] * 2, size=(10, 34), channels=3, table=FLOAT),
    chain("sharpen", sources=WIDE, size=(30, 72), channels=3),
    chain("sharpen", "measured", "flip", sources=WIDE, size=(19, 35), channels=4, layouts=(True, True)),
    chain("sharpen", "crop", "color", sources=[(50, 90)] * 4, size=(2, 34), channels=2, table=FLOAT),
    # Curves that go by the image, of some draws.
    chain("measured", sources=[(18, 72)] * 5, size=(18, 72), channels=3),
    chain("inverted", "measured", "crop", sources=[(14, 90)] * 4, size=(12, 259), channels=4, table=HALF),
    chain("equalized", "curves", "flip", "grid", sources=WIDE, size=(30, 72), channels=3, layouts=LAST),
    chain("measured", "color", "gaussian", sources=WIDE, size=(24, 53), channels=4, table=BFLOAT),
    chain("measured", "turn", "noise", sources=WIDE, size=(30, 72), channels=2, layouts=(True, True)),
    chain("measured", "crop", "article", "boxes", sources=[(50, 90)] * 4, size=(10, 34), table=FLOAT),
    chain("measured", "crop", "color", "impulse", sources=[(50, 90)] * 4, size=(10, 34), channels=3),
    chain("perspective", "flip", sources=WIDE, size=(30, 72), channels=3, border="zero", fill=(9, 25, 7)),
    chain("perspective", "nearest", "gaussian", sources=WIDE, size=(30, 72), border="edge"),
    chain("perspective", "flip", sources=WIDE, size=(30, 34), layouts=(True, True), channels=2),
    chain("small", sources=[(50, 90)] * 3, size=(30, 34), channels=3, border="zero"),
    chain("small", "flip", sources=[(50, 90)] * 3, size=(30, 134), channels=2, border="zero", fill=(9, 250)),
    chain("small", "gaussian", sources=[(50, 90)] * 3, size=(70, 34), border="zero", fill=(99,)),
    chain("crop", "nearest", sources=WIDE, size=(30, 72), channels=3, border="zero", fill=(9, 250, 77)),
    chain("crop", "nearest", "flip", sources=[(50, 90)] * 4, size=(30, 34), channels=2, layouts=(True, True)),
    chain("turn", "nearest", sources=SMALL, size=(9, 33), channels=4, border="zero", fill=(1, 22, 255, 128)),
    chain(
        "crop", "nearest", sources=[(60, 12), (12, 60)], size=(9, 33), channels=3, border="zero", fill=(3,)
    ),
    chain("snow", sources=SMALL, size=(9, 33)),
)


def name_of(call: tuple) -> str:
    """What a call is, for people; other chains may have the same name.

    >>> name_of(chain("flip", "color", sources=SMALL, size=(17, 40)))
    'geometry color, 2 of 1 x 17 x 40'
    """
    _, records, table, channels, height, width, interleaved, stages, channels_last, *_ = call
    names = [name for name, bit in BITS.items() if stages & bit]
    words = [f"{' '.join(names)}, {len(records)} of {channels} x {height} x {width}"]
    words += [] if table is None else [str(table.dtype).removeprefix("torch.")]
    words += [name for name, on in (("interleaved", interleaved), ("channels last", channels_last)) if on]
    return ", ".join(words)


@functools.cache
def named_chains() -> dict[str, bytes]:
    """The cases of every chain by name; those of the same name by number too."""
    cases: dict[str, bytes] = {}
    for n, call in enumerate(CHAINS):
        for kind, case in zip(("large tiles", "small tiles"), tilings_of(call, n), strict=True):
            name = f"{name_of(call)}, {kind}"
            same = sum(other.partition(" #")[0] == name for other in cases)
            cases[f"{name} #{same + 1}" if same else name] = case
    return cases


@functools.cache
def sanitizer_cases(sizes: tuple[int, ...] = (ONE, MANY)) -> tuple[int, bytes]:
    """Every chain and a few random calls, with tiles for each number of multiprocessors."""
    chosen = list(CHAINS)

    @given(calls(most_pixels=34))
    @settings(max_examples=8, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    def choose(call: tuple) -> None:
        chosen.append(call)

    choose()
    return encode_all(chosen, sizes)


@functools.cache
def every_width() -> tuple[int, bytes]:
    """Widths 1 to 70, in turn through four layouts, three sizes of an element and six chains."""
    layouts = itertools.cycle(itertools.product((False, True), repeat=2))
    kinds = itertools.cycle((None, BFLOAT, FLOAT))
    others = itertools.cycle(
        ((), ("gaussian", "article"), ("color",), ("flip", "boxes"), ("crop", "grid"), ("noise",))
    )
    chosen = [
        chain(
            "impulse",
            *next(others),
            sources=[(4, width // 2 + 3), (6, 5)],
            size=(3, width),
            channels=width % 4 + 1,
            table=next(kinds),
            layouts=next(layouts),
        )
        for width in range(1, 71)
    ]
    return encode_all(chosen, sizes=(ONE,))  # too low to be cut
