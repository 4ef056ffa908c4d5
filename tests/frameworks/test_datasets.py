"""Hugging Face data sets: their labels, and their samples by draws."""

import io

import pytest
from PIL import Image
from torch.utils.data import Subset

from gpuaug import labels_of
from gpuaug.sampling.labels import read_labels

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


def test_its_column_is_read_as_it_is_stored(pets):
    assert read_labels(pets.select([3, 0, 1])["label"]).members.tolist() == [2, 0, 1]
    assert read_labels(pets["coarse"]).classes == ("a", "b")


def test_faults(pets):
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
