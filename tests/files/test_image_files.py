"""A data set of encoded images: what it takes, and what it gives any DataLoader."""

import io
import pickle
import shutil

import numpy as np
import pytest
import torch
from encoded_images import encoded, jpeg, picture
from PIL import Image
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import DatasetFolder, ImageFolder

import gpuaug
from gpuaug.files.from_datasets import files_of

DATA = [jpeg(20 + n, 30, seed=n) for n in range(6)]
LABELS = [0, 1, 0, 0, 1, 2]


@pytest.fixture
def folder(tmp_path):
    for n, data in enumerate(DATA):
        path = tmp_path / "abc"[LABELS[n]] / f"{n}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return tmp_path


def pixels(image):
    return np.asarray(image).tobytes()


def decoded(data):
    return pixels(Image.open(io.BytesIO(data)).convert("RGB"))


def test_a_sample_is_a_pil_image_and_its_label():
    files = gpuaug.ImageFiles(DATA, LABELS)
    assert len(files) == 6
    for n, (image, label) in enumerate(files[n] for n in range(6)):
        assert (pixels(image), label) == (decoded(DATA[n]), LABELS[n])


def test_any_data_loader_takes_it():
    files = gpuaug.ImageFiles(DATA, LABELS)
    loader = DataLoader(files, 6, num_workers=1, collate_fn=lambda batch: [(pixels(i), y) for i, y in batch])
    assert next(iter(loader)) == [(decoded(d), y) for d, y in zip(DATA, LABELS, strict=True)]


def held_in(kind, folder):
    if kind == "paths":
        return sorted(map(str, folder.glob("*/*.jpg")), key=lambda path: path[-5])
    if kind == "Path objects":
        return sorted(folder.glob("*/*.jpg"), key=lambda path: path.name)
    if kind == "bytearrays":
        return [bytearray(data) for data in DATA]
    if kind == "dictionaries":
        return [{"bytes": data, "path": None} for data in DATA]
    if kind == "dictionaries of paths":
        return [{"bytes": None, "path": path} for path in held_in("paths", folder)]
    pyarrow = pytest.importorskip("pyarrow")
    if kind == "arrow":
        return pyarrow.chunked_array([DATA[:2], DATA[2:]])
    if kind == "arrow structs":
        return pyarrow.array([{"bytes": data, "path": "x.jpg"} for data in DATA])
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"image": DATA}), folder / "set.parquet")
    return parquet.read_table(folder / "set.parquet")["image"]


KINDS = [
    "paths",
    "Path objects",
    "bytearrays",
    "dictionaries",
    "dictionaries of paths",
    "arrow",
    "arrow structs",
]


@pytest.mark.parametrize("kind", [*KINDS, "parquet"])
def test_files_are_paths_bytes_or_columns(kind, folder):
    files = gpuaug.ImageFiles(held_in(kind, folder), LABELS)
    assert [pixels(image) for image, _ in (files[n] for n in range(6))] == list(map(decoded, DATA))
    has_paths = "path" in kind.lower() or kind == "arrow structs"
    assert ("jpg" in files.name(3)) == has_paths
    assert files.name(3).startswith("sample 3")


def test_a_hugging_face_data_set_is_taken(folder):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["x", "y", "z"]))
    rows = {"image": [{"bytes": d, "path": None} for d in DATA], "label": LABELS}
    dataset = datasets.Dataset.from_dict(rows, features=features)
    whole = gpuaug.ImageFiles.from_dataset(dataset)
    raw = dataset.cast_column("image", datasets.Image(decode=False))
    columns = gpuaug.ImageFiles(raw["image"], raw["label"])
    for files in (whole, columns):
        assert [pixels(files[n][0]) for n in range(6)] == list(map(decoded, DATA))
        assert files.labels.tolist() == LABELS
    assert whole.classes == ["x", "y", "z"]
    with pytest.raises(ValueError, match="one Image and one ClassLabel, got 0 and 1"):
        gpuaug.ImageFiles.from_dataset(dataset.remove_columns("image"))


def test_a_folder_is_torchvisions(folder):
    theirs, ours = ImageFolder(folder), gpuaug.ImageFiles.from_folder(folder)
    assert ours.files == [path for path, _ in theirs.samples]
    assert ours.labels.tolist() == theirs.targets
    assert ours.classes == theirs.classes == ["a", "b", "c"]
    for n in range(6):
        assert (pixels(ours[n][0]), ours[n][1]) == (pixels(theirs[n][0]), theirs[n][1])
    subset = gpuaug.ImageFiles.from_dataset(Subset(Subset(theirs, [5, 3, 1]), np.array([2, 0])))
    assert subset.labels.tolist() == [theirs.targets[1], theirs.targets[5]]
    assert gpuaug.labels_of(ours).tolist() == theirs.targets
    with pytest.raises(FileNotFoundError, match=r"folder of images for each class.*nowhere: No such file"):
        gpuaug.ImageFiles.from_folder(folder / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"got .*a: Couldn't find any class folder"):
        gpuaug.ImageFiles.from_folder(folder / "a")
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no valid file for the classes empty"):
        gpuaug.ImageFiles.from_folder(folder)
    with pytest.raises(NotADirectoryError, match=r"got .*: Not a directory"):
        gpuaug.ImageFiles.from_folder(ours.files[0])


def test_parts_of_a_data_set_are_not_its_classes(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for part in ("train", "test"):
        shutil.copytree(folder, other / "whole" / part)
    message = r"folder of images for each class, got .*whole: test, train have .*; give .*train$"
    with pytest.raises(ValueError, match=message):
        gpuaug.ImageFiles.from_folder(other / "whole")
    with pytest.raises(ValueError, match=message):
        gpuaug.ImageFiles.from_dataset(Subset(ImageFolder(other / "whole"), [0, 1]))
    assert gpuaug.ImageFiles.from_folder(other / "whole" / "train").classes == ["a", "b", "c"]
    # A train is a vehicle too: its images are not in folders of classes.
    shutil.copytree(folder / "a", other / "vehicles" / "train")
    shutil.copytree(folder / "b", other / "vehicles" / "test")
    assert gpuaug.ImageFiles.from_folder(other / "vehicles").classes == ["test", "train"]
    # Other classes may have folders in them.
    for name in ("cats", "train"):
        shutil.copytree(folder, other / "deep" / name)
    assert gpuaug.ImageFiles.from_folder(other / "deep").classes == ["cats", "train"]


def own_loader(path):
    return Image.open(path).convert("L")


class Own(ImageFolder):
    def __getitem__(self, index):
        return super().__getitem__(index)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: ImageFolder(root, transform=torch.nn.Identity()), "no transform, got transform:"),
        (lambda root: ImageFolder(root, target_transform=int), "no transform, got target_transform:"),
        (
            lambda root: ImageFolder(root, loader=own_loader),
            "default_loader and no transform, got another loader",
        ),
        (lambda root: DatasetFolder(root, own_loader, (".jpg",)), "got another loader"),
        (Own, "a Subset of one, or a Hugging Face data set, got Own"),
        (lambda root: Subset([1, 2], [0]), "got list"),
    ],
)
def test_a_data_set_that_decodes_otherwise_is_refused(make, message, folder):
    with pytest.raises(TypeError, match=message):
        files_of(make(folder))


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        tuple(LABELS),
        np.array(LABELS, ">i4"),
        np.array(LABELS, np.uint8),
        torch.tensor(LABELS),
        range(6),
    ],
)
def test_labels_are_numbers(labels):
    files = gpuaug.ImageFiles(DATA, labels)
    assert files.labels.tolist() == list(map(int, labels))
    assert files.classes is None


@pytest.mark.parametrize(
    "labels", [list("abaabc"), np.array(list("abaabc")), np.array(list("abaabc"), object)]
)
def test_names_as_labels_are_numbered(labels):
    files = gpuaug.ImageFiles(DATA, labels)
    assert (files.labels.tolist(), files.classes) == (LABELS, ["a", "b", "c"])
    other = gpuaug.ImageFiles(DATA, labels, classes=["c", "b", "a"])
    assert (other.labels.tolist(), other.classes) == ([2, 1, 2, 2, 1, 0], ["c", "b", "a"])
    with pytest.raises(ValueError, match=r"names among classes, \['a', 'b'\], got 'c'"):
        gpuaug.ImageFiles(DATA, labels, classes=["a", "b"])


def test_a_column_of_pandas_is_read_by_position():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"image": DATA, "label": LABELS}).iloc[[4, 2, 5]]
    files = gpuaug.ImageFiles(table["image"], table["label"])
    assert [(pixels(image), label) for image, label in (files[n] for n in range(3))] == [
        (decoded(DATA[n]), LABELS[n]) for n in (4, 2, 5)
    ]
    assert files.name(1) == "sample 1"


def test_classes_name_every_label():
    assert gpuaug.ImageFiles(DATA, LABELS, classes=["a", "b", "c"]).classes == ["a", "b", "c"]
    with pytest.raises(ValueError, match="must name every label, got 2 names for labels from 0 to 2"):
        gpuaug.ImageFiles(DATA, LABELS, classes=["a", "b"])


def test_several_labels_a_sample():
    rows = torch.eye(6, 3)
    files = gpuaug.ImageFiles(DATA, rows)
    assert torch.equal(files[1][1], rows[1])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"files": "folder"}, TypeError, "sequence of paths or bytes, got str; ImageFiles.from_folder"),
        ({"files": b"bytes"}, TypeError, "sequence of paths or bytes, got bytes"),
        ({"files": 3}, TypeError, "sequence of paths or bytes, got int"),
        ({"labels": LABELS[:5]}, ValueError, "one entry for each of the 6 files, got 5"),
        ({"labels": 3}, ValueError, "one entry for each file, got 3"),
        ({"labels": [None] * 6}, TypeError, "labels must be numbers or names, got object"),
        ({"mode": "BGR"}, ValueError, "mode must be one of 'L', 'RGB', 'RGBA', got 'BGR'"),
        ({"decode": "gpu"}, ValueError, "decode must be one of 'host', 'device', got 'gpu'"),
        ({"on_error": "ignore"}, ValueError, "on_error must be one of 'raise', 'skip', got 'ignore'"),
        ({"reducing_gap": 0.5}, ValueError, "finite number of at least 1, or None, got 0.5"),
        ({"reducing_gap": float("nan")}, ValueError, "finite number of at least 1, or None, got nan"),
        ({"reducing_gap": float("inf")}, ValueError, "finite number of at least 1, or None, got inf"),
        ({"reducing_gap": True}, TypeError, "reducing_gap must be a number of at least 1, or None, got bool"),
        ({"reducing_gap": "2"}, TypeError, "got str"),
        ({"apply_exif_orientation": 1}, TypeError, "apply_exif_orientation must be a bool, got int"),
    ],
)
def test_wrong_arguments_of_image_files_are_refused(given, error, message):
    with pytest.raises(error, match=message):
        gpuaug.ImageFiles(**{"files": DATA, "labels": LABELS, **given})


def test_items_that_are_neither_paths_nor_bytes():
    with pytest.raises(TypeError, match=r"paths, bytes, or dictionaries .* got float"):
        gpuaug.ImageFiles([1.5], [0])[0]


def test_the_mode_and_the_orientation():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(picture(40, 24), "JPEG", exif=exif)
    image, _ = gpuaug.ImageFiles([data], [0], mode="L")[0]
    assert (image.mode, image.size) == ("L", (40, 24))
    image, _ = gpuaug.ImageFiles([data], [0], apply_exif_orientation=True)[0]
    assert (image.mode, image.size) == ("RGB", (24, 40))


def test_image_files_are_pickled_and_printed(folder):
    files = pickle.loads(pickle.dumps(gpuaug.ImageFiles.from_folder(folder, on_error="skip")))
    assert pixels(files[2][0]) == decoded((folder / files.files[2]).read_bytes())
    assert repr(files) == (
        "ImageFiles(6 files of 3 classes, mode='RGB', reducing_gap=2.0, decode='host', on_error='skip')"
    )
