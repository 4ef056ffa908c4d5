"""The labels of data sets, and that no image is decoded to get them."""

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split
from torchvision import datasets as tv

import gpuaug
from gpuaug import BalancedSampler, labels_of


class Keeps(Dataset):
    """Keeps labels in an attribute, and fails when a sample is read."""

    def __init__(self, length, **attributes):
        self.length = length
        vars(self).update(attributes)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        raise AssertionError("a sample was read")


class Reads(Dataset):
    """Has labels nowhere but in its samples."""

    def __init__(self, samples):
        self.samples_ = samples

    def __len__(self):
        return len(self.samples_)

    def __getitem__(self, index):
        if isinstance(self.samples_[index], Exception):
            raise self.samples_[index]
        return self.samples_[index]


def torchvision(name, **attributes):
    """A torchvision data set without its files: as its constructor leaves it, but not built by it."""
    kind = getattr(tv, name)
    made = type(name, (kind,), {"__getitem__": Keeps.__getitem__, "__module__": __name__})
    dataset = made.__new__(made)
    vars(dataset).update({"transform": None, "target_transform": None, "transforms": None, **attributes})
    return dataset


PATHS = ["a.jpg", "b.jpg", "c.jpg"]
SAMPLES = list(zip(PATHS, [2, 0, 2], strict=True))


@pytest.mark.parametrize(
    "dataset",
    [
        Keeps(3, targets=[2, 0, 2]),
        Keeps(3, targets=torch.tensor([2, 0, 2])),
        Keeps(3, labels=np.array([[2], [0], [2]])),  # medmnist's shape
        Keeps(3, _labels=(2, 0, 2)),
        Keeps(3, samples=SAMPLES),
        Keeps(3, samples=[1, 2], _samples=SAMPLES),
        Keeps(3, imgs=SAMPLES),
        TensorDataset(torch.zeros(3, 1), torch.tensor([2, 0, 2])),
        gpuaug.DeviceDataset(torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.tensor([2, 0, 2])),
        torchvision("CIFAR10", data=np.zeros((3, 1)), targets=[2, 0, 2]),
        torchvision("MNIST", data=torch.zeros(3, 1), targets=torch.tensor([2, 0, 2])),
        torchvision("SVHN", data=np.zeros((3, 1)), labels=np.array([2, 0, 2])),
        torchvision("Flowers102", _image_files=PATHS, _labels=[2, 0, 2]),
        torchvision("Food101", _image_files=PATHS, _labels=[2, 0, 2]),
        torchvision("GTSRB", _samples=SAMPLES),
        torchvision("Imagenette", _samples=SAMPLES),
        torchvision(
            "OxfordIIITPet",
            _images=PATHS,
            _labels=[2, 0, 2],
            _bin_labels=[1, 0, 1],
            _target_types=["category"],
        ),
        torchvision(
            "OxfordIIITPet",
            _images=PATHS,
            _labels=[9] * 3,
            _bin_labels=[2, 0, 2],
            _target_types=["binary-category"],
        ),
        torchvision("Caltech101", index=[0, 0, 1], y=[2, 0, 2], target_type=["category"]),
        torchvision("Caltech256", index=[0, 0, 1], y=[2, 0, 2]),
        torchvision(
            "CelebA",
            identity=torch.tensor([[2], [0], [2]]),
            attr=torch.zeros(3, 40),
            target_type=["identity"],
        ),
        torchvision("INaturalist", index=[(2, "a"), (0, "b"), (2, "c")], target_type=["full"]),
        torchvision(
            "INaturalist",
            index=[(1, "a"), (0, "b"), (1, "c")],
            categories_map=[{"genus": 0}, {"genus": 2}],
            target_type=["genus"],
        ),
        torchvision("Omniglot", _flat_character_images=SAMPLES),
        torchvision("QMNIST", data=PATHS, targets=torch.tensor([[2, 9], [0, 9], [2, 9]]), compat=True),
        torchvision("Places365", imgs=SAMPLES, targets=[2, 0, 2]),
    ],
    ids=lambda dataset: type(dataset).__name__,
)
def test_kept_labels_are_found_and_nothing_is_read(dataset):
    labels = labels_of(dataset)
    assert labels.tolist() == [2, 0, 2]
    assert BalancedSampler(labels).counts_ == {0: 1, 2: 2}


def test_labels_of_a_real_folder_are_found(tmp_path):
    for place in ("cat/1.png", "cat/2.png", "dog/1.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(b"no image at all")
    folder = tv.ImageFolder(str(tmp_path))
    assert labels_of(folder).tolist() == [0, 0, 1]
    assert labels_of(folder, names=True).tolist() == ["cat", "cat", "dog"]
    folder.target_transform = lambda label: 5 - label
    assert labels_of(folder).tolist() == [5, 5, 4]
    with pytest.raises(ValueError, match="names must be False for a data set with a target_transform"):
        labels_of(folder, names=True)


def test_a_clip_has_the_label_of_its_video():
    class Clips:
        def get_clip_location(self, clip):
            return [0, 1, 1][clip], 0

        def num_clips(self):
            return 3

    samples = [("a.avi", 7), ("b.avi", 2), ("c.avi", 0)]
    kinetics = torchvision("Kinetics", samples=samples, video_clips=Clips())
    assert labels_of(kinetics).tolist() == [7, 2, 2]
    for name in ("UCF101", "HMDB51"):
        assert labels_of(
            torchvision(name, samples=samples, indices=[2, 1], video_clips=Clips())
        ).tolist() == [0, 2, 2]


def test_parts_and_joined_sets():
    first, second = Keeps(4, targets=[0, 1, 2, 3]), Keeps(2, labels=np.array([7, 8]))
    assert labels_of(Subset(first, [3, 1])).tolist() == [3, 1]
    assert labels_of(Subset(Subset(first, torch.tensor([3, 1])), [1])).tolist() == [1]
    assert labels_of(ConcatDataset([Subset(first, [2]), second])).tolist() == [2, 7, 8]
    assert labels_of(Subset(first, [])).tolist() == []
    parts = random_split(first, [1, 3], generator=torch.Generator().manual_seed(0))
    assert [labels_of(part).tolist() for part in parts] == [list(part.indices) for part in parts]


def test_names_come_from_the_classes():
    keeps = Keeps(3, targets=[1, 0, 1], classes=["cat", "dog"])
    assert labels_of(keeps, names=True).tolist() == ["dog", "cat", "dog"]
    assert BalancedSampler(labels_of(ConcatDataset([keeps, keeps]), names=True)).counts_ == {
        "cat": 2,
        "dog": 4,
    }
    with pytest.raises(
        ValueError, match="names must be False for Keeps, which has no class_to_idx or classes"
    ):
        labels_of(Keeps(2, targets=[0, 1]), names=True)


def test_the_column_says_which():
    tensors = TensorDataset(torch.tensor([4, 5]), torch.tensor([0, 1]))
    assert labels_of(tensors, 0).tolist() == [4, 5]
    assert labels_of(Keeps(2, targets=[0, 1], coarse=[7, 8]), "coarse").tolist() == [7, 8]
    celeba = torchvision(
        "CelebA",
        identity=torch.tensor([[1], [0]]),
        attr=torch.eye(2, dtype=torch.int64),
        target_type=["bbox"],
    )
    assert labels_of(celeba, "attr").tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("samples", "column", "expected"),
    [
        ([("image", 1), ("image", 0)], None, [1, 0]),
        ([("image", torch.tensor(1), "mask"), ("image", torch.tensor(0), "mask")], None, [1, 0]),
        ([("image", "box", 1), ("image", "box", 0)], 2, [1, 0]),
        ([{"image": 0, "label": 1}, {"image": 0, "label": 0}], None, [1, 0]),
        ([{"image": 0, "breed": "pug"}, {"image": 0, "breed": "tabby"}], "breed", ["pug", "tabby"]),
        ([("image", torch.tensor([0, 1])), ("image", torch.tensor([1, 1]))], None, [[0, 1], [1, 1]]),
    ],
)
def test_an_unknown_data_set_is_read_and_says_so(samples, column, expected, capsys):
    with pytest.warns(
        UserWarning, match="labels_of finds no attribute with the labels of Reads, so it reads all 2 samples"
    ):
        assert labels_of(Reads(samples), column).tolist() == expected
    assert "2/2" in capsys.readouterr().err
    with pytest.warns(UserWarning, match="the labels of Reads"):
        labels_of(Reads(samples), column, progress=False)
    assert capsys.readouterr().err == ""


def test_fake_data_is_read():
    fake = tv.FakeData(size=5, image_size=(3, 4, 4), num_classes=3)
    with pytest.warns(UserWarning, match="the labels of FakeData"):
        assert labels_of(fake, progress=False).tolist() == [label for _, label in (fake[i] for i in range(5))]


class Stream(IterableDataset):
    def __iter__(self):
        yield 0, 1


class Endless(Dataset):
    def __getitem__(self, index):
        return 0, 1


@pytest.mark.parametrize(
    ("dataset", "arguments", "error", "message"),
    [
        (
            Reads([torch.zeros(3)]),
            {},
            TypeError,
            r"labels: Reads keeps none .*dataset\[0\] is of type Tensor",
        ),
        (Reads(["image"]), {"column": 7}, TypeError, "no class at \\[7\\], but NoneType"),
        (Reads([("image", {"boxes": []})]), {}, TypeError, r"tuple, with no class at \[1\], but dict"),
        (Reads([{"image": 0}]), {}, TypeError, r"a mapping of \['image'\], with no class at \['label'\]"),
        (Reads([(0, 1), OSError("truncated")]), {}, RuntimeError, "sample 1: OSError: truncated"),
        (Stream(), {}, TypeError, "dataset must be map-style .*got Stream"),
        (Endless(), {}, TypeError, "dataset must have a length, got Endless"),
        (
            {"train": [], "test": []},
            {},
            TypeError,
            r"dataset must be one data set, got a dict of \['test', 'train'\]",
        ),
        (
            TensorDataset(torch.zeros(2)),
            {"column": 1},
            ValueError,
            "column must be the number of one of the 1 tensors",
        ),
        (
            Keeps(3, wrong=[0, 1]),
            {"column": "wrong"},
            ValueError,
            "one label per sample, got 2 labels for 3 samples",
        ),
        (
            torchvision("VOCSegmentation", images=PATHS, targets=PATHS),
            {},
            TypeError,
            "torchvision's _VOCBase has none",
        ),
        (torchvision("Kitti", images=PATHS, targets=PATHS), {}, TypeError, "torchvision's Kitti has none"),
        (
            torchvision("Cityscapes", images=PATHS, targets=PATHS),
            {},
            TypeError,
            "torchvision's Cityscapes has none",
        ),
        (
            torchvision("CelebA", target_type=["attr", "identity"]),
            {},
            ValueError,
            r"one target type, of identity, attr, got \['attr', 'identity'\] in CelebA",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore:Reads keeps its labels")
def test_wrong_data_sets_are_refused(dataset, arguments, error, message):
    with pytest.raises(error, match=message):
        labels_of(dataset, **arguments)
