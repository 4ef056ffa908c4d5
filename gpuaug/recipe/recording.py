"""Entries of a program that are the same for every batch but for the rows of a table that draws take."""

from __future__ import annotations

import torch

from gpuaug.recipe.layout import ARITY, Opcode
from gpuaug.recipe.program import HEAD, Program


class Recording:
    """The entries of a program, to be repeated in later programs.

    >>> program = Program(0, 0, (8, 8))
    >>> program.write(Opcode.FLIP, torch.tensor([True, False]), 1)
    >>> recording = Recording(program)
    >>> recording.table.tolist()
    [[1.0], [0.0]]
    >>> later = Program(0, 192, (8, 8))
    >>> recording.repeat(later, recording.table[[0, 0, 1]])
    >>> later.code, later.constants
    ([-1, -2, -3, -4, <Opcode.FLIP: 4>, 0, -5], [0, 192, 8, 8, 1])

    Attributes:
        table: float64 ``(rows, columns)``: the columns at the time of recording, a row for each draw.
    """

    def __init__(self, program: Program) -> None:
        self._code = program.code[HEAD:]
        self._constants = program.constants[HEAD:]
        rows = [column if column.dim() == 2 else column[:, None] for column in program.columns]
        self.table = torch.cat([column.double() for column in rows], dim=1)
        self._is_operand = _operands(self._code)
        self._codes: dict[tuple[int, int, int], list[int]] = {}  # code that was written before, by its place

    def repeat(self, program: Program, rows: torch.Tensor) -> None:
        """Writes the entries into a program, once for each row that a draw takes.

        ``rows`` are float64 ``(n, columns)``, or ``(n, times, columns)`` for several times.
        """
        times = 1 if rows.dim() == 2 else rows.shape[1]
        place = (program.count, len(program.constants), times)
        if place not in self._codes:
            self._codes[place] = self._code_at(*place)
        program.append(self._codes[place], self._constants, rows.flatten(1))

    def _code_at(self, column: int, constant: int, times: int) -> list[int]:
        each = self.table.shape[1]
        moved = [(column + each * time, constant - HEAD) for time in range(times)]
        return [
            (word + first if word >= 0 else word - more) if is_operand else word
            for first, more in moved
            for word, is_operand in zip(self._code, self._is_operand, strict=True)
        ]


def _operands(code: list[int]) -> list[bool]:
    """For each word of some entries, whether it names a column or a constant."""
    found: list[bool] = []
    while len(found) < len(code):
        opcode = code[len(found)]
        if opcode == Opcode.WORDS:
            words = code[len(found) + ARITY[opcode]]
            found += [False, True, False, False, False, *[True] * words]
        else:
            found += [False, *[True] * ARITY[opcode]]
    return found
