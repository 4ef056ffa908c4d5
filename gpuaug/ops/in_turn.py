"""Several passes of the kernel in one op, which takes each draw through all passes before the next draw."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpuaug.images.batch import FEW_CHANNELS, flat_storage, wants_channels_last
from gpuaug.images.packed import Images, Packed, channels_of
from gpuaug.recipe.recipes import Recipes
from gpuaug.tracing import traced


def run_in_turn(images: Images, device: torch.device) -> bool:
    """Whether ``in_turn`` serves these images: bytes with up to four channels, and recipes, on the host.

    ``device`` is that of the recipes (a device may read pinned images).

    >>> host, levels = torch.device("cpu"), torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    >>> run_in_turn(levels, host), run_in_turn(levels / 255, host)
    (True, False)
    """
    if images.device.type != "cpu" or device.type != "cpu":
        return False
    if channels_of(images) > FEW_CHANNELS or traced():
        return False
    return isinstance(images, Packed) or not images.is_floating_point()


def in_turn(
    images: Images,
    passes: Sequence[Recipes],
    table: Tensor | None = None,
    scale_shift: Tensor | None = None,
    memory_format: torch.memory_format = torch.preserve_format,
) -> Tensor:
    """Runs passes, each on the result of the one before; arguments as in ``gpuaug.functional.augment``.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> images = torch.tensor([[[[1, 2]]]], dtype=torch.uint8)
    >>> builder = RecipeBuilder.of_batch((1, 1, 1, 2))
    >>> builder.flip(0)
    >>> in_turn(images, [builder.recipes((1, 2))] * 3).tolist()
    [[[[2, 1]]]]
    """
    if isinstance(images, Packed):
        storage, interleaved = images.storage, images.interleaved
    else:
        storage, interleaved = flat_storage(images)
    result: Tensor = torch.ops.gpuaug.augment_in_turn(
        storage,
        [recipes.records for recipes in passes],
        table,
        channels_of(images),
        [side for recipes in passes for side in recipes.size],
        interleaved,
        wants_channels_last(memory_format, interleaved),
        scale_shift,
    )
    return result
