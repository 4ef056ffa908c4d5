"""The head of a JPEG, against Pillow's reading of it."""

import io

import pytest
from encoded_images import JPEGS, encoded, jpeg, picture
from PIL import Image

from gpuaug.files.header import JpegHeader, jpeg_header


@pytest.mark.parametrize("form", JPEGS)
@pytest.mark.parametrize("size", [(1, 1), (97, 64), (2, 999)])
def test_the_size_is_pillows(form, size):
    data = jpeg(*size, form)
    assert jpeg_header(data) == JpegHeader(size[1], size[0])
    assert Image.open(io.BytesIO(data)).size == size


def test_a_gray_image_and_one_with_exif():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert jpeg_header(encoded(picture(20, 30).convert("L"))) == JpegHeader(30, 20)
    assert jpeg_header(jpeg(20, 30, exif=exif)) == JpegHeader(30, 20)


def test_bytes_after_the_end_are_ignored_but_a_missing_end_is_not():
    data = jpeg()
    assert jpeg_header(data + b"trailing") == jpeg_header(data)
    assert jpeg_header(data[:-2]) is None
    thumbnail = b"\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data  # with an end of its own
    assert jpeg_header(data[:2] + thumbnail + data[2 : len(data) // 2]) is None


def test_fill_bytes_may_stand_ahead_of_a_marker():
    data = jpeg()
    assert jpeg_header(data[:2] + b"\xff\xff" + data[2:]) == jpeg_header(data)


@pytest.mark.parametrize(
    "data",
    {
        "empty": b"",
        "text": b"no image",
        "the start alone": b"\xff\xd8\xff\xd9",
        "png": encoded(picture(8, 8), "PNG"),
        "cmyk": encoded(picture(8, 8).convert("CMYK")),
        "no frame": b"\xff\xd8\xff\xe0\x00\x02\xff\xda\x00\x02\xff\xd9" + bytes(9) + b"\xff\xd9",
        "a segment beyond the end": b"\xff\xd8\xff\xe0\xff\xff" + bytes(30) + b"\xff\xd9",
    }.items(),
    ids=lambda item: item[0],
)
def test_anything_else_is_left_to_pillow(data):
    assert jpeg_header(data[1]) is None


@pytest.mark.parametrize("length", range(2, 30))
def test_a_head_that_is_cut_off(length):
    assert jpeg_header(jpeg()[:length] + b"\xff\xd9") is None
