"""Writes ``techniques/<Name>.md`` for every transform and mix, the overview's grid, and the pictures.

All are made from the classes and their docstrings whenever the site is built, and none is committed: a
transform that is added in one file has its page.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docstring_text import summary, table, to_markdown
from technique_facts import group_of, mixes, names_by_group, on_annotations
from technique_pictures import (
    COUNT,
    SIZE,
    build,
    call_of,
    copies,
    draws_of_mix,
    draws_of_transform,
    photograph,
    save,
)

import gpuaug
from gpuaug.transforms import Entry, catalogue
from gpuaug.transforms.catalogue import _meanings as meanings_of  # mixes are no transforms: without an Entry

if TYPE_CHECKING:
    from sphinx.application import Sphinx

BACKENDS = {
    "kernel": "the kernel: C++, CUDA and the PyTorch reference give the same bytes",
    "kornia": "kornia and PyTorch, after the kernel",
    "torch": "PyTorch, after the kernel",
}
DRAWS_OF_POLICY = 24  # a policy's op that moves pixels is in some of so many draws


def write_all(folder: Path) -> None:
    """Write what has changed: Sphinx then reads no other page again."""
    entries = catalogue()
    pages = {entry.name: (entry.kind, page_of_transform) for entry in entries}
    pages |= {kind.__name__: (kind, page_of_mix) for kind in mixes()}
    by_name = {entry.name: entry for entry in entries}
    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    for name in ("chelsea", "coffee"):
        save(photograph(name), pictures / f"{name}.png")
    newest = newest_source()
    for name, (kind, page) in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.stat().st_mtime < newest:
            path.write_text(page(by_name.get(name, kind), pictures))
    for path in folder.glob("*.md"):
        if path.name != "index.md" and path.stem not in pages:
            path.unlink()
    (folder / "grid.txt").write_text(grid())


def newest_source() -> float:
    """When the newest file that a page or a picture depends on was written."""
    homes = Path(inspect.getfile(gpuaug)).parent, Path(__file__).parent
    paths = [path for home in homes for path in home.rglob("*") if path.suffix in (".py", ".so")]
    return max(path.stat().st_mtime for path in paths)


def page_of_transform(entry: Entry, pictures: Path) -> str:
    call = call_of(entry.kind)
    policy = group_of(entry) == "Policies"
    follow = on_annotations(build(call), copies(DRAWS_OF_POLICY if policy else COUNT))
    facts = [
        ("Stage", to_markdown(group_of(entry).lower() if policy else entry.stage)),
        ("Runs in", BACKENDS[entry.backend]),
        ("Follows", to_markdown(entry.reference)),
        *((name.capitalize(), ANNOTATIONS[what]) for name, what in follow.items()),
    ]
    settings = [
        (f"`{parameter.name}`", default_text(parameter.default), to_markdown(parameter.meaning))
        for parameter in entry.parameters
    ]
    draws = draws_of_transform(entry)
    note = NOTES.get(entry.name, "")
    return page(entry.kind, call, ["chelsea"], draws, pictures, facts, settings, note)


ANNOTATIONS = {
    "follow": "follow the image",
    "stay": "stay as they are",
    "error": "cannot follow, which is an error",
}
NOTES = {
    "Normalize": "The result is floating: in the picture -2.5 is black and 2.5 is white.",
    "Window": "The photograph stands in for a scan: its levels times 16, as int16.",
}


def page_of_mix(kind: type, pictures: Path) -> str:
    meanings = meanings_of(kind)
    settings = [
        (
            f"`{parameter.name}`",
            default_text(parameter.default),
            to_markdown(meanings.get(parameter.name, "")),
        )
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.name != "seed"
    ]
    facts = [
        ("Applies to", "a finished batch and its labels, on its device; `BalancedLoader` takes it as `mix`"),
        ("Runs in", "PyTorch"),
        ("Labels", "`(y1, y2, lam)`: those of both images, and the share of the first"),
        ("Masks, boxes, keypoints", "not mixed"),
    ]
    return page(kind, call_of(kind), ["chelsea", "coffee"], draws_of_mix(kind), pictures, facts, settings, "")


def page(
    kind: type,
    call: str,
    originals: list[str],
    draws: list[Any],
    pictures: Path,
    facts: list[tuple[str, str]],
    settings: list[tuple[str, str, str]],
    note: str,
) -> str:
    name = kind.__name__
    for at, image in enumerate(draws, 1):
        save(image, pictures / f"{name}-{at}.png")
    shown = [image_line(f"{original}.png", "the original", SIZE, "original") for original in originals]
    shown += [
        image_line(f"{name}-{at}.png", f"draw {at} of {name}", image.shape[2], f"column-{2 + (at - 1) % 3}")
        for at, image in enumerate(draws, 1)
    ]
    what = (
        "the result, the same for every draw"
        if len(draws) == 1
        else f"{len(draws)} draws with keys of their own"
    )
    first = "The original" if len(originals) == 1 else "Two images"
    caption = f"{first}, and {what}: `{call}`. {note}".strip()
    reference = f"{{py:class}}`gpuaug.{name}`"
    parts = [
        f"# {name}\n\n{summary(kind)}\n",
        ":::{container} draws\n" + "".join(shown) + ":::\n",
        f"{caption}\n",
        "".join(f":{fact}: {text}\n" for fact, text in facts),
        "## Settings\n\n"
        + (table(["Name", "Default", "Meaning"], settings) if settings else "None but `seed`.\n"),
        f"In the reference, with an example and what it raises: {reference}.\n",
    ]
    return "\n".join(parts)


def image_line(file: str, alt: str, width: int, kind: str) -> str:
    """An image of the grid, as wide beside the others as its pixels say."""
    share = min(100, round(100 * width / SIZE))
    return f"```{{image}} pictures/{file}\n:alt: {alt}\n:class: {kind}\n:width: {share}%\n```\n"


def default_text(default: Any) -> str:
    if default is inspect.Parameter.empty:
        return "required"
    return f"`{default!r}`"


def grid() -> str:
    """The overview: under each heading the transforms, a thumbnail each."""
    parts, listed = [], []
    for title, names in names_by_group().items():
        cards = "".join(f"- [![](pictures/{name}-1.png) {name}]({name}.md)\n" for name in names)
        parts.append(f"## {title}\n\n:::{{container}} thumbnails\n{cards}:::\n")
        listed += names
    return "\n".join([*parts, "```{toctree}\n:hidden:\n", *listed, "```\n"])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", lambda app: write_all(Path(app.srcdir) / "techniques"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
