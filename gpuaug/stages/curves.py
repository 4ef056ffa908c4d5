"""Curves, from each level to another, the same for every channel and pixel. In C++:
``csrc/common/stages/curves.h``.

A record holds up to ``MOST_CURVES`` words, one curve after another: its kind in the low eight bits, its
parameter above them. Bytes go through the table that they come to, in whole numbers alone, because no two
processors agree on the last bits of a power; floats through the curves themselves. Curves that go by the
image itself are in ``statistics.py``; here they change nothing.
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
# ln(2)**k / k!, in 1/2**32, from k = 9 down: the series of 2 to the power of minus a fraction.
_SERIES = (437, 5676, 65510, 661577, 5726720, 41309550, 238388332, 1031764991, 2977044472)
_ONE = 1 << 32
_LEAST_EXPONENT, _MOST_EXPONENT = 0, (1 << 23) - 1


class _Curve(NamedTuple):
    """One word of every draw, to be broadcast over ``dims`` more dimensions."""

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
    """What becomes of each level: int64 ``(n, 256)``.

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
    """What one word of every draw makes of each level: int64 ``(n, 256)``."""
    level = torch.arange(_LEVELS, device=word.device)
    curve = _Curve.of(word, 1)
    posterized = level & (0xFF00 >> curve.bits)
    solarized = torch.where((level << 24) < curve.threshold * _WHITE, level, _WHITE - level)
    return curve.choose(level, posterized, solarized, _raised(level, curve.exponent))


def _bytes(image: Tensor, records: Tensor) -> Tensor:
    return tables(records).gather(1, image.flatten(1)).view_as(image)


def _floats(images: Tensor, records: Tensor, source: torch.dtype) -> Tensor:
    """Floating images ``(n, C, H, W)``, float32 at least, through their draws' curves, clamped to [0, 1]."""
    for word in words(records):
        images = floats_of(images, word, source)
    return clamped(images)


def floats_of(images: Tensor, word: Tensor, source: torch.dtype) -> Tensor:
    """Floating images through one word of every draw.

    A value that ``source``, the type that the images came in, cannot tell from a level of 1/255 is posterized
    and solarized as that level. Between two levels posterizing counts the lower one; its gradient is zero.
    """
    # A tensor: a division by a number is rounded twice on some devices. It is filled there, without a wait.
    white = torch.full((), _WHITE, dtype=images.dtype, device=images.device)
    curve = _Curve.of(word, 3)
    levels = images * white
    nearest = levels.round()
    level = nearest / white
    on_level = ((levels - nearest).abs() < 2**-14) | (level.to(source) == images)
    unit = torch.exp2((8 - curve.bits).to(images.dtype))
    posterized = torch.where(on_level, nearest, levels).div(unit).floor() * unit / white
    posterized = torch.where(unit == 1, images, posterized)
    # Of levels in whole numbers, as for bytes: a float would round the threshold.
    first = (curve.threshold * _WHITE + (THRESHOLD_UNIT - 1)) // THRESHOLD_UNIT
    threshold = curve.threshold.to(images.dtype) / THRESHOLD_UNIT
    stays = torch.where(on_level, nearest < first, images < threshold)
    inverted = 1 - torch.where(on_level, images + (level - images).detach(), images)
    solarized = torch.where(stays, images, inverted)
    # The slope at 0 is infinite where the exponent is below 1: the gradient's only.
    safe = torch.where(images > 0, images, 1)
    raised = torch.where(images > 0, safe.pow(curve.exponent.to(images.dtype) / EXPONENT_UNIT), images)
    return curve.choose(images, posterized, solarized, raised)


def words(records: Tensor) -> list[Tensor]:
    """The word of each place, of every draw: int64 ``(n,)``."""
    return [records[:, WORD[f"curve{number}"]] for number in range(MOST_CURVES)]


def _log2(number: int) -> int:
    """Of a whole number from 1 to 255, in 1/2**32: bit by bit, by squaring."""
    log = number.bit_length() - 1
    power = number << (31 - log)  # of 2 to the fraction that is still to come, in 1/2**31
    for _ in range(32):
        power = power * power >> 31
        log = log << 1 | power >> 32
        power >>= power >> 32
    return log


# How far each level is below white, in octaves of 1/2**32. Black counts as level 1: no power moves it.
_DEPTHS = tuple(_log2(_WHITE) - _log2(max(level, 1)) for level in range(_LEVELS))


def _raised(level: Tensor, exponent: Tensor) -> Tensor:
    """Each level to the power of an exponent ``(n, 1)``: ``(n, 256)``."""
    octaves = (torch.tensor(_DEPTHS, device=level.device) * exponent) >> 16
    fraction, shift = octaves & (_ONE - 1), (octaves >> 32).clamp(max=20)
    series = torch.zeros_like(fraction)
    for term in _SERIES:
        # A product wraps in int64, but its 64 bits are right; the shift's sign bits are masked away.
        series = term - (((series * fraction) >> 32) & (_ONE - 1))
    series = _ONE - (((series * fraction) >> 32) & (_ONE - 1))
    return torch.where(level < 1, 0, (_WHITE * series + (1 << 31 << shift)) >> (32 + shift))


STAGE = KernelStage(CURVES, _bytes, _floats, without=STATISTICS)
