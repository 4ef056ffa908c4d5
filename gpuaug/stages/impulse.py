"""Impulse noise: salt and pepper, from 16 random bits of each pixel; the same pixels for bytes and floats."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug import random
from gpuaug.recipe.layout import IMPULSE
from gpuaug.stages.base import KernelStage, word


def _bytes(image: Tensor, records: Tensor) -> Tensor:
    bits = _bits(image, records)
    value = torch.where(bits < word(records, "pepper", 2), 0, -1)
    value = torch.where(bits < word(records, "salt", 2), 255, value)[:, None]
    return torch.where(value < 0, image, value)


def _floats(images: Tensor, records: Tensor, source: torch.dtype) -> Tensor:
    bits = _bits(images, records)
    images = images.masked_fill((bits < word(records, "pepper", 2))[:, None], 0.0)
    return images.masked_fill((bits < word(records, "salt", 2))[:, None], 1.0)


def _bits(like: Tensor, records: Tensor) -> Tensor:
    return random.pixel_bits(word(records, "key", 0), word(records, "place", 0), *like.shape[-2:])


STAGE = KernelStage(IMPULSE, _bytes, _floats)
