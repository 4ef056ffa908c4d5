"""A window of an encoded image, against Pillow's whole one."""

import io
import itertools
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from encoded_images import JPEGS, encoded, jpeg, picture
from PIL import Image, ImageOps

from gpuaug.files import jpeg as jpeg_module
from gpuaug.files.image_file import CHANNELS, ImageFile
from gpuaug.ops import backends


@pytest.fixture(params=["libjpeg-turbo", "Pillow"])
def decoder(request, monkeypatch):
    """Both that may decode JPEG files."""
    if request.param == "libjpeg-turbo" and backends.why_no_jpeg():
        pytest.skip(f"needs libjpeg-turbo: {backends.why_no_jpeg()}")
    if request.param == "Pillow":
        monkeypatch.setattr(jpeg_module, "why_no_jpeg", lambda: "it is not to be used here")
    return request.param


def whole(data, scale=1, mode="RGB"):
    """By Pillow alone, as torchvision's ``default_loader`` has it."""
    with Image.open(io.BytesIO(data)) as image:
        if scale > 1:
            image.draft(mode, (image.width // scale, image.height // scale))
        return np.asarray(image.convert(mode)).reshape(image.height, image.width, CHANNELS[mode])


def window(file, left, top, width, height, scale=1):
    out = torch.full((height, width, CHANNELS[file.mode]), 77, dtype=torch.uint8)
    file.decode(out, left, top, scale)
    return out.numpy()


def some_windows(width, height, count, seed):
    chance = random.Random(seed)
    yield 0, 0, width, height
    for _ in range(count):
        left, top = chance.randrange(width), chance.randrange(height)
        yield left, top, chance.randint(1, width - left), chance.randint(1, height - top)


@pytest.mark.parametrize("size", [(97, 64), (33, 47), (16, 16), (8, 100), (1, 1), (130, 1)])
@pytest.mark.parametrize("form", [*JPEGS, "gray"])
def test_a_window_is_that_of_the_whole_image(form, size, decoder):
    data = encoded(picture(*size).convert("L")) if form == "gray" else jpeg(*size, form)
    file = ImageFile.of(bytearray(data))
    assert file.windowed
    assert (file.width, file.height) == size
    for scale in (scale for scale in (1, 2, 4, 8) if scale <= min(size)):
        image = whole(data, scale)
        assert image.shape[:2] == (-(-size[1] // scale), -(-size[0] // scale))
        for left, top, width, height in some_windows(image.shape[1], image.shape[0], 25, f"{form} {size}"):
            found = window(file, left, top, width, height, scale)
            np.testing.assert_array_equal(found, image[top : top + height, left : left + width])


@pytest.mark.native
@pytest.mark.slow
def test_every_window_of_a_small_image():
    """Each border of a block and each row of colours lies at some window's edge."""
    data = jpeg(37, 35)
    file = ImageFile.of(bytearray(data))
    for scale in (1, 2):
        image = whole(data, scale)
        height, width = image.shape[:2]
        for left, top in itertools.product(range(0, width, 3), range(0, height, 3)):
            found = window(file, left, top, width - left, height - top, scale)
            np.testing.assert_array_equal(found, image[top:, left:])
            found = window(file, 0, 0, left + 1, top + 1, scale)
            np.testing.assert_array_equal(found, image[: top + 1, : left + 1])


OTHERS = {
    "png": (lambda image: image, "PNG", {}),
    "palette": (lambda image: image.quantize(32), "PNG", {}),
    "transparent palette": (lambda image: image.quantize(32), "PNG", {"transparency": 3}),
    "alpha": (lambda image: image.convert("RGBA"), "PNG", {}),
    "gray and alpha": (lambda image: image.convert("LA"), "PNG", {}),
    "one bit": (lambda image: image.convert("1"), "PNG", {}),
    "gif": (lambda image: image, "GIF", {}),
    "tiff": (lambda image: image, "TIFF", {}),
    "webp": (lambda image: image, "WEBP", {"lossless": True}),
    "bmp": (lambda image: image, "BMP", {}),
    "cmyk jpeg": (lambda image: image.convert("CMYK"), "JPEG", {}),
}


@pytest.mark.parametrize("mode", CHANNELS)
@pytest.mark.parametrize("form", OTHERS)
def test_other_formats_are_pillows(form, mode):
    change, kind, options = OTHERS[form]
    data = encoded(change(picture(30, 20)), kind, **options)
    file = ImageFile.of(bytearray(data), mode)
    assert not file.windowed
    np.testing.assert_array_equal(window(file, 3, 2, 20, 11), whole(data, mode=mode)[2:13, 3:23])


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_a_jpeg_in_another_mode_is_converted_as_pillow_does(mode):
    data = jpeg()
    file = ImageFile.of(bytearray(data), mode)
    assert not file.windowed
    np.testing.assert_array_equal(window(file, 5, 6, 40, 30), whole(data, mode=mode)[6:36, 5:45])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_orientation_of_exif(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture(40, 24), kind, exif=exif)
    upright = ImageFile.of(bytearray(data), upright=True)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert (upright.height, upright.width) == expected.shape[:2]
    np.testing.assert_array_equal(
        window(upright, 2, 3, upright.width - 2, upright.height - 3), expected[3:, 2:]
    )
    as_stored = ImageFile.of(bytearray(data))
    np.testing.assert_array_equal(window(as_stored, 0, 0, 40, 24), whole(data))


XMP = b"""http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""


def test_an_orientation_of_xmp():
    data = jpeg(40, 24)
    data = data[:2] + b"\xff\xe1" + (len(XMP) + 2).to_bytes(2, "big") + XMP + data[2:]
    upright = ImageFile.of(bytearray(data), upright=True)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert (upright.height, upright.width) == expected.shape[:2]
    assert upright.open().size == (upright.width, upright.height)
    np.testing.assert_array_equal(window(upright, 0, 0, *upright.open().size), expected)


def test_a_jpeg_without_exif_stays_windowed_where_orientation_counts():
    assert ImageFile.of(bytearray(jpeg()), upright=True).windowed


@pytest.mark.parametrize("size", [(30, 20), (30_000, 30_000)])
def test_more_pixels_than_pillow_allows(size, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 599)
    if size == (30, 20):
        files = [jpeg(*size), encoded(picture(*size), "BMP")]
    else:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 89_478_485)  # Pillow's own
        small = jpeg(8, 8)
        at = small.index(b"\xff\xc0") + 5
        files = [small[:at] + (30_000).to_bytes(2, "big") * 2 + small[at + 4 :]]
    for data in files:
        with pytest.raises(ValueError, match=r"at most PIL.Image.MAX_IMAGE_PIXELS = \d+ pixels, got 30"):
            ImageFile.of(bytearray(data))


def test_the_limit_of_pixels_holds_whoever_imported_pillow():
    """In a process where nobody did."""
    small = jpeg(8, 8)
    at = small.index(b"\xff\xc0") + 5
    data = small[:at] + (60_000).to_bytes(2, "big") * 2 + small[at + 4 :]
    script = f"import gpuaug; gpuaug.ImageFiles([{data!r}], [0]).read(0)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "MAX_IMAGE_PIXELS" in done.stderr


def test_damaged_data_decode_as_by_pillow(decoder):
    """libjpeg warns, and Pillow goes on."""
    data = bytearray(jpeg(200, 160))
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    file = ImageFile.of(data)
    np.testing.assert_array_equal(window(file, 0, 0, 200, 160), whole(bytes(data)))


@pytest.mark.parametrize("scans", [1, 3])
def test_a_progressive_image_of_which_scans_are_missing(scans, decoder):
    """libjpeg smooths its blocks, by their neighbours."""
    data = jpeg(200, 160, "progressive")
    starts = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    tables = data.rfind(b"\xff\xc4", starts[scans - 1], starts[scans])
    file = ImageFile.of(bytearray(data[:tables] + b"\xff\xd9"))
    assert file.windowed
    expected = whole(bytes(file.data))
    assert not np.array_equal(expected, whole(data))
    for left, top, width, height in some_windows(200, 160, 10, scans):
        found = window(file, left, top, width, height)
        np.testing.assert_array_equal(found, expected[top : top + height, left : left + width])


def test_a_file_that_is_cut_off_fails_in_every_window(decoder):
    data = jpeg(200, 160)[:-300]
    file = ImageFile.of(bytearray(data))
    with pytest.raises(OSError, match="truncated"):
        window(file, 0, 0, 8, 8)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"text", "not an image of a format that Pillow knows"),
        (jpeg()[:10], "[Tt]runcated"),
        (jpeg()[:200], "[Tt]runcated"),
        (encoded(picture(8, 8), "PNG")[:20], "[Tt]runcated"),
        (encoded(picture(80, 80), "PNG")[:99], "truncated"),
    ],
)
def test_a_file_that_is_no_image_is_refused(data, message):
    with pytest.raises(OSError, match=message):
        ImageFile.of(bytearray(data)).decode(torch.zeros(8, 8, 3, dtype=torch.uint8), 0, 0, 1)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(
    ("values", "form"), [(np.uint16, "PNG"), (np.uint16, "TIFF"), (np.int32, "TIFF"), (np.float32, "TIFF")]
)
def test_an_image_of_more_than_8_bits_is_refused(values, form, mode):
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 5), 300, values)).save(stream, form)
    file = ImageFile.of(bytearray(stream.getvalue()), mode)
    with pytest.raises(ValueError, match=r"must have 8 bits for each channel, got Pillow's mode (I|F)"):
        window(file, 0, 0, 5, 4)
