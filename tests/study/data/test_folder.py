"""Folders of images: their order, classes and sizes, and what is said about files that are wrong."""

import numpy as np
import pytest
import torch
from encoded_images import picture
from PIL import Image

from gpuaug.files.encoded import read_encoded
from gpuaug.files.image_file import ImageFile
from gpuaug.study.data.decoder import Decoder
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load


def write_images(root, classes=("cat", "dog"), size=(20, 18), splits=("train", "test"), count=2):
    """``count`` images a class; file ``n.png`` of class number k is of the color (10 n, 100 k, 7)."""
    for split in splits:
        for number, name in enumerate(classes):
            folder = root / split / name
            folder.mkdir(parents=True)
            for n in range(count):
                Image.new("RGB", size, (10 * n, 100 * number, 7)).save(folder / f"{n}.png")
    return root


def test_folder_in_order_of_class_and_file(tmp_path):
    data = load(Request(str(write_images(tmp_path, ("cat", "dog", "eel")))))
    assert data.classes == ("cat", "dog", "eel")
    assert data.train_images.shape == (6, 3, 18, 20)
    assert data.train_images.dtype == torch.uint8
    assert data.train_images[:, :, 4, 5].tolist() == [
        [10 * n, 100 * k, 7] for k in range(3) for n in range(2)
    ]
    assert data.train_labels.tolist() == data.test_labels.tolist() == [0, 0, 1, 1, 2, 2]


def test_chosen_classes_are_labelled_in_the_order_given(tmp_path):
    data = load(Request(str(write_images(tmp_path, ("cat", "dog", "eel"))), classes=["eel", "cat"]))
    assert data.classes == ("eel", "cat")
    pairs = zip(data.train_labels.tolist(), data.train_images[:, 1, 0, 0].tolist(), strict=True)
    assert sorted(pairs) == [(0, 200), (0, 200), (1, 0), (1, 0)]


def test_size_resizes_images_that_differ(tmp_path):
    write_images(tmp_path, ("cat",), size=(20, 18))
    write_images(tmp_path, ("dog",), size=(40, 30))
    data = load(Request(str(tmp_path), size=24))
    assert data.train_images.shape == (4, 3, 24, 24)
    assert data.train_images[2, :, 12, 12].tolist() == [0, 0, 7]


def test_grey_and_transparent_files_become_rgb(tmp_path):
    write_images(tmp_path)
    Image.new("L", (20, 18), 90).save(tmp_path / "train/cat/0.png")
    Image.new("RGBA", (20, 18), (1, 2, 3, 0)).save(tmp_path / "train/cat/1.png")
    assert load(Request(str(tmp_path))).train_images[:2, :, 0, 0].tolist() == [[90, 90, 90], [1, 2, 3]]


def test_images_that_differ_without_a_size(tmp_path):
    write_images(tmp_path)
    Image.new("RGB", (9, 9)).save(tmp_path / "train/dog/1.png")
    with pytest.raises(RuntimeError, match=r"train/dog/1\.png.*different sizes, 20 x 18 and 9 x 9 .*--size"):
        load(Request(str(tmp_path)))


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_corrupt_file_is_named(tmp_path, content):
    write_images(tmp_path)
    (tmp_path / "test/dog/1.png").write_bytes(content)
    with pytest.raises(RuntimeError, match=r"test/dog/1\.png"):
        load(Request(str(tmp_path)))


def test_truncated_file_is_named(tmp_path):
    write_images(tmp_path)
    path = tmp_path / "train/cat/0.jpg"
    Image.effect_noise((20, 18), 50).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(RuntimeError, match=r"train/cat/0\.jpg.*truncated"):
        load(Request(str(tmp_path)))


def test_a_photograph_is_decoded_at_a_smaller_scale(tmp_path):
    """And looks as it did: within a level or two of the whole one, resized."""
    image = picture(640, 480)
    path = tmp_path / "photograph.jpg"
    image.save(path, quality=95)
    whole = Image.open(path).resize((40, 40), Image.Resampling.BILINEAR)
    assert ImageFile.of(read_encoded(path)).scale_to(40, 40) == 4
    difference = np.abs(np.asarray(Decoder(40)(str(path)), int) - np.asarray(whole, int))
    assert 0 < difference.mean() < 1.5
    assert difference.max() < 12


@pytest.mark.parametrize("limit", [200, 100])  # Pillow warns above the limit, and refuses above its double
def test_decompression_bomb_is_an_error(tmp_path, monkeypatch, limit):
    write_images(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(RuntimeError, match=r"train/cat/0\.png.*decompression bomb"):
        load(Request(str(tmp_path)))


@pytest.mark.parametrize("there", ["train", "test"])
def test_a_folder_with_train_or_test_alone(tmp_path, there):
    write_images(tmp_path, splits=(there,))
    with pytest.raises(ValueError, match=rf"has {there}/ alone: to hold images of it out, give .*/{there}$"):
        load(Request(str(tmp_path)))
    data = load(Request(str(tmp_path / there)))
    assert data.classes == ("cat", "dog")
    assert data.train_labels.tolist() == data.test_labels.tolist() == [0, 1]


def test_hidden_folders_are_no_classes(tmp_path):
    write_images(tmp_path)
    (tmp_path / "train/.ipynb_checkpoints").mkdir()
    assert load(Request(str(tmp_path))).classes == ("cat", "dog")


def test_train_and_test_of_different_classes(tmp_path):
    write_images(tmp_path, ("cat", "dog"), splits=("train",))
    write_images(tmp_path, ("cat", "eel"), splits=("test",))
    with pytest.raises(ValueError, match="the same classes, got cat, dog and cat, eel"):
        load(Request(str(tmp_path)))


def test_class_without_images(tmp_path):
    write_images(tmp_path)
    (tmp_path / "train/eel").mkdir()
    (tmp_path / "test/eel").mkdir()
    with pytest.raises(ValueError, match=r"every class must have images: .*eel"):
        load(Request(str(tmp_path)))
