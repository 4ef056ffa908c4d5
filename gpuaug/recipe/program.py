"""The program: what the transforms of a batch wrote, entry by entry, for the records to be made of.

An entry is an opcode and its operands. An operand is one number for all draws, or a column: a number of its
own for each. ``gpuaug/recipe/assemble.py`` says what comes of a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import torch
from torch import Tensor

from gpuaug.recipe.layout import BLUR, COLOR, CURVES, ERASE, GEOMETRY, IMPULSE, NOISE, SHRINK
from gpuaug.recipe.selection import Selection

TRIES = 10  # windows to choose from in FIT

Operand = Tensor | tuple[Tensor | float, ...] | float

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue, ITU-R BT.601
# What a quarter turn makes of a color: from red to yellow, as HSV's hue, but in YIQ, which keeps the luma.
QUARTER = (
    (-0.167911, -0.329645, 0.497556),
    (0.327953, -0.035089, -0.292864),
    (-1.248272, 1.045272, 0.203000),
)
STEADY = 2.0**30  # a map is kept in such steps, so that it does not matter how a machine rounds a cosine


class Opcode(IntEnum):
    """Every entry, with its operands after ``selection``: whom it is for."""

    CROP = 0  # left, top, width, height
    WINDOW = 1  # fraction of the room in x and y, width, height, padding
    FIT = 2  # fraction of the room in x and y, least ratio, most ratio, TRIES shares, TRIES ratios
    RESIZE = 3  # width, height, antialias
    FLIP = 4  # axis
    AFFINE = 5  # inverse map by rows, the scale it is divided by, shares of the extent moved by in x and y
    BORDER = 6  # which
    BLUR = 7  # kind, sigma
    IMPULSE = 8  # key, place, salt, pepper
    COLOR = 9  # for red, green and blue each: how much of the three, and what is added, in units of white
    ERASE = 10  # fill, four boxes, grid, where it begins: the record's words
    CURVE = 11  # a curve after those before it: the record's word
    NOISE = 12  # key, place, kind, least, span: the record's words
    ADJUST = (
        13  # factors of brightness, contrast and saturation, if brightness is first, hue's cosine and sine
    )
    CUT_OUT = 14  # where a box's middle is, as shares of the extent, in x and y; width, height, fill


ARITY: dict[int, int] = {
    **{Opcode.CROP: 5, Opcode.WINDOW: 6, Opcode.FIT: 5 + 2 * TRIES, Opcode.RESIZE: 4},
    **{Opcode.FLIP: 2, Opcode.AFFINE: 8, Opcode.BORDER: 2, Opcode.BLUR: 3, Opcode.IMPULSE: 5},
    **{Opcode.COLOR: 13, Opcode.ERASE: 8, Opcode.CURVE: 2, Opcode.NOISE: 6},
    **{Opcode.ADJUST: 7, Opcode.CUT_OUT: 6},
}
_STAGE: dict[int, int] = {
    **{Opcode.BLUR: BLUR, Opcode.IMPULSE: IMPULSE, Opcode.COLOR: COLOR},
    **{Opcode.ERASE: ERASE, Opcode.CURVE: CURVES, Opcode.NOISE: NOISE},
    **{Opcode.ADJUST: COLOR, Opcode.CUT_OUT: ERASE},
}
DTYPES = (torch.int64, torch.float64, torch.float32, torch.bool)  # of columns


class Program:
    """A program in the making, in the form that the op ``gpuaug::assemble`` takes.

    >>> program = Program(0, 3072, (32, 32))
    >>> program.write(Opcode.FLIP, torch.tensor([True, False]), 0)
    >>> program.code, program.constants
    ([-1, -2, -3, -4, <Opcode.FLIP: 4>, 0, -5], [0, 3072, 32, 32, 0])

    Attributes:
        columns: tensors ``(n,)``, one column each, or ``(n, k)``, k columns each; 1 may stand for n.
        constants: what is the same for all draws.
        code: four operands, of the image that a draw reads: where the first draw's begins, how many bytes
            further that of each next draw, its width and its height. Then the entries. An operand k is a
            column where k >= 0, else the number ``constants[~k]``.
    """

    def __init__(self, first: Operand, step: int, extent: Operand) -> None:
        self.columns: list[Tensor] = []
        self.constants: list[float] = []
        self.code: list[int] = []
        self._count = 0  # of columns
        self._append(first, step, extent)

    def write(self, opcode: Opcode, selection: Selection, *operands: Operand) -> None:
        """An entry for the draws that ``selection`` names; for no one, none."""
        if selection is not False:
            self.code.append(opcode)
            self._append(selection, *operands)

    def _append(self, *operands: Operand) -> None:
        code, constants = self.code, self.constants
        for operand in operands:
            if isinstance(operand, (int, float)):
                code.append(~len(constants))
                constants.append(operand)
            elif isinstance(operand, tuple):
                self._append(*operand)
            else:
                count = 1 if operand.dim() == 1 else operand.shape[1]
                code.extend(range(self._count, self._count + count))
                self.columns.append(operand if operand.dtype in DTYPES else operand.double())
                self._count += count


def entries(code: list[int]) -> Iterator[tuple[int, int, list[int]]]:
    """Each entry of a program: its opcode, the operand that says whom it is for, and the others."""
    position = 4
    while position < len(code):
        opcode, end = code[position], position + 1 + ARITY[code[position]]
        if end > len(code):
            raise RuntimeError("code ends within an entry")
        yield opcode, code[position + 1], code[position + 2 : end]
        position = end


def possible_stages(constants: list[float], code: list[int]) -> int:
    """The stages that some draw may have, whatever the columns hold."""
    stages = GEOMETRY
    for opcode, _, given in entries(code):
        shrinks = opcode == Opcode.RESIZE and constants[~given[2]]
        stages |= _STAGE.get(opcode, SHRINK if shrinks else 0)
    return stages
