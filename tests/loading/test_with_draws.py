"""Draws through a DataLoader."""

import numpy as np
import pytest
import torch
from PIL import Image
from shown_indices import BAD, LABELS, Samples
from torch.utils.data import ConcatDataset, DataLoader, IterableDataset, Subset

from gpuaug import BalancedSampler, Draw
from gpuaug.loading import WithDraws, collate

PIXELS = np.zeros((2, 2), np.uint8)
PHOTO = Image.new("RGB", (2, 2))


class Labelled(Samples):
    """``label`` gives the label's type."""

    def __init__(self, label):
        super().__init__()
        self.label = label

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return image, self.label(label)


def broken(error):
    """Samples of which ``BAD`` cannot be read."""

    def fail():
        raise error

    return Samples(fail)


def test_gives_image_label_and_draw():
    image, label, draw = WithDraws(Samples())[Draw(11, copy=2, key=2**64 - 1)]
    assert image.shape == (3, 3, 4)
    assert image.unique().tolist() == [11]
    assert label == 1
    assert draw.tolist() == [11, 2, -1]


@pytest.mark.parametrize("collate_fn", [None, collate], ids=["default", "ours"])
@pytest.mark.parametrize("workers", [0, 2])
def test_plain_data_loader(workers, collate_fn):
    sampler = BalancedSampler(LABELS, seed=3)
    loader = DataLoader(WithDraws(Samples()), 5, sampler=sampler, num_workers=workers, collate_fn=collate_fn)
    batches = list(loader)
    images, labels, draws = (torch.cat(column) for column in zip(*batches, strict=True))
    assert images.shape == (18, 3, 3, 4)
    assert torch.equal(draws, sampler.draws())
    assert images[:, 0, 0, 0].tolist() == draws[:, 0].tolist()
    assert labels.tolist() == [LABELS[index] for index in draws[:, 0]]


class Ragged(Samples):
    """Sample ``index`` is ``index + 2`` pixels wide."""

    def __getitem__(self, index):
        return np.full((3, index + 2, 3), index, np.uint8), LABELS[index]


@pytest.mark.parametrize("workers", [0, 2])
def test_plain_data_loader_packs_images_of_different_sizes(workers):
    sampler = BalancedSampler(LABELS, seed=3)
    loader = DataLoader(WithDraws(Ragged()), 18, sampler=sampler, num_workers=workers, collate_fn=collate)
    ((packed, labels, draws),) = loader
    assert torch.equal(draws, sampler.draws())
    assert labels.tolist() == [LABELS[index] for index in draws[:, 0]]
    for image, index in zip(packed, draws[:, 0].tolist(), strict=True):
        assert image.shape == (3, 3, index + 2)
        assert image.unique().tolist() == [index]


@pytest.mark.parametrize(
    "label", [int, np.int64, np.uint8, torch.tensor, lambda value: torch.tensor([value, 1 - value])]
)
def test_labels_become_tensors(label):
    _, labels, draws = next(iter(DataLoader(WithDraws(Labelled(label)), 18, sampler=BalancedSampler(LABELS))))
    first = labels if labels.ndim == 1 else labels[:, 0]
    assert first.tolist() == [LABELS[index] for index in draws[:, 0]]


def test_plain_integers_are_refused():
    with pytest.raises(TypeError, match=r"indexed by a gpuaug.Draw, got int: .*BalancedSampler"):
        WithDraws(Samples())[3]
    with pytest.raises(TypeError, match="BalancedSampler"):
        next(iter(DataLoader(WithDraws(Samples()), 2, shuffle=True)))


@pytest.mark.parametrize(
    "error", [OSError("cannot read"), KeyError("cannot read"), StopIteration("cannot read")]
)
def test_an_error_of_the_data_set_names_the_sample(error):
    with pytest.raises(RuntimeError, match=f"^sample {BAD}: {type(error).__name__}: .*cannot read") as caught:
        WithDraws(broken(error))[Draw(BAD)]
    assert caught.value.__cause__ is error


def test_cuda_in_a_worker_is_told_where_to_go():
    error = RuntimeError("Cannot re-initialize CUDA in forked subprocess. Use the 'spawn' start method")
    message = rf"sample {BAD}: .*Workers decode on the CPU and never use CUDA: give the transform to"
    with pytest.raises(RuntimeError, match=message):
        WithDraws(broken(error))[Draw(BAD)]


def test_an_error_in_a_worker_names_the_sample():
    dataset = WithDraws(broken(OSError("cannot read")))
    loader = DataLoader(dataset, 4, sampler=BalancedSampler(LABELS), num_workers=2)
    with pytest.raises(RuntimeError, match=f"sample {BAD}: OSError: cannot read"):
        list(loader)


def truncated(path):
    """A JPEG file that ends in the middle."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-500])


def test_a_truncated_file_is_named(tmp_path):
    truncated(tmp_path / "late.jpg")
    late = WithDraws([(Image.open(tmp_path / "late.jpg"), 0)])  # the pixels are read by WithDraws
    with pytest.raises(RuntimeError, match=r"sample 0 \(.*late.jpg\): OSError: .*truncated"):
        late[Draw(0)]


def test_a_truncated_file_in_a_folder_is_named(tmp_path):
    datasets = pytest.importorskip("torchvision.datasets")
    (tmp_path / "cats").mkdir()
    truncated(tmp_path / "cats" / "early.jpg")
    early = WithDraws(datasets.ImageFolder(tmp_path))  # the pixels are read by torchvision
    with pytest.raises(RuntimeError, match=r"sample 0 \(.*early.jpg\): OSError: .*truncated"):
        early[Draw(0)]


class Files:
    """Keeps paths as torchvision's folder data sets do, and can read none."""

    def __init__(self, folder, count):
        self.samples = [(f"{folder}/{number}.jpg", 0) for number in range(count)]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        raise OSError(f"cannot read {self.samples[index][0]}")


A, B = Files("a", 3), Files("b", 4)


@pytest.mark.parametrize(
    ("dataset", "index", "file"),
    [
        (A, 2, "a/2.jpg"),
        (Subset(A, [2, 0]), 0, "a/2.jpg"),
        (Subset(Subset(A, torch.tensor([2, 1])), [1, 0]), 0, "a/1.jpg"),
        (ConcatDataset([A, B]), 2, "a/2.jpg"),
        (ConcatDataset([A, B]), 3, "b/0.jpg"),
        (Subset(ConcatDataset([A, B, A]), [-1, 6, -8]), 0, "a/2.jpg"),
        (Subset(ConcatDataset([A, B, A]), [-1, 6, -8]), 1, "b/3.jpg"),
        (Subset(ConcatDataset([A, B, A]), [-1, 6, -8]), 2, "a/2.jpg"),
        (ConcatDataset([Subset(B, [3, 2]), A]), 1, "b/2.jpg"),
    ],
)
def test_a_file_behind_a_subset_or_a_concatenation_is_named(dataset, index, file):
    message = rf"^sample {index} \({file}\): OSError: cannot read {file}$"
    with pytest.raises(RuntimeError, match=message):
        WithDraws(dataset)[Draw(index)]


@pytest.mark.parametrize(
    "dataset",
    [
        Subset(A, [3]),
        Subset(Subset(A, [0]), [1]),
        Subset(ConcatDataset([A, B]), [7]),
        Subset(ConcatDataset([A, B]), [-8]),
    ],
)
def test_a_subset_of_samples_that_are_not_there_names_no_file(dataset):
    with pytest.raises(RuntimeError, match=r"^sample 0: (IndexError|ValueError): "):
        WithDraws(dataset)[Draw(0)]


def test_index_out_of_range():
    with pytest.raises(IndexError, match=r"index must be in \[0, 12\), .* got 12; was the sampler built"):
        WithDraws(Samples())[Draw(12)]


class Stream(IterableDataset):
    def __iter__(self):
        yield 0


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Stream(), "must be map-style .* got Stream"),
        (iter([]), "must be map-style"),
        (3, "must be map-style"),
    ],
)
def test_other_data_sets_are_refused(dataset, message):
    with pytest.raises(TypeError, match=message):
        WithDraws(dataset)


def test_a_data_set_without_length_is_refused():
    class Endless:
        def __getitem__(self, index):
            return np.zeros((2, 2), np.uint8), 0

    with pytest.raises(TypeError, match="must have a length, got Endless"):
        WithDraws(Endless())


@pytest.mark.parametrize(
    ("item", "error", "message"),
    [
        (PIXELS, TypeError, r"must be \(image, label\), a longer tuple .*, got ndarray"),
        ((PIXELS,), TypeError, "or a dictionary with an image, got 1 items"),
        ((1, 2, 3), TypeError, "must be a PIL image, a NumPy array .*, got int"),
        ({"picture": PIXELS, "label": 1}, ValueError, r"got 0 of these among \['picture', 'label'\]"),
        ({"a": PHOTO, "b": PHOTO}, ValueError, r"got 2 of these among \['a', 'b'\]"),
        ({"image": PIXELS, "draws": 1}, ValueError, "must not have an entry 'draws' of its own"),
    ],
)
def test_other_items_are_refused(item, error, message):
    with pytest.raises(error, match="sample 0: .*" + message):
        WithDraws([item])[Draw(0)]


@pytest.mark.parametrize("name", ["image", "img", "photo"])
@pytest.mark.parametrize("collate_fn", [None, collate], ids=["default", "ours"])
def test_dictionaries_keep_their_form(name, collate_fn):
    image = PHOTO if name == "photo" else PIXELS
    samples = [{"id": f"no. {i}", name: image, "label": i % 2, "mean": i / 2} for i in range(4)]
    sampler = BalancedSampler([0, 1, 0, 1])
    if name == "photo" and collate_fn is collate:
        pytest.skip("a PIL image under a name of its own is a plain tensor by then")
    (batch,) = DataLoader(WithDraws(samples), 4, sampler=sampler, collate_fn=collate_fn)
    order = sampler.draws()[:, 0].tolist()
    assert list(batch) == ["id", name, "label", "mean", "draws"]
    assert batch["id"] == [f"no. {i}" for i in order]
    assert batch[name].shape == (4, 3 if image is PHOTO else 1, 2, 2)
    assert batch["label"].tolist() == [i % 2 for i in order]
    assert torch.equal(batch["mean"], torch.tensor(order, dtype=torch.float64) / 2)
    assert torch.equal(batch["draws"], sampler.draws())


@pytest.mark.parametrize("collate_fn", [None, collate], ids=["default", "ours"])
def test_longer_tuples_keep_their_form(collate_fn):
    samples = [(PIXELS, i, {"name": str(i), "two": (i, -i)}) for i in range(4)]
    sampler = BalancedSampler([0, 1, 0, 1])
    (batch,) = DataLoader(WithDraws(samples), 4, sampler=sampler, collate_fn=collate_fn)
    images, labels, others, draws = batch
    order = sampler.draws()[:, 0].tolist()
    assert images.shape == (4, 1, 2, 2)
    assert labels.tolist() == order
    assert others["name"] == [str(i) for i in order]
    assert [part.tolist() for part in others["two"]] == [order, [-i for i in order]]
    assert torch.equal(draws, sampler.draws())


def test_the_text_says_what_it_is():
    assert repr(WithDraws(Samples())) == "WithDraws(Samples of 12 samples)"
