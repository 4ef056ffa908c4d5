"""Image files decoded to RGB."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


class Decoder:
    """Decodes image files with Pillow, to a square of ``size`` pixels; without a size, all must be of one."""

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.first: tuple[int, int] | None = None

    def __call__(self, path: str) -> Image:
        from PIL import Image

        with warnings.catch_warnings(), open(path, "rb") as file:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file).convert("RGB")
        if self.size is not None:
            return image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        self.first = self.first or image.size
        if image.size != self.first:
            raise ValueError(
                f"the images are of different sizes, {self.first[0]} x {self.first[1]} and "
                f"{image.size[0]} x {image.size[1]} (width x height): give a size to resize them to (--size)"
            )
        return image
