"""Translation of brightness, contrast, saturation and hue, alike in torchvision and Albumentations."""

from __future__ import annotations

from typing import Any

from gpuaug.transforms.base import Transform
from gpuaug.transforms.color import ColorJitter
from gpuaug.translate.reading import Reading

LAST = "contrast comes last, on the clamped result of the others, not at a random place"
HUE = "hue turns in YIQ, which keeps the luma, not in HSV"
CLAMP = "values are not clamped between the factors"


def color_jitter(reading: Reading) -> list[Transform]:
    """Translate a transform with these four settings, each a pair (least, most) or None."""
    factors = {name: _pair(reading[name], 1.0) for name in ("brightness", "contrast", "saturation")}
    hue = _pair(reading["hue"], 0.0)
    used = [name for name, pair in factors.items() if pair != (1, 1)]
    turns = hue != (0, 0)
    if not used and not turns:
        return []
    contrast = "contrast" in used
    others = len(used) - contrast + turns
    differs = [LAST] * (contrast and others > 0) + [HUE] * turns + [CLAMP] * (others > 1)
    if differs:
        reading.note("; ".join(differs))
    about = {"contrast_about": "mean"} if contrast else {}
    return reading.make(ColorJitter, **factors, hue=hue, **about)


def _pair(value: Any, centre: float) -> tuple[float, float]:
    if value is None:
        return (centre, centre)
    least, most = value
    return (float(least), float(most))
