"""A batch's samples, read by the data set's ``__getitems__`` where it has one."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from shown_indices import LABELS, Samples, expected, indices, make
from torch.utils.data import Subset

from gpuaug.loading.read_batch import read_batch


class Many(Samples):
    """Reads whole batches only; ``change`` may do something to what it gives."""

    def __init__(self, change=list):
        super().__init__()
        self.calls, self.change = [], change

    def __getitem__(self, index):
        raise NotImplementedError("only whole batches")

    def __getitems__(self, indices):
        self.calls.append(indices)
        return self.change([Samples.__getitem__(self, index) for index in indices])


@pytest.mark.parametrize("wrap", [lambda dataset: dataset, lambda dataset: Subset(dataset, range(12))])
@pytest.mark.parametrize("change", [list, tuple])
def test_whole_batches_are_read_at_once(wrap, change):
    dataset = Many(change)
    loader = make(wrap(dataset))
    assert indices(loader) == expected(loader)
    assert [index for batch in dataset.calls for index in batch] == expected(loader)
    assert [len(batch) for batch in dataset.calls] == [4, 4, 4, 4, 2]
    assert all(type(index) is int for batch in dataset.calls for index in batch)


def test_whole_batches_in_workers():
    loader = make(Many(), num_workers=2)
    assert indices(loader) == expected(loader)


def test_dictionaries_are_read_at_once():
    dataset = Many(lambda pairs: [{"image": image, "label": label} for image, label in pairs])
    loader = make(dataset, batch_size=18)
    (batch,) = loader
    assert batch["image"][:, 0, 0, 0].tolist() == expected(loader)
    assert batch["label"].tolist() == [LABELS[index] for index in expected(loader)]


class Negative(Many):
    """Changes what a sample is, but not ``__getitems__``."""

    def __getitem__(self, index):
        image, label = Samples.__getitem__(self, index)
        return 255 - image, label


class Wrapper:
    """Hands on what it does not have itself."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getattr__(self, name):
        return getattr(self.__dict__["dataset"], name)

    def __getitem__(self, index):
        image, label = Samples()[index]
        return 255 - image, label


@pytest.mark.parametrize("dataset", [Negative(), Wrapper(Many()), Subset(Negative(), range(12))])
def test_another_class_s_getitems_is_not_used(dataset):
    assert read_batch(dataset, [3, 5]).images[:, 0, 0, 0].tolist() == [252, 250]


class Files(Samples):
    """Images that are opened, but not decoded: each holds a file."""

    def __init__(self, path):
        super().__init__()
        self.path, self.opened = path, []
        Image.new("RGB", (4, 3)).save(path)

    def __getitem__(self, index):
        assert all(image.fp is None for image in self.opened)
        self.opened.append(Image.open(self.path))
        return self.opened[-1], index


@pytest.mark.parametrize("wrap", [lambda dataset: dataset, lambda dataset: Subset(dataset, range(12))])
def test_one_file_is_open_at_a_time(wrap, tmp_path):
    samples = read_batch(wrap(Files(tmp_path / "image.png")), list(range(12)))
    assert [sample.rest for sample in samples] == [(index,) for index in range(12)]


# ---- Faults


class Odd(OSError):
    pass


class Failing(Samples):
    """Cannot read sample 7, in a batch or, if ``alone`` is an error, by itself."""

    def __init__(self, alone):
        super().__init__()
        self.alone = alone

    def __getitem__(self, index):
        if index == 7 and self.alone is not None:
            raise self.alone
        return super().__getitem__(index)

    def __getitems__(self, indices):
        if 7 in indices:
            raise Odd("cannot read")
        return [super(Failing, self).__getitem__(index) for index in indices]


def test_the_sample_that_fails_in_a_batch_is_found():
    error = Odd("cannot read this one")
    with pytest.raises(RuntimeError, match=r"^sample 7: Odd: cannot read this one$") as caught:
        read_batch(Failing(error), [1, 7, 3])
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("alone", [None, NotImplementedError("only whole batches")])
def test_a_batch_that_fails_as_a_whole_is_named(alone):
    with pytest.raises(RuntimeError, match=r"^3 samples \(1, 7, 3\): Odd: cannot read$") as caught:
        read_batch(Failing(alone), [1, 7, 3])
    assert type(caught.value.__cause__) is Odd
    with pytest.raises(RuntimeError, match=r"^10 samples \(0, 1, 2, 3, 4, 5, 6, 7, \.\.\.\): Odd"):
        read_batch(Failing(alone), list(range(10)))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (iter, TypeError, "must return a list of samples, one for each index, got list_iterator"),
        (lambda samples: {"image": samples}, TypeError, "one for each index, got dict"),
        (lambda samples: samples[:-1], ValueError, "one sample for each of 3 indices, got 2"),
        (lambda samples: [*samples, 4], ValueError, "one sample for each of 3 indices, got 4"),
        (lambda samples: [samples[0], 4, samples[2]], TypeError, r"^sample 7: dataset\[index\] must be"),
    ],
)
def test_a_wrong_result_of_getitems_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        read_batch(Many(change), [1, 7, 3])


@pytest.mark.parametrize("index", [12, -1])
@pytest.mark.parametrize("dataset", [Samples(), Many(), [(np.zeros((2, 2), np.uint8), 0)] * 12])
def test_an_index_out_of_range(dataset, index):
    with pytest.raises(
        IndexError, match=re.escape(f"index must be in [0, 12), the length of the data set, got {index}")
    ):
        read_batch(dataset, [3, index])


def test_a_hugging_face_data_set_is_read_at_once(monkeypatch):
    datasets = pytest.importorskip("datasets")
    columns = {"image": [Image.new("RGB", (4, 3), (n, n, n)) for n in range(12)], "label": LABELS}
    features = datasets.Features(image=datasets.Image(), label=datasets.Value("int64"))
    dataset = datasets.Dataset.from_dict(columns, features)
    calls = []
    whole = datasets.Dataset.__getitems__

    def counted(self, keys):
        calls.append(len(keys))
        return whole(self, keys)

    monkeypatch.setattr(datasets.Dataset, "__getitems__", counted)
    loader = make(dataset, batch_size=18)
    (batch,) = loader
    assert calls == [18]
    assert batch["image"][:, 0, 0, 0].tolist() == expected(loader)
    assert torch.equal(batch["label"], torch.tensor(LABELS)[expected(loader)])
