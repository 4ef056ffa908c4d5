"""Writes the pages of the reference that list transforms and mixes, as the catalogue finds them.

The other pages of the reference are written by hand; ``check_reference.py`` holds that all of them together
name every public name once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from technique_facts import MIXES, names_by_group

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MADE = "made"  # the folder beside reference/index.md that is not committed


def made_pages() -> dict[str, str]:
    """The text of each page, by its file's stem: one for each heading of the overview."""
    return {
        stem_of(title): page(title, names, MIX_OPTIONS if title == MIXES else "")
        for title, names in names_by_group().items()
    }


def stem_of(title: str) -> str:
    return title.lower().replace(" ", "-")


def write_all(folder: Path) -> None:
    made, wanted = folder / MADE, made_pages()
    made.mkdir(exist_ok=True)
    for path in made.glob("*.md"):
        if path.stem not in wanted:
            path.unlink()
    for stem, text in wanted.items():
        path = made / f"{stem}.md"
        if not path.exists() or path.read_text() != text:  # Sphinx reads again what is newer
            path.write_text(text)
    listed = "\n".join(f"{MADE}/{stem}" for stem in wanted)
    (made / "pages.txt").write_text(f"```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n")


MIX_OPTIONS = "   :members: mixes\n   :inherited-members:\n   :special-members: __call__\n"


def page(title: str, names: list[str], options: str) -> str:
    entries = "\n".join(f".. autoclass:: gpuaug.{name}\n{options}" for name in names)
    return f"# {title}\n\n```{{eval-rst}}\n{entries}\n```\n"


def link_pictures(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """The line under a transform's docstring that leads to its pictures."""
    room, _, short = name.rpartition(".")
    if what == "class" and room == "gpuaug" and any(short in names for names in names_by_group().values()):
        lines += ["", f":doc:`Pictures of it </techniques/{short}>`", ""]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", lambda app: write_all(Path(app.srcdir) / "reference"))
    app.connect("autodoc-process-docstring", link_pictures, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
