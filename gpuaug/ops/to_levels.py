"""Windows of values: they turn images of 16 bits, or others, into levels.

In C++: ``csrc/common/to_levels.h``.

The level of a value is ``255 * (value - low) / (high - low)``, rounded to the nearest integer, halves up;
values below the window become 0, values above it 255.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gpuaug.arguments import check_memory, check_one_device
from gpuaug.images.batch import MOST_CHANNELS, SIXTEEN_BITS, flat_storage
from gpuaug.images.levels import clamped
from gpuaug.images.packed import Images, Packed, channels_of
from gpuaug.recipe.layout import FIELDS, LEAST_END, MOST_END, VALUE_UNIT, WORD
from gpuaug.recipe.reading import placed
from gpuaug.recipe.recipes import Recipes, check_readable

_WHITE = 255


def levels_of(images: Images, recipes: Recipes) -> tuple[Images, Recipes]:
    """The levels of the draws' images, from uint8, uint16 or int16 images, and recipes that read the levels.

    For images of different sizes, only the storage of the result holds the levels; the recipes hold their
    offsets.
    """
    rest = recipes._replace(reading=None)
    if (reading := recipes.reading) is None:
        return images, rest
    channels = channels_of(images)
    storage, interleaved = (
        (images.storage, images.interleaved) if isinstance(images, Packed) else flat_storage(images)
    )
    levels: Tensor = torch.ops.gpuaug.to_levels(
        storage, reading.windows, recipes.records, channels, interleaved, reading.values
    )
    if isinstance(images, Packed):
        return replace(images, storage=levels), rest
    count, (height, width) = len(recipes.records), images.shape[-2:]
    if interleaved:
        return levels.view(count, height, width, channels).permute(0, 3, 1, 2), rest
    return levels.view(count, channels, height, width), rest


def shares_of(images: Tensor, recipes: Recipes) -> tuple[Tensor, Recipes]:
    """The same for floating images, float32 or wider: ends of windows are levels, values shares of white."""
    if (reading := recipes.reading) is None:
        return images, recipes
    start, low, high = reading.windows.unbind(1)
    source = (start // images.shape[1:].numel()).clamp(0, len(images) - 1)
    # In float64 first, as a quotient of integers would have the default dtype.
    low, span = (end.double() / (VALUE_UNIT * _WHITE) for end in (low, high - low))
    low, span = (end.to(images.dtype)[:, None, None, None] for end in (low, span))
    return clamped((images[source] - low) / span), recipes._replace(reading=None)


def to_levels(
    storage: Tensor, windows: Tensor, records: Tensor, channels: int, interleaved: bool, values: int
) -> Tensor:
    """The op ``gpuaug::to_levels``: the levels of the draws' images.

    Args:
        storage: the images, flat: uint8, uint16 or int16.
        windows: int64 ``(n, 3)``: the first value of each draw's image, and the low and high end of its
            window in 1/VALUE_UNIT.
        records: the recipes, int64 ``(n, len(FIELDS))``. Their offsets are those of the levels in the result.
            Levels that their geometry does not read may be left undefined.
        channels: the number of channels of the images.
        interleaved: whether the channels of a pixel are adjacent.
        values: the length of the result.
    """
    _check_call(storage, windows, records, channels, values)
    start, low, high = windows.unbind(1)
    check_readable(storage.numel(), placed(records, start), channels)
    check_readable(values, records, channels)
    out = torch.zeros(values, dtype=torch.uint8, device=records.device)
    if storage.numel() == 0 or values == 0:
        return out
    low = low.clamp(LEAST_END * VALUE_UNIT, MOST_END * VALUE_UNIT - 1)
    span = high.clamp(max=MOST_END * VALUE_UNIT).maximum(low + 1) - low
    lengths = records[:, WORD["height"]] * records[:, WORD["width"]] * channels
    draw = torch.arange(len(records), device=records.device).repeat_interleave(lengths)
    place = torch.arange(len(draw), device=records.device) - (lengths.cumsum(0) - lengths)[draw]
    value = storage.int()[(start[draw] + place).clamp(0, storage.numel() - 1)]
    n = (value.long() * VALUE_UNIT - low[draw]).clamp(min=0).minimum(span[draw])
    levels = (2 * _WHITE * n + span[draw]) // (2 * span[draw])
    out[(records[draw, WORD["offset"]] + place).clamp(0, values - 1)] = levels.byte()
    return out


def _check_call(storage: Tensor, windows: Tensor, records: Tensor, channels: int, values: int) -> None:
    if storage.dtype not in (torch.uint8, *SIXTEEN_BITS) or storage.dim() != 1:
        raise RuntimeError(
            f"storage must be flat uint8, uint16 or int16, got {storage.dtype} {tuple(storage.shape)}"
        )
    for name, tensor, width in (("records", records, len(FIELDS)), ("windows", windows, 3)):
        if tensor.dtype != torch.int64 or tensor.shape != (len(records), width):
            raise RuntimeError(f"{name} must be int64 (N, {width}), got {tensor.dtype} {tuple(tensor.shape)}")
    check_one_device(storage=storage, windows=windows, records=records)
    if not 1 <= channels <= MOST_CHANNELS:
        raise RuntimeError(f"channels must be in [1, {MOST_CHANNELS}], got {channels}")
    if not 0 <= values <= 1 << 60:
        raise RuntimeError(f"values must be in [0, 2^60], got {values}")
    for name, tensor in (("storage", storage), ("windows", windows), ("records", records)):
        check_memory(name, tensor)
