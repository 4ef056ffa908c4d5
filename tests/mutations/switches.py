"""All mutations of csrc in one program, each behind a switch: compiled once for each sanitizer."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from host_compiler import CSRC, OF_TESTS, SANITIZERS, compile_cpp
from mutations import stages, tiles

# By mutation the name of a case that catches it (cuda_cases.named_chains); find_cases.py writes it.
CAUGHT_BY = Path(__file__).with_name("caught_by.json")
CAUGHT = re.compile(
    r"AddressSanitizer: (heap|stack|global)-|ThreadSanitizer: data race|Sanitizer: SEGV|runtime error"
    r"|is \d+, expected \d+"
)


class Mutation(NamedTuple):
    """The build that must notice it, and a piece of a file of csrc with what takes its place.

    A piece that has a semicolon is a statement. Any other is an expression, of the same type as the new one.
    """

    number: int
    sanitizer: str
    file: str
    old: str
    new: str


def _numbered() -> dict[str, Mutation]:
    every = [
        (name, sanitizer, file, old, new)
        for pieces in (tiles, stages)
        for file, mutations in pieces.MUTATIONS.items()
        for name, (sanitizer, old, new) in mutations.items()
    ]
    return {name: Mutation(number, *mutation) for number, (name, *mutation) in enumerate(every)}


MUTATIONS = _numbered()


def caught_by() -> dict[str, str]:
    return json.loads(CAUGHT_BY.read_text())


def with_switches(text: str, pieces: Mapping[int, tuple[str, str]]) -> str:
    """A source in which the variable ``mutation`` chooses one of the new pieces, or none.

    >>> with_switches("y = f(x + 1);", {4: ("x + 1", "x"), 5: ("x + 1", "x + 2")})
    'y = f((mutation == 4 ? (x) : mutation == 5 ? (x + 2) : (x + 1)));'
    >>> with_switches("wait();  // for all", {2: ("wait();", "")})
    'if (mutation == 2) {} else {wait();\\n}  // for all'

    Raises:
        ValueError: a piece that is not there once, or that overlaps another.
    """
    switches: dict[str, str] = {}  # by the piece that they begin to replace
    for number, (old, new) in pieces.items():
        if text.count(old) != 1:
            raise ValueError(f"the piece to mutate must be there once, not {text.count(old)} times: {old!r}")
        kind = "if (mutation == {}) {{{}}} else " if ";" in old else "mutation == {} ? ({}) : "
        switches[old] = switches.get(old, "") + kind.format(number, new)
    ends = len(text)
    for old in sorted(switches, key=text.index, reverse=True):
        begin, end = text.index(old), text.index(old) + len(old)
        if end > ends:
            raise ValueError(f"the piece to mutate must not overlap another: {old!r}")
        switch = f"{switches[old]}{{{old}\n}}" if ";" in old else f"({switches[old]}({old}))"
        text, ends = text[:begin] + switch + text[end:], begin
    return text


def build(sanitizer: str, folder: Path) -> Path:
    """The program with the mutations that this build must notice; $MUTATION is the number of one."""
    csrc = shutil.copytree(CSRC, folder / f"{sanitizer}_csrc")
    own = [mutation for mutation in MUTATIONS.values() if mutation.sanitizer == sanitizer]
    for file in {mutation.file for mutation in own}:
        pieces = {m.number: (m.old, m.new) for m in own if m.file == file}
        (csrc / file).write_text(with_switches((csrc / file).read_text(), pieces))
    flags = ["-O0", "-w", "-I", str(csrc), "-include", str(OF_TESTS / "mutation.h"), *SANITIZERS[sanitizer]]
    return compile_cpp([OF_TESTS / "cuda_on_cpu.cpp"], folder / sanitizer, *flags)
