"""What PTX instructions compute, as C++: a row for each that computes one register from values.

``tests/csrc/ptx.h`` has the functions that the rows call. The semantics are those of NVIDIA's "PTX ISA".
"""

from __future__ import annotations

from dataclasses import dataclass

from ptx.program import Untranslatable

# Every type, in C++. An untyped one (b32) is unsigned.
WIDTHS = (8, 16, 32, 64)
CPP = {
    "pred": "bool",
    **{f"{kind}{width}": f"uint{width}_t" for kind in "bu" for width in WIDTHS},
    **{f"s{width}": f"int{width}_t" for width in WIDTHS},
}

WHOLE = "u16 s16 u32 s32 u64 s64"
NARROW = "u16 s16 u32 s32"  # those that have a type of twice the width
BITS = "b16 b32 b64"


@dataclass(frozen=True)
class Row:
    """An instruction's types; its operands and its result as C++.

    In ``takes`` and ``result`` T stands for the instruction's type, W for that of twice its width; in
    ``gives`` {0} is the first operand, already of its type. Sums and products are of uint64_t, where they may
    wrap; the result's type cuts them off.
    """

    types: str
    takes: str
    gives: str
    result: str = "T"


ORDERS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}

# By name, but for the last part of it: the type.
ROWS = {
    "mov": Row(f"{WHOLE} {BITS} pred", "T", "{0}"),
    "cvta.to.global": Row("u64", "T", "{0}"),
    "cvta.shared": Row("u64", "T", "ptx::address(thread.shared) + {0}"),
    **{
        f"cvt.{kind}{width}": Row("u8 s8 " + WHOLE, "T", "{0}", f"{kind}{width}")
        for kind in "us"
        for width in WIDTHS
    },
    "selp": Row(f"{WHOLE} {BITS}", "T T pred", "{2} ? {0} : {1}"),
    # Arithmetic
    "add": Row(WHOLE, "T T", "uint64_t({0}) + uint64_t({1})"),
    "sub": Row(WHOLE, "T T", "uint64_t({0}) - uint64_t({1})"),
    "neg": Row("s16 s32 s64", "T", "0 - uint64_t({0})"),
    "abs": Row("s16 s32 s64", "T", "{0} < 0 ? 0 - uint64_t({0}) : uint64_t({0})"),
    "min": Row(WHOLE, "T T", "{0} < {1} ? {0} : {1}"),
    "max": Row(WHOLE, "T T", "{0} > {1} ? {0} : {1}"),
    "mul.lo": Row(WHOLE, "T T", "uint64_t({0}) * uint64_t({1})"),
    "mul.hi": Row(WHOLE, "T T", "ptx::high({0}, {1})"),
    "mul.wide": Row(NARROW, "T T", "uint64_t({0}) * uint64_t({1})", "W"),
    "mad.lo": Row(WHOLE, "T T T", "uint64_t({0}) * uint64_t({1}) + uint64_t({2})"),
    "mad.wide": Row(NARROW, "T T W", "uint64_t({0}) * uint64_t({1}) + uint64_t({2})", "W"),
    "div": Row(WHOLE, "T T", "ptx::quotient({0}, {1})"),
    "rem": Row(WHOLE, "T T", "ptx::remainder({0}, {1})"),
    "dp2a.lo.u32": Row("u32", "T T T", "ptx::dot_of_halves({0}, {1}, {2})"),
    "dp2a.hi.u32": Row("u32", "T T T", "ptx::dot_of_halves({0}, {1} >> 16, {2})"),
    "dp4a.u32": Row("s32", "u32 T T", "ptx::dot_of_bytes({0}, {1}, {2})"),
    # Bits
    "and": Row(f"{BITS} pred", "T T", "{0} & {1}"),
    "or": Row(f"{BITS} pred", "T T", "{0} | {1}"),
    "xor": Row(f"{BITS} pred", "T T", "{0} ^ {1}"),
    "not": Row(f"{BITS} pred", "T", "{0} ^ static_cast<T>(-1)"),
    "shl": Row(BITS, "T u32", "ptx::shifted_left({0}, {1})"),
    "shr": Row(f"{BITS} {WHOLE}", "T u32", "ptx::shifted_right({0}, {1})"),
    "bfi": Row("b32 b64", "T T u32 u32", "ptx::inserted({0}, {1}, {2}, {3})"),
    "bfe": Row("u32 u64", "T u32 u32", "ptx::extracted({0}, {1}, {2})"),
    "shf.r.wrap": Row("b32", "T T u32", "ptx::funnelled({0}, {1}, {2})"),
    "prmt": Row("b32", "T T T", "ptx::permuted({0}, {1}, {2})"),
    # Predicates
    **{f"setp.{name}": Row(WHOLE, "T T", f"{{0}} {sign} {{1}}", "pred") for name, sign in ORDERS.items()},
    "setp.eq": Row(f"{WHOLE} {BITS}", "T T", "{0} == {1}", "pred"),
    "setp.ne": Row(f"{WHOLE} {BITS}", "T T", "{0} != {1}", "pred"),
}


def wide(kind: str) -> str:
    """
    >>> wide("s16")
    's32'
    """
    return f"{kind[0]}{2 * int(kind[1:])}"


def row_of(name: str) -> tuple[Row, str]:
    """An instruction's row, and its type.

    Raises:
        Untranslatable: there is none.
    """
    stem, _, kind = name.rpartition(".")
    row = ROWS.get(stem)
    if row is None or kind not in row.types.split():
        raise Untranslatable(f"the instruction {name}")
    return row, kind


def computed(name: str, operands: list[str]) -> str:
    """The C++ of what an instruction gives, from its operands in C++.

    >>> computed("add.s32", ["r0", "4"])
    'static_cast<int32_t>(uint64_t(int32_t(r0)) + uint64_t(int32_t(4)))'
    """
    row, kind = row_of(name)
    takes = row.takes.split()
    if len(takes) != len(operands):
        raise Untranslatable(f"{name} with {len(operands)} operands, where it takes {len(takes)}")

    def cpp(letter: str) -> str:
        return CPP[{"T": kind}.get(letter) or (wide(kind) if letter == "W" else letter)]

    given = [f"{cpp(letter)}({operand})" for letter, operand in zip(takes, operands, strict=True)]
    gives = row.gives.format(*given).replace("<T>", f"<{cpp('T')}>")
    return f"static_cast<{cpp(row.result)}>({gives})"
