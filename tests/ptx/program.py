"""nvcc's PTX as data: what a module declares, and the statements of its kernels.

Whatever is not written here is refused by name: PTX that is not understood must not be run as if it were.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


class Untranslatable(Exception):
    """A statement, an instruction or an operand that the translation does not know."""


@dataclass(frozen=True)
class Instruction:
    name: str  # with its modifiers and its type: "setp.lt.s64"
    operands: tuple[str, ...]
    guard: str = ""  # "%p1" or "!%p1": executed only where this holds


@dataclass(frozen=True)
class Label:
    name: str


@dataclass(frozen=True)
class Constant:
    """Bytes that the module initialises, and their alignment."""

    name: str
    alignment: int
    values: bytes


@dataclass
class Kernel:
    name: str
    parameters: list[str]
    registers: dict[str, str] = field(default_factory=dict)  # their types: {"%r0": "b32"}
    statements: list[Instruction | Label] = field(default_factory=list)


@dataclass
class Module:
    constants: list[Constant] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)  # names for the beginning of a block's shared memory
    kernels: list[Kernel] = field(default_factory=list)


# What a module consists of. Each pattern takes the white space behind it.
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TARGET = re.compile(r"\.(?:version|target|address_size)\b[^\n]*\s*")
_CONSTANT = re.compile(r"\.global \.align (\d+) \.b8 (\w+)\[(\d+)\] = \{([^}]*)\};\s*")
_SHARED = re.compile(r"\.extern \.shared \.align \d+ \.b8 (\w+)\[\];\s*")
_ENTRY = re.compile(r"(?:\.visible|\.weak) \.entry (\w+)\(([^)]*)\)[^{]*\{\s*")
_PARAMETER = re.compile(r"\.param (?:\.align \d+ )?\.\w+ (\w+)(?:\[\d+\])?")
# And a kernel.
_SCOPE = re.compile(r"[{}]\s*")
_LABEL = re.compile(r"(\$?\w+):\s*")
_STATEMENT = re.compile(r"([^;]*);\s*")
_REGISTERS = re.compile(r"\.reg \.(\w+)\s+(%\w+)(?:<(\d+)>)?")
_INSTRUCTION = re.compile(r"(?:@(!?%\w+)\s+)?([a-z]\w*(?:\.\w+)*)(?:\s+(.*))?", re.DOTALL)
_OPERAND = re.compile(r"\s*([^,{}\[\]]+|\{[^}]*\}|\[[^\]]*\])\s*(?:,|$)")


def parse(text: str) -> Module:
    """The module that a text describes.

    >>> module = parse(".visible .entry f(.param .u64 out) { .reg .b32 %r<2>; @%p1 add.s32 %r1, %r0, 4; }")
    >>> module.kernels[0].statements
    [Instruction(name='add.s32', operands=('%r1', '%r0', '4'), guard='%p1')]
    """
    text = _COMMENT.sub("", text).strip()
    module, at = Module(), 0
    while at < len(text):
        if found := _TARGET.match(text, at):
            pass
        elif found := _CONSTANT.match(text, at):
            values = bytes(int(value) for value in found[4].split(","))
            if len(values) != int(found[3]):
                raise Untranslatable(f"{found[2]} has {found[3]} bytes, {len(values)} of them given")
            module.constants.append(Constant(found[2], int(found[1]), values))
        elif found := _SHARED.match(text, at):
            module.shared.append(found[1])
        elif found := _ENTRY.match(text, at):
            kernel = Kernel(found[1], _PARAMETER.findall(found[2]))
            module.kernels.append(kernel)
            at = _parse_body(kernel, text, found.end())
            continue
        else:
            raise Untranslatable(f"a module that declares {text[at:].splitlines()[0][:80]!r}")
        at = found.end()
    return module


def _parse_body(kernel: Kernel, text: str, at: int) -> int:
    """Fills a kernel in from behind its opening brace; returns the place behind the closing one."""
    depth = 1
    while depth:
        if found := _SCOPE.match(text, at):
            depth += 1 if found[0][0] == "{" else -1
        elif found := _LABEL.match(text, at):
            kernel.statements.append(Label(found[1]))
        elif found := _STATEMENT.match(text, at):
            _parse_statement(kernel, found[1].strip())
        else:
            raise Untranslatable(f"{kernel.name} does not end")
        at = found.end()
    return at


def _parse_statement(kernel: Kernel, text: str) -> None:
    if text.startswith(".pragma"):
        return
    if found := _REGISTERS.fullmatch(text):
        kind, stem, count = found.groups()
        for name in [stem] if count is None else [f"{stem}{i}" for i in range(int(count))]:
            if kernel.registers.setdefault(name, kind) != kind:  # two scopes may have one of the same name
                raise Untranslatable(f"{name} is declared as {kernel.registers[name]} and as {kind}")
        return
    found = _INSTRUCTION.fullmatch(text)
    if not found:
        raise Untranslatable(f"the statement {text!r}")
    kernel.statements.append(Instruction(found[2], split_operands(found[3] or ""), found[1] or ""))


def split_operands(text: str) -> tuple[str, ...]:
    """
    >>> split_operands("{%r1, %r2}, [%rd1+8]")
    ('{%r1, %r2}', '[%rd1+8]')
    """
    operands, at = [], 0
    while at < len(text):
        found = _OPERAND.match(text, at)
        if not found:
            raise Untranslatable(f"the operands {text!r}")
        operands.append(found[1].strip())
        at = found.end()
    return tuple(operands)
