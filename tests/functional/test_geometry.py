"""crop_resize and flip, beside OpenCV, torchvision and tables worked out by hand."""

import zipfile

import cv2
import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as tv

from gpuaug.functional import crop_resize, flip


@st.composite
def crops(draw, least_output=1):
    """Random images, a box inside each, and an output size."""
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    n, channels = draw(st.integers(1, 4)), draw(st.sampled_from([1, 3, 4]))
    height, width = draw(st.integers(2, 40)), draw(st.integers(2, 40))
    images = torch.randint(256, (n, channels, height, width), generator=random, dtype=torch.uint8)
    left, top = (torch.randint(size, (n,), generator=random) for size in (width, height))
    right = left + 1 + (torch.rand(n, generator=random) * (width - left)).long()
    bottom = top + 1 + (torch.rand(n, generator=random) * (height - top)).long()
    size = (draw(st.integers(least_output, 48)), draw(st.integers(least_output, 48)))
    return images, torch.stack((left, top, right, bottom), dim=1), size


def levels_apart(a, b):
    return int((torch.as_tensor(a).int() - torch.as_tensor(b).int()).abs().max())


@given(crops())
@settings(max_examples=150, deadline=None)
def test_crop_resize_is_within_one_level_of_opencv(crop):
    images, boxes, size = crop
    out = crop_resize(images, boxes, size, antialias=False)
    for image, (left, top, right, bottom), ours in zip(images, boxes.tolist(), out, strict=True):
        window = np.ascontiguousarray(image[:, top:bottom, left:right].permute(1, 2, 0).numpy())
        theirs = cv2.resize(window, size[::-1], interpolation=cv2.INTER_LINEAR)
        assert levels_apart(ours.permute(1, 2, 0), theirs.reshape(*size, -1)) <= 1


@given(crop=crops(), antialias=st.booleans())
@settings(max_examples=200, deadline=None)
def test_crop_resize_is_within_one_level_of_torchvision(crop, antialias):
    images, boxes, size = crop
    out = crop_resize(images, boxes, size, antialias=antialias)
    for image, (left, top, right, bottom), ours in zip(images, boxes.tolist(), out, strict=True):
        # PyTorch's antialiasing of floats repeats the first row where a width is 1; that of bytes does not.
        exact = image if antialias and 1 in (right - left, size[1]) else image.double()
        theirs = tv.resized_crop(
            exact, top, left, bottom - top, right - left, list(size), antialias=antialias
        )
        assert levels_apart(ours, theirs.round()) <= 1


@pytest.mark.parametrize("factor", [1.0, 1.01, 1.5, 2.0, 3.7, 16.0])
def test_crop_resize_is_within_one_level_of_pillow_on_photographs(shared_data, factor):
    with zipfile.ZipFile(shared_data / "intel-scenes.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")][::900]
        photographs = [PIL.Image.open(archive.open(name)).convert("RGB") for name in names]
    assert len(photographs) >= 4
    size = (round(100 / factor), round(90 / factor))
    for photograph in photographs:
        image = torch.from_numpy(np.array(photograph)).permute(2, 0, 1)[None]
        theirs = np.array(photograph.resize(size[::-1], PIL.Image.Resampling.BILINEAR))
        ours = crop_resize(image, torch.tensor([[0, 0, 100, 100]]), size)[0]
        assert levels_apart(ours.permute(1, 2, 0), theirs) <= 1


def test_crop_resize_keeps_a_constant_image_constant():
    for value in (0, 1, 127, 255):
        images = torch.full((1, 1, 97, 101), value, dtype=torch.uint8)
        for size in (96, 31, 5, 1):
            out = crop_resize(images, torch.tensor([[0, 0, 101, 97]]), size)
            assert out.unique().tolist() == [value]


def test_halving_an_image_matches_a_table_by_hand():
    # The triangle reaches two pixels to each side: 1, 3, 3, 1 eighths; at an edge 3, 3, 1 sevenths.
    images = torch.tensor([[[[0, 0, 80, 80, 160, 160]]]], dtype=torch.uint8)
    box = torch.tensor([[0, 0, 6, 1]])
    assert crop_resize(images, box, (1, 3)).flatten().tolist() == [11, 80, 149]
    assert crop_resize(images, box, (1, 3), antialias=False).flatten().tolist() == [0, 80, 160]


def test_doubling_an_image_matches_a_table_by_hand():
    # Half-pixel centres: the new pixels lie at -1/4, 1/4, 3/4 and 5/4 of the old ones.
    images = torch.tensor([[[[0, 100]]]], dtype=torch.uint8)
    assert crop_resize(images, torch.tensor([[0, 0, 2, 1]]), (1, 4)).flatten().tolist() == [0, 25, 75, 100]


def test_the_interpolation_stays_inside_the_window():
    images = torch.full((1, 1, 8, 8), 255, dtype=torch.uint8)
    images[:, :, 2:6, 2:6] = 10
    assert crop_resize(images, torch.tensor([[2, 2, 6, 6]]), 16).unique().tolist() == [10]


def test_a_fractional_box_moves_the_samples():
    images = torch.tensor([[[[0, 100, 200]]]], dtype=torch.uint8)
    out = crop_resize(images, torch.tensor([[0.5, 0.0, 2.5, 1.0]]), (1, 2))
    assert out.flatten().tolist() == [50, 150]


def test_the_whole_image_at_its_own_size_is_itself():
    images = torch.randint(256, (2, 3, 9, 7), dtype=torch.uint8)
    assert torch.equal(crop_resize(images, torch.tensor([[0, 0, 7, 9]] * 2), (9, 7)), images)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_flip_is_exact_in_every_type(dtype):
    images = torch.randint(256, (4, 3, 5, 6)).to(dtype)
    masks = torch.tensor([[False, False, True, True], [False, True, False, True]])
    out = flip(images, horizontal=masks[0], vertical=masks[1])
    for n, dims in enumerate([(), (-2,), (-1,), (-2, -1)]):
        assert torch.equal(out[n], images[n].flip(dims))


@given(crops(least_output=2))
@settings(max_examples=50, deadline=None)
def test_geometry_of_floats_agrees_with_bytes(crop):
    images, boxes, size = crop
    floats = crop_resize(images.float(), boxes, size)
    # Half a level of rounding, and weights in 1/2048 against exact ones: 2 * 255 / 4096.
    assert (floats - crop_resize(images, boxes, size)).abs().max() <= 0.5 + 0.125 + 0.01


def test_geometry_has_gradients():
    images = torch.rand(2, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[0.0, 0.0, 6.0, 5.0], [1.3, 0.4, 4.9, 3.6]])
    torch.autograd.gradcheck(lambda x: crop_resize(x, boxes, (4, 7)), images)
    masks = torch.tensor([True, False]), torch.tensor([True, True])
    torch.autograd.gradcheck(lambda x: flip(x, *masks), images)
