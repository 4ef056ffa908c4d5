"""libjpeg-turbo, if gpuaug was built with it: a window of a JPEG, at a scale of its DCT."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.ops.backends import why_no_jpeg


def decode_jpeg_window(data: bytearray, out: Tensor, left: int, top: int, scale: int) -> bool:
    """Decodes a window of the image at 1/scale into ``out``, uint8 ``(height, width, 3)``.

    Returns:
        False if there is no libjpeg-turbo, or if it takes the file for damaged.
    """
    if why_no_jpeg():
        return False
    try:
        torch.ops.gpuaug.decode_jpeg(torch.frombuffer(data, dtype=torch.uint8), out, left, top, scale)
    except RuntimeError:  # left to Pillow, which may decode the file or raise its own error
        return False
    return True
