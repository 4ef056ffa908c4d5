"""The space of a policy: its ops, and the values that each writes at each magnitude, as one table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpuaug.transforms.policies.ops import NOTHING, OPS, Op, Written, op, translation
from gpuaug.transforms.policies.order import Kind


@dataclass(frozen=True)
class Entry:
    """An op of a space.

    Attributes:
        name: the op's name in ``OPS``.
        magnitudes: the magnitude at each level of the space; None for an op without.
        signed: True if half of the draws take the opposite magnitude.
        least: lower bound of a magnitude with its sign.
        of_side: for magnitudes that are shares of the width or height: the number of steps to the last one,
            and the steps taken at each level. Then ``magnitudes`` has only the last one.
    """

    name: str
    magnitudes: Sequence[float] | None = None
    signed: bool = False
    least: float = -math.inf
    of_side: tuple[int, Sequence[int]] | None = None

    def writes(self, level: int, sign: int) -> Written:
        """The values that it writes at a level, for a sign of 1 or -1."""
        write = OPS[self.name][1]
        if self.magnitudes is None:
            return write(0.0)
        sign = sign if self.signed else 1
        if self.of_side is None:
            return write(max(self.least, sign * self.magnitudes[level]))
        steps, taken = self.of_side
        return translation("XY".index(self.name[-1]), sign * self.magnitudes[0], taken[level], steps)

    @property
    def shown(self) -> str:
        """The magnitudes as a chain prints them."""
        if self.magnitudes is None:
            return ""
        values = list(self.magnitudes)
        if self.of_side is not None:
            steps, taken = self.of_side
            values = [self.magnitudes[0] * step / steps for step in taken]
        low, high = (f"{end:.3g}" for end in (values[0], values[-1]))
        unit = {"T": " pixels", "R": " degrees", "P": " bits"}.get(self.name[0], "")
        if self.of_side is not None:
            unit = f" of the {'width' if self.name[-1] == 'X' else 'height'}"
        sign = "±" if self.signed else ""
        return f"{sign}{low}{unit}" if low == high else f"{sign}{low} to {sign}{high}{unit}"


class Space:
    """The table of a space: a row for each op, level and sign, and one that changes nothing.

    >>> space = Space([Entry("Identity"), Entry("Rotate", [0.0, 10.0], signed=True)])
    >>> space.rows(torch.tensor([0, 1]), torch.tensor([1, 1]), torch.tensor([False, True])).tolist()
    [2, 7]

    Attributes:
        entries: the ops.
        levels: number of magnitudes of an op.
        table: float64 ``(rows, columns)``, in the order of ``COLUMNS``.
        kinds: int64 ``(rows,)``, the kind of each row.
        ops: int64 ``(rows,)``, the op's position in ``entries``, -1 for the last row.
        nothing: position of the row that changes nothing.
        is_batched: True if an op runs after the kernel.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self.levels = max(_levels(entry) for entry in entries)
        written = [
            entry.writes(min(level, _levels(entry) - 1), sign)
            for entry in entries
            for level in range(self.levels)
            for sign in (1, -1)
        ]
        self.nothing = len(written)
        written.append(NOTHING)
        self.table = torch.tensor([one.row for one in written], dtype=torch.float64, device="cpu")
        self.is_batched = any(one.kind == Kind.BATCHED for one in written)
        self.kinds = torch.tensor([int(one.kind) for one in written], device="cpu")
        numbers = [n // (2 * self.levels) for n in range(self.nothing)]
        self.ops = torch.tensor([*numbers, -1], device="cpu")

    def rows(self, number: Tensor, level: Tensor | int, negative: Tensor) -> Tensor:
        """The rows of ops by their positions, at a level, with a sign: int64, all of one shape."""
        return (number * self.levels + level) * 2 + negative

    def listed(self) -> list[Op]:
        """The ops as a chain lists them."""
        return [op(entry.name, entry.shown) for entry in self.entries]


def _levels(entry: Entry) -> int:
    if entry.of_side is not None:
        return len(entry.of_side[1])
    return 1 if entry.magnitudes is None else len(entry.magnitudes)


# ---- torchvision's spaces: magnitudes in a number of bins, in float32, of which a policy takes some levels.
# The last bin of a translation is a share of the side.

# By name: the magnitudes, and whether half of the draws take the opposite.
Magnitudes = dict[str, tuple[Callable[[int], Tensor] | None, bool]]


def _to(last: float, first: float = 0.0) -> Callable[[int], Tensor]:
    return lambda bins: torch.linspace(first, last, bins, dtype=torch.float32, device="cpu")


def _bits(most: int, fewer: int) -> Callable[[int], Tensor]:
    return lambda bins: (most - torch.arange(bins, device="cpu") / ((bins - 1) / fewer)).round()


def _magnitudes(shear: float, degrees: float, strength: float, bits: tuple[int, int]) -> Magnitudes:
    return {
        "ShearX": (_to(shear), True),
        "ShearY": (_to(shear), True),
        "TranslateX": (None, True),
        "TranslateY": (None, True),
        "Rotate": (_to(degrees), True),
        "Brightness": (_to(strength), True),
        "Color": (_to(strength), True),
        "Contrast": (_to(strength), True),
        "Sharpness": (_to(strength), True),
        "Posterize": (_bits(*bits), False),
        "Solarize": (_to(0.0, 1.0), False),
        "AutoContrast": (None, False),
        "Equalize": (None, False),
    }


STANDARD = _magnitudes(0.3, 30.0, 0.9, (8, 4))  # AutoAugment's and RandAugment's
WIDE = _magnitudes(0.99, 135.0, 0.99, (8, 6))
AUGMIX = _magnitudes(0.3, 30.0, 0.9, (4, 4))
STANDARD_SHARE, AUGMIX_SHARE = 150.0 / 331.0, 1.0 / 3.0


def torchvision_space(
    names: Sequence[str],
    magnitudes: Mapping[str, tuple[Callable[[int], Tensor] | None, bool]],
    bins: int,
    levels: Sequence[int],
    *,
    share: float | None = None,
    pixels: float = 0.0,
) -> Space:
    """Make a space of ops with torchvision's magnitudes in ``bins`` bins; a draw takes one of ``levels``.

    >>> torchvision_space(["Identity", "Rotate"], STANDARD, 31, [9]).entries[1].shown
    '±9 degrees'

    Args:
        names: names of the ops; those that are not in ``magnitudes`` have none.
        magnitudes: for each name a function of the number of bins, and True if half of the draws take the
            opposite.
        bins: number of bins.
        levels: the bins that a draw may take.
        share: share of a side that the last bin translates by. None: translate by ``pixels``.
        pixels: number of pixels that the last bin translates by.
    """
    entries = []
    for name in names:
        make, signed = magnitudes.get(name, (None, False))
        if name.startswith("Translate") and share is not None:
            entries.append(Entry(name, [share], signed, of_side=(bins - 1, levels)))
            continue
        make = _to(pixels) if name.startswith("Translate") else make
        values = None if make is None else [float(value) for value in make(bins)[list(levels)]]
        entries.append(Entry(name, values, signed))
    return Space(entries)
