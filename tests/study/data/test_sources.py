"""Where the images of a study come from, and what is said about a wrong request."""

import struct

import numpy as np
import pytest
import torch
from PIL import Image

from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load


def test_embedded_classes_can_change_places():
    data = load(Request("embedded", classes=["shirt", "t-shirt"]))
    plain = load(Request("embedded"))
    assert torch.equal(data.train_images[data.train_labels == 0], plain.train_images[plain.train_labels == 1])


def test_no_such_folder(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"data must be 'embedded', 'cifar10', 'cifar100', 'fashion-mnist' or a folder"
        r".*nowhere is not a folder",
    ):
        load(Request(str(tmp_path / "nowhere")))
    with pytest.raises(ValueError, match=r"cifar01 is not a folder; did you mean cifar10\?"):
        load(Request("cifar01"))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("embedded", classes=["shirt", "shoe"]), "classes must be of t-shirt, shirt; got shoe"),
        (Request("embedded", classes=["shirt"]), "classes must be at least two different names, got shirt"),
        (Request("embedded", classes=["shirt", "shirt"]), "two different names, got shirt, shirt"),
        (
            Request("embedded", holdout=0.2),
            "holdout is for a folder without train/ and test/, and embedded has a test part; got 0.2",
        ),
        (Request("embedded", holdout_seed=3), "holdout_seed is for a folder .*; got 3"),
        (
            Request("embedded", classes=["t-shrt", "shirt"]),
            "classes must be of t-shirt, shirt; got t-shrt; did you mean t-shirt",
        ),
    ],
)
def test_wrong_request(request_, message):
    with pytest.raises(ValueError, match=message):
        load(request_)


def test_cifar10_that_is_not_there(tmp_path):
    with pytest.raises(RuntimeError, match=r"CIFAR-10 is not in the root folder .*empty, .*--download"):
        load(Request("cifar10", root=tmp_path / "empty"))


def test_cifar10_gives_cats_and_dogs(monkeypatch):
    class Tiny:
        """What torchvision's CIFAR10 holds: image i is all i, of class i modulo 10."""

        classes = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

        def __init__(self, root, train, download):
            n = 40 if train else 20
            self.data = torch.arange(n, dtype=torch.uint8)[:, None, None, None].expand(n, 32, 32, 3).numpy()
            self.targets = [i % 10 for i in range(n)]

    monkeypatch.setattr("torchvision.datasets.CIFAR10", Tiny)
    data = load(Request("cifar10"))
    assert data.classes == ("cat", "dog")
    assert data.train_images.shape == (8, 3, 32, 32)
    assert data.train_images[:, 0, 0, 0].tolist() == [3, 5, 13, 15, 23, 25, 33, 35]
    assert data.train_labels.tolist() == [0, 1] * 4
    assert load(Request("cifar10", classes=["ship", "frog", "cat"])).test_labels.tolist() == [2, 1, 0] * 2


def test_fashion_mnist_has_ten_classes_of_gray_images(tmp_path):
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for part, n in (("train", 20), ("t10k", 10)):
        pixels = bytes(i for i in range(n) for _ in range(28 * 28))
        labels = bytes(i % 10 for i in range(n))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, n, 28, 28) + pixels)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, n) + labels)
    data = load(Request("fashion-mnist", root=tmp_path, classes=["Sneaker", "Bag"]))
    assert data.train_images.shape == (4, 1, 28, 28)
    assert data.train_images[:, 0, 5, 5].tolist() == [7, 8, 17, 18]
    assert data.train_labels.tolist() == [0, 1, 0, 1]
    assert data.test_labels.tolist() == [0, 1]
    assert load(Request("fashion-mnist", root=tmp_path)).classes[9] == "Ankle boot"


def test_fashion_mnist_that_is_not_there(tmp_path):
    with pytest.raises(RuntimeError, match=r"Fashion-MNIST is not in the root folder .*empty, .*--download"):
        load(Request("fashion-mnist", root=tmp_path / "empty"))


def test_a_size_resizes_as_pillow_does():
    small, whole = load(Request("embedded", size=16)), load(Request("embedded"))
    assert small.train_images.shape == (4000, 1, 16, 16)
    assert torch.equal(small.test_labels, whole.test_labels)
    for given, made in zip(whole.test_images[:20, 0], small.test_images[:20, 0], strict=True):
        expected = Image.fromarray(given.numpy()).resize((16, 16), Image.Resampling.BILINEAR)
        assert np.abs(np.asarray(expected).astype(int) - made.numpy()).max() <= 1
