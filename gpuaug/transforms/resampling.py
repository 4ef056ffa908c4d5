"""The text of settings that the transforms of geometry share, for ``extra_repr``."""

from __future__ import annotations

Fill = int | tuple[int, ...]


def said(interpolation: str | None = None, fill: tuple[int, ...] = (0,)) -> str:
    """The text of ``interpolation`` and ``fill`` where they are not the defaults.

    >>> said("nearest", (255,)), said("bilinear")
    (", interpolation='nearest', fill=255", '')
    """
    how = ", interpolation='nearest'" if interpolation == "nearest" else ""
    what = "" if fill == (0,) else f", fill={fill[0] if len(fill) == 1 else fill}"
    return how + what
