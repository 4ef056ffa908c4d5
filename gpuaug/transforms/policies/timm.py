"""timm's RandAugment, configured by timm's strings."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gpuaug.transforms.policies.policy import Policy
from gpuaug.transforms.policies.space import Entry, Space

__all__ = ["TimmRandAugment"]

FULL = 10.0  # the magnitude at which an op has its paper's full strength
STEPS = 16  # steps in a magnitude of 1
UNIFORM = 100.0  # above this deviation, magnitudes are uniform

# Weights of the ops for "w0", in the order of ``_entries``.
WEIGHTS = (
    *(0.025, 0.005, 0.0, 0.3, 0.0, 0.005, 0.005, 0.025, 0.005, 0.005, 0.025),
    *(0.2, 0.2, 0.1, 0.1),
)


class TimmRandAugment(Policy):
    """Apply timm's RandAugment, configured by timm's strings.

    >>> import gpuaug, torch
    >>> augment = gpuaug.TimmRandAugment("rand-m9-mstd0.5-inc1")
    >>> augment(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Ops, magnitudes, signs, weights and probabilities are timm's; each draw of a batch has its own ops. Passes
    are as in ``RandAugment``. Three things differ: beyond the image is black, not grey; interpolation is
    always bilinear, not bilinear or bicubic at random; and a random magnitude is kept in steps of 1/16.

    Args:
        spec: "rand" and sections in any order, joined by "-", each a name and a number. ``m``: magnitude, a
            whole number in [0, 100], default 10. ``n``: number of ops, in [1, 10], default 2. ``p``:
            probability of each op, in [0, 1], default 0.5. ``mstd``: standard deviation of a normal
            magnitude, default 0; above 100 the magnitude is uniform up to ``m``. ``mmax``: largest magnitude,
            in [1, 100], default 10. ``inc1``: ops whose effect grows with the magnitude. ``w0``: weighted
            ops, none of them twice.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if ``spec`` is not such a string, or a section is out of range; when called, if
            images do not have 1, 3 or 4 channels.
    """

    reference = "Wightman, timm, rand_augment_transform; Cubuk et al., RandAugment, NeurIPS 2020"

    def __init__(self, spec: str = "rand-m9-mstd0.5-inc1", *, seed: int | None = None) -> None:
        read = read_spec(spec)
        weighted = read.w is not None
        if weighted and read.n > sum(weight > 0 for weight in WEIGHTS):
            raise ValueError(f"spec must ask for at most 12 weighted ops, got {spec!r}")
        levels = [step / STEPS for step in range(read.mmax * STEPS + 1)]
        if read.mstd == 0:
            levels = [float(min(read.m, read.mmax))]
        super().__init__(Space(_entries(levels, read.inc == 1)), read.n, 4 * read.n, seed=seed)
        self.spec, self._read = spec, read
        self._weights = torch.tensor(WEIGHTS, dtype=torch.float64, device="cpu") if weighted else None

    def choose(self, numbers: Tensor) -> Tensor:
        op, chance, level, sign = numbers.unflatten(1, (self._slots, 4)).unbind(2)
        rows = self._space.rows(self._ops(op), self._levels(level), sign < 0.5)
        return torch.where(chance < self._read.p, rows, self._space.nothing)

    def _ops(self, number: Tensor) -> Tensor:
        """Choose the ops ``(n, slots)`` from numbers in [0, 1)."""
        if self._weights is None:
            return (number * len(self._space.entries)).long()
        left, chosen = self._weights.repeat(len(number), 1), []
        for slot in number.unbind(1):
            ends = left.cumsum(1)
            op = torch.searchsorted(ends, (slot[:, None] * ends[:, -1:]).contiguous(), right=True)
            left = left.scatter(1, op, 0.0)
            chosen.append(op)
        return torch.cat(chosen, dim=1)

    def _levels(self, number: Tensor) -> Tensor | int:
        read = self._read
        if read.mstd == 0:
            return 0
        if read.mstd > UNIFORM:
            magnitude = number * read.m
        else:
            magnitude = read.m + read.mstd * torch.special.ndtri(number)
        return (magnitude.clamp(0, read.mmax) * STEPS).round().long()

    def extra_repr(self) -> str:
        return f"spec={self.spec!r}"


@dataclass(frozen=True)
class Spec:
    """The sections of a string; the defaults are timm's."""

    m: int = 10
    n: int = 2
    p: float = 0.5
    mstd: float = 0.0
    mmax: int = 10
    inc: int = 0
    w: int | None = None


# By section: the kind of number, and its range.
SECTIONS: dict[str, tuple[type, float, float]] = {
    "m": (int, 0, 100),
    "n": (int, 1, 10),
    "p": (float, 0, 1),
    "mstd": (float, 0, math.inf),
    "mmax": (int, 1, 100),
    "inc": (int, 0, 1),
    "w": (int, 0, 0),
}


def read_spec(spec: Any) -> Spec:
    """Read one of timm's strings.

    >>> read_spec("rand-m7-n3")
    Spec(m=7, n=3, p=0.5, mstd=0.0, mmax=10, inc=0, w=None)
    """
    if not isinstance(spec, str):
        raise TypeError(f"spec must be a string such as 'rand-m9-mstd0.5-inc1', got {type(spec).__name__}")
    head, *sections = spec.split("-")
    if head != "rand":
        raise ValueError(f"spec must begin with 'rand', as 'rand-m9-mstd0.5-inc1' does, got {spec!r}")
    read = Spec()
    for section in sections:
        found = re.fullmatch(r"([a-z]+)(\d+|\d*\.\d+|inf)", section)
        kind, low, high = SECTIONS.get(found[1] if found else "", (int, 0, 0))
        if not found or found[1] not in SECTIONS or (kind is int and not found[2].isdigit()):
            raise ValueError(
                f"spec must have sections of {', '.join(SECTIONS)} and a number, got {section!r} in {spec!r}"
            )
        value = kind(found[2])
        if not low <= value <= high:
            raise ValueError(f"spec: {found[1]} must be in [{low}, {high}], got {section!r} in {spec!r}")
        read = replace(read, **{found[1]: value})
    return read


def _entries(levels: list[float], increasing: bool) -> list[Entry]:
    """timm's ops, with their magnitudes at the levels."""
    shares = [level / FULL for level in levels]

    def times(most: float) -> list[float]:
        return [share * most for share in shares]

    def factor(name: str) -> Entry:
        if increasing:
            return Entry(name, times(0.9), signed=True, least=-0.9)
        return Entry(name, [share * 1.8 + 0.1 - 1 for share in shares])

    bits, threshold = ([int(share * most) for share in shares] for most in (4, 256))
    if increasing:
        bits, threshold = [4 - value for value in bits], [256 - value for value in threshold]
    return [
        Entry("AutoContrast"),
        Entry("Equalize"),
        Entry("Invert"),
        Entry("Rotate", times(30.0), signed=True),
        Entry("Posterize", [min(max(value, 0), 8) for value in bits]),
        Entry("SolarizeFrom", [min(max(value, 0), 256) for value in threshold]),
        Entry("SolarizeAdd", [min(128, int(share * 110)) for share in shares]),
        *map(factor, ("Color", "Contrast", "Brightness", "Sharpness")),
        Entry("ShearX", times(0.3), signed=True),
        Entry("ShearY", times(0.3), signed=True),
        Entry("SlideX", times(0.45), signed=True),
        Entry("SlideY", times(0.45), signed=True),
    ]
