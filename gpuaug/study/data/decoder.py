"""Image files decoded to RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuaug.files.encoded import read_encoded
from gpuaug.files.image_file import ImageFile

if TYPE_CHECKING:
    from PIL.Image import Image


class Decoder:
    """Decodes image files with Pillow, to a square of ``size`` pixels; without a size, all must be of one.

    A JPEG that shrinks to a quarter or less is decoded at a smaller scale first, as in ``Image.thumbnail``.
    """

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.first: tuple[int, int] | None = None

    def __call__(self, path: str) -> Image:
        from PIL import Image

        file = ImageFile.of(read_encoded(path))
        if self.size is not None:
            image = file.open(file.scale_to(self.size, self.size))
            return image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        image = file.open()
        self.first = self.first or image.size
        if image.size != self.first:
            raise ValueError(
                f"the images are of different sizes, {self.first[0]} x {self.first[1]} and "
                f"{image.size[0]} x {image.size[1]} (width x height): give a size to resize them to (--size)"
            )
        return image
