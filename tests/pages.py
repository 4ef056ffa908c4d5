"""The project's pages of Markdown: their blocks of Python, their links, the images that they are run on."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("start", "guides", "how", "results")

_FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=ticks)\s*$", re.DOTALL | re.M)
_NEEDS = re.compile(r"<!-- needs: ([\w, ]+) -->\n\Z")
_LINK = re.compile(r"(?<!\\)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_INCLUDE = re.compile(r"^```\{include\} (\S+)\n(?::.*\n)*```\n", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: of its first line of text, from 1.
        language: after the backquotes.
        needs: the modules that a comment ahead of it names: ``<!-- needs: lightning -->``.
    """

    line: int
    language: str
    text: str
    needs: tuple[str, ...] = ()


def pages() -> list[Path]:
    """README.md, then the pages of these rooms. (Those of other rooms are made when the site is.)"""
    return [
        ROOT / "README.md",
        *(path for room in ROOMS for path in sorted((ROOT / "docs" / room).glob("*.md"))),
    ]


def read(path: Path) -> str:
    """A page, and what it includes."""
    return _INCLUDE.sub(lambda found: (path.parent / found[1]).read_text(), path.read_text())


def blocks(text: str) -> Iterator[Block]:
    """
    >>> page = "Text\\n<!-- needs: lightning, torch -->\\n```python\\nx = 1\\n```\\n"
    >>> list(blocks(page))
    [Block(line=4, language='python', text='x = 1\\n', needs=('lightning', 'torch'))]
    """
    for found in _FENCE.finditer(text):
        before = _NEEDS.search(text[: found.start()])
        needs = tuple(name.strip() for name in before[1].split(",")) if before else ()
        line = text[: found.start("text")].count("\n") + 1
        yield Block(line, found["language"].strip(), found["text"], needs)


def python_of(path: Path) -> list[Block]:
    return [block for block in blocks(path.read_text()) if block.language == "python"]


def run(block: Block, page: str, names: dict[str, object]) -> None:
    """A program; or, where it begins with >>>, a session whose answers must be those of the page."""
    place = f"{page}, line {block.line}"
    if block.text.startswith(">>>"):
        flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
        session = doctest.DocTestParser().get_doctest(block.text, names, place, page, block.line - 1)
        doctest.DebugRunner(optionflags=flags).run(session, clear_globs=False)
        names.update(session.globs)
    else:
        exec(compile("\n" * (block.line - 1) + block.text, place, "exec"), names)


def write_images(folder: Path) -> None:
    """``train`` and ``test`` with a folder for each class, and JPEG files of several sizes."""
    numbers = np.random.default_rng(0)
    for part, classes in {"train": {"cat": 8, "dog": 4}, "test": {"cat": 3, "dog": 3}}.items():
        for name, count in classes.items():
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = numbers.integers(256, size=(48 + number, 64, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{number}.jpg")


def prose(text: str) -> str:
    """A page without its blocks and without code within lines."""
    return re.sub(r"`[^`\n]+`", "", _FENCE.sub("", text))


def links(text: str) -> list[str]:
    """The targets of a page's links and pictures.

    >>> links("[one](a.md#part) ![two](b.svg) `[no](link)` [`three` [3]](https://example.org)")
    ['a.md#part', 'b.svg', 'https://example.org']
    """
    return _LINK.findall(prose(text))


def anchors(text: str) -> set[str]:
    """What the headings of a page are linked by, as on GitHub and in MyST.

    >>> sorted(anchors("# A page\\n## Beside `its` peers: 2\\n"))
    ['a-page', 'beside-its-peers-2']
    """
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def entries(text: str) -> list[str]:
    """The pages that a page's toctrees name.

    >>> entries("```{toctree}\\n:maxdepth: 1\\n\\nfiles\\nTitle <arrays>\\n```\\n")
    ['files', 'arrays']
    """
    trees = [block.text for block in blocks(text) if block.language == "{toctree}"]
    lines = [line.strip() for tree in trees for line in tree.splitlines()]
    named = [line for line in lines if line and not line.startswith(":")]
    return [re.sub(r".*<(.+)>$", r"\1", line) for line in named]
