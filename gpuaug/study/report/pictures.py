"""Figures as files and in pages: PNG on white, or SVG in the colors of the page around it."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

# A color that no figure has: in a page it becomes the text's, so that axes are readable on light and dark.
_INK = "#010203"
_PAGE: dict[RcKeyType, str | float] = {
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.facecolor": "none",
    "legend.framealpha": 0.0,
    "svg.fonttype": "none",  # text stays text: small, and read aloud
}
_NOTHING_ABOUT_ITSELF = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def as_png(draw: Callable[[], Figure]) -> bytes:
    """The bytes of a PNG file."""
    file = io.BytesIO()
    draw().savefig(file, format="png", dpi=120)
    return file.getvalue()


def as_svg(name: str, about: str, draw: Callable[[], Figure]) -> str:
    """An ``<svg>`` element that names nothing outside itself; ``name`` keeps its ids from those of others;
    ``about`` is read aloud.
    """
    file = io.StringIO()
    with matplotlib.rc_context({**_PAGE, "svg.hashsalt": name}):
        draw().savefig(file, format="svg", metadata=_NOTHING_ABOUT_ITSELF)
    text = file.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor")
    head, body = text.split(">", 1)
    (box,) = re.findall(r'viewBox="[^"]*"', head)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    used = set(re.findall(r"#([^\")]+)", body))
    body = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", body)
    ids = re.compile(r'(id="|href="#|url\(#)')
    body = ids.sub(lambda found: f"{found[0]}{name}-", body)
    said = html.escape(about)
    return f'<svg {box} role="img" aria-label="{said}"><title>{said}</title>{body}'


def data_url(png: bytes) -> str:
    """A PNG image inside a page.

    >>> data_url(b"png")
    'data:image/png;base64,cG5n'
    """
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
