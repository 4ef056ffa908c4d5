"""The batched operators: each checks its arguments, compiles recipes, and runs the kernel.

uint8 images take the kernel (one launch, the same bytes on every backend). Floating images take the
differentiable path (``gpuaug/ops/floating.py``), in float32 at least, also under autocast;
``gpuaug/images/levels.py`` describes values outside [0, 1], NaN and alpha. Parameters are tensors with one
entry for each sample, on the host or on the images' device; on the host their values are checked. Under
``torch.compile`` values are not checked, and the kernel clamps what it reads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gpuaug.images.batch import (
    FEW_CHANNELS,
    check_images,
    check_size,
    dtype_name,
    flat_storage,
    has_channels_last,
    wants_channels_last,
)
from gpuaug.images.levels import full_precision
from gpuaug.images.packed import Images, Packed, channels_of, is_read_over_bus
from gpuaug.ops import floating, to_levels
from gpuaug.ops.in_parts import in_parts
from gpuaug.ops.in_turn import in_turn, run_in_turn
from gpuaug.per_draw import PerDraw, carried_to, check_range, is_checkable, on_one_device, per_draw
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import COLOR
from gpuaug.recipe.recipes import Recipes
from gpuaug.stages import blur, geometry
from gpuaug.stages.output import (
    Statistic,
    check_rows,
    normalization_scale_shift,
    normalization_table,
    normalize_floats,
)
from gpuaug.tracing import traced
from gpuaug.travel.to_device import travel


def augment(
    images: Images,
    recipes: Recipes,
    *,
    mean: Statistic | None = None,
    std: Statistic | None = None,
    dtype: torch.dtype | None = None,
    table: Tensor | None = None,
    scale_shift: Tensor | None = None,
    memory_format: torch.memory_format = torch.preserve_format,
    before: Sequence[Recipes] = (),
) -> Tensor:
    """Run the recipes of a batch: one pass, one launch (on CUDA one more if curves depend on the image).

    >>> images = torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8)
    >>> builder = RecipeBuilder.of_batch(tuple(images.shape))
    >>> builder.flip(0, torch.tensor([True, False]))
    >>> out = augment(images, builder.recipes(size=(32, 32)), mean=0.5, std=0.5)
    >>> out.shape, out.dtype
    (torch.Size([2, 3, 32, 32]), torch.float32)

    Args:
        images: source images ``(N, C, H, W)``, uint8 or floating, or of 16 bits if the recipes read through a
            ``Window``; any memory layout; C in [1, 64]. Or images of different sizes, from ``gpuaug.pack``. A
            recipe's offset selects the image that its draw reads, so a batch is gathered from a larger tensor
            at no cost. More than 4 channels run in parts of up to 4, in the same launch; channels_last bytes
            with more than 4 channels are copied first.
        recipes: recipes of the ``n`` draws, on the images' device. Pinned images on the host, except floats,
            may have recipes on a CUDA device, which then reads the windows over the bus.
        mean, std: normalise to ``(image - mean) / std``, where bytes count as 0 to 1. Default: bytes stay
            bytes.
        dtype: dtype of a normalised result. Default: for bytes float32 (float16 and bfloat16 are possible),
            with a table the table's own, for floats theirs.
        table: result of ``normalization_table(mean, std)``, given in place of ``mean`` and ``std`` to reuse
            it.
        scale_shift: result of ``normalization_scale_shift(mean, std)``, beside the table. The kernel may then
            compute values rather than look them up, where both give the same bits.
        memory_format: memory format of the result. Default: that of the images.
        before: recipes of passes that run first; each reads the result of the one before.

    Returns:
        ``(n, C, *recipes.size)``.

    Raises:
        RuntimeError: if images and recipes are on two devices; if a recipe reads outside the images (checked
            on the host); for bytes, if a mean, std or table requires a gradient.
        TypeError, ValueError: if images have another shape or type; if mean or std are out of range; if the
            dtype is not possible for bytes; if images of more than 4 channels have color recipes.
    """
    if not isinstance(images, Packed):
        first = before[0] if before else recipes
        check_images(images, values=first.reading is not None)
    if before and not run_in_turn(images, recipes.records.device):
        for earlier in before:
            images = augment(images, earlier, memory_format=memory_format)
        before = ()
    if recipes.records.device != images.device and not is_read_over_bus(images, recipes.records.device):
        raise RuntimeError(
            f"images and recipes must be on one device, got {images.device} and {recipes.records.device}; "
            "recipes.to(images.device) moves them"
        )
    if table is not None and (mean is not None or std is not None):
        raise ValueError("table must not be given together with mean or std: it stands for them")
    channels, device = channels_of(images), recipes.records.device
    if channels > FEW_CHANNELS and recipes.stages & COLOR:
        raise ValueError(
            f"recipes must hold no color for images of more than {FEW_CHANNELS} channels, got {channels}"
        )
    normalized = mean is not None or std is not None
    mean, std = 0.0 if mean is None else mean, 1.0 if std is None else std
    if not isinstance(images, Packed) and images.is_floating_point():
        if table is not None:
            raise TypeError(
                "table must be None for floating images, which have no 256 values; give mean and std, "
                f"got a table of shape {tuple(table.shape)}"
            )
        # In float32 at least, also under autocast, and rounded once.
        with full_precision(images.device):
            wide = images.to(torch.promote_types(images.dtype, torch.float32))
            wide, recipes = to_levels.shares_of(wide, recipes)
            out = floating.augment(wide, recipes, images.dtype)
            out = normalize_floats(out, mean, std) if normalized else out
        channels_last = wants_channels_last(memory_format, has_channels_last(images))
        memory_format = torch.channels_last if channels_last else torch.contiguous_format
        return out.to(dtype or images.dtype).contiguous(memory_format=memory_format)
    passes = [*before, recipes]
    images, passes[0] = to_levels.levels_of(images, passes[0])
    recipes = passes[-1]
    names = ("mean and std", "mean and std", "table", "scale_shift")
    for name, value in zip(names, (mean, std, table, scale_shift), strict=True):
        if isinstance(value, Tensor) and value.requires_grad:
            raise RuntimeError(
                f"{name} must not require a gradient for uint8 images; make the images floating"
            )
    if normalized:
        table = normalization_table(mean, std, channels=channels, dtype=dtype or torch.float32)
        scale_shift = normalization_scale_shift(mean, std, channels=channels)
        table, scale_shift = (carried_to(value, device) for value in (table, scale_shift))
    elif dtype not in (None, torch.uint8 if table is None else table.dtype):
        given = "bytes that are not normalised" if table is None else f"a {dtype_name(table)} table"
        raise ValueError(f"dtype must be left out for {given}, got {dtype_name(dtype)}")
    if table is not None:
        check_rows("mean and std" if normalized else "table", table, len(recipes.records))
    if before:
        return in_turn(images, passes, table, scale_shift, memory_format)
    if channels > FEW_CHANNELS:
        return in_parts(images, recipes, table, scale_shift, memory_format)
    if isinstance(images, Packed):
        storage, interleaved = images.storage, images.interleaved
    else:
        storage, interleaved = flat_storage(images)
    result: Tensor = torch.ops.gpuaug.augment(
        storage,
        recipes.records,
        table,
        channels,
        *recipes.size,
        interleaved,
        recipes.stages,
        wants_channels_last(memory_format, interleaved),
        scale_shift,
    )
    return result


# ---- One stage at a time


def crop_resize(
    images: Tensor, boxes: Tensor, size: int | tuple[int, int], *, antialias: bool = True
) -> Tensor:
    """Cut a window out of each image and resize it, bilinearly.

    >>> images = torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8)
    >>> crop_resize(images, torch.tensor([[0, 0, 20, 20], [12, 12, 32, 32]]), size=32).shape
    torch.Size([2, 3, 32, 32])

    Pixel centres are at halves, as in OpenCV, torchvision and ``torch.nn.functional.interpolate``. The
    interpolation does not read past the window's edge. uint8 results are within 1 level of torchvision's.

    Args:
        images: ``(N, C, H, W)``, uint8 or floating.
        boxes: ``(N, 4)``: left, top, right, bottom in pixels, whole or fractional; right and bottom are
            exclusive.
        size: size of the result in pixels, (height, width), or one number for both.
        antialias: widens the filter where a window shrinks, as torchvision and Pillow do.

    Raises:
        TypeError: if ``images`` or ``boxes`` are of another type.
        ValueError: if a box is empty or reaches beyond its image; the message names the draw.
    """
    check_images(images)
    size = check_size(size)
    boxes = per_draw("boxes", boxes, images, width=4)
    corner, end = boxes[:, :2], boxes[:, 2:]
    if is_checkable(boxes):
        whole = boxes.new_tensor((images.shape[3], images.shape[2]))
        inside = (corner >= 0) & (end > corner) & (end <= whole)
        for n in (~inside.all(1)).nonzero().flatten()[:1].tolist():
            raise ValueError(
                "boxes must be (left, top, right, bottom), not empty and inside the image of width "
                f"{images.shape[3]} and height {images.shape[2]}, got {boxes[n].tolist()} for draw {n}"
            )
    builder = _builder(images, boxes.device)
    builder.crop(corner, end - corner)
    builder.resize((size[1], size[0]), antialias=antialias)
    return _run(images, builder, size)


def flip(images: Tensor, horizontal: Tensor | bool = True, vertical: Tensor | bool = False) -> Tensor:
    """Flip the images that the masks select.

    >>> images = torch.arange(4, dtype=torch.uint8).view(1, 1, 2, 2)
    >>> flip(images, horizontal=torch.tensor([True]), vertical=torch.tensor([False])).flatten()
    tensor([1, 0, 3, 2], dtype=torch.uint8)

    Args:
        images: ``(N, C, H, W)``, uint8 or floating.
        horizontal, vertical: bool ``(N,)``, or one bool for all images.

    Raises:
        TypeError: if a mask is not bool.
        ValueError: if a mask has another shape.
    """
    check_images(images)
    masks = [per_draw(name, v, images) for name, v in (("horizontal", horizontal), ("vertical", vertical))]
    for name, mask in zip(("horizontal", "vertical"), masks, strict=True):
        if mask.dtype != torch.bool:
            raise TypeError(f"{name} must be bool, got {dtype_name(mask)}")
    if images.is_floating_point():
        return geometry.flip(images, *(mask.to(images.device) for mask in masks))
    masks = on_one_device(*masks)
    builder = _builder(images, masks[0].device)
    for axis, mask in enumerate(masks):
        builder.flip(axis, mask)
    return _run(images, builder)


def gaussian_blur(images: Tensor, sigma: PerDraw | None) -> Tensor:
    """Blur each image with a 5x5 Gaussian of its own sigma.

    >>> images = torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8)
    >>> gaussian_blur(images, sigma=torch.tensor([0.5, 1.5])).shape
    torch.Size([2, 3, 32, 32])

    The border is reflected without repeating the edge (101), as in OpenCV and torchvision. uint8 results are
    within 1 level of both.

    Args:
        images: ``(N, C, H, W)``, uint8 or floating (then at least 3 x 3 pixels).
        sigma: ``(N,)`` or one number for all, in pixels, positive and finite. None: the 5x5 kernel of sum 273
            with zero border, truncated to whole levels (floats are not truncated), from "Data Augmentation: A
            Class Imbalance Mitigative Measure".

    Raises:
        TypeError: if ``images`` or ``sigma`` are of another type.
        ValueError: if a sigma is not positive and finite; the message names the draw.
    """
    check_images(images)
    if sigma is not None:
        sigma = per_draw("sigma", sigma, images)
        check_range("sigma", sigma, 0, math.inf, "positive and finite", open_ends=True)
    if images.is_floating_point():
        return blur.article_blur(images) if sigma is None else blur.gaussian_blur(images, sigma)
    builder = _builder(images, None if sigma is None else sigma.device)
    builder.blur(sigma)
    return _run(images, builder)


def salt_and_pepper(
    images: Tensor, salt: PerDraw, pepper: PerDraw, keys: Tensor, *, place: int = 0
) -> Tensor:
    """Turn random pixels white or black, in all channels except alpha.

    >>> images = torch.full((2, 3, 32, 32), 7, dtype=torch.uint8)
    >>> salt_and_pepper(images, salt=0.15, pepper=0.1, keys=torch.tensor([1, 2])).unique()
    tensor([  0,   7, 255], dtype=torch.uint8)

    Args:
        images: ``(N, C, H, W)``, uint8 or floating (white is 1, black 0; no gradient flows through a changed
            pixel).
        salt, pepper: shares of the pixels, ``(N,)`` or one number for all, in [0, 1], together at most 1;
            kept in steps of 2**-16.
        keys: int64 ``(N,)``: a sample's noise is a pure function of its key, the place and the pixel's
            number.
        place: position of the op in a chain, in [0, 2**32). Two ops with the same key need two places.

    Raises:
        TypeError: if ``keys`` are not int64.
        ValueError: if a share is out of range (the message names the draw), or ``place`` is.
    """
    check_images(images)
    salt, pepper, keys = (
        per_draw(name, v, images) for name, v in (("salt", salt), ("pepper", pepper), ("keys", keys))
    )
    if keys.dtype != torch.int64:
        raise TypeError(f"keys must be int64, got {dtype_name(keys)}")
    for name, share in (("salt", salt), ("pepper", pepper)):
        check_range(name, share, 0, 1, "in [0, 1]")
    salt, pepper, keys = on_one_device(salt, pepper, keys)
    check_range("salt + pepper", salt + pepper, 0, 1 + 1e-6, "in [0, 1]")  # 0.9 + 0.1 is above 1 in float32
    if not 0 <= place < 1 << 32:
        raise ValueError(f"place must be in [0, 2**32), got {place}")
    builder = _builder(images, keys.device)
    builder.impulse(salt, pepper, keys, place)
    return _run(images, builder)


def normalize(images: Tensor, mean: Statistic, std: Statistic, dtype: torch.dtype | None = None) -> Tensor:
    """Normalise to ``(images - mean) / std``, where bytes count as 0 to 1.

    >>> normalize(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8), mean=0.5, std=0.5).unique()
    tensor([1.])

    Args:
        images: ``(N, C, H, W)``, uint8 or floating.
        mean, std: a number, ``(C,)``, or ``(N, C)`` for each sample its own.
        dtype: dtype of the result. Default: float32 for bytes (float16 and bfloat16 are possible), for floats
            theirs.

    Raises:
        ValueError: if a std is not positive and finite, a mean is not finite, a shape does not fit, or the
            rows are not as many as the images.
    """
    check_images(images)
    if images.is_floating_point():
        return normalize_floats(images, mean, std).to(dtype or images.dtype)
    recipes = _builder(images).recipes(_size(images))
    return augment(images, _travelled(recipes, images.device), mean=mean, std=std, dtype=dtype)


# ---- Shared by the ops


def _size(images: Tensor) -> tuple[int, int]:
    return (images.shape[2], images.shape[3])


def _builder(images: Tensor, device: torch.device | None = None) -> RecipeBuilder:
    count, channels, height, width = images.shape
    return RecipeBuilder.of_batch((count, channels, height, width), device=device)


def _run(images: Tensor, builder: RecipeBuilder, size: tuple[int, int] | None = None) -> Tensor:
    return augment(images, _travelled(builder.recipes(size or _size(images)), images.device))


def _travelled(recipes: Recipes, device: torch.device) -> Recipes:
    """Recipes on the device, where some already are."""
    # A trace copies by an op of its own, since the pinned memory of a trace is not that of its runs.
    if recipes.records.device == device or traced():
        return recipes.to(device, non_blocking=True)
    return travel(recipes, device)
