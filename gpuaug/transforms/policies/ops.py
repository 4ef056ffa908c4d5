"""The ops of policies: each writes into a record at a magnitude, or is a batched transform.

Names and magnitudes are those of ``torchvision.transforms.v2``'s policies; SlideX, SlideY, SolarizeFrom and
SolarizeAdd are timm's.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gpuaug.recipe.layout import (
    AUTOCONTRAST,
    CONTRAST,
    CONTRAST_UNIT,
    EQUALIZE,
    POSTERIZE,
    SOLARIZE,
    THRESHOLD_UNIT,
    Stage,
)
from gpuaug.recipe.recipes import Group
from gpuaug.transforms.base import Transform
from gpuaug.transforms.batched.base import Batched
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.policies.at_once import at_once
from gpuaug.transforms.policies.order import Kind
from gpuaug.transforms.policies.solarize_add import SolarizeAdd


@dataclass(frozen=True)
class Written:
    """The values that an op writes for a draw. The defaults change nothing.

    Attributes:
        kind: decides the op's place in a pass.
        inverse: map from output to input about the centre: xx, xy, yx, yy.
        by_width, by_height: offset added to the map in x and in y, as shares of the width and of the height.
        share, pixels: shift to the right and down, as shares of the width and of the height and in pixels;
            its fraction is dropped.
        step, steps: a share is reached in ``steps`` steps, of which ``step`` are taken. They are counted in
            float32, as in torchvision, because a last bit decides over a pixel.
        brightness, saturation: factors.
        curve: the curve as a word of the record.
        factor: factor of sharpening, or of a batched transform.
    """

    kind: Kind
    inverse: tuple[float, ...] = (1.0, 0.0, 0.0, 1.0)
    by_width: tuple[float, float] = (0.0, 0.0)
    by_height: tuple[float, float] = (0.0, 0.0)
    share: tuple[float, float] = (0.0, 0.0)
    pixels: tuple[float, float] = (0.0, 0.0)
    step: int = 0
    steps: int = 1
    brightness: float = 1.0
    saturation: float = 1.0
    curve: int = 0
    factor: float = 1.0

    @property
    def row(self) -> list[float]:
        """The values in the order of ``COLUMNS``."""
        geometry = (*self.inverse, *self.by_width, *self.by_height, *self.share, *self.pixels)
        rest = (self.step, self.steps, self.brightness, self.saturation, self.curve, self.factor)
        return [float(number) for number in (*geometry, *rest)]


# Where each field of ``Written`` lies in a row; "mixed" is brightness, saturation and the curve.
COLUMNS = {
    "inverse": slice(0, 4),
    "by_width": slice(4, 6),
    "by_height": slice(6, 8),
    "share": slice(8, 10),
    "pixels": slice(10, 12),
    "step": slice(12, 14),
    "mixed": slice(14, 17),
    "factor": slice(17, 18),
}
NOTHING = Written(Kind.NOTHING)


def _on(axis: int, number: float) -> tuple[float, float]:
    """A number as a pair (x, y): in x for axis 0, else in y."""
    return (0.0, number) if axis else (number, 0.0)


def _shear(axis: int, magnitude: float) -> Written:
    """A shear about the top left corner."""
    half = _on(axis, magnitude / 2)
    if axis == 0:
        return Written(Kind.WARP, inverse=(1.0, magnitude, 0.0, 1.0), by_height=half)
    return Written(Kind.WARP, inverse=(1.0, 0.0, magnitude, 1.0), by_width=half)


def _rotate(degrees: float) -> Written:
    """A counter-clockwise rotation."""
    turn = math.radians(degrees)
    return Written(Kind.WARP, inverse=(math.cos(turn), -math.sin(turn), math.sin(turn), math.cos(turn)))


def _direction(axis: int, magnitude: float) -> Kind:
    if magnitude == 0:
        return Kind.NOTHING
    return ((Kind.RIGHT, Kind.LEFT), (Kind.DOWN, Kind.UP))[axis][magnitude < 0]


def translation(axis: int, share: float, step: int, steps: int) -> Written:
    """A shift by whole pixels: ``step`` of the ``steps`` to a share of the side, which may be negative."""
    return Written(_direction(axis, share * step), share=_on(axis, share), step=step, steps=steps)


def _translation_in_pixels(axis: int, magnitude: float) -> Written:
    pixels = math.trunc(magnitude)
    return Written(_direction(axis, pixels), pixels=_on(axis, pixels))


def _slide(axis: int, share: float) -> Written:
    """A shift by a share of the side, also between pixels."""
    if axis == 0:
        return Written(Kind.WARP, by_width=(-share, 0.0))
    return Written(Kind.WARP, by_height=(0.0, -share))


def _colors(brightness: float, saturation: float) -> Written:
    glares = max(brightness, saturation) > 1
    return Written(Kind.GLARE if glares else Kind.FADE, brightness=brightness, saturation=saturation)


def _posterize(bits: float) -> Written:
    return Written(Kind.CURVE, curve=POSTERIZE + 256 * math.trunc(bits))


def _solarize(share: float) -> Written:
    """Invert from a share of white on, compared in float32 as in torchvision."""
    (rounded,) = struct.unpack("f", struct.pack("f", 255.0 * share))
    return solarize_from(math.ceil(rounded))


def solarize_from(level: int) -> Written:
    """Invert the levels from this one on."""
    threshold = max(0, math.floor(level / 255 * THRESHOLD_UNIT - 0.5))
    return Written(Kind.CURVE if level > 0 else Kind.LIFT, curve=SOLARIZE + 256 * threshold)


def _contrast(factor: float) -> Written:
    """Contrast about the image's own mean."""
    return Written(Kind.LIFT, curve=CONTRAST + 256 * round(factor * CONTRAST_UNIT))


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
    "Contrast": (Stage.CURVES, lambda m: _contrast(1 + m)),
    "Sharpness": (Stage.BLUR, lambda m: Written(Kind.SHARPEN, factor=1 + m)),
    "Posterize": (Stage.CURVES, _posterize),
    "Solarize": (Stage.CURVES, _solarize),
    "Invert": (Stage.CURVES, lambda _: solarize_from(0)),
    "AutoContrast": (Stage.CURVES, lambda _: Written(Kind.LIFT, curve=AUTOCONTRAST)),
    "Equalize": (Stage.CURVES, lambda _: Written(Kind.LIFT, curve=EQUALIZE)),
    "SolarizeAdd": (Stage.BATCHED, _batched),  # levels, as a factor
    "SolarizeFrom": (Stage.CURVES, lambda level: solarize_from(int(level))),
}
# Ops that run after the kernel, on the draws that chose them.
BATCHED: dict[str, Callable[[], Batched]] = {
    "SolarizeAdd": lambda: SolarizeAdd(seed=0),
}
# Ops whose curves depend on the image.
MEASURED = ("AutoContrast", "Contrast", "Equalize")


class Op(Transform):
    """An op in the list of a policy.

    The policy writes it: the ops of many draws are one entry of a program.
    """

    graded = False

    def __init__(self, name: str, magnitudes: str = "") -> None:
        super().__init__(seed=0)
        self.name, self.magnitudes = name, magnitudes
        self.stage = OPS[name][0]
        self.measured = name in MEASURED

    def label(self) -> str:
        return f"{self.name} {self.magnitudes}".rstrip()


class BatchedOp(Op):
    """An op that a batched transform runs, after the kernel of its pass.

    An op that the kernel learns to run becomes an entry in ``OPS`` instead.
    """

    def __init__(self, name: str, magnitudes: str = "") -> None:
        super().__init__(name, magnitudes)
        self._does = BATCHED[name]()
        self.backend = self._does.backend

    def serve(self, batch: DrawBatch, place: int, rows: Tensor, factor: Tensor) -> None:
        """Apply the op to some draws, int64 ``(m,)``, each with its factor; ``place`` is the op's own in the
        chain.
        """
        batch.groups.append(Group(place, 0, rows, {"factor": factor}))

    def serve_masked(self, batch: DrawBatch, place: int, chosen: Tensor, factor: Tensor) -> None:
        """Apply the op to the draws of a mask ``(n,)``, computed for all: a trace needs groups of fixed
        size.
        """
        batch.groups.append(Group(place, 0, None, {"factor": factor, "chosen": chosen}))

    def transform_group(self, images: Tensor, group: Group) -> Tensor:
        chosen = group.parameters.get("chosen")
        if chosen is not None or group.rows is None:
            changed = self._does.transform_group(images, group)
            return changed if chosen is None else torch.where(chosen[:, None, None, None], changed, images)
        step = at_once(images)
        for rows, factor in zip(group.rows.split(step), group.parameters["factor"].split(step), strict=True):
            block = group._replace(rows=rows, parameters={"factor": factor})
            images = self._does.transform_group(images, block)
        return images


def op(name: str, magnitudes: str = "") -> Op:
    """Make an op by its name; ``magnitudes`` is the text that is printed.

    >>> op("Rotate", "±9").label(), op("SolarizeAdd").backend
    ('Rotate ±9', 'torch')
    """
    return (BatchedOp if name in BATCHED else Op)(name, magnitudes)
