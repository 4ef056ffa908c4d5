"""Recipes of images that are read through windows of values: the source of each draw, and its levels."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.images.packed import Packed, Source
from gpuaug.recipe.layout import WORD
from gpuaug.recipe.recipes import Reading, Recipes


def read_through(recipes: Recipes, ends: Tensor, source: Source) -> Recipes:
    """Turns recipes into those of images that are read through windows of values.

    The levels of the draws' images lie one after another.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> recipes = RecipeBuilder.of_batch((9, 1, 4, 5), torch.tensor([7, 3])).recipes((4, 5))
    >>> read = read_through(recipes, torch.tensor([[0, 160], [0, 320]]), (9, 1, 4, 5))
    >>> read.field("offset").tolist(), read.reading.windows.tolist(), read.reading.values
    ([0, 20], [[140, 0, 160], [60, 0, 320]], 40)

    Args:
        recipes: the recipes of the first pass, on the host; of clips, those of the first frames.
        ends: the low and high end of each draw's window, in 1/VALUE_UNIT of a value: int64 ``(n, 2)``.
        source: the images.
    """
    windows = torch.cat((recipes.field("offset")[:, None], ends), dim=1)
    if isinstance(source, Packed):
        lengths = recipes.field("height") * recipes.field("width") * source.channels
        offsets, values = lengths.cumsum(0) - lengths, int(lengths.sum())
    else:
        _, *shape = source
        length = torch.Size(shape).numel()
        offsets = torch.arange(len(ends), device=ends.device) * length
        values = len(ends) * length
    return recipes._replace(records=placed(recipes.records, offsets), reading=Reading(windows, values))


def placed(records: Tensor, offsets: Tensor) -> Tensor:
    """Moves the source image of each recipe to an offset in the storage.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> records = RecipeBuilder.of_batch((2, 1, 4, 5)).recipes((4, 5)).records
    >>> placed(records, torch.tensor([7, 60]))[:, WORD["offset"]].tolist()
    [7, 60]
    """
    records = records.clone()
    records[:, WORD["offset"]] = offsets
    return records


def read_elsewhere(recipes: Recipes, offsets: Tensor, values: int) -> Recipes:
    """Moves the source image of each recipe to an offset in a storage of ``values`` values; its levels too.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> recipes = RecipeBuilder.of_batch((2, 1, 4, 5)).recipes((4, 5))
    >>> read_elsewhere(recipes, torch.tensor([20, 0]), 40).field("offset").tolist()
    [20, 0]
    """
    recipes = recipes._replace(records=placed(recipes.records, offsets))
    if recipes.reading is None:
        return recipes
    windows = recipes.reading.windows.clone()
    windows[:, 0] = offsets
    return recipes._replace(reading=Reading(windows, values))
