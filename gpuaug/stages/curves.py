"""Fixed curves of levels, the same for every channel and pixel. In C++: ``csrc/common/stages/curves.h``.

A recipe holds up to ``MOST_CURVES`` words, applied one after another: the kind of a curve in the low eight
bits, its parameter above them. For bytes, the curves become one table, computed in integers only, because
processors differ in the last bits of a power. Floats go through the curves themselves. Measured curves, which
depend on the image, are in ``statistics.py``; here they change nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gpuaug.images.levels import clamped
from gpuaug.recipe.layout import (
    CURVES,
    EXPONENT_UNIT,
    MOST_CURVES,
    POSTERIZE,
    POWER,
    SOLARIZE,
    STATISTICS,
    THRESHOLD_UNIT,
    WORD,
)
from gpuaug.stages.base import KernelStage

_LEVELS = 256
_WHITE = 255
# ln(2)**k / k!, in 1/2**32, from k = 9 to 1: the series of 2**-x for x in [0, 1).
_SERIES = (437, 5676, 65510, 661577, 5726720, 41309550, 238388332, 1031764991, 2977044472)
_ONE = 1 << 32
_LEAST_EXPONENT, _MOST_EXPONENT = 0, (1 << 23) - 1


class _Curve(NamedTuple):
    """One curve of every draw: its kind and its parameter in each unit."""

    kind: Tensor
    bits: Tensor
    threshold: Tensor
    exponent: Tensor

    @classmethod
    def of(cls, word: Tensor, dims: int) -> _Curve:
        word = word.view(-1, *(1,) * dims)
        parameter = word >> 8
        return cls(
            word & 0xFF,
            parameter.clamp(0, 8),
            parameter.clamp(0, _ONE),
            parameter.clamp(_LEAST_EXPONENT, _MOST_EXPONENT),
        )

    def choose(self, value: Tensor, posterized: Tensor, solarized: Tensor, raised: Tensor) -> Tensor:
        value = torch.where(self.kind == POSTERIZE, posterized, value)
        value = torch.where(self.kind == SOLARIZE, solarized, value)
        return torch.where(self.kind == POWER, raised, value)


def tables(records: Tensor) -> Tensor:
    """The table of levels of each draw: int64 ``(n, 256)``.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> builder = RecipeBuilder.of_batch((1, 3, 8, 8))
    >>> builder.curve(SOLARIZE, THRESHOLD_UNIT // 2)
    >>> tables(builder.recipes((8, 8)).records)[0, [0, 127, 128, 255]].tolist()
    [0, 127, 127, 0]
    """
    level = torch.arange(_LEVELS, device=records.device)
    table = level.expand(len(records), -1)
    for word in words(records):
        table = table_of(word).expand_as(table).gather(1, table)
    return table


def table_of(word: Tensor) -> Tensor:
    """The table of levels of one word of every draw: int64 ``(n, 256)``."""
    level = torch.arange(_LEVELS, device=word.device)
    curve = _Curve.of(word, 1)
    posterized = level & (0xFF00 >> curve.bits)
    solarized = torch.where((level << 24) < curve.threshold * _WHITE, level, _WHITE - level)
    return curve.choose(level, posterized, solarized, _raised(level, curve.exponent))


def _bytes(image: Tensor, records: Tensor) -> Tensor:
    return tables(records).gather(1, image.flatten(1)).view_as(image)


def _floats(images: Tensor, records: Tensor, source: torch.dtype) -> Tensor:
    """Applies the curves to floating images ``(n, C, H, W)``, float32 or wider, and clamps to [0, 1]."""
    for word in words(records):
        images = floats_of(images, word, source)
    return clamped(images)


def floats_of(images: Tensor, word: Tensor, source: torch.dtype) -> Tensor:
    """Applies one word of every draw to floating images.

    ``source`` is the dtype in which the images came. A value that it cannot tell from a level (a multiple of
    1/255) is posterized and solarized as that level. Between two levels, posterizing takes the lower one; its
    gradient is zero.
    """
    # A tensor, as some devices round a division by a number twice; filled on the device, without a wait.
    white = torch.full((), _WHITE, dtype=images.dtype, device=images.device)
    curve = _Curve.of(word, 3)
    levels = images * white
    nearest = levels.round()
    level = nearest / white
    on_level = ((levels - nearest).abs() < 2**-14) | (level.to(source) == images)
    unit = torch.exp2((8 - curve.bits).to(images.dtype))
    posterized = torch.where(on_level, nearest, levels).div(unit).floor() * unit / white
    posterized = torch.where(unit == 1, images, posterized)
    # Levels are compared in integers, as for bytes: a float would round the threshold.
    first = (curve.threshold * _WHITE + (THRESHOLD_UNIT - 1)) // THRESHOLD_UNIT
    threshold = curve.threshold.to(images.dtype) / THRESHOLD_UNIT
    stays = torch.where(on_level, nearest < first, images < threshold)
    inverted = 1 - torch.where(on_level, images + (level - images).detach(), images)
    solarized = torch.where(stays, images, inverted)
    # For exponents below 1 the gradient at 0 would be infinite.
    safe = torch.where(images > 0, images, 1)
    raised = torch.where(images > 0, safe.pow(curve.exponent.to(images.dtype) / EXPONENT_UNIT), images)
    return curve.choose(images, posterized, solarized, raised)


def words(records: Tensor) -> list[Tensor]:
    """The curve words of the recipes, one after another: each int64 ``(n,)``."""
    return [records[:, WORD[f"curve{number}"]] for number in range(MOST_CURVES)]


def _log2(number: int) -> int:
    """The binary logarithm of an integer in [1, 255], in 1/2**32: bit by bit, by squaring."""
    log = number.bit_length() - 1
    power = number << (31 - log)  # 2 to the power of the remaining fraction, in 1/2**31
    for _ in range(32):
        power = power * power >> 31
        log = log << 1 | power >> 32
        power >>= power >> 32
    return log


# log2(255 / level) of each level, in 1/2**32. Level 0 counts as 1 here; _raised keeps it 0.
_DEPTHS = tuple(_log2(_WHITE) - _log2(max(level, 1)) for level in range(_LEVELS))


def _raised(level: Tensor, exponent: Tensor) -> Tensor:
    """The levels, as shares of white, to the power of an exponent ``(n, 1)``: levels ``(n, 256)``."""
    octaves = (torch.tensor(_DEPTHS, device=level.device) * exponent) >> 16
    fraction, shift = octaves & (_ONE - 1), (octaves >> 32).clamp(max=20)
    series = torch.zeros_like(fraction)
    for term in _SERIES:
        # A product overflows int64, but its 64 bits are right. The mask removes the shifted-in sign bits.
        series = term - (((series * fraction) >> 32) & (_ONE - 1))
    series = _ONE - (((series * fraction) >> 32) & (_ONE - 1))
    return torch.where(level < 1, 0, (_WHITE * series + (1 << 31 << shift)) >> (32 + shift))


STAGE = KernelStage(CURVES, _bytes, _floats, without=STATISTICS)
