"""Noise of every pixel: normal and added, or a factor. In C++: ``csrc/common/stages/noise.h``.

It is made from the pixel's 16 random bits. Each eight of them choose one of 256 numbers; a sum of the two is
almost normal: its distribution function differs by at most 0.0004, its standard deviation by 0.00001, and its
range ends at 4.2 standard deviations.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug import random
from gpuaug.images.levels import clamped
from gpuaug.recipe.layout import FACTOR_UNIT, FIRST_CHANNEL, NOISE, NORMAL, PER_CHANNEL, PER_PIXEL
from gpuaug.stages.base import KernelStage, word

_MOST = (1 << 16) - 1


def normals(device: torch.device | None = None) -> Tensor:
    """The means of the 256 equally likely parts of a normal distribution, in 1/1024 of its deviation: int64.

    >>> normals()[[0, 127, 128, 255]].tolist()
    [-3041, -5, 5, 3041]

    All devices round them alike, as none is closer than 0.002 to a half. They are computed on the device,
    without a copy.
    """
    edge = torch.special.ndtri(torch.arange(257, dtype=torch.float64, device=device) / 256)
    density = torch.exp(-0.5 * edge.square())
    mean = density[:-1] - density[1:]
    return (mean * (1024 / mean.square().mean().sqrt())).round().long()


def _bytes(image: Tensor, records: Tensor) -> Tensor:
    """Applies noise to levels ``(n, channels, height, width)``, int64."""
    drawn, bits, is_normal, low, span = _drawn(records, image)
    normal = image + ((low * drawn + (1 << 19)) >> 20)
    factor = (image * (low + ((bits * span) >> 16)) + (1 << 11)) >> 12
    return torch.where(is_normal, normal, factor).clamp(0, 255)


def _floats(images: Tensor, records: Tensor, source: torch.dtype) -> Tensor:
    """Applies the same noise to floating images, float32 or wider, and clamps to [0, 1]."""
    drawn, bits, is_normal, low, span = _drawn(records, images)
    normal = images + (low * drawn).to(images.dtype) * (2.0**-20 / 255)
    factor = images * ((low + ((bits * span) >> 16)).to(images.dtype) / FACTOR_UNIT)
    return clamped(torch.where(is_normal, normal, factor))


def _drawn(records: Tensor, like: Tensor) -> tuple[Tensor, ...]:
    """Normal numbers in 1/5120, random bits, whether the noise is normal, and the words that scale it."""
    count, channels, height, width = like.shape
    kind, place, low, span = (
        word(records, name) for name in ("noise", "noise_place", "noise_low", "noise_span")
    )
    first = (kind[:, 0, 0] // FIRST_CHANNEL) & 0xFF
    channel = first + torch.arange(channels, device=records.device)
    channel = torch.where((kind[:, 0, 0] & PER_CHANNEL) != 0, channel, 0)
    each = (word(records, "key", 1), place[:, 0, 0])
    key, place = (value.expand(count, channels).flatten() for value in each)
    bits = random.pixel_bits(key, place, height, width, channel.flatten()).view(like.shape)
    bits = torch.where((kind & PER_PIXEL) != 0, bits, bits[:, :, :1, :1])
    table = normals(records.device)
    drawn = 4 * table[bits & 0xFF] + 3 * table[bits >> 8]
    return drawn, bits, (kind & 0xFF) == NORMAL, low.clamp(0, _MOST), span.clamp(0, _MOST)


STAGE = KernelStage(NOISE, _bytes, _floats)
