"""Whether the links of a built site lead somewhere: its pages, their anchors, pictures and files.

python docs/check_site.py docs/_build/html
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINKS = {"a": "href", "img": "src", "link": "href", "script": "src", "source": "src"}


class Page(HTMLParser):
    """The anchors of a page, and what it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        if tag in LINKS and (link := given.get(LINKS[tag])):
            self.links.append(link)


def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def faults(site: Path) -> Iterator[str]:
    """A line for each link to a file or an anchor of the site that is not there; no other site is asked."""
    pages = {path.resolve(): read(path) for path in sorted(site.rglob("*.html"))}
    if not pages:
        yield f"{site} has no pages"
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            # Of the page itself, where the link is an anchor alone.
            place = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if place.is_dir():
                place /= "index.html"
            where = f"{path.relative_to(site.resolve())}: {link}"
            if not place.is_file():
                yield f"{where}: no such file"
            elif not place.is_relative_to(site.resolve()):
                yield f"{where}: outside the site"
            elif place in pages and parts.fragment and unquote(parts.fragment) not in pages[place].anchors:
                yield f"{where}: no such anchor"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    if found := list(faults(parser.parse_args().site)):
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()
