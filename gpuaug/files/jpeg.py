"""libjpeg-turbo, where gpuaug was built with it: a window of a JPEG, at a scale of its DCT."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.ops.backends import why_no_jpeg


def decode_jpeg_window(data: bytearray, out: Tensor, left: int, top: int, scale: int) -> bool:
    """Decode into ``out``, uint8 ``(height, width, 3)``, the window at (left, top) of the image at 1/scale;
    false where libjpeg-turbo is not there, or takes the file for damaged.
    """
    if why_no_jpeg():
        return False
    try:
        torch.ops.gpuaug.decode_jpeg(torch.frombuffer(data, dtype=torch.uint8), out, left, top, scale)
    except RuntimeError:  # Pillow decides what is to be said, or made, of it
        return False
    return True
