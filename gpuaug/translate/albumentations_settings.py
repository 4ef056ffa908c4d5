"""Settings common to several of Albumentations' transforms, and rules for those with few others."""

from __future__ import annotations

from typing import Any

from gpuaug.transforms.base import Transform
from gpuaug.translate.reading import Reading
from gpuaug.translate.translation import Rule

INTERPOLATIONS = {1: "bilinear", 0: "nearest"}  # OpenCV's numbers
BORDERS = {0: "zero", 1: "edge", 4: "reflect"}


def chance(reading: Reading) -> float:
    """The transform's probability; 1 if a choice has already selected it."""
    p = float(reading["p"])
    return 1.0 if reading.forced else p


def bilinear(reading: Reading) -> None:
    """Check the interpolation of fields and resizes, which must be bilinear."""
    reading.only("interpolation", 1, nearest="cv2.INTER_LINEAR")


def border(reading: Reading) -> str:
    """The border of a transform that fills with black only."""
    mode, fill = reading["border_mode"], _fill(reading)
    if mode == 0 and set(fill) != {0}:
        reading.missing(f"fill={reading['fill']!r} has no counterpart", "fill=0")
    if mode not in BORDERS:
        reading.missing(f"border_mode={mode} has no counterpart", "cv2.BORDER_REFLECT_101")
    return BORDERS.get(mode, "zero")


def beyond(reading: Reading) -> dict[str, Any]:
    """The border of a transform that fills with any color."""
    mode = reading["border_mode"]
    if mode not in BORDERS:
        reading.missing(f"border_mode={mode} has no counterpart", "cv2.BORDER_REFLECT_101")
    return {"padding_mode": BORDERS.get(mode, "zero"), "fill": _fill(reading)}


def warp(reading: Reading) -> dict[str, Any]:
    """The border and interpolation of an affine map."""
    kind, outside = reading["interpolation"], beyond(reading)
    if kind not in INTERPOLATIONS:
        reading.missing(f"interpolation={kind} has no counterpart", "cv2.INTER_LINEAR, cv2.INTER_NEAREST")
    return {**outside, "interpolation": INTERPOLATIONS.get(kind, "bilinear")}


def _fill(reading: Reading) -> tuple[int, ...]:
    fill = reading["fill"]
    levels = fill if isinstance(fill, (list, tuple)) else [fill]
    if any(level != round(level) for level in levels):
        reading.missing(f"fill={fill!r} has no counterpart", "whole levels")
    return tuple(map(round, levels))


def sometimes(kind: type[Transform], **settings: str) -> Rule:
    """A rule for a transform whose settings, except the probability, gpuaug's has under its own names."""

    def rule(reading: Reading) -> list[Transform]:
        given = {ours: reading[theirs] for ours, theirs in settings.items()}
        return reading.sometimes(reading.make(kind, **given), chance(reading))

    return rule


def photo(kind: type[Transform]) -> Rule:
    """A rule for a transform whose only setting is a probability, which gpuaug's has too."""
    return lambda reading: reading.make(kind, p=chance(reading))


def noted(text: str, rule: Rule) -> Rule:
    """The same rule, with a note of the difference."""

    def said(reading: Reading) -> list[Transform]:
        reading.note(text)
        return rule(reading)

    return said
