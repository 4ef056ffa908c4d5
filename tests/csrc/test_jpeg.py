"""The op that decodes a window: what it refuses."""

import pytest
import torch
from encoded_images import jpeg

from gpuaug.ops import backends

pytestmark = pytest.mark.skipif(
    bool(backends.why_no_jpeg()), reason=f"needs libjpeg-turbo: {backends.why_no_jpeg()}"
)

DATA = torch.frombuffer(bytearray(jpeg(40, 30)), dtype=torch.uint8)


def zeros(*shape):
    return torch.zeros(shape, dtype=torch.uint8)


def decode(data=DATA, out=None, left=0, top=0, scale=1):
    out = zeros(10, 12, 3) if out is None else out
    torch.ops.gpuaug.decode_jpeg(data, out, left, top, scale)
    return out


def test_a_window_is_decoded():
    assert decode(left=28, top=20).float().std() > 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data": DATA.float()}, "data must be flat, contiguous uint8"),
        ({"data": DATA[None]}, "data must be flat, contiguous uint8"),
        ({"data": DATA[::2]}, "data must be flat, contiguous uint8"),
        ({"data": DATA[:0]}, "Empty input file|empty"),
        ({"data": DATA[:100]}, "Premature end"),
        ({"data": DATA[10:]}, "Not a JPEG file"),
        (
            {"out": zeros(10, 12, 4)},
            r"out must be contiguous uint8 \(height, width, 3\)",
        ),
        ({"out": zeros(10, 12, 3).float()}, r"out must be contiguous uint8"),
        (
            {"out": zeros(3, 10, 12).permute(1, 2, 0)},
            r"out must be contiguous uint8",
        ),
        ({"out": zeros(0, 12, 3)}, r"out must be contiguous uint8"),
        ({"scale": 3}, "scale must be 1, 2, 4 or 8, got 3"),
        ({"scale": 16}, "scale must be 1, 2, 4 or 8, got 16"),
        ({"left": 29}, "the window reaches beyond the image"),
        ({"top": 21}, "the window reaches beyond the image"),
        ({"scale": 8}, "the window reaches beyond the image"),
        ({"left": -1}, "the window must lie in the image, got 12 x 10 at -1, 0"),
        ({"top": 1 << 62}, "the window must lie in the image"),
    ],
)
def test_wrong_windows_of_jpegs_are_refused(given, message):
    with pytest.raises(RuntimeError, match=message):
        decode(**given)


def test_memory_that_was_freed_is_refused():
    out = zeros(10, 12, 3)
    out.untyped_storage().resize_(5)
    with pytest.raises(RuntimeError, match="out must lie in its storage"):
        decode(out=out)


def test_after_an_error_the_next_image_is_whole():
    before = decode()
    for length in range(100, len(DATA) - 2, 97):
        with pytest.raises(RuntimeError):
            decode(DATA[:length], out=zeros(30, 40, 3))
    assert torch.equal(decode(), before)
