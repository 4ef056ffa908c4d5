"""How many pixels an image may have."""

from __future__ import annotations

import sys


def check_pixels(width: int, height: int, name: str = "an image") -> None:
    """Raise where an image has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``, which Pillow's users set.

    >>> check_pixels(640, 480)
    """
    # Not imported here: arrays need no Pillow. Whoever gives a PIL image imported it, and ImageFile does.
    module = sys.modules.get("PIL.Image")
    limit = None if module is None else module.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise ValueError(
            f"{name} must have at most PIL.Image.MAX_IMAGE_PIXELS = {limit} pixels, got {width} x {height}, "
            "which could be a decompression bomb; raise the limit if it is not"
        )
