"""The loops of the CUDA kernel, and how many instructions of which kind a turn of each has.

    cuobjdump -sass gpuaug/_cuda.abi3.so > kernel.sass
    python benchmarks/kernel_instructions.py kernel.sass sm_90 2 j

The last two arguments name the variant as its symbol does: 0, 2 (blur), 8 (shrink) or 10, and h, t or j for
elements of 1, 2 or 4 bytes. ``benchmarks/README.md`` says what follows from the numbers.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

KINDS = {
    "fma": ("IMAD", "IDP", "FFMA"),
    "shared": ("LDS", "STS"),
    "global": ("LDG", "STG", "LD", "ST"),
    "control": ("BRA", "BSSY", "BSYNC", "BAR", "CALL", "RET", "EXIT", "WARPSYNC"),
    "constant": ("LDC", "ULDC", "LDCU"),
}
INSTRUCTION = re.compile(r"/\*([0-9a-f]{4,5})\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9]*)\S*([^;]*);")


def kind(name: str) -> str:
    """
    >>> [kind(name) for name in ("IMAD", "LOP3", "UIADD3", "STS")]
    ['fma', 'alu', 'uniform', 'shared']
    """
    for found, names in KINDS.items():
        if name in names:
            return found
    return "uniform" if name.startswith("U") else "alu"


def loops(listing: str) -> list[tuple[int, int, Counter[str]]]:
    """First and last address of each loop, and its instructions by kind; the shortest first.

    >>> loops("/*0010*/ IMAD R1, R2, R3, RZ ;/*0020*/ @!P0 BRA 0x10 ;")
    [(16, 32, Counter({'fma': 1, 'control': 1}))]
    """
    instructions = [(int(m[1], 16), m[2], m[3]) for m in INSTRUCTION.finditer(listing)]
    found = []
    for address, name, arguments in instructions:
        target = re.search(r"0x[0-9a-f]+", arguments)
        if name == "BRA" and target and int(target[0], 16) < address:
            begin = int(target[0], 16)
            turn = Counter(kind(n) for at, n, _ in instructions if begin <= at <= address)
            found.append((begin, address, turn))
    return sorted(found, key=lambda loop: loop[1] - loop[0])


def main() -> None:
    path, gpu, stages, value = sys.argv[1:]
    symbol = f"_ZN6gpuaug14augment_kernelILl{stages}E{value}E"
    parts = re.split(r"code for (sm_\d+)", Path(path).read_text())
    for target, code in zip(parts[1::2], parts[2::2], strict=True):
        for function in code.split("Function : ")[1:]:
            if target == gpu and function.startswith(symbol):
                for begin, end, turn in loops(function):
                    print(f"{begin:6x} to {end:6x}: {turn.total():5} instructions, {dict(turn)}")


if __name__ == "__main__":
    main()
