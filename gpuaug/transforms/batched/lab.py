"""Levels to CIELAB by tables, with the same numbers on every device."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.images.levels import COLORS, shares

# sRGB's primaries to XYZ (IEC 61966-2-1), each row divided by D65's white: X, Y and Z of white are 1.
_XYZ = (
    (0.412453 / 0.950456, 0.357580 / 0.950456, 0.180423 / 0.950456),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / 1.088754, 0.119193 / 1.088754, 0.950227 / 1.088754),
)
_STEPS = 1 << 16  # of light, from black to white
_KNEE = 6 / 29


def lab(levels: Tensor) -> Tensor:
    """Convert images of three channels to CIELAB, others to the lightness of each channel.

    >>> lab(torch.tensor([255.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten().round().tolist()
    [53.0, 80.0, 67.0]
    >>> lab(torch.tensor([0.0, 119.0, 255.0]).view(1, 1, 1, 3)).flatten().round().tolist()
    [0.0, 50.0, 100.0]

    Lightness is in [0, 100]; the axes a, from green to red, and b, from blue to yellow, are in [-128, 128].
    Values are within 0.1 of the exact ones.

    Args:
        levels: floating ``(m, C, H, W)``, whole numbers in [0, 255].

    Returns:
        float32 ``(m, C, H, W)``.
    """
    light, root = _tables(levels.device)
    linear = light.index_select(0, levels.int().flatten()).view(levels.shape)
    if levels.shape[1] != COLORS:
        return 116 * _looked_up(root, linear) - 16
    red, green, blue = linear.unbind(1)
    # Products and sums one by one: none is fused, so each is rounded the same way everywhere.
    x, y, z = (_looked_up(root, red * r + green * g + blue * b) for r, g, b in _XYZ)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), dim=1)


def _looked_up(root: Tensor, linear: Tensor) -> Tensor:
    return root.index_select(0, linear.round().int().flatten()).view(linear.shape)


def _tables(device: torch.device) -> tuple[Tensor, Tensor]:
    """Linear light of each level in whole steps, ``(256,)``, and CIELAB's cube root of each step.

    The second table is ``(_STEPS + 2,)``, since a row of the matrix may add up to a little over 1.
    """
    level = shares(torch.arange(256, device=device, dtype=torch.float64))
    light = torch.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    step = torch.arange(_STEPS + 2, device=device, dtype=torch.float64) / _STEPS
    root = torch.where(step <= _KNEE**3, step / (3 * _KNEE**2) + 4 / 29, step ** (1 / 3))
    # Rounded, so that the last bits of a device's powers do not matter.
    return (light * _STEPS).round().float(), (root * 2.0**22).round().mul(2.0**-22).float()
