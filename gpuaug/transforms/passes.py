"""Assigns transforms to passes: a transform joins the open pass if the kernel's stage order allows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from gpuaug.recipe.layout import MOST_CURVES, Stage


class Geometry(IntEnum):
    """The geometry of a pass so far; the higher the value, the fewer transforms may still join."""

    NONE = 0
    FLIP = 1
    SIZE = 2  # crops and resizes: they compose into one resampling
    AFFINE = 3  # a map that may turn; a second one would move the border of the first
    PAD = 4  # a crop that may reach beyond the image; a resize has another border, so only flips join it


@dataclass(frozen=True)
class PassCursor:
    """The end of a chain so far.

    It has the open pass, its latest stage, its geometry, its number of curves, and the interpolation of its
    pixels, which may differ between draws.
    """

    pass_index: int = 0
    stage: Stage = Stage.GEOMETRY
    geometry: Geometry = Geometry.NONE
    curves: int = 0
    interpolations: frozenset[str] = frozenset()
    began: bool = False  # whether any transform is in the chain

    def admits(self, stage: Stage, geometry: Geometry, interpolation: str | None = None) -> bool:
        """Whether a transform of this stage may still join the open pass."""
        if stage == Stage.BATCHED:
            return True  # any number of them, in turn
        if stage != Stage.GEOMETRY:
            # The matrices of several colors multiply, and curves follow one another while there is room.
            again = stage == Stage.COLOR or (stage == Stage.CURVES and self.curves < MOST_CURVES)
            return stage > self.stage or (stage == self.stage and again)
        if interpolation is not None and not self.interpolations <= {interpolation}:
            return False  # a pass resamples once
        if geometry == Geometry.PAD or self.geometry == Geometry.PAD:
            return self.stage == Stage.GEOMETRY and min(geometry, self.geometry) <= Geometry.FLIP
        if geometry == self.geometry == Geometry.AFFINE:
            return False
        return self.stage == Stage.GEOMETRY

    def after(self, stage: Stage, geometry: Geometry, interpolation: str | None = None) -> PassCursor:
        """The cursor after a transform has joined, in a new pass if necessary."""
        start = self if self.admits(stage, geometry, interpolation) else PassCursor(self.pass_index + 1)
        return PassCursor(
            *(start.pass_index, stage, max(start.geometry, geometry)),
            start.curves + (stage == Stage.CURVES),
            start.interpolations | ({interpolation} if interpolation else set()),
            began=True,
        )

    @staticmethod
    def furthest(cursors: list[PassCursor]) -> PassCursor:
        """The cursor after exclusive options: that of the furthest option."""
        latest = max(c.pass_index for c in cursors)
        last = [c for c in cursors if c.pass_index == latest]
        return PassCursor(
            *(latest, max(c.stage for c in last)),
            *(max(c.geometry for c in last), max(c.curves for c in last)),
            frozenset().union(*(c.interpolations for c in last)),
            began=True,
        )
