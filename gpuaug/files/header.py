"""The header of a JPEG file, read without a decoder."""

from __future__ import annotations

from typing import NamedTuple

_STARTS_FRAME = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive
_OTHER_FRAMES = {0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a segment
# Gray, and three channels with 4:4:4, 4:2:2, 4:4:0 or 4:2:0; libjpeg scales others by averages of blocks.
_SAMPLINGS = {bytes([gray]) for gray in (0x11, 0x21, 0x12, 0x22)}
_SAMPLINGS |= {bytes([luma, 0x11, 0x11]) for luma in (0x11, 0x21, 0x12, 0x22)}
_END = b"\xff\xd9"
_TAIL = 1 << 10


class JpegHeader(NamedTuple):
    """The size, in pixels, of a JPEG of 8 bits, gray or with three channels of a common sampling."""

    height: int
    width: int


def jpeg_header(data: bytes | bytearray) -> JpegHeader | None:
    """Reads the header of a complete, common JPEG; None for anything else, which is left to Pillow.

    >>> jpeg_header(b"no image") is None
    True

    None too if the file does not end as a JPEG: it may be truncated after the window.
    """
    if not data.startswith(b"\xff\xd8\xff") or data.rfind(_END, -_TAIL) < 0:
        return None
    position = 2
    while position + 9 < len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF or marker in _ALONE:  # a fill byte, or a marker without a segment
            position += 1 if marker == 0xFF else 2
            continue
        if marker in _STARTS_FRAME:
            bits, height, width, channels = (
                data[position + 4],
                int.from_bytes(data[position + 5 : position + 7], "big"),
                int.from_bytes(data[position + 7 : position + 9], "big"),
                data[position + 9],
            )
            # Three bytes for each channel: its number, its sampling factors (across and down), and its table.
            samplings = data[position + 11 : position + 10 + 3 * channels : 3]
            ordinary = bits == 8 and height > 0 and width > 0 and bytes(samplings) in _SAMPLINGS
            return JpegHeader(height, width) if ordinary else None
        if marker in _OTHER_FRAMES or marker == 0xDA:
            return None
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None
