"""The program: the list of operations that a chain records for a batch, for ``assemble`` to execute.

An entry is an opcode and its operands. An operand is one number for all draws, or a column: one number for
each draw.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from gpuaug.recipe.layout import ARITY, FIELDS, FIRST_FREE, GEOMETRY, SHRINK, STAGE_OF, WORD, Opcode
from gpuaug.recipe.selection import Selection

Operand = Tensor | tuple[Tensor | float, ...] | float
HEAD = 4  # operands before the entries, each a constant or a column
DTYPES = (torch.int64, torch.float64, torch.float32, torch.bool)  # the dtypes of columns


class Program:
    """A program being recorded, in the form that the op ``gpuaug::assemble`` takes.

    >>> program = Program(0, 3072, (32, 32))
    >>> program.write(Opcode.FLIP, torch.tensor([True, False]), 0)
    >>> program.code, program.constants
    ([-1, -2, -3, -4, <Opcode.FLIP: 4>, 0, -5], [0, 3072, 32, 32, 0])

    Attributes:
        columns: tensors ``(n,)``, one column each, or ``(n, k)``, k columns each; n may be 1 for all draws.
        constants: the numbers that are the same for all draws.
        code: four operands for the source images: the first byte of the first draw's image, the step in bytes
            from draw to draw, the width and the height; then the entries. An operand k >= 0 is a column; an
            operand k < 0 is the number ``constants[~k]``.
    """

    def __init__(self, first: Operand, step: int, extent: Operand) -> None:
        self.columns: list[Tensor] = []
        self.constants: list[float] = []
        self.code: list[int] = []
        self._count = 0  # the number of columns
        self._append(first, step, extent)

    @property
    def count(self) -> int:
        """The number of columns."""
        return self._count

    def append(self, code: list[int], constants: list[float], columns: Tensor) -> None:
        """Appends entries with their constants and their columns ``(n, k)``."""
        self.code += code
        self.constants += constants
        self.columns.append(columns)
        self._count += columns.shape[1]

    def write(self, opcode: Opcode, selection: Selection, *operands: Operand) -> None:
        """Appends an entry for the selected draws; nothing if the selection is False."""
        if selection is not False:
            self.code.append(opcode)
            self._append(selection, *operands)

    def write_words(self, bit: int, first: str, selection: Selection, *operands: Operand) -> None:
        """Appends an entry that gives draws a stage and sets words of their recipes, from ``first`` on."""
        if selection is False:
            return
        self.code.append(Opcode.WORDS)
        self._append(selection)
        head = len(self.code)
        self._append(*operands)
        self.code[head:head] = [bit, WORD[first], len(self.code) - head]

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
    """Yields each entry of a program: its opcode, the operand that selects draws, and its other operands."""
    position = 4
    while position < len(code):
        opcode, end = code[position], position + 1 + ARITY[code[position]]
        if opcode == Opcode.WORDS and end <= len(code):
            first, count = code[end - 2 : end]
            if not (first >= FIRST_FREE and 0 <= count <= len(FIELDS) - first):
                raise RuntimeError(
                    f"code writes {count} words from {first} on, of those in [{FIRST_FREE}, {len(FIELDS)})"
                )
            end += count
        if end > len(code):
            raise RuntimeError("code ends within an entry")
        yield opcode, code[position + 1], code[position + 2 : end]
        position = end


def possible_stages(constants: list[float], code: list[int]) -> int:
    """The stages that some draw may have, for any values of the columns."""
    stages = GEOMETRY
    for opcode, _, given in entries(code):
        if opcode == Opcode.WORDS:
            stages |= given[0]
        elif opcode == Opcode.RESIZE:
            stages |= SHRINK if constants[~given[2]] else 0
        else:
            stages |= STAGE_OF.get(opcode, 0)
    return stages
