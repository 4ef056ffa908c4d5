"""The whole catalogue as the tests of what holds for all of it build it: each transform sure to act."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gpuaug.transforms import Entry, Transform, catalogue

# Where the defaults do nothing, or ask for larger images.
SETTINGS: dict[str, dict[str, Any]] = {
    "CLAHE": {"tile_grid_size": 2},
    "ColorJitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.2},
    "Normalize": {"mean": 0.4, "std": 0.3},
    "RandomRotation": {"degrees": (20, 70)},
    "RandomAffine": {"degrees": (20, 70), "scale": (0.7, 1.3)},
    "RandomZoomOut": {"side_range": (1.5, 2.5), "fill": 120},
    "ScaleJitter": {"target_size": (15, 28), "scale_range": (0.5, 1.5)},
    "RandomShortestSize": {"min_size": (11, 15, 30), "max_size": 28},
    "Pad": {"padding": (1, 2, 3, 4), "fill": 99},
    "Window": {"low": (10, 40), "high": (180, 230)},
    "Resize": {"size": (9, 17)},  # one side shrinks as well
    "RandomCrop": {"size": 15},
    "CenterCrop": {"size": 15},
    "RandomResizedCrop": {"size": (11, 40)},
}
# Which a chain alone may hold: they are of all draws.
OF_CHAINS = ("Normalize", "Window")
ENTRIES = {entry.name: entry for entry in catalogue()}
every_transform = pytest.mark.parametrize("name", ENTRIES)


def required(entry: Entry) -> dict[str, int]:
    """Settings that have no default: sizes, and ends of a window of values."""
    return {name: 200 if name == "high" else 8 for name in entry.required}


def build(name: str) -> Transform:
    entry = ENTRIES[name]
    settings = required(entry) | SETTINGS.get(name, {})
    if "p" in [parameter.name for parameter in entry.parameters]:
        settings["p"] = 1.0
    return entry.kind(**settings)


def draws_of(n: int) -> torch.Tensor:
    keys = torch.arange(n) * 0x1E3779B97F4A7C15 + 7
    return torch.stack((torch.arange(n), torch.ones(n, dtype=torch.int64), keys), dim=1)


def images_of(n: int, channels: int = 3, size: int = 24) -> torch.Tensor:
    """Bytes, smooth in part, so that a filter has something to keep."""
    random = torch.Generator().manual_seed(n)
    coarse = torch.rand(n, channels, 4, 4, generator=random)
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")
    noisy = smooth + 0.05 * torch.randn(n, channels, size, size, generator=random)
    return noisy.clamp(0, 1).mul(255).round().to(torch.uint8)
