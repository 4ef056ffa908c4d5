"""How many pixels an image may have."""

from __future__ import annotations

import sys


def check_pixels(width: int, height: int, name: str = "an image") -> None:
    """Raise where an image has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``, which Pillow's users set.

    >>> check_pixels(640, 480)
    """
    module = sys.modules.get("PIL.Image")  # not needed to load arrays; whoever gives a PIL image imported it
    limit = None if module is None else module.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise ValueError(
            f"{name} has at most PIL.Image.MAX_IMAGE_PIXELS = {limit} pixels, got {width} x {height}, which "
            "could be a decompression bomb; raise the limit if it is not"
        )
