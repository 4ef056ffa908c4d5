"""What a data set may give as an image, and what each other thing is told."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from gpuaug.loading.decoded import to_tensor

PIXELS = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)  # (H, W, C)
RGB = np.ascontiguousarray(PIXELS[:, :, :3])
BANDS = np.arange(5 * 6 * 7, dtype=np.uint8).reshape(5, 6, 7)


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(RGB), RGB),
        (Image.fromarray(PIXELS), PIXELS),  # RGBA
        (Image.fromarray(RGB[:, :, 0]), RGB[:, :, :1]),  # L
        (RGB, RGB),
        (RGB[:, :, 1], RGB[:, :, 1:2]),  # (H, W)
        (RGB[:, :, :2], RGB[:, :, :2]),  # two channels
        (RGB[::-1, ::-1], RGB[::-1, ::-1]),  # negative strides
        (RGB[:, ::2], RGB[:, ::2]),
        (read_only(RGB), RGB),
        (torch.from_numpy(RGB).permute(2, 0, 1), RGB),
        (torch.from_numpy(RGB.transpose(2, 0, 1).copy()), RGB),
        (BANDS, BANDS),
        (torch.from_numpy(BANDS.transpose(2, 0, 1).copy()), BANDS),
    ],
    ids=[
        *("rgb", "rgba", "l", "hwc", "hw", "two", "negative", "strided", "read-only", "view", "chw"),
        *("bands", "bands-chw"),
    ],
)
def test_decoding_keeps_pixels(image, expected):
    tensor = to_tensor(image, 0)
    assert tensor.dtype == torch.uint8
    assert np.array_equal(tensor.numpy(), expected.transpose(2, 0, 1))


def test_memory_map_is_copied(tmp_path):
    np.save(tmp_path / "images.npy", RGB[None])
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    tensor = to_tensor(mapped[0], 0)
    assert not np.shares_memory(tensor.numpy(), mapped)
    assert np.array_equal(tensor.numpy(), RGB.transpose(2, 0, 1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_float_tensors_pass(dtype):
    image = torch.rand(3, 2, 2).to(dtype)
    assert to_tensor(image, 0) is image or torch.equal(to_tensor(image, 0), image)
    assert to_tensor(image, 0).dtype == dtype


def test_tensor_subclasses_become_tensors():
    tv_tensors = pytest.importorskip("torchvision.tv_tensors")
    assert type(to_tensor(tv_tensors.Image(torch.zeros(3, 2, 2, dtype=torch.uint8)), 0)) is torch.Tensor


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (Image.new("P", (2, 2)), TypeError, "RGBA or I;16, got 'P'; call image.convert(\"RGB\")"),
        (Image.new("CMYK", (2, 2)), TypeError, "got 'CMYK'; call image.convert(\"RGB\")"),
        (Image.new("1", (2, 2)), TypeError, "got '1'; call image.convert(\"L\")"),
        (Image.new("LA", (2, 2)), TypeError, "got 'LA'; call image.convert(\"RGBA\")"),
        (Image.new("I", (2, 2)), TypeError, "got 'I'; scale it to 8 bits"),
        (Image.new("I;16B", (2, 2)), TypeError, "got 'I;16B'; give numpy.asarray(image).astype(\"uint16\")"),
        (np.zeros((2, 2, 3)), TypeError, "an array image must be uint8, uint16 or int16, got float64"),
        (np.zeros((2, 2), bool), TypeError, "an array image must be uint8, uint16 or int16, got bool"),
        (np.zeros((3, 8, 8), np.uint8), ValueError, "got (8, 3, 8) as (C, H, W): arrays are (H, W, C)"),
        (np.zeros((1, 2, 2, 3), np.uint8), ValueError, "(H, W) or (H, W, C), got shape (1, 2, 2, 3)"),
        (np.zeros((0, 2, 3), np.uint8), ValueError, "height and width must be at least 1, got (0, 2)"),
        (torch.zeros(8, 8, 3), ValueError, "got (8, 8, 3) as (C, H, W): arrays are (H, W, C), tensors"),
        (torch.zeros(65, 8, 8), ValueError, "1 to 4 channels, or up to 64 if it is more than 4 pixels"),
        (torch.zeros(8, 8, dtype=torch.uint8), ValueError, "must be (C, H, W), got shape (8, 8)"),
        (torch.zeros(3, 4, 0), ValueError, "height and width must be at least 1, got (4, 0)"),
        (torch.zeros(3, 2, 2, dtype=torch.int64), TypeError, "float32 or float64, got int64"),
        (torch.zeros(3, 2, 2, dtype=torch.bool), TypeError, "float32 or float64, got bool"),
        (torch.zeros(3, 2, 2, dtype=torch.complex64), TypeError, "float32 or float64, got complex64"),
        (torch.zeros(3, 2, 2, device="meta"), RuntimeError, "on the CPU, got meta"),
        ([[0, 1]], TypeError, "must be a PIL image, a NumPy array (H, W, C) or a tensor (C, H, W), got list"),
    ],
)  # fmt: skip
def test_other_images_are_named(image, error, message):
    with pytest.raises(error, match=r"^sample 7: .*" + re.escape(message)):
        to_tensor(image, 7)


def test_decompression_bomb_is_an_error(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15)
    with pytest.raises(ValueError, match=r"sample 3: .*MAX_IMAGE_PIXELS = 15 pixels, got 4 x 4"):
        to_tensor(Image.new("L", (4, 4)), 3)
