"""The measured cases: four chains, in batches of one size, on threads of a CPU or on a GPU."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
SIGMA, AMOUNT, SALT = 1.0, 0.25, 0.6  # of the blur; the share of noisy pixels, and of salt among them
DEGREES, SCALE, JITTER = (
    15.0,
    (0.8, 1.2),
    0.2,
)  # the most to both sides; for brightness, contrast and saturation

# Each from uint8 NCHW to normalized float32 NCHW, with separate parameters for every image:
CHAINS = (
    "full",  # window of 20/32 of the side, bilinear back to it, flip of half, 5x5 Gaussian, salt and pepper
    "resize",  # the window, bilinear back, flip of half
    "one of",  # for each image either the window and back, or a flip, or salt and pepper: the article's three
    "turn",  # rotation and scale about the middle, zeros beyond; flip of half; colors; a square of zeros
)


@dataclass(frozen=True)
class Case:
    chain: str
    side: int
    batch: int
    threads: int
    device: str = "cpu"

    @property
    def window(self) -> int:
        return self.side * 20 // 32

    @property
    def hole(self) -> int:
        return self.side // 4

    def images(self) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        shape = (self.batch, 3, self.side, self.side)
        return torch.randint(256, shape, dtype=torch.uint8, generator=generator).to(self.device)

    def least_bytes(self) -> int:
        """The bytes that any library must read and write for a batch.

        These are the source pixels that the chain reads, once, and the float32 result, once.

        >>> Case("resize", side=32, batch=2, threads=1).least_bytes() == 2 * 3 * (20 * 20 + 4 * 32 * 32)
        True
        """
        whole, window = self.side**2, self.window**2
        read = {"one of": (2 * whole + window) / 3, "turn": whole}.get(self.chain, window)
        return round(self.batch * 3 * (read + 4 * whole))

    def __str__(self) -> str:
        where = self.device if self.device != "cpu" else f"{self.threads} thread{'s' * (self.threads > 1)}"
        return f"{self.chain}, {self.side} px, batch {self.batch}, {where}"
