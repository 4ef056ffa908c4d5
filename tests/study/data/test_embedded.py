"""The embedded set: what is in the file, and that its script makes it."""

import gzip
import hashlib
import importlib.util
import struct
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load

FOLDER = Path(str(resources.files("gpuaug.study.data"))) / "embedded"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PIXELS = "cfc85710aaa29a05ff4f7006022e5088bbadc1d4ee451402da913a3bc0bdb0cc"


def test_sizes_counts_and_types():
    data = load(Request("embedded"))
    assert data.classes == ("t-shirt", "shirt")
    assert data.train_images.shape == (4000, 1, 28, 28)
    assert data.test_images.shape == (1200, 1, 28, 28)
    assert data.train_labels.tolist() == [0] * 2000 + [1] * 2000
    assert data.test_labels.tolist() == [0] * 600 + [1] * 600
    assert str(data.train_images.dtype) == "torch.uint8"
    assert data.image_shape == (1, 28, 28)


def test_pixels_are_the_recorded_ones():
    data = load(Request("embedded"))
    digest = hashlib.sha256(data.train_images.numpy().tobytes() + data.test_images.numpy().tobytes())
    assert digest.hexdigest() == PIXELS


def test_no_image_is_there_twice():
    data = load(Request("embedded"))
    images = np.concatenate([data.train_images.numpy(), data.test_images.numpy()]).reshape(5200, -1)
    assert len(np.unique(images, axis=0)) == 5200


def test_the_embedded_set_is_one_small_file_with_its_licence():
    assert (FOLDER / "fashion_shirts.npz").stat().st_size <= 2_500_000
    notice = (FOLDER / "LICENSE").read_text()
    assert "Copyright (c) 2017 Zalando SE" in notice
    assert "Permission is hereby granted, free of charge" in notice
    assert "fashion_shirts.npz" in notice


def script():
    spec = importlib.util.spec_from_file_location("make_embedded", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_idx(path, array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


def test_the_script_takes_the_first_of_both_classes(tmp_path, monkeypatch):
    make = script()
    monkeypatch.setattr(make, "TRAIN_PER_CLASS", 2)
    monkeypatch.setattr(make, "TEST_PER_CLASS", 1)
    labels = np.array([6, 3, 0, 6, 6, 0, 9, 0], dtype=np.uint8)
    images = np.arange(8, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), dtype=np.uint8)
    for stem in ("train", "t10k"):
        write_idx(tmp_path / f"{stem}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / f"{stem}-labels-idx1-ubyte.gz", labels)
    packed = make.pack(tmp_path)
    assert packed == make.pack(tmp_path)
    (tmp_path / "made.npz").write_bytes(packed)
    with np.load(tmp_path / "made.npz") as made:
        assert made["train_images"][:, 0, 0].tolist() == [2, 5, 0, 3]
        assert made["train_labels"].tolist() == [0, 0, 1, 1]
        assert made["test_images"][:, 0, 0].tolist() == [2, 0]
        assert made["test_labels"].tolist() == [0, 1]


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs Debian's package dataset-fashion-mnist, installed")
def test_the_script_makes_the_file():
    assert script().pack(DEBIAN) == (FOLDER / "fashion_shirts.npz").read_bytes()
