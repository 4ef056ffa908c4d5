"""One decoded image of a data set, converted to the tensor that batches are made of."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from gpuaug.images.batch import (
    FEW_CHANNELS,
    MOST_CHANNELS,
    SIXTEEN_BITS,
    are_channels,
    array_to_tensor,
    dtype_name,
    is_bytes_or_floats,
)
from gpuaug.images.pixels import check_pixels

if TYPE_CHECKING:
    from PIL import Image

_MODES = ("L", "RGB", "RGBA", "I;16")
_EIGHT_BITS = (
    'scale it to 8 bits and make it "L", e.g. Image.fromarray((numpy.asarray(image) >> 8).astype("uint8"))'
)
_SIXTEEN_BITS = 'give numpy.asarray(image).astype("uint16")'
_OTHER_MODES = {
    "1": 'call image.convert("L")',
    "LA": 'call image.convert("RGBA")',
    "PA": 'call image.convert("RGBA")',
    "I": _EIGHT_BITS,
    "F": _EIGHT_BITS.replace(">> 8", "* 255"),
    "I;16L": _SIXTEEN_BITS,
    "I;16B": _SIXTEEN_BITS,
    "I;16N": _SIXTEEN_BITS,
}


def to_tensor(image: Image.Image | np.ndarray | Tensor, index: int) -> Tensor:
    """Converts a decoded image to a tensor ``(C, H, W)``.

    >>> to_tensor(np.zeros((2, 4, 3), np.uint8), index=0).shape
    torch.Size([3, 2, 4])

    Args:
        image: a PIL image of mode L, RGB, RGBA or I;16 (uint16); an array ``(H, W)`` or ``(H, W, C)`` of
            uint8, uint16 or int16; or a CPU tensor ``(C, H, W)`` of these types or of floats (floats take the
            differentiable path). C is 1 to 4, or up to 64 if the image is more than 4 pixels high and wide.
        index: the index of the sample, for messages.

    Returns:
        a tensor ``(C, H, W)``. PIL images and arrays give a view of ``(H, W, C)`` memory, whose order
        ``collate`` keeps. Read-only arrays and memory maps are copied.

    Raises:
        TypeError: the image is of another type, mode or dtype; the message says how to convert it.
        ValueError: the shape is wrong, the image is empty, or it has more pixels than
            ``PIL.Image.MAX_IMAGE_PIXELS``.
        RuntimeError: the tensor is not on the CPU.
    """
    if isinstance(image, Tensor):
        tensor = _from_tensor(image, index)
    elif isinstance(image, np.ndarray):
        tensor = _from_array(image, index)
    elif is_pil(image):
        tensor = _from_array(_pixels(image, index), index)
    else:
        raise TypeError(
            f"sample {index}: the image must be a PIL image, a NumPy array (H, W, C) or a tensor (C, H, W), "
            f"got {type(image).__name__}"
        )
    if not are_channels(tuple(tensor.shape), 0):
        raise ValueError(
            f"sample {index}: an image must have 1 to {FEW_CHANNELS} channels, or up to {MOST_CHANNELS} if "
            f"it is more than {FEW_CHANNELS} pixels high and wide, got {tuple(tensor.shape)} as (C, H, W): "
            f"arrays are (H, W, C), tensors are (C, H, W){_way_to(image, tensor)}"
        )
    if tensor.numel() == 0:
        raise ValueError(
            f"sample {index}: height and width must be at least 1, got {tuple(tensor.shape[1:])}"
        )
    return tensor


def _from_tensor(image: Tensor, index: int) -> Tensor:
    if image.device.type != "cpu":
        raise RuntimeError(
            f"sample {index}: the images of a data set must be on the CPU, got {image.device}; "
            "put images that are on a device into a DeviceDataset"
        )
    if not is_bytes_or_floats(image.dtype) and image.dtype not in SIXTEEN_BITS:
        raise TypeError(
            f"sample {index}: the image must be uint8, uint16, int16, float16, bfloat16, float32 or float64, "
            f"got {dtype_name(image)}"
        )
    if image.ndim != 3:
        way = ": give image[None]" if image.ndim == 2 else ""
        raise ValueError(
            f"sample {index}: a tensor image must be (C, H, W), got shape {tuple(image.shape)}{way}"
        )
    return image.as_subclass(Tensor)


def _way_to(image: Any, tensor: Tensor) -> str:
    if isinstance(image, Tensor) and 1 <= tensor.shape[2] <= 4:
        return "; give image.permute(2, 0, 1)"
    if isinstance(image, np.ndarray) and 1 <= tensor.shape[1] <= 4:
        return "; give image.transpose(1, 2, 0)"
    return ""


def _from_array(image: np.ndarray, index: int) -> Tensor:
    if image.dtype not in (np.uint8, np.uint16, np.int16):
        raise TypeError(
            f"sample {index}: an array image must be uint8, uint16 or int16, got {image.dtype}; "
            "give float images as tensors (C, H, W)"
        )
    if image.ndim not in (2, 3):
        raise ValueError(
            f"sample {index}: an array image must be (H, W) or (H, W, C), got shape {image.shape}"
        )
    return array_to_tensor(image)


def is_pil(image: Any) -> bool:
    # Arrays need no Pillow; where there is a PIL image, it is imported already.
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def _pixels(image: Image.Image, index: int) -> np.ndarray:
    check_pixels(image.width, image.height, f"sample {index}: an image")
    if image.mode not in _MODES:
        advice = _OTHER_MODES.get(image.mode, 'call image.convert("RGB")')
        raise TypeError(
            f"sample {index}: a PIL image must be of mode L, RGB, RGBA or I;16, got {image.mode!r}; "
            f"{advice} in the data set"
        )
    return np.array(image)
