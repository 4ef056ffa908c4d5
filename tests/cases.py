"""Random calls of the op ``gpuaug::augment``, for the tests that compare backends."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import (
    BORDERS,
    FACTOR,
    GEOMETRY,
    NORMAL,
    PER_CHANNEL,
    PER_PIXEL,
    POSTERIZE,
    POWER,
    SOLARIZE,
    WORD,
)

TABLE_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


@st.composite
def calls(draw: st.DrawFn, most_pixels: int = 24, affine: bool = True) -> tuple:
    """The nine arguments of the op: a batch of random images, under chains in which every draw differs."""
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    pixels = st.integers(1, most_pixels)
    n, channels = draw(st.integers(0, 5)), draw(st.integers(1, 4))
    height, width, out_height, out_width = (draw(pixels) for _ in range(4))

    def some(p: float = 0.6) -> Tensor:
        return torch.rand(n, generator=random) < p

    def whole(low: int, high: int) -> Tensor:
        return torch.randint(low, high + 1, (n,), generator=random)

    images = draw(st.integers(1, 6))
    index = whole(0, images - 1)
    storage = torch.randint(256, (images * channels * height * width,), generator=random, dtype=torch.uint8)
    builder = RecipeBuilder.of_batch((images, channels, height, width), index)
    reach = draw(st.integers(0, 3))
    corner = torch.stack((whole(-reach, width - 1), whole(-reach, height - 1)), dim=1)
    window = torch.stack((whole(1, width + reach), whole(1, height + reach)), dim=1)
    builder.crop(corner, window, some())
    builder.border(draw(st.sampled_from(sorted(BORDERS))), some())
    if draw(st.booleans()):
        levels = torch.randint(256, (channels,), generator=random).tolist()
        builder.border("zero", some(), fill=tuple(levels))
    if draw(st.booleans()):
        builder.interpolate("nearest", some())
    builder.resize((out_width, out_height))
    if affine and draw(st.booleans()):
        inverse = torch.randn(n, 4, generator=random, dtype=torch.float64)
        builder.affine(inverse, torch.rand(n, 2, generator=random, dtype=torch.float64) - 0.5, some())
    if affine and draw(st.booleans()):
        bottom = (torch.rand(n, 2, generator=random, dtype=torch.float64) - 0.5) * draw(
            st.sampled_from((0.02, 0.2))
        )
        rows = torch.randn(n, 6, generator=random, dtype=torch.float64)
        builder.perspective(torch.cat((rows, bottom), dim=1), some())
    for axis in (0, 1):
        builder.flip(axis, some())
    if draw(st.booleans()):
        builder.blur(torch.rand(n, generator=random) * 3 + 0.05, some())
    if draw(st.booleans()):
        builder.blur(None, some(0.3))
    for _ in range(draw(st.integers(0, 2))):
        builder.color(torch.randn(n, 12, generator=random) * draw(st.sampled_from((0.3, 1.0, 9.0))), some())
    for _ in range(draw(st.integers(0, 3))):
        curve, most = draw(st.sampled_from(((POSTERIZE, 8), (SOLARIZE, 1 << 25), (POWER, 1 << 18))))
        builder.curve(curve, whole(0, most), some())
    if draw(st.booleans()):
        kind = draw(st.sampled_from((NORMAL, FACTOR))) | draw(st.sampled_from((0, PER_CHANNEL)))
        kind |= draw(st.sampled_from((0, PER_PIXEL, PER_PIXEL)))
        keys = torch.randint(-(2**63), 2**63 - 1, (n,), generator=random)
        builder.noise(kind, whole(0, 9000), whole(0, 9000), keys, draw(st.integers(0, 2**32 - 1)), some())
    if draw(st.booleans()):
        shares = torch.rand(2, n, generator=random) / 2
        keys = torch.randint(-(2**63), 2**63 - 1, (n,), generator=random)
        builder.impulse(shares[0], shares[1], keys, draw(st.integers(0, 2**32 - 1)), some())
    if draw(st.booleans()):
        boxes = torch.randint(0, 20, (n, draw(st.integers(1, 4)), 4), generator=random)
        builder.erase(boxes, whole(0, 255), some())
    if draw(st.booleans()):
        unit, hole = whole(1, 9), whole(0, 9)
        builder.erase_grid(
            unit, hole, torch.stack((whole(0, 20), whole(0, 20)), dim=1), whole(0, 255), some()
        )
    recipes = builder.recipes((out_height, out_width))
    records, stages = recipes.records, recipes.stages
    if affine and draw(st.integers(0, 3)) == 0:  # a rotation, a shear, whatever a map can be
        records[:, WORD["xx"] : WORD["y1"] + 1] = torch.randint(-(2**33), 2**33, (n, 6), generator=random)
        records[:, WORD["stages"]] |= GEOMETRY
        stages |= GEOMETRY
    table = None
    if draw(st.booleans()):
        tables = draw(st.sampled_from((1, n)))
        table = torch.randn(tables, channels, 256, generator=random).to(draw(st.sampled_from(TABLE_DTYPES)))
    interleaved, channels_last = draw(st.booleans()), draw(st.booleans())
    return (
        *(storage, records, table, channels, out_height, out_width),
        *(interleaved, stages, channels_last),
    )
