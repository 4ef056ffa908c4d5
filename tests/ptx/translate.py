"""PTX as C++, statement for statement, so that what nvcc made of a kernel runs on a CPU.

    python -m ptx.translate kernel.ptx kernel.cpp      # in the folder tests

Each kernel becomes a function of one thread, ``void NAME(const ptx::Thread&)``; ``tests/csrc/ptx.h`` says
what that is, and stops at what a GPU would trap at: an access that is not aligned to its whole width.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from ptx.instructions import CPP, computed, row_of
from ptx.program import Constant, Instruction, Kernel, Label, Module, Untranslatable, parse, split_operands

SPECIAL = {
    "%tid.x": "thread.tid",
    "%ctaid.x": "thread.ctaid",
    "%ntid.x": "thread.ntid",
}
# ld.global.nc.v4.u32: where, in how many pieces, of which type.
_ACCESS = re.compile(r"(ld|st)(\.param|\.shared|\.global)?(?:\.nc)?(?:\.v([24]))?\.([busdefp]\w+)")
_ADD = re.compile(r"atom(\.shared|\.global)\.add\.u32")
_ADDRESS = re.compile(r"\[(%?\w+)(?:\+(-?\d+))?\]")


def translate(text: str) -> str:
    """The C++ of a module of PTX.

    >>> print(translate(".visible .entry f() { .reg .b32 %r<1>; mov.u32 %r0, 7; ret; }"))
    #include "ptx.h"
    void f(const ptx::Thread& thread) {
      uint32_t r0{};
      ptx::executed(0, 2);
      r0 = static_cast<uint32_t>(uint32_t(0x7ull));
      return;
    }

    Raises:
        Untranslatable: anything that the translation does not know, by name.
    """
    module = parse(text)
    lines = ['#include "ptx.h"', *map(_constant, module.constants)]
    for kernel in module.kernels:
        lines += _Translation(module, kernel).lines()
    return "\n".join(lines)


def _constant(constant: Constant) -> str:
    values = ", ".join(map(str, constant.values))
    # Not aligned by chance to more than what is declared.
    return (
        f"alignas({2 * constant.alignment}) static const unsigned char {constant.name}_"
        f"[{constant.alignment} + {len(constant.values)}] = {{{'0, ' * constant.alignment}{values}}};\n"
        f"static const unsigned char* const {constant.name} = {constant.name}_ + {constant.alignment};"
    )


class _Translation:
    """Of one kernel."""

    def __init__(self, module: Module, kernel: Kernel) -> None:
        self.kernel = kernel
        self.shared = set(module.shared)
        self.constants = {constant.name for constant in module.constants}
        self.labels = {each.name for each in kernel.statements if isinstance(each, Label)}

    def lines(self) -> Iterator[str]:
        yield f"void {self.kernel.name}(const ptx::Thread& thread) {{"
        for name, kind in self.kernel.registers.items():
            yield f"  {self.type(kind)} {name[1:]}{{}};"
        statements = self.kernel.statements
        for i, statement in enumerate(statements):
            if isinstance(statement, Label):
                yield f"{self.label(statement.name)}:"
            if i == 0 or _ends(statements[i - 1]) or isinstance(statement, Label):
                yield f"  ptx::executed({i}, {_length(statements, i)});"
                if any(each.name.startswith("ld.global") for each in _run(statements, i)):
                    yield "  ptx::reads_global_memory();"
            if isinstance(statement, Instruction):
                yield self.guarded(statement)
        yield "}"

    def guarded(self, instruction: Instruction) -> str:
        if not instruction.guard:
            return f"  {self.statement(instruction)}"
        negated, name = instruction.guard.startswith("!"), instruction.guard.lstrip("!")
        return f"  if ({'!' if negated else ''}{self.register(name)}) {{ {self.statement(instruction)} }}"

    def statement(self, instruction: Instruction) -> str:
        name, operands = instruction.name, instruction.operands
        if name == "ret" and not operands:
            return "return;"
        if name in ("bra", "bra.uni") and len(operands) == 1:
            return f"goto {self.label(operands[0])};"
        if name == "bar.sync" and operands == ("0",):
            return "ptx::barrier();"
        if name == "membar.gl" and not operands:
            return "ptx::fence();"
        if (found := _ADD.fullmatch(name)) and len(operands) == 3:
            before, place, value = operands
            address = self.address(place, found[1])
            return f"{self.register(before)} = ptx::atomic_add({address}, uint32_t({self.value(value)}));"
        if found := _ACCESS.fullmatch(name):
            return self.access(name, *found.groups(), operands)
        if name.startswith("mov.b") and operands[-1].startswith("{"):
            return self.packed(name, operands)
        if name.startswith("mov.b") and operands[0].startswith("{"):
            return self.unpacked(name, operands)
        row_of(name)  # an instruction that is not known is named before its operands
        result = computed(name, [self.value(operand) for operand in operands[1:]])
        return f"{self.register(operands[0])} = {result};"

    # ---- Memory: whole vectors, since their alignment is that of all elements together

    def access(
        self, name: str, verb: str, space: str | None, count: str | None, kind: str, operands: tuple[str, ...]
    ) -> str:
        place, given = operands[::-1] if verb == "ld" else operands
        elements = self.elements(given, int(count)) if count else [given]
        vector = f"std::array<{self.type(kind)}, {len(elements)}>"
        address = self.address(place, space or "")
        if verb == "st":
            if space == ".param":
                raise Untranslatable(f"the instruction {name}")
            values = ", ".join(f"{self.type(kind)}({self.value(element)})" for element in elements)
            return f"ptx::store({address}, {vector}{{{values}}});"
        taken = " ".join(f"{self.register(element)} = v[{i}];" for i, element in enumerate(elements))
        return f"{{ const auto v = ptx::load<{vector}>({address}); {taken} }}"

    def address(self, operand: str, space: str) -> str:
        found = _ADDRESS.fullmatch(operand)
        if not found:
            raise Untranslatable(f"the address {operand}")
        base, offset = found[1], f"({found[2] or 0})"
        if space == ".param" and base not in self.kernel.parameters and not base.startswith("%"):
            raise Untranslatable(f"the parameter {base}")
        if space == ".shared":  # offsets into the block's memory, of 32 bits
            return f"thread.shared + uint32_t({self.value(base)} + {offset})"
        return f"ptx::pointer({self.value(base)} + {offset})"

    # ---- Several registers as one

    def packed(self, name: str, operands: tuple[str, ...]) -> str:
        kind, part, elements = self.parts(name, operands[1])
        values = ", ".join(f"{part}({self.value(element)})" for element in elements)
        array = f"std::array<{part}, {len(elements)}>{{{values}}}"
        return f"{self.register(operands[0])} = std::bit_cast<{kind}>({array});"

    def unpacked(self, name: str, operands: tuple[str, ...]) -> str:
        kind, part, elements = self.parts(name, operands[0])
        taken = " ".join(f"{self.register(element)} = v[{i}];" for i, element in enumerate(elements))
        array = f"std::array<{part}, {len(elements)}>"
        return f"{{ const auto v = std::bit_cast<{array}>({kind}({self.value(operands[1])})); {taken} }}"

    def parts(self, name: str, operand: str) -> tuple[str, str, list[str]]:
        """The C++ types of a whole and of a part, and the parts."""
        kind = name.removeprefix("mov.")
        elements = self.elements(operand)
        return self.type(kind), self.type(f"b{int(kind[1:]) // len(elements)}"), elements

    # ---- Operands

    def elements(self, operand: str, count: int | None = None) -> list[str]:
        elements = list(split_operands(operand[1:-1])) if operand.startswith("{") else []
        if len(elements) != (count or len(elements)) or not elements:
            raise Untranslatable(f"the vector {operand}")
        return elements

    def value(self, operand: str) -> str:
        if operand in SPECIAL:
            return SPECIAL[operand]
        if operand.startswith("%"):
            return self.register(operand)
        if re.fullmatch(r"-?\d+|0[xX][0-9A-Fa-f]+U?", operand):
            return f"{int(operand.rstrip('U'), 0) % 2**64:#x}ull"
        if operand in self.shared:
            return "0"
        if operand in self.constants:
            return f"ptx::address({operand})"
        if operand in self.kernel.parameters:
            return f"ptx::address(thread.parameters[{self.kernel.parameters.index(operand)}])"
        raise Untranslatable(f"the operand {operand}")

    def register(self, operand: str) -> str:
        if operand not in self.kernel.registers:
            raise Untranslatable(f"the register {operand}")
        return operand[1:]

    def label(self, name: str) -> str:
        if name not in self.labels:
            raise Untranslatable(f"the label {name}")
        return name.replace("$", "")

    def type(self, kind: str) -> str:
        if kind not in CPP:
            raise Untranslatable(f"the type {kind}")
        return CPP[kind]


# ---- Runs of instructions that are executed together or not at all


def _ends(statement: Instruction | Label) -> bool:
    return isinstance(statement, Instruction) and statement.name in ("bra", "bra.uni", "ret")


def _length(statements: list[Instruction | Label], begin: int) -> int:
    """Of the run that begins there."""
    return len(_run(statements, begin))


def _run(statements: list[Instruction | Label], begin: int) -> list[Instruction]:
    """The run that begins there."""
    run = []
    for statement in statements[begin + isinstance(statements[begin], Label) :]:
        if isinstance(statement, Label):
            break
        run.append(statement)
        if _ends(statement):
            break
    return run


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(translate(Path(sys.argv[1]).read_text()) + "\n")
