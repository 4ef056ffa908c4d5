"""Decoding on the device, with a stand-in for nvJPEG."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from encoded_images import encoded, jpeg, picture
from PIL import Image

from gpuaug.files.encoded_images import EncodedImages
from gpuaug.files.image_file import ImageFile

CPU = torch.device("cpu")
NAMES = [f"sample {n}" for n in (5, 3, 8, 1)]
DATA = [jpeg(30, 20), encoded(picture(9, 7), "PNG"), jpeg(17, 23, "4:4:4"), jpeg(8, 8)]


def planar(data):
    return torch.from_numpy(np.array(Image.open(io.BytesIO(data)).convert("RGB"))).permute(2, 0, 1)


def images():
    files = [ImageFile.of(bytearray(data)) for data in DATA]
    return EncodedImages(
        files, NAMES, *(torch.tensor([getattr(f, n) for f in files]) for n in ("height", "width"))
    )


class NvJpeg:
    """Decodes with Pillow; refuses images of the given width, and counts its calls."""

    def __init__(self, refused=0):
        self.refused, self.calls = refused, []

    def __call__(self, data, device):
        assert device == CPU
        self.calls.append(len(data))
        decoded = [planar(bytes(part.numpy())) for part in data]
        if any(image.shape[2] == self.refused for image in decoded):
            raise RuntimeError("nvjpegDecode failed")
        return decoded


def assert_whole(packed):
    assert len(packed) == 4
    for n, data in enumerate(DATA):
        assert torch.equal(packed[n], planar(data))


def test_jpegs_are_decoded_in_one_call_and_others_on_the_host():
    decoder = NvJpeg()
    assert_whole(images().to(CPU, decoder))
    assert decoder.calls == [3]


@pytest.mark.parametrize("width", [30, 17, 8])
def test_a_file_that_is_refused_is_decoded_on_the_host(width):
    decoder = NvJpeg(refused=width)
    assert_whole(images().to(CPU, decoder))
    assert decoder.calls == [3, 1, 1, 1]


def test_images_of_another_size_than_the_header_says_are_not_taken():
    def cropped(data, device):
        return [planar(bytes(part.numpy()))[:, 1:] for part in data]

    with pytest.warns(RuntimeWarning, match="decoded none of 3 files; its last error was: an image of 8 x 8"):
        assert_whole(images().to(CPU, cropped))


def test_a_decoder_that_decodes_nothing_is_told():
    def missing(data, device):
        raise RuntimeError("torchvision was built without nvJPEG")

    with pytest.warns(RuntimeWarning, match="decoded none of 3 files; its last error was: torchvision was"):
        assert_whole(images().to(CPU, missing))


def test_want_of_memory_is_no_refusal():
    def full(data, device):
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        images().to(CPU, full)


def test_a_file_that_neither_decodes_names_its_sample():
    whole = ImageFile.of(bytearray(DATA[0]))
    broken = replace(whole, data=whole.data[:600])  # cut off after its header was read
    files = EncodedImages([broken], NAMES, torch.tensor([20]), torch.tensor([30]))

    def refuse(data, device):
        raise RuntimeError("nvjpegDecode failed")

    with (
        pytest.warns(RuntimeWarning, match="decoded none of 1 files"),
        pytest.raises(RuntimeError, match=r"sample 5: OSError: .*[Tt]runcated"),
    ):
        files.to(CPU, refuse)
