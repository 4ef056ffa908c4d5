"""The values of images at a place of a chain: levels of bytes, floats, or normalised floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gpuaug.transforms.base import Transform
from gpuaug.transforms.normalize import Normalize

DTYPES = (torch.float32, torch.float16, torch.bfloat16)


@dataclass
class Values:
    """Follow a chain through its conversions, which gpuaug makes at the end, with one ``Normalize``.

    >>> values = Values()
    >>> values.convert(torch.float32, scale=True)
    ''
    >>> values.normalize([0.5], [0.25])
    >>> values.levels([0.0, 2.0]), values.output()
    ([127.5, 255.0], Normalize(mean=[0.5], std=[0.25], dtype=float32))

    Attributes:
        white: value of the brightest level, before ``Normalize``.
        floating: True if values are floats.
        given: True if the images come as floats in [0, 1], and are not converted.
        dtype: dtype of the floats.
        mean, std: those of ``Normalize``, as shares of white; None before it.
    """

    white: float = 255.0
    floating: bool = False
    given: bool = False
    dtype: torch.dtype = torch.float32
    mean: list[float] | None = None
    std: list[float] | None = None

    @classmethod
    def floats(cls) -> Values:
        """The values of images that come as floats in [0, 1]."""
        return cls(white=1.0, floating=True, given=True)

    @property
    def normalized(self) -> bool:
        return self.mean is not None

    @property
    def rounds(self) -> bool:
        """Whether the other library computes in floats here, and gpuaug in bytes."""
        return self.floating and not self.given

    def convert(self, dtype: torch.dtype, *, scale: bool) -> str:
        """Convert to a dtype; with ``scale``, floats are in [0, 1].

        Returns "", or if gpuaug cannot convert, the alternative that it offers.
        """
        if dtype in DTYPES:
            if not self.floating:
                self.white = 1.0 if scale else 255.0
            self.floating, self.dtype = True, dtype
            return ""
        if dtype != torch.uint8:
            return "torch.float32, torch.float16, torch.bfloat16 or torch.uint8"
        if self.normalized or (self.floating and scale != (self.white == 1)):
            return "bytes of the levels that were there, ahead of Normalize"
        self.white, self.floating, self.given = 255.0, False, False
        return ""

    def normalize(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Normalise by a mean and deviation in the units of the current values."""
        self.mean = [value / self.white for value in mean]
        self.std = [value / self.white for value in std]

    def levels(self, values: Sequence[float]) -> list[float]:
        """Convert values to levels, 0 to 255: one for all channels, or one for each."""
        if self.mean is None or self.std is None:
            return [255 * value / self.white for value in values]
        count = max(len(values), len(self.mean), len(self.std))
        values, mean, std = (
            list(numbers) * (count if len(numbers) == 1 else 1) for numbers in (values, self.mean, self.std)
        )
        return [255 * (v * s + m) for v, m, s in zip(values, mean, std, strict=True)]

    def output(self) -> Transform | None:
        """The transform that ends the chain; None if bytes stay bytes, and floats floats."""
        if self.mean is not None and self.std is not None:
            return Normalize(self.mean, self.std, dtype=self.dtype)
        if self.floating and not (self.given and self.dtype == torch.float32):
            return Normalize(0.0, 1 / self.white, dtype=self.dtype)
        return None
