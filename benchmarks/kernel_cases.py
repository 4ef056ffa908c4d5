"""The batches whose instructions ``kernel_instructions.py`` counts: chains in several layouts and sizes.

A is a window of 20/32 of each side, resized back bilinearly, a flip with probability 0.5, and normalization
to bfloat16, from planar bytes to planar values. B is the full chain, with Gaussian blur and salt and pepper,
to float32. The other cases add one stage to A.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from case import MEAN, STD
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import gpuaug

CHANNELS = 3
BLOCKS = 3  # the blocks of a launch on the CPU; see tests/csrc/cuda_launch.h
PIXELS = 256 * 224**2 * BLOCKS // (4 * 132)  # the least pixels of a batch
BATCHES = 4  # per case, to average over draws
LAST = torch.channels_last

WINDOW_AND_FLIP = (
    lambda side: gpuaug.RandomCrop(side * 20 // 32),
    lambda side: gpuaug.Resize(side),
    lambda side: gpuaug.RandomHorizontalFlip(),
)
BLUR_AND_NOISE = (
    lambda side: gpuaug.GaussianBlur(5, sigma=(0.1, 2.0)),
    lambda side: gpuaug.SaltAndPepper(0.25),
)


@dataclass(frozen=True)
class Case:
    """A batch of square images and its chain; ``side`` is that of the source and the output."""

    side: int
    stages: tuple[Callable[[int], gpuaug.transforms.base.Transform], ...] = WINDOW_AND_FLIP
    dtype: torch.dtype = torch.bfloat16
    source: torch.memory_format = torch.contiguous_format
    out: torch.memory_format = torch.contiguous_format
    small: int | None = None  # images of a batch that a GPU has to itself, all of its tiles at once

    @property
    def draws(self) -> int:
        """The draws of a batch."""
        return self.small or -(-PIXELS // self.side**2)

    @property
    def pixels(self) -> int:
        """The pixels of all batches."""
        return BATCHES * self.draws * self.side**2

    @property
    def least_bytes(self) -> float:
        """The bytes that a pixel must move: its share of the window, read once, and its values, written."""
        return CHANNELS * ((self.side * 20 // 32 / self.side) ** 2 + self.dtype.itemsize)

    def calls(self) -> list[tuple[tuple, Tensor]]:
        """The arguments and the result of the op for each batch."""
        stages = [stage(self.side) for stage in self.stages]
        normalize = gpuaug.Normalize(mean=MEAN, std=STD, dtype=self.dtype)
        augment = gpuaug.Compose([*stages, normalize], memory_format=self.out)
        shape = (self.draws, CHANNELS, self.side, self.side)
        images = torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        images = images.contiguous(memory_format=self.source)
        index = torch.arange(BATCHES * self.draws)
        draws = torch.stack([index, torch.ones_like(index), index * 0x1E3779B97F4A7C15], dim=1)
        with _Calls() as calls:
            for some in draws.split(self.draws):
                augment.apply_recipes(images, augment.recipes(some, shape))
        return calls.found


class _Calls(TorchDispatchMode):
    """Records calls of the op and their results."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[tuple, Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.gpuaug.augment.default:
            self.found.append((args, out))
        return out


FULL = WINDOW_AND_FLIP + BLUR_AND_NOISE
COLOR = (*WINDOW_AND_FLIP, lambda side: gpuaug.ColorJitter(0.2, 0.2, 0.2))
CURVES = (*WINDOW_AND_FLIP, lambda side: gpuaug.RandomGamma(gamma=(0.5, 2.0)))
EQUALIZE = (*WINDOW_AND_FLIP, lambda side: gpuaug.Equalize())
NOISE = (*WINDOW_AND_FLIP, lambda side: gpuaug.GaussNoise(std=0.1))
CASES = {
    "A, 224 px": Case(224),
    "A, 224 px, from HWC": Case(224, source=LAST),
    "A, 224 px, to channels_last": Case(224, out=LAST),
    "A, 225 px": Case(225),
    "A, 225 px, from HWC": Case(225, source=LAST),
    "A, 32 px": Case(32),
    "A, 64 px": Case(64),
    "A and color, 64 px": Case(64, COLOR),
    "A and curves, 64 px": Case(64, CURVES),
    "A and equalize, 64 px": Case(64, EQUALIZE),  # two launches
    "A and noise, 64 px": Case(64, NOISE),
    "B, 224 px": Case(224, FULL, torch.float32),
    "B, 224 px, to channels_last": Case(224, FULL, torch.float32, out=LAST),
    "B, 32 px": Case(32, FULL, torch.float32),
    "A, 64 images of 32 px": Case(32, small=64),
    "B, 64 images of 32 px": Case(32, FULL, torch.float32, small=64),
}
