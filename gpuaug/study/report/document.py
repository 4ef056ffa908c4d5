"""A report as a list of sections, and its two forms: a page, and Markdown with its pictures beside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import jinja2

from gpuaug.study.report.gallery import Exhibit
from gpuaug.study.report.next_step import NextStep
from gpuaug.study.report.pictures import data_url
from gpuaug.study.report.tables import Table, as_text
from gpuaug.study.training.files import file_stem

NUMBERS = 26  # letters of a cell with a mean and its interval


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class Picture:
    """A figure: as SVG in the page, as a file (its name) beside the Markdown."""

    about: str
    svg: str
    file: str


@dataclass(frozen=True)
class Gallery:
    exhibits: Sequence[Exhibit]


Block = Paragraph | Code | Table | Picture | Gallery


@dataclass(frozen=True)
class Section:
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Lead:
    """The lines above all sections: the answer, and the next step."""

    answer: str
    next_step: NextStep | None = None


def as_html(title: str, lead: Lead, sections: Sequence[Section]) -> str:
    """One page that needs nothing else: style, figures and images are in it, and scripts there are none."""
    source = resources.files("gpuaug.study.report").joinpath("report.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["data_url"] = data_url
    environment.filters["pieces"] = pieces
    return environment.from_string(source).render(title=title, lead=lead, sections=sections)


def as_markdown(title: str, lead: Lead, sections: Sequence[Section]) -> str:
    """The same as Markdown; its pictures are the files that ``Picture`` and ``gallery_file`` name."""
    parts = [f"# {title}", f"> {lead.answer}"]
    if lead.next_step is not None:
        parts.append(f"Next: {lead.next_step.why}")
        if lead.next_step.command:
            parts.append(f"```\n{lead.next_step.command}\n```")
    for section in sections:
        parts.append(f"## {section.title}")
        parts += [_markdown(block) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def pieces(cell: str) -> list[str]:
    """The parts of a cell of numbers, which a page may set one below the other; none of a sentence.

    >>> pieces("+0.105 [+0.095, +0.115]"), pieces("0.7 ± 0.1"), pieces("every draw: crop [0.8] + hflip")
    (['+0.105', '[+0.095, +0.115]'], ['0.7 ± 0.1'], [])
    >>> pieces("[-0.2, +0.1]")
    ['[-0.2, +0.1]']
    """
    if not re.match(r"[-+<\[]*\d", cell) or len(cell) > NUMBERS:
        return []
    mean, bracket, interval = cell.partition(" [")
    return [mean, f"[{interval}"] if bracket else [cell]


def gallery_file(exhibit: Exhibit) -> str:
    """The name of an exhibit's picture.

    >>> gallery_file(Exhibit("crop(0.5) + hflip", "", b""))
    'gallery/crop_0.5_hflip-7995906b.png'
    """
    return f"gallery/{file_stem(exhibit.name)}.png"


def _markdown(block: Block) -> str:
    if isinstance(block, Table):
        return as_text(block)
    if isinstance(block, Code):
        return f"```\n{block.text}\n```"
    if isinstance(block, Picture):
        return f"![{block.about}]({block.file})"
    if isinstance(block, Gallery):
        return "\n\n".join(
            f"**{of.name}**: {of.about}\n\n![{of.name}]({gallery_file(of)})" for of in block.exhibits
        )
    return block.text
