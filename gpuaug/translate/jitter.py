"""Brightness, contrast, saturation and hue, which torchvision and Albumentations have alike."""

from __future__ import annotations

from typing import Any

from gpuaug.transforms.base import Transform
from gpuaug.transforms.color import ColorJitter
from gpuaug.transforms.statistics import RandomMeanContrast
from gpuaug.translate.reading import Reading

CONTRAST = "contrast is about middle grey, not about the image's mean"
HUE = "hue turns in YIQ, which keeps the luma, not in HSV"
CLAMP = "what is between the factors is not clamped"


def color_jitter(reading: Reading) -> list[Transform]:
    """Of a transform with these four settings, each a pair (least, most), or none."""
    factors = {name: _pair(reading[name], 1.0) for name in ("brightness", "contrast", "saturation")}
    hue = _pair(reading["hue"], 0.0)
    used = [name for name, pair in factors.items() if pair != (1, 1)]
    if used == ["contrast"] and hue == (0, 0):
        return reading.make(RandomMeanContrast, factor=factors["contrast"])
    if not used and hue == (0, 0):
        return []
    differs = [CONTRAST] * ("contrast" in used) + [HUE] * (hue != (0, 0))
    differs += [CLAMP] * (len(used) + (hue != (0, 0)) > 1)
    if differs:
        reading.note("; ".join(differs))
    return reading.make(ColorJitter, **factors, hue=hue)


def _pair(value: Any, centre: float) -> tuple[float, float]:
    if value is None:
        return (centre, centre)
    least, most = value
    return (float(least), float(most))
