"""The recipes of the frames of clips."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug import random
from gpuaug.recipe.layout import WORD
from gpuaug.recipe.recipes import NOISE_KEYS, Group, Recipes


def recipes_of_frames(recipes: Recipes, frames: int, channels: int, keys: Tensor | None = None) -> Recipes:
    """The recipes of the frames of each clip, one after another; all frames of a clip have its parameters.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> clips = RecipeBuilder.of_batch((2, 3, 1, 4, 5)).recipes((4, 5))
    >>> recipes_of_frames(clips, frames=3, channels=1).field("offset").tolist()
    [0, 20, 40, 60, 80, 100]

    Args:
        recipes: the recipes of the first frame of each clip; the frames of a clip lie one after another.
        frames: the number of frames of a clip.
        channels: the number of channels of a frame.
        keys: the keys of each frame's noise, int64 ``(n, frames)``; None means the key of the clip.
    """
    number = torch.arange(frames, device=recipes.records.device)
    step = channels * recipes.field("height") * recipes.field("width")
    records = recipes.records[:, None].repeat(1, frames, 1)
    records[:, :, WORD["offset"]] += step[:, None] * number
    if keys is not None:
        records[:, :, WORD["key"]] = keys
    groups = tuple(_group_of_frames(group, frames, number, keys) for group in recipes.groups)
    reading = recipes.reading
    if reading is not None:
        windows = reading.windows[:, None].repeat(1, frames, 1)
        windows[:, :, 0] += step[:, None] * number
        reading = reading._replace(windows=windows.flatten(0, 1))
    return recipes._replace(records=records.flatten(0, 1), groups=groups, reading=reading)


def _group_of_frames(group: Group, frames: int, number: Tensor, keys: Tensor | None) -> Group:
    parameters = {name: value.repeat_interleave(frames, 0) for name, value in group.parameters.items()}
    if keys is not None and NOISE_KEYS in parameters:
        parameters[NOISE_KEYS] = (keys if group.rows is None else keys[group.rows]).flatten()
    rows = None if group.rows is None else (group.rows[:, None] * frames + number).flatten()
    return group._replace(rows=rows, parameters=parameters)


def frame_keys(keys: Tensor, frames: int) -> Tensor:
    """The keys for the noise of each frame of a clip, int64 ``(n, frames)``. The first is the clip's own.

    >>> keys = frame_keys(torch.tensor([5, 6]), frames=3)
    >>> keys.shape, keys[:, 0].tolist(), len(keys.unique())
    (torch.Size([2, 3]), [5, 6], 6)
    """
    others = random.words(keys, random.OF_FRAMES, 2 * (frames - 1)).unflatten(1, (-1, 2))
    return torch.cat((keys[:, None], random.join(others)), dim=1)
