"""Docstrings' text in Markdown, and tables of it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence


def to_markdown(text: str) -> str:
    """A docstring's inline reST in Markdown; ``*`` and ``|`` of prose stay what they are, also in a table.

    >>> to_markdown("``a`` in steps of 2**-16, a | b")
    '`a` in steps of 2\\\\*\\\\*-16, a \\\\| b'
    """
    parts = re.split(r"(``.+?``)", text)
    return "".join(
        f"`{part[2:-2]}`" if part.startswith("``") else re.sub(r"([*|<\[])", r"\\\1", part) for part in parts
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def summary(kind: type) -> str:
    """The first paragraph of a docstring."""
    text = inspect.getdoc(kind) or ""
    return to_markdown(" ".join(text.partition("\n\n")[0].split()))
