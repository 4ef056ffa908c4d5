"""The kernel on images with more channels than it takes at a time: in parts, in one launch."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.images.batch import has_channels_last, wants_channels_last
from gpuaug.images.packed import Images, Packed, channels_of
from gpuaug.recipe.parts import channels_together, records_of_parts, rows_of_parts
from gpuaug.recipe.recipes import Recipes, check_readable
from gpuaug.tracing import traced


def in_parts(
    images: Images,
    recipes: Recipes,
    table: Tensor | None = None,
    scale_shift: Tensor | None = None,
    memory_format: torch.memory_format = torch.preserve_format,
) -> Tensor:
    """Runs recipes on bytes with any number of channels; arguments as in ``gpuaug.functional.augment``.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> images = torch.arange(12, dtype=torch.uint8).view(1, 6, 1, 2)
    >>> recipes = RecipeBuilder.of_batch((1, 6, 1, 2)).recipes((1, 2))
    >>> in_parts(images, recipes).flatten().tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]

    Raises:
        ValueError: packed images are interleaved.
    """
    records, channels = recipes.records, channels_of(images)
    together = channels_together(channels, recipes.stages)
    storage, interleaved = _planes(images, records.device)
    if not traced():
        check_readable(storage.numel(), records, channels)
    table, scale_shift = (
        None if rows is None else rows_of_parts(rows, len(records), together) for rows in (table, scale_shift)
    )
    parts: Tensor = torch.ops.gpuaug.augment(
        storage,
        records_of_parts(records, channels, together),
        table,
        together,
        *recipes.size,
        False,
        recipes.stages,
        False,
        scale_shift,
    )
    out = parts.view(len(records), channels, *recipes.size)
    channels_last = wants_channels_last(memory_format, interleaved)
    return out.contiguous(memory_format=torch.channels_last) if channels_last else out


def _planes(images: Images, device: torch.device) -> tuple[Tensor, bool]:
    """The bytes, channel after channel, and whether they were interleaved."""
    if isinstance(images, Packed):
        if images.interleaved:
            raise ValueError(
                f"packed images of {images.channels} channels must not be interleaved; gpuaug.pack makes "
                f"planes of more than 4 channels, got {images!r}"
            )
        return images.storage, False
    if images.is_contiguous():
        return images.reshape(-1), False
    # A copy on the host would not be pinned, so a device that reads over the bus gets a copy of its own.
    return images.to(device, non_blocking=True).contiguous().reshape(-1), has_channels_last(images)
