"""The ops of policies: what each writes into a record at a magnitude, or which batched transform it is.

Names and magnitudes are those of ``torchvision.transforms.v2``'s policies; SlideX, SlideY, SolarizeFrom and
SolarizeAdd are timm's.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from gpuaug.recipe.layout import POSTERIZE, SOLARIZE, THRESHOLD_UNIT, Stage
from gpuaug.recipe.recipes import Group
from gpuaug.recipe.selection import Selection
from gpuaug.transforms.base import Transform
from gpuaug.transforms.batched.base import Batched, groups_of
from gpuaug.transforms.batched.histograms import AutoContrast, Equalize, RandomMeanContrast
from gpuaug.transforms.batched.sharpness import RandomSharpness
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.policies.order import Kind
from gpuaug.transforms.policies.solarize_add import SolarizeAdd


@dataclass(frozen=True)
class Written:
    """What an op writes of a draw. The defaults change nothing.

    Attributes:
        kind: what matters for its place in a pass.
        inverse: the map from outputs to inputs about the middle: xx, xy, yx, yy.
        offset: what is added to it in x and in y, as shares of the width and of the height: x by width, x by
            height, y by width, y by height.
        moved: pixels to the right and down, of which the fraction is cut off: in shares of the width and of
            the height, then in pixels.
        step, steps: a share is reached at the last of so many steps; how many of them are taken. They are
            counted in float32, as torchvision counts, because a last bit decides over a pixel.
        colors: factors of brightness and of saturation.
        curve: its kind and parameter, as the record has them.
        factor: of a batched transform.
    """

    kind: Kind
    inverse: tuple[float, ...] = (1.0, 0.0, 0.0, 1.0)
    offset: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    moved: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    step: int = 0
    steps: int = 0
    colors: tuple[float, float] = (1.0, 1.0)
    curve: tuple[int, int] = (0, 0)
    factor: float = 1.0

    @property
    def row(self) -> list[float]:
        """As ``COLUMNS`` has them."""
        numbers = (*self.inverse, *self.offset, *self.moved, self.step, self.steps, *self.colors)
        return [float(number) for number in (*numbers, *self.curve, self.factor)]


# Where each field of ``Written`` lies in a row.
COLUMNS = {
    "inverse": slice(0, 4),
    "offset": slice(4, 8),
    "moved": slice(8, 12),
    "step": slice(12, 14),
    "colors": slice(14, 16),
    "curve": slice(16, 18),
    "factor": slice(18, 19),
}
NOTHING = Written(Kind.NOTHING)


def _shear(axis: int, magnitude: float) -> Written:
    """About the top left corner."""
    inverse, offset = [1.0, 0.0, 0.0, 1.0], [0.0] * 4
    inverse[1 + axis], offset[1 + axis] = magnitude, magnitude / 2
    return Written(Kind.WARP, inverse=tuple(inverse), offset=tuple(offset))


def _rotate(degrees: float) -> Written:
    """Counter-clockwise."""
    turn = math.radians(degrees)
    return Written(Kind.WARP, inverse=(math.cos(turn), -math.sin(turn), math.sin(turn), math.cos(turn)))


def _direction(axis: int, magnitude: float) -> Kind:
    if magnitude == 0:
        return Kind.NOTHING
    return ((Kind.RIGHT, Kind.LEFT), (Kind.DOWN, Kind.UP))[axis][magnitude < 0]


def translation(axis: int, share: float, step: int, steps: int) -> Written:
    """Moved by whole pixels: by ``step`` of the ``steps`` to a share of the side, which may be negative."""
    moved = [0.0] * 4
    moved[axis] = share
    return Written(_direction(axis, share * step), moved=tuple(moved), step=step, steps=steps)


def _translation_in_pixels(axis: int, magnitude: float) -> Written:
    pixels = math.trunc(magnitude)
    moved = [0.0] * 4
    moved[2 + axis] = float(pixels)
    return Written(_direction(axis, pixels), moved=tuple(moved))


def _slide(axis: int, share: float) -> Written:
    """Moved by a share of the side, between pixels too."""
    offset = [0.0] * 4
    offset[3 * axis] = -share
    return Written(Kind.WARP, offset=tuple(offset))


def _colors(brightness: float, saturation: float) -> Written:
    glares = max(brightness, saturation) > 1
    return Written(Kind.GLARE if glares else Kind.FADE, colors=(brightness, saturation))


def _posterize(bits: float) -> Written:
    return Written(Kind.CURVE, curve=(POSTERIZE, math.trunc(bits)))


def _solarize(share: float) -> Written:
    """From a share of white on, in float32, as torchvision compares."""
    (rounded,) = struct.unpack("f", struct.pack("f", 255.0 * share))
    return solarize_from(math.ceil(rounded))


def solarize_from(level: int) -> Written:
    """Levels from this one on are inverted."""
    threshold = max(0, math.floor(level / 255 * THRESHOLD_UNIT - 0.5))
    return Written(Kind.CURVE if level > 0 else Kind.LIFT, curve=(SOLARIZE, threshold))


def _batched(factor: float) -> Written:
    return Written(Kind.BATCHED, factor=factor)


# By name: the stage that runs it, and what it writes at a magnitude (0 where it has none).
OPS: dict[str, tuple[Stage, Callable[[float], Written]]] = {
    "Identity": (Stage.GEOMETRY, lambda _: NOTHING),
    "ShearX": (Stage.GEOMETRY, lambda m: _shear(0, m)),
    "ShearY": (Stage.GEOMETRY, lambda m: _shear(1, m)),
    "TranslateX": (Stage.GEOMETRY, lambda m: _translation_in_pixels(0, m)),
    "TranslateY": (Stage.GEOMETRY, lambda m: _translation_in_pixels(1, m)),
    "SlideX": (Stage.GEOMETRY, lambda m: _slide(0, m)),
    "SlideY": (Stage.GEOMETRY, lambda m: _slide(1, m)),
    "Rotate": (Stage.GEOMETRY, _rotate),
    "Brightness": (Stage.COLOR, lambda m: _colors(1 + m, 1)),
    "Color": (Stage.COLOR, lambda m: _colors(1, 1 + m)),
    "Contrast": (Stage.BATCHED, lambda m: _batched(1 + m)),
    "Sharpness": (Stage.BATCHED, lambda m: _batched(1 + m)),
    "Posterize": (Stage.CURVES, _posterize),
    "Solarize": (Stage.CURVES, _solarize),
    "Invert": (Stage.CURVES, lambda _: solarize_from(0)),
    "AutoContrast": (Stage.BATCHED, _batched),
    "Equalize": (Stage.BATCHED, _batched),
    "SolarizeAdd": (Stage.BATCHED, _batched),  # levels, as a factor
    "SolarizeFrom": (Stage.CURVES, lambda level: solarize_from(int(level))),
}
# What runs after the kernel, on the draws that chose it.
BATCHED: dict[str, Callable[[], Batched]] = {
    "Contrast": lambda: RandomMeanContrast(seed=0),
    "Sharpness": lambda: RandomSharpness(seed=0),
    "AutoContrast": lambda: AutoContrast(seed=0),
    "Equalize": lambda: Equalize(seed=0),
    "SolarizeAdd": lambda: SolarizeAdd(seed=0),
}


class Op(Transform):
    """An op in the list of a policy, which writes it itself: many draws' ops are one entry of a program."""

    graded = False

    def __init__(self, name: str, magnitudes: str = "") -> None:
        super().__init__(seed=0)
        self.name, self.magnitudes = name, magnitudes
        self.stage = OPS[name][0]

    def label(self) -> str:
        return f"{self.name} {self.magnitudes}".rstrip()


class BatchedOp(Op):
    """An op that a batched transform does, after the kernel of its pass.

    Here alone a policy hands its draws to one: what the kernel learns to do becomes an entry in ``OPS``.
    """

    def __init__(self, name: str, magnitudes: str = "") -> None:
        super().__init__(name, magnitudes)
        self._does = BATCHED[name]()
        self.backend = self._does.backend

    def serve(self, batch: DrawBatch, place: int, selection: Selection, factor: Tensor) -> None:
        """Do it to the selected draws; ``place`` is its own in the chain, ``factor`` float64 ``(n,)``."""
        batch.groups += groups_of(place, 0, selection, {"factor": factor})

    def transform_group(self, images: Tensor, group: Group) -> Tensor:
        return self._does.transform_group(images, group)


def op(name: str, magnitudes: str = "") -> Op:
    """An op by its name, and how its magnitudes are shown.

    >>> op("Rotate", "±9").label(), op("Equalize").backend
    ('Rotate ±9', 'torch')
    """
    return (BatchedOp if name in BATCHED else Op)(name, magnitudes)
