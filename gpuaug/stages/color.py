"""Color: a 3 x 4 matrix on red, green and blue. In C++: ``csrc/common/stages/color.h``.

With fewer than three channels, the last one stands for the missing ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.images.levels import COLORS, clamped
from gpuaug.recipe.layout import COLOR, COLOR_UNIT, WORD
from gpuaug.stages.base import KernelStage


def _bytes(image: Tensor, records: Tensor) -> Tensor:
    channels = image.shape[1]
    matrix = records[:, WORD["rr"] : WORD["b1"] + 1].unflatten(1, (3, 4))[..., None, None]
    weights, added = (
        matrix[:, :, :3].clamp(-(1 << 15), (1 << 15) - 1),
        matrix[:, :, 3].clamp(-(1 << 28), 1 << 28),
    )
    rows = [
        sum(weights[:, row, k, None] * image[:, min(k, channels - 1), None] for k in range(3))
        + added[:, row, None]
        for row in range(min(channels, 3))
    ]
    mixed = ((torch.cat(rows, dim=1) + (1 << 11)) >> 12).clamp(0, 255)
    return torch.cat((mixed, image[:, COLORS:]), dim=1)


def _floats(images: Tensor, records: Tensor, source: torch.dtype) -> Tensor:
    dtype = images.dtype
    matrix = records[:, WORD["rr"] : WORD["b1"] + 1].unflatten(1, (3, 4)).to(dtype) / COLOR_UNIT
    count = images.shape[1]
    rows = min(count, COLORS)
    colors = torch.stack([images[:, min(k, count - 1)] for k in range(3)], dim=1)
    weights = matrix[:, :rows, :3].clamp(-8, 8 - 1 / COLOR_UNIT)  # 16 bits, as in the kernel
    mixed = torch.einsum("nij,njhw->nihw", weights, colors) + matrix[:, :rows, 3, None, None] / 255
    return torch.cat((clamped(mixed), images[:, COLORS:]), dim=1)


STAGE = KernelStage(COLOR, _bytes, _floats)
