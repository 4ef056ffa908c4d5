"""The program: the list of operations that a chain records for a batch, for ``assemble`` to execute.

An entry is an opcode and its operands. An operand is one number for all draws, or a column: a number of its
own for each.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from gpuaug.recipe.layout import ARITY, FIELDS, FIRST_FREE, GEOMETRY, SHRINK, STAGE_OF, WORD, Opcode
from gpuaug.recipe.selection import Selection

Operand = Tensor | tuple[Tensor | float, ...] | float
HEAD = 4  # operands before the entries, each a constant or a column
DTYPES = (torch.int64, torch.float64, torch.float32, torch.bool)  # of columns


class Program:
    """A program being recorded, in the form that the op ``gpuaug::assemble`` takes.

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

    @property
    def count(self) -> int:
        """Of columns."""
        return self._count

    def append(self, code: list[int], constants: list[float], columns: Tensor) -> None:
        """Entries that name what is here already, and what comes with them: ``columns`` are ``(n, k)``."""
        self.code += code
        self.constants += constants
        self.columns.append(columns)
        self._count += columns.shape[1]

    def write(self, opcode: Opcode, selection: Selection, *operands: Operand) -> None:
        """An entry for the draws that ``selection`` names; for no one, none."""
        if selection is not False:
            self.code.append(opcode)
            self._append(selection, *operands)

    def write_words(self, bit: int, first: str, selection: Selection, *operands: Operand) -> None:
        """An entry that gives draws a stage, and sets its words of the record from the word ``first`` on."""
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
    """Each entry of a program: its opcode, the operand that selects draws, and what follows."""
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
    """The stages that some draw may have, whatever the columns hold."""
    stages = GEOMETRY
    for opcode, _, given in entries(code):
        if opcode == Opcode.WORDS:
            stages |= given[0]
        elif opcode == Opcode.RESIZE:
            stages |= SHRINK if constants[~given[2]] else 0
        else:
            stages |= STAGE_OF.get(opcode, 0)
    return stages
