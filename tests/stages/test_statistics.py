"""The tables of curves that go by the image: by hand, and by Pillow."""

from __future__ import annotations

import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from gpuaug.ops import floating, reference
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import (
    AUTOCONTRAST,
    CONTRAST,
    CONTRAST_UNIT,
    CURVES,
    EQUALIZE,
    POSTERIZE,
    SOLARIZE,
    STATISTICS,
    THRESHOLD_UNIT,
    WORD,
)
from gpuaug.recipe.recipes import Recipes
from gpuaug.stages import statistics

HALF = CONTRAST_UNIT // 2
INVERTED = (SOLARIZE, 0)


def recipes_of(image: Tensor, *curves: tuple[int, int]) -> Recipes:
    builder = RecipeBuilder.of_batch(tuple(image.shape))
    for curve, parameter in curves:
        builder.curve(curve, parameter)
    return builder.recipes(tuple(image.shape[2:]))


def changed(image: Tensor, *curves: tuple[int, int]) -> list:
    """The levels that the reference makes of one image ``(C, W)``."""
    batch = image[None, :, None].to(torch.uint8)
    recipes = recipes_of(batch, *curves)
    channels, width = image.shape
    out = reference.augment(
        batch.flatten(), recipes.records, None, channels, 1, width, False, recipes.stages, False
    )
    assert (recipes.stages & CURVES, recipes.stages & STATISTICS) == (CURVES, STATISTICS)
    return out[0, :, 0].tolist()


@pytest.mark.parametrize(
    ("row", "curves", "expected"),
    [
        # From 50 to 150: 20 * 255 / 100 is 51; 29 * 255 / 100 is 73.95, truncated.
        ([50, 70, 79, 150], [(AUTOCONTRAST, 0)], [0, 51, 73, 255]),
        ([9, 9, 9, 9], [(AUTOCONTRAST, 0)], [9, 9, 9, 9]),
        ([0, 255], [(AUTOCONTRAST, 0)], [0, 255]),
        # The mean is 100.25.
        ([0, 100, 101, 200], [(CONTRAST, 0)], [100, 100, 100, 100]),
        ([0, 100, 101, 200], [(CONTRAST, HALF)], [50, 100, 101, 150]),  # 50.125, 100.125, 100.625, 150.125
        ([0, 100, 101, 200], [(CONTRAST, 2 * CONTRAST_UNIT)], [0, 100, 102, 255]),
        ([0, 100, 101, 200], [(CONTRAST, CONTRAST_UNIT)], [0, 100, 101, 200]),
        ([10, 11], [(CONTRAST, 0)], [11, 11]),  # half a level is rounded up
        # Each curve sees what the one before made: 205, 185, 176, 105, of which 205 becomes white.
        ([50, 70, 79, 150], [INVERTED, (AUTOCONTRAST, 0)], [255, 204, 181, 0]),
        ([50, 70, 79, 150], [(AUTOCONTRAST, 0), INVERTED], [255, 204, 182, 0]),
        # 48, 64, 64, 144, whose mean is 80.
        ([50, 70, 79, 150], [(POSTERIZE, 4), (CONTRAST, 0)], [80, 80, 80, 80]),
        # 0, 51, 73, 255, of mean 94.75, halved towards it.
        ([50, 70, 79, 150], [(AUTOCONTRAST, 0), (CONTRAST, HALF)], [47, 73, 84, 175]),
        ([50, 70, 79, 150], [(AUTOCONTRAST, 0), (CONTRAST, HALF), (AUTOCONTRAST, 0)], [0, 51, 73, 255]),
    ],
)
def test_measured_curves_of_a_row_are_those_by_hand(
    row: list[int], curves: list[tuple[int, int]], expected: list[int]
):
    assert changed(torch.tensor([row]), *curves) == [expected]


def test_each_channel_is_stretched_by_itself():
    out = changed(torch.tensor([[0, 10], [20, 40], [7, 7]]), (AUTOCONTRAST, 0))
    assert out == [[0, 255], [0, 255], [7, 7]]


@pytest.mark.parametrize(
    ("channels", "mean"),
    # ITU-R BT.601 of 200, 100, 50: 59.8 + 58.7 + 5.7; alpha counts for nothing; two channels count alike.
    [([200, 100, 50], 124), ([200, 100, 50, 9], 124), ([200, 100], 150), ([200], 200)],
)
def test_the_mean_is_that_of_the_grey_image(channels: list[int], mean: int):
    out = changed(torch.tensor(channels)[:, None].expand(-1, 5), (CONTRAST, 0))
    assert out == [[mean] * 5] * min(len(channels), 3) + [[9] * 5] * (len(channels) == 4)


@pytest.mark.parametrize("most", [256, 90, 3, 1])
@pytest.mark.parametrize("before", [(), (INVERTED,), ((POSTERIZE, 3),)], ids=str)
def test_equalize_is_pillows(most: int, before: tuple):
    random = torch.Generator().manual_seed(0)
    row = torch.randint(most, (1, 3000), generator=random) ** 2 % 256
    seen = 255 - row if before == (INVERTED,) else (row & 0xE0 if before else row)
    expected = ImageOps.equalize(Image.fromarray(seen.to(torch.uint8).numpy()))
    assert changed(row, *before, (EQUALIZE, 0)) == [list(expected.tobytes())]


def test_equalize_of_few_values_changes_nothing():
    # 254 values beside the 3 greatest: fewer than levels.
    row = torch.cat((torch.full((254,), 3), torch.full((3,), 200)))
    assert changed(row[None], (EQUALIZE, 0)) == [row.tolist()]
    row = torch.cat((torch.full((255,), 3), torch.full((3,), 200)))  # one for each level: 255 below 200
    assert changed(row[None], (EQUALIZE, 0)) == [[0] * 255 + [255] * 3]


def test_draws_are_chosen_one_by_one():
    image = torch.tensor([50, 150], dtype=torch.uint8).expand(4, 1, 1, 2).contiguous()
    builder = RecipeBuilder.of_batch((4, 1, 1, 2))
    builder.curve(POSTERIZE, 1, torch.tensor([True, True, False, False]))
    builder.curve(AUTOCONTRAST, 0, torch.tensor([False, True, True, False]))
    recipes = builder.recipes((1, 2))
    both = CURVES | STATISTICS
    assert recipes.field("stages").tolist() == [CURVES, both, both, 0]
    out = reference.augment(image.flatten(), recipes.records, None, 1, 1, 2, False, recipes.stages, False)
    assert out.flatten(1).tolist() == [[0, 128], [0, 255], [0, 255], [50, 150]]


def test_without_its_bit_a_measured_curve_changes_nothing():
    image = torch.tensor([50, 150], dtype=torch.uint8)
    records = recipes_of(image.view(1, 1, 1, 2), (AUTOCONTRAST, 0), (POSTERIZE, 1)).records
    records[:, WORD["stages"]] &= ~STATISTICS
    out = reference.augment(image, records, None, 1, 1, 2, False, CURVES, False)
    assert out.flatten().tolist() == [0, 128]


def test_a_factor_out_of_range_is_the_nearest():
    row = torch.tensor([[99, 101]])
    assert changed(row, (CONTRAST, 1 << 40)) == changed(row, (CONTRAST, 10 * CONTRAST_UNIT)) == [[90, 110]]
    assert changed(row, (CONTRAST, -5)) == [[100, 100]]


def test_tables_say_what_becomes_of_each_level():
    image = torch.tensor([[[[50, 150]]]])
    table = statistics.tables(image, recipes_of(image, (AUTOCONTRAST, 0)).records)[0, 0]
    assert table[[0, 50, 51, 150, 255]].tolist() == [0, 0, 2, 255, 255]


@pytest.mark.parametrize(
    ("curves", "tolerance"),
    [
        ([(AUTOCONTRAST, 0)], 1.0),  # truncated
        ([(EQUALIZE, 0)], 0.0),
        ([(CONTRAST, HALF)], 0.5),  # rounded
        ([(CONTRAST, 3 * CONTRAST_UNIT)], 0.5),
        ([INVERTED, (EQUALIZE, 0), (POSTERIZE, 3)], 0.0),
        ([(CONTRAST, 3 * CONTRAST_UNIT), (SOLARIZE, 2 * THRESHOLD_UNIT)], 0.5),
    ],
)
def test_floats_agree_with_bytes(curves: list[tuple[int, int]], tolerance: float):
    image = torch.randint(20, 200, (2, 3, 30, 40), dtype=torch.uint8)
    recipes = recipes_of(image, *curves)
    expected = reference.augment(
        image.flatten(), recipes.records, None, 3, 30, 40, False, recipes.stages, False
    )
    got = floating.augment(image.double() / 255, recipes, torch.float64) * 255
    assert (got - expected.double()).abs().max() <= tolerance + 1e-2
