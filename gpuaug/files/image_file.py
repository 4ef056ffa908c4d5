"""One encoded image: its size from the header, and a decoded window of its pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from torch import Tensor

from gpuaug.files.header import jpeg_header
from gpuaug.files.jpeg import decode_jpeg_window
from gpuaug.images.pixels import check_pixels

if TYPE_CHECKING:
    from PIL.Image import Image

Mode = Literal["RGB", "L", "RGBA"]
SCALES = (1, 2, 4, 8)  # the divisors of the size that a JPEG's DCT offers
REDUCING_GAP = 2.0
CHANNELS: dict[str, int] = {"L": 1, "RGB": 3, "RGBA": 4}


@dataclass(frozen=True)
class ImageFile:
    """An encoded image in memory.

    Attributes:
        data: the bytes of the file.
        height: the height of the decoded image, in pixels.
        width: the width of the decoded image, in pixels.
        mode: the mode of the decoded image.
        upright: whether the EXIF orientation is applied.
        windowed: whether the file is a JPEG of which a window can be decoded, at scale 1, 1/2, 1/4 or 1/8.
    """

    data: bytearray
    height: int
    width: int
    mode: Mode
    upright: bool
    windowed: bool

    @classmethod
    def of(cls, data: bytearray, mode: Mode = "RGB", upright: bool = False) -> ImageFile:
        """Reads the header of an image; no pixel is decoded yet.

        Args:
            data: the bytes of the file.
            mode: the mode of the decoded image.
            upright: whether to apply the EXIF orientation.

        Raises:
            OSError: Pillow does not know the format (``PIL.UnidentifiedImageError``), or the header is
                damaged.
            ValueError: the image has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``.
        """
        import PIL.Image  # noqa: F401  # check_pixels reads its limit

        header = jpeg_header(data)
        if header is not None and mode == "RGB" and not (upright and _may_be_turned(data)):
            check_pixels(header.width, header.height)
            return cls(data, header.height, header.width, mode, upright, windowed=True)
        if not data:
            raise OSError("the file is empty")
        with _opened(data) as image:
            width, height = image.size
            # As in ImageOps.exif_transpose, orientations 5 to 8 swap height and width.
            if upright and image.getexif().get(_ORIENTATION) in _QUARTER_TURNS:
                width, height = height, width
        return cls(data, height, width, mode, upright, windowed=False)

    def scale_to(self, height: int, width: int, reducing_gap: float = REDUCING_GAP) -> int:
        """The largest of 1, 2, 4 and 8 at which 1/scale leaves ``reducing_gap`` pixels for each output pixel.

        >>> ImageFile(bytearray(), 480, 640, "RGB", upright=False, windowed=True).scale_to(100, 100)
        2
        """
        shrinks = min(self.height / height, self.width / width) / reducing_gap
        return max(s for s in SCALES if s == 1 or (self.windowed and s <= shrinks))

    def decode(self, out: Tensor, left: int, top: int, scale: int) -> None:
        """Decodes a window of the image at 1/scale.

        Args:
            out: uint8 ``(height, width, channels)``, of the window's size; the pixels are written to it.
            left: the first column of the window, in pixels of the scaled image.
            top: the first row of the window, in pixels of the scaled image.
            scale: 1, 2, 4 or 8.

        Raises:
            OSError: the file is truncated or damaged. Pillow may raise other errors too.
        """
        if self.windowed and decode_jpeg_window(self.data, out, left, top, scale):
            return
        pixels = np.asarray(self.open(scale))
        height, width = out.shape[:2]
        window = pixels[top : top + height, left : left + width]
        out.numpy()[:] = window.reshape(out.shape)

    def open(self, scale: int = 1) -> Image:
        """Decodes the whole image at 1/scale, with Pillow.

        Raises:
            ValueError: the image has more than 8 bits for each channel.
        """
        with _opened(self.data) as image:
            if image.mode.startswith(("I", "F")):  # Pillow would cut all that is above 255 off
                raise ValueError(
                    f"the image must have 8 bits for each channel, got Pillow's mode {image.mode}; read it "
                    "into an array of 16 bits, and give the chain a Window"
                )
            if scale != 1:
                image.draft(None, (image.width // scale, image.height // scale))
            if self.upright:
                from PIL import ImageOps

                ImageOps.exif_transpose(image, in_place=True)
            return image.convert(self.mode)


_ORIENTATION = 0x0112
_QUARTER_TURNS = (5, 6, 7, 8)


def _may_be_turned(data: bytearray) -> bool:
    """Whether the file may hold an orientation, in EXIF or XMP, that Pillow finds."""
    return b"Exif\x00" in data or b"tiff:Orientation" in data


def _opened(data: bytearray) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(data))
    except UnidentifiedImageError:  # its message is an address in memory
        raise UnidentifiedImageError("not an image of a format that Pillow knows") from None
    check_pixels(*image.size)
    return image
