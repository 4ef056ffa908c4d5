"""A batch of images: its dtype, its shape, and its memory as the kernel reads it."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
SIXTEEN_BITS = (torch.uint16, torch.int16)
MOST_CHANNELS = 64
FEW_CHANNELS = 4  # the most that the kernel takes at a time; more channels come in parts

_CONVERSIONS = {
    "list": "torch.stack(images)",
    "tuple": "torch.stack(images)",
    "ndarray": "torch.from_numpy(images).permute(0, 3, 1, 2)",
    "Image": "torchvision.transforms.v2.functional.pil_to_tensor(image)[None]",
}


def check_images(images: Any, name: str = "images", *, clips: bool = False, values: bool = False) -> None:
    """Raises unless ``images`` is a batch of images.

    >>> check_images(torch.zeros(2, 3, 8, 8, dtype=torch.uint8))
    >>> check_images(torch.zeros(2, 16, 3, 8, 8, dtype=torch.uint8), clips=True)

    Args:
        images: a uint8 or floating tensor ``(N, C, H, W)`` with 1 to ``MOST_CHANNELS`` channels.
        name: the name of the parameter, for messages.
        clips: allow clips ``(N, T, C, H, W)`` too.
        values: allow uint16 and int16 too.

    Raises:
        TypeError: no tensor, or a tensor of another dtype.
        ValueError: a tensor of another shape.
    """
    if not isinstance(images, Tensor):
        kind = type(images).__name__
        way = _CONVERSIONS.get("Image" if kind.endswith("Image") or kind.endswith("ImageFile") else kind)
        hint = f"; convert with {way}" if way else ""
        raise TypeError(f"{name} must be a tensor (N, C, H, W), got {kind}{hint}")
    if not (is_bytes_or_floats(images.dtype) or (values and images.dtype in SIXTEEN_BITS)):
        sixteen = "uint16, int16, " if values else ""
        way = "" if values or images.dtype not in SIXTEEN_BITS else "; gpuaug.Window(low, high) takes 16 bits"
        raise TypeError(
            f"{name} must be uint8, {sixteen}float16, bfloat16, float32 or float64, "
            f"got {dtype_name(images)}{way}"
        )
    shape = tuple(images.shape)
    form = "(N, C, H, W) or (N, T, C, H, W)" if clips else "(N, C, H, W)"
    if len(shape) not in ((4, 5) if clips else (4,)) or not 1 <= shape[-3] <= MOST_CHANNELS:
        raise ValueError(
            f"{name} must have shape {form} with C in [1, {MOST_CHANNELS}], got {shape}{_way_to(name, shape)}"
        )
    if 0 in shape[-2:]:
        raise ValueError(f"{name} must have a height and a width of at least 1 pixel, got shape {shape}")
    if len(shape) == 5 and shape[1] == 0:
        raise ValueError(f"{name} must be clips of at least 1 frame, got shape {shape}")


def is_bytes_or_floats(dtype: torch.dtype) -> bool:
    """Whether images of this dtype have known levels: bytes, or floats as shares of white.

    >>> is_bytes_or_floats(torch.uint8), is_bytes_or_floats(torch.int16)
    (True, False)
    """
    return dtype == torch.uint8 or dtype in FLOATS


def check_order(images: Tensor, name: str = "images") -> None:
    """Raises for images or clips with their channels last.

    These would have more than 4 channels of more than 4 rows, and a width of 1, 3 or 4 pixels.

    >>> check_order(torch.zeros(2, 32, 32, 3))
    Traceback (most recent call last):
    ValueError: images must have shape (N, C, H, W), ...give images.permute(0, 3, 1, 2)
    """
    shape = tuple(images.shape)
    if _ends_in_channels(shape):
        form = "(N, C, H, W)" if len(shape) == 4 else "(N, T, C, H, W)"
        raise ValueError(
            f"{name} must have shape {form}, and not {shape[-3]} channels of {shape[-2]} x {shape[-1]}, "
            f"got {shape}{_way_to(name, shape)}"
        )


def _ends_in_channels(shape: tuple[int, ...]) -> bool:
    """Whether ``(N, C, H, W)`` would be many channels of a narrow strip: rather it is ``(N, H, W, C)``."""
    return min(shape[-3:-1]) > FEW_CHANNELS and shape[-1] in (1, 3, 4)


def _way_to(name: str, shape: tuple[int, ...]) -> str:
    """Advice that turns another order, or one image, into a batch; "" if it is not clear."""
    last = len(shape) > 2 and shape[-1] in (1, 3, 4)
    if len(shape) == 2:
        return f": one image without channels; give {name}[None, None]"
    if len(shape) == 3 and 1 <= shape[0] <= 4:
        return f": one image (C, H, W); give {name}[None]"
    if len(shape) == 3 and last:
        return f": one image (H, W, C); give {name}.permute(2, 0, 1)[None]"
    if len(shape) == 3:
        return f": images without channels; give {name}[:, None]"
    if len(shape) == 4 and last:
        return f": channels come first; give {name}.permute(0, 3, 1, 2)"
    if len(shape) == 5 and 1 <= shape[2] <= MOST_CHANNELS and not _ends_in_channels(shape):
        return f": clips (N, T, C, H, W), which only transforms take; give {name}.flatten(0, 1)"
    if len(shape) == 5 and last:
        return f": channels come third; give {name}.permute(0, 1, 4, 2, 3)"
    return ""


def are_channels(shape: tuple[int, ...], axis: int) -> bool:
    """Whether an image of this shape has its channels along ``axis``, its first or last one.

    >>> are_channels((3, 8, 8), 0), are_channels((12, 8, 8), 0), are_channels((12, 8, 3), 0)
    (True, True, False)
    """
    sides = [side for place, side in enumerate(shape) if place != axis]
    few = 1 <= shape[axis] <= FEW_CHANNELS
    return few or (1 <= shape[axis] <= MOST_CHANNELS and min(sides) > FEW_CHANNELS)


def dtype_name(value: Tensor | torch.dtype) -> str:
    """The name of a dtype, without "torch.".

    >>> dtype_name(torch.float32)
    'float32'
    """
    return str(value.dtype if isinstance(value, Tensor) else value).removeprefix("torch.")


def check_size(size: Any, name: str = "size") -> tuple[int, int]:
    """Returns (height, width) from an int or a pair of ints, each at least 1 pixel.

    >>> check_size(32), check_size((24, 32))
    ((32, 32), (24, 32))
    """
    pair = (size, size) if isinstance(size, Integral) else size
    whole = isinstance(pair, (tuple, list)) and all(
        isinstance(v, Integral) and not isinstance(v, bool) for v in pair
    )
    if not whole or len(pair) != 2:
        raise TypeError(f"{name} must be an int or a pair (height, width) of ints, got {size!r}")
    if min(pair) < 1:
        raise ValueError(f"{name} must be at least 1 pixel high and wide, got {size}")
    return (int(pair[0]), int(pair[1]))


def array_to_tensor(image: np.ndarray) -> Tensor:
    """Converts an array ``(H, W)`` or ``(H, W, C)`` to a tensor ``(C, H, W)`` of the same memory.

    >>> array_to_tensor(np.zeros((2, 4, 3), np.uint8)).shape
    torch.Size([3, 2, 4])
    """
    # PyTorch tensors have no negative strides, and cannot be read-only.
    if not image.flags.writeable or min(image.strides) < 0:
        image = np.array(image, order="C", subok=False)
    tensor = torch.from_numpy(image)
    return tensor[None] if image.ndim == 2 else tensor.permute(2, 0, 1)


def flat_storage(images: Tensor) -> tuple[Tensor, bool]:
    """The values of a batch as one flat tensor, and whether they are interleaved (channels last).

    A batch that is dense in neither order is copied. The input is never changed.
    """
    if has_channels_last(images):
        return images.permute(0, 2, 3, 1).reshape(-1), True
    return images.contiguous().reshape(-1), False


def has_channels_last(images: Tensor) -> bool:
    """Whether the memory of a batch is channels_last, and not contiguous at the same time."""
    return not images.is_contiguous() and images.is_contiguous(memory_format=torch.channels_last)


def wants_channels_last(memory_format: torch.memory_format, source: bool) -> bool:
    """Whether the output is channels_last: as asked for, or with ``preserve_format`` as the ``source`` is."""
    if memory_format == torch.preserve_format:
        return source
    if memory_format in (torch.contiguous_format, torch.channels_last):
        return memory_format == torch.channels_last
    raise ValueError(
        "memory_format must be torch.preserve_format, torch.contiguous_format or torch.channels_last, "
        f"got {memory_format}"
    )
