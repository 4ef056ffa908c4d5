"""The part of a page that a program makes of results, its tables: it stands between two marks, which stay."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


def table(rows: list[list[str]], numbers: str = "--:") -> list[str]:
    """The lines of a table: its head, then its rows; ``numbers`` aligns all columns but the first.

    >>> table([["pace", "km/h"], ["walk", "5"]])
    ['| pace | km/h |', '| --- | --: |', '| walk | 5 |']
    """
    aligned = ["---", *[numbers] * (len(rows[0]) - 1)]
    return [f"| {' | '.join(row)} |" for row in (rows[0], aligned, *rows[1:])]


@dataclass(frozen=True)
class MarkedPart:
    """Where it stands, and what it should say.

    >>> import tempfile
    >>> page = Path(tempfile.mkdtemp()) / "page.md"
    >>> _ = page.write_text("Before <begin>old<end> after")
    >>> part = MarkedPart(page, "<begin>", "<end>", expected=lambda: "new")
    >>> part.text(), part.is_current()
    ('old', False)
    >>> part.write()
    >>> page.read_text()
    'Before <begin>new<end> after'
    """

    page: Path
    begin: str
    end: str
    expected: Callable[[], str]

    def text(self) -> str:
        """What stands between the marks."""
        return self._split()[1]

    def is_current(self) -> bool:
        return self.text() == self.expected()

    def write(self) -> None:
        before, _, after = self._split()
        self.page.write_text(before + self.begin + self.expected() + self.end + after)

    def _split(self) -> tuple[str, str, str]:
        before, rest = self.page.read_text().split(self.begin)
        inside, after = rest.split(self.end)
        return before, inside, after

    def run(self, program: str, description: str | None) -> None:
        """The command line of ``program``: fails where the page says something else; --write writes it."""
        run([self], program, description)


def run(parts: Sequence[MarkedPart], program: str, description: str | None) -> None:
    """The command line of a program that makes several parts."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=raw)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    for part in parts:
        if write:
            part.write()
        elif not part.is_current():
            raise SystemExit(
                f"{part.page.name} does not say what the results say, from {part.begin.strip()} on: "
                f"python benchmarks/{program} --write, if it is meant"
            )
