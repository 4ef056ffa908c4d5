"""What a builder makes of what is written into it, and what it knows of extents."""

import torch

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import (
    BLUR,
    CONTRAST,
    CURVES,
    FIELDS,
    GEOMETRY,
    IMPULSE,
    POSTERIZE,
    SHRINK,
    STATISTICS,
)


def test_entries_apply_to_the_selected_draws():
    builder = RecipeBuilder.of_batch((3, 1, 4, 4))
    builder.flip(0, torch.tensor([False, True, False]))
    builder.blur(0.7, torch.tensor([False, False, True]))
    recipes = builder.recipes((4, 4))
    assert recipes.field("stages").tolist() == [0, GEOMETRY, BLUR]
    assert recipes.stages == GEOMETRY | BLUR
    builder.impulse(0.1, 0.1, torch.arange(3), 0, torch.tensor([False] * 3))
    assert builder.recipes((4, 4)).stages == GEOMETRY | BLUR


def test_a_stage_of_unknown_values_counts_as_used():
    builder = RecipeBuilder.of_batch((0, 1, 4, 4))
    builder.resize((4, 4))
    builder.impulse(0.1, 0.1, torch.arange(0), 0)
    recipes = builder.recipes((4, 4))
    assert recipes.records.shape == (0, len(FIELDS))
    assert recipes.stages == GEOMETRY | IMPULSE | SHRINK


def test_extents_stay_numbers_while_they_are_the_same():
    builder = RecipeBuilder.of_batch((2, 1, 4, 6))
    some = torch.tensor([True, False])
    builder.crop((0, 0), (3, 2))
    assert builder.extent == (3, 2)
    builder.resize((3, 2), some)
    assert builder.extent == (3, 2)
    builder.resize((5, 5), some)
    assert builder.extent.tolist() == [[5, 5], [3, 2]]
    builder.resize((7, 9), ~some)
    assert builder.extent.tolist() == [[5, 5], [7, 9]]
    builder.extent = (5, 5)
    assert builder.extent == (5, 5)


def test_a_curve_that_goes_by_the_image_says_so():
    builder = RecipeBuilder.of_batch((4, 1, 4, 4))
    builder.curve(POSTERIZE, 3, torch.tensor([True, True, False, False]))
    builder.curve(CONTRAST, 1 << 15, torch.tensor([False, True, True, False]))
    recipes = builder.recipes((4, 4))
    both = CURVES | STATISTICS
    assert recipes.field("stages").tolist() == [CURVES, both, both, 0]
    assert recipes.stages == both
    assert recipes.field("curve0").tolist() == [
        *(POSTERIZE | 3 << 8, POSTERIZE | 3 << 8),
        *(CONTRAST | 1 << 23, 0),
    ]
    assert recipes.field("curve1").tolist() == [0, CONTRAST | 1 << 23, 0, 0]
    plain = RecipeBuilder.of_batch((0, 1, 4, 4))
    plain.curve(POSTERIZE, 3)
    assert plain.recipes((4, 4)).stages == CURVES | GEOMETRY  # not what no entry could ask for
