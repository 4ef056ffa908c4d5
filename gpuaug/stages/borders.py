"""Borders: the values outside an image or window. In C++: ``csrc/common/borders.h``."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.recipe.layout import BORDERS


def resolve(index: Tensor, low: Tensor, high: Tensor, border: Tensor) -> Tensor:
    """The pixel that a tap reads along one axis, for a window [low, high); -1 for a zero border."""
    inside = (index >= low) & (index < high)
    period = (2 * (high - low - 1)).clamp(min=1)
    phase = (index - low).remainder(period)
    reflected = low + torch.minimum(phase, period - phase)
    outside = torch.where(border == BORDERS["reflect"], reflected, index.maximum(low).minimum(high - 1))
    return torch.where(inside, index, torch.where(border == BORDERS["zero"], -1, outside))


def resolve_floats(at: Tensor, low: Tensor, high: Tensor, border: Tensor) -> tuple[Tensor, Tensor]:
    """The coordinate to read at, in [low, high - 1], and the weight of the value there."""
    last = high - 1
    edge = at.maximum(low.double()).minimum(last.double())
    period = (2 * (last - low)).clamp(min=1)
    phase = (at - low).remainder(period)
    reflected = low + torch.minimum(phase, period - phase)
    zero = border == BORDERS["zero"]
    weight = torch.where(zero, 1 - (at - edge).abs().clamp(max=1), 1.0)
    return torch.where(border == BORDERS["reflect"], reflected, edge), weight
