"""Files, labels and classes of torchvision's and Hugging Face's data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import Subset

# What people name the parts of a data set.
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"}

Files = tuple[Sequence[Any], Sequence[Any], list[str] | None]  # files, labels and classes


def files_of(dataset: Any) -> Files:
    """The files, labels and classes of a data set.

    The data set is a torchvision folder data set with the default loader and without transforms, a ``Subset``
    of one, or a Hugging Face data set.

    >>> files_of([])
    Traceback (most recent call last):
    TypeError: dataset must be a torchvision ImageFolder or DatasetFolder, a Subset of one, or ...

    Raises:
        TypeError: any other data set.
        ValueError: a Hugging Face data set has not exactly one ``Image`` and one ``ClassLabel``, or the
            classes of a folder are the parts of a data set.
    """
    if type(dataset) is Subset:
        files, labels, classes = files_of(dataset.dataset)
        places = [int(index) for index in dataset.indices]
        return [files[place] for place in places], [labels[place] for place in places], classes
    if hasattr(dataset, "cast_column") and hasattr(dataset, "features"):
        return _of_hugging_face(dataset)
    from torchvision.datasets.folder import DatasetFolder, default_loader

    if not isinstance(dataset, DatasetFolder) or type(dataset).__getitem__ is not DatasetFolder.__getitem__:
        raise TypeError(
            "dataset must be a torchvision ImageFolder or DatasetFolder, a Subset of one, or a Hugging Face "
            f"data set, got {type(dataset).__name__}"
        )
    changes = [name for name in ("transform", "target_transform") if getattr(dataset, name) is not None]
    if dataset.loader is not default_loader or changes:
        raise TypeError(
            "dataset must have torchvision's default_loader and no transform, got "
            f"{' and '.join(changes) or 'another loader'}: give transforms to the BalancedLoader"
        )
    files = [path for path, _ in dataset.samples]
    _refuse_parts(Path(dataset.root), dataset.classes, files)
    return files, [label for _, label in dataset.samples], dataset.classes


def _refuse_parts(root: Path, classes: Sequence[str], files: Sequence[str]) -> None:
    """Raise where train/ and test/ would be the classes.

    torchvision takes the folders in ``root`` for classes, and finds images at any depth. A train may be a
    class too, but then its images lie in its own folder.
    """
    if files and set(classes) <= PARTS and all(len(Path(file).relative_to(root).parts) > 2 for file in files):
        training = next((name for name in classes if name.startswith("train")), classes[0])
        raise ValueError(
            f"root must have a folder of images for each class, got {root}: {', '.join(classes)} have the "
            f"folders of the classes in them; give {root / training}"
        )


def _of_hugging_face(dataset: Any) -> Files:
    import datasets

    images = [name for name, feature in dataset.features.items() if isinstance(feature, datasets.Image)]
    labels = [name for name, feature in dataset.features.items() if isinstance(feature, datasets.ClassLabel)]
    if len(images) != 1 or len(labels) != 1:
        raise ValueError(
            "dataset must have one Image and one ClassLabel, "
            f"got {len(images)} and {len(labels)} among {list(dataset.features)}: give the "
            "columns to ImageFiles"
        )
    raw = dataset.cast_column(images[0], datasets.Image(decode=False))
    return raw[images[0]], list(raw[labels[0]]), dataset.features[labels[0]].names
