"""The limit on the number of pixels of an image."""

from __future__ import annotations

import sys


def check_pixels(width: int, height: int, name: str = "an image") -> None:
    """Raises if an image has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``, which users of Pillow set.

    >>> check_pixels(640, 480)
    """
    # Not imported here, as arrays need no Pillow. With PIL images and with ImageFile it is imported already.
    module = sys.modules.get("PIL.Image")
    limit = None if module is None else module.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise ValueError(
            f"{name} must have at most PIL.Image.MAX_IMAGE_PIXELS = {limit} pixels, got {width} x {height}, "
            "which could be a decompression bomb; if it is not, raise the limit"
        )
