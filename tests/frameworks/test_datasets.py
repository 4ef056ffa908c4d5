"""Hugging Face data sets: their labels, and their samples by draws."""

import io

import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Subset

from gpuaug import BalancedLoader, BalancedSampler, labels_of
from gpuaug.sampling.labels.read import read_labels

datasets = pytest.importorskip("datasets", reason="needs datasets: pip install -r tests/requirements.txt")


@pytest.fixture(scope="module")
def pets():
    image = io.BytesIO()
    Image.new("RGB", (4, 4)).save(image, "png")
    # Bytes that are no image: whatever decodes one, fails.
    images = [{"bytes": image.getvalue(), "path": None}] + [{"bytes": b"no image", "path": None}] * 3
    return datasets.Dataset.from_dict(
        {
            "image": images,
            "label": [2, 0, 2, 1],
            "coarse": ["b", "a", "b", "a"],
            "several": [[0], [], [0, 1], [1]],
        },
        features=datasets.Features(
            {
                "image": datasets.Image(),
                "label": datasets.ClassLabel(names=["x", "y", "z"]),
                "coarse": datasets.Value("string"),
                "several": datasets.Sequence(datasets.ClassLabel(names=["x", "y"])),
            }
        ),
    )


def test_the_class_label_is_found(pets):
    assert labels_of(pets).tolist() == [2, 0, 2, 1]
    assert labels_of(pets, names=True).tolist() == ["z", "x", "z", "y"]
    assert labels_of(pets, "coarse").tolist() == ["b", "a", "b", "a"]
    assert labels_of(pets, "several").tolist() == [[0], [], [0, 1], [1]]


def test_selections_and_formats(pets):
    chosen = pets.select([3, 0]).with_format("torch")
    assert labels_of(chosen).tolist() == [1, 2]
    assert labels_of(pets.with_transform(lambda batch: {})).tolist() == [2, 0, 2, 1]
    assert labels_of(Subset(chosen, [1])).tolist() == [2]


def test_a_hugging_face_column_is_read_as_stored(pets):
    assert read_labels(pets.select([3, 0, 1])["label"]).members.tolist() == [2, 0, 1]
    assert read_labels(pets["coarse"]).classes == ("a", "b")


def test_wrong_columns_of_hugging_face_are_refused(pets):
    with pytest.raises(ValueError, match=r"column must be one of \['image', .*got 'breed'"):
        labels_of(pets, "breed")
    with pytest.raises(ValueError, match="names must be False for a column without a ClassLabel"):
        labels_of(pets, "coarse", names=True)
    two = pets.add_column("fine", [0, 1, 0, 1])
    two = two.cast_column("fine", datasets.ClassLabel(names=["p", "q"]))
    with pytest.raises(ValueError, match=r"column must say which of \['label', 'fine'\]"):
        labels_of(two)
    with pytest.raises(TypeError, match=r"got a DatasetDict of \['train'\]"):
        labels_of(datasets.DatasetDict(train=two))
    with pytest.raises(TypeError, match="map-style"):
        labels_of(two.to_iterable_dataset())


class Pictures(Dataset):
    """The columns of a Hugging Face data set as ``(image, label)``, which gpuaug reads."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        return row["image"], row["label"]


def test_draws_go_through_a_data_loader(pets):
    sampler = BalancedSampler(labels_of(pets, names=True), {"x": 3, "y": 3, "z": 4}, seed=1)
    loader = DataLoader(pets.select_columns("label").with_format("torch"), batch_size=4, sampler=sampler)
    labels = torch.cat([batch["label"] for batch in loader])
    assert torch.equal(labels, torch.tensor([2, 0, 2, 1])[sampler.draws()[:, 0]])


@pytest.mark.parametrize("workers", [0, 2])
def test_images_through_the_balanced_loader(pets, workers):
    whole = pets.select([0, 0, 0, 0]).remove_columns("label").add_column("label", [2, 0, 2, 1])
    sampler = BalancedSampler(labels_of(whole), seed=1)
    context = "fork" if workers else None
    loader = BalancedLoader(
        Pictures(whole), sampler, None, batch_size=4, num_workers=workers, multiprocessing_context=context
    )
    batches = list(loader)
    assert batches[0][0].shape == (4, 3, 4, 4)
    labels = torch.cat([labels for _, labels in batches])
    assert torch.equal(labels, torch.tensor([2, 0, 2, 1])[sampler.draws()[:, 0]])
