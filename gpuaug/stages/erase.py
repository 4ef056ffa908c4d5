"""Erasing: boxes and a grid, filled with one level. In C++: ``csrc/common/stages/erase.h``."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.recipe.layout import BOXES, ERASE
from gpuaug.stages.base import KernelStage, word


def _bytes(image: Tensor, records: Tensor) -> Tensor:
    return torch.where(_erased(image, records), _fill(records), image)


def _floats(images: Tensor, records: Tensor, source: torch.dtype) -> Tensor:
    return torch.where(_erased(images, records), _fill(records).to(images.dtype) / 255, images)


def _fill(records: Tensor) -> Tensor:
    return word(records, "fill") & 0xFF


def _erased(like: Tensor, records: Tensor) -> Tensor:
    """The pixels to erase: bool ``(n, 1, height, width)``."""
    x = torch.arange(like.shape[3], device=records.device)
    y = torch.arange(like.shape[2], device=records.device)[:, None]
    (unit_x, unit_y, hole_x, hole_y), (at_x, at_y, _, _) = (
        _quad(word(records, name)) for name in ("grid", "grid_at")
    )
    mask = ((x + at_x) % unit_x.clamp(min=1) < hole_x) & ((y + at_y) % unit_y.clamp(min=1) < hole_y)
    mask = mask & (unit_x > 0) & (unit_y > 0)
    for number in range(BOXES):
        left, top, right, bottom = _quad(word(records, f"box{number}"))
        mask = mask | ((x >= left) & (x < right) & (y >= top) & (y < bottom))
    return mask


def _quad(packed: Tensor) -> list[Tensor]:
    return [(packed >> (16 * place)) & 0xFFFF for place in range(4)]


STAGE = KernelStage(ERASE, _bytes, _floats)
