"""Images of a study: sources, classes, imbalance, and what is said about a wrong request."""

import pytest
import torch
from PIL import Image

from gpuaug.study.data.sources import Request, StudyData, imbalance, load


def small_data(counts=(6, 6, 6)):
    """Classes a, b, c; the pixels of training image i are all i."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    images = torch.arange(len(labels), dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 16, 16)
    return StudyData(tuple("abc"[: len(counts)]), images, labels, images, labels)


def kept(data):
    return data.train_images[:, 0, 0, 0].tolist()


def test_imbalance_keeps_the_first_of_every_class():
    data = imbalance(small_data(), ["c"], majority_count=3, minority_count=1)
    assert kept(data) == [0, 1, 2, 6, 7, 8, 12]
    assert data.train_labels.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert len(data.test_labels) == 18


def test_imbalance_by_ratio_is_of_the_largest_other_class():
    assert imbalance(small_data((6, 4, 6)), ["a"], ratio=3).counts() == {"a": 2, "b": 4, "c": 6}
    assert imbalance(small_data(), ["a", "b"], majority_count=4, ratio=2).counts() == {"a": 2, "b": 2, "c": 4}


def test_nothing_asked_nothing_dropped():
    assert kept(imbalance(small_data(), ["a"])) == list(range(18))


def test_smallest_class_is_the_last_of_equals():
    assert small_data((4, 2, 2)).smallest_class() == "c"
    assert small_data((4, 2, 3)).smallest_class() == "b"


@pytest.mark.parametrize(
    ("minority", "options", "message"),
    [
        (["d"], {}, "minority must be of a, b, c; got d"),
        (["a", "b", "c"], {}, "minority must name some, not all, of a, b, c; got a, b, c"),
        ([], {}, "minority must name some, not all"),
        (["a"], {"minority_count": 7}, r"counts\['a'\] must be in \[1, 6\].*got 7"),
        (["a"], {"majority_count": 7}, r"counts\['b'\] must be in \[1, 6\].*got 7"),
        (["a"], {"minority_count": 0}, r"counts\['a'\] must be in \[1, 6\].*got 0"),
        (["a"], {"ratio": 0.5}, "ratio must be finite and at least 1, got 0.5"),
        (["a"], {"ratio": 2, "minority_count": 2}, "give minority_count or ratio, not both, got 2 and 2"),
    ],
)
def test_wrong_imbalance(minority, options, message):
    with pytest.raises(ValueError, match=message):
        imbalance(small_data(), minority, **options)


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


def test_embedded_classes_can_change_places():
    data = load(Request("embedded", classes=["shirt", "t-shirt"]))
    plain = load(Request("embedded"))
    assert torch.equal(data.train_images[data.train_labels == 0], plain.train_images[plain.train_labels == 1])


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


@pytest.mark.parametrize("limit", [200, 100])  # Pillow warns above the limit, and refuses above its double
def test_decompression_bomb_is_an_error(tmp_path, monkeypatch, limit):
    write_images(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(RuntimeError, match=r"train/cat/0\.png.*decompression bomb"):
        load(Request(str(tmp_path)))


def test_no_such_folder(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"data must be 'embedded', 'cifar10', 'cifar100' or a folder.*nowhere is not a folder",
    ):
        load(Request(str(tmp_path / "nowhere")))
    with pytest.raises(ValueError, match=r"cifar01 is not a folder; did you mean cifar10\?"):
        load(Request("cifar01"))


@pytest.mark.parametrize("there", ["train", "test"])
def test_one_part_without_the_other(tmp_path, there):
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
        (
            Request("embedded", size=20),
            "size is for a folder's images, those of embedded have theirs; got 20",
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
    assert kept(data) == [3, 5, 13, 15, 23, 25, 33, 35]
    assert data.train_labels.tolist() == [0, 1] * 4
    assert load(Request("cifar10", classes=["ship", "frog", "cat"])).test_labels.tolist() == [2, 1, 0] * 2
