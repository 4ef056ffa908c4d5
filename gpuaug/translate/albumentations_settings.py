"""Settings that several transforms of Albumentations have, and rules for those that have little else."""

from __future__ import annotations

from gpuaug.transforms.base import Transform
from gpuaug.translate.reading import Reading
from gpuaug.translate.translation import Rule

LINEAR = 1  # OpenCV's numbers
BORDERS = {0: "zero", 1: "edge", 4: "reflect"}


def chance(reading: Reading) -> float:
    """Its probability: 1 where a choice has already fallen on it."""
    p = float(reading["p"])
    return 1.0 if reading.forced else p


def bilinear(reading: Reading) -> None:
    """The one way that pixels are read between others."""
    reading.only("interpolation", LINEAR, nearest="cv2.INTER_LINEAR")


def border(reading: Reading) -> str:
    """What lies beyond an image, which is black where it is one color."""
    mode = reading["border_mode"]
    if mode not in BORDERS:
        reading.missing(f"border_mode={mode} has no counterpart", "cv2.BORDER_REFLECT_101")
    if mode == 0:
        _black(reading)
    reading.known("fill")
    return BORDERS.get(mode, "zero")


def _black(reading: Reading) -> None:
    fill = reading["fill"]
    if any(one != 0 for one in (fill if isinstance(fill, (list, tuple)) else [fill])):
        reading.missing(f"fill={fill!r} has no counterpart", "fill=0")


def sometimes(kind: type[Transform], **settings: str) -> Rule:
    """Of a transform whose settings ours has too, by its own names, but for the probability."""

    def rule(reading: Reading) -> list[Transform]:
        given = {ours: reading[theirs] for ours, theirs in settings.items()}
        return reading.sometimes(reading.make(kind, **given), chance(reading))

    return rule


def photo(kind: type[Transform]) -> Rule:
    """Of a transform whose only setting is its probability, which ours has too."""
    return lambda reading: reading.make(kind, p=chance(reading))


def noted(text: str, rule: Rule) -> Rule:
    """The same rule, which says what differs."""

    def said(reading: Reading) -> list[Transform]:
        reading.note(text)
        return rule(reading)

    return said
