"""Images from a folder, read by torchvision's ``ImageFolder``: ``train/<class>/`` and ``test/<class>/``, or
``<class>/`` alone, of which a part is held out for the test.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gpuaug.images.packed import Images, Packed
from gpuaug.loading import DeviceDataset
from gpuaug.study.data.decoder import Decoder
from gpuaug.study.data.holdout import SHARE, Holdout, held_out
from gpuaug.study.data.request import Request, refuse_holdout
from gpuaug.study.data.study_data import StudyData, check_classes

if TYPE_CHECKING:
    from torchvision.datasets import ImageFolder


def load_folder(folder: Path, request: Request) -> StudyData:
    """The images of a folder, as RGB.

    Raises:
        ValueError: ``train`` or ``test`` alone in it, other classes in one than in the other, or a holdout
            where it has both.
        RuntimeError: a file that cannot be decoded, is a decompression bomb or, without a size, differs in
            size from the rest; the message names it.
    """
    parts = [part for part in ("train", "test") if (folder / part).is_dir()]
    if not parts:
        return load_undivided(folder, request)
    if len(parts) == 1:
        raise ValueError(
            f"data must be a folder with both train/ and test/, or with neither; {folder} has {parts[0]}/ "
            f"alone: to hold images of it out, give {folder / parts[0]}"
        )
    refuse_holdout(request, f"{folder} has both")
    classes = check_classes(request.classes, class_names(folder / "train"))
    if request.classes in (None, ["all"]) and class_names(folder / "test") != list(classes):
        raise ValueError(
            f"train/ and test/ must hold the same classes, got {', '.join(classes)} and "
            f"{', '.join(class_names(folder / 'test'))} in {folder}"
        )
    decode = Decoder(request.size)
    train, test = (
        decode_all(image_folder(folder / split, classes, decode), request.size) for split in ("train", "test")
    )
    return StudyData(classes, _whole(train.images), train.labels, _whole(test.images), test.labels)


def load_undivided(folder: Path, request: Request) -> StudyData:
    """The images of a folder that has a folder for every class, split by a seed."""
    names = class_names(folder)
    if not names:
        raise ValueError(
            f"data must be a folder with a folder of images for every class; {folder} has no folder in it"
        )
    classes = check_classes(request.classes, names)
    files = image_folder(folder, classes, Decoder(request.size))
    share = SHARE if request.holdout is None else request.holdout
    seed = request.holdout_seed or 0
    paths = [Path(path).relative_to(folder) for path, _ in files.samples]
    test = held_out(paths, torch.tensor(files.targets), share, seed)
    whole = decode_all(files, request.size)
    images, labels = _whole(whole.images), whole.labels
    train_counts, test_counts = (
        dict(zip(classes, labels[part].bincount(minlength=len(classes)).tolist(), strict=True))
        for part in (~test, test)
    )
    holdout = Holdout(share, seed, train_counts, test_counts)
    return StudyData(classes, images[~test], labels[~test], images[test], labels[test], holdout)


def _whole(images: Images) -> Tensor:
    """The images ``(N, C, H, W)``, which a ``Decoder`` leaves at one size."""
    return images.dense() if isinstance(images, Packed) else images


def class_names(folder: Path) -> list[str]:
    """The folders in it, but for hidden ones: what tools leave (``.ipynb_checkpoints``) is no class."""
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != ".")


def decode_all(files: ImageFolder, size: int | None) -> DeviceDataset:
    """All images, decoded once; within a class in order of file name."""
    # Without a size each is held against the first: one after another.
    threads = 0 if size is None else min(os.cpu_count() or 1, 8)
    return DeviceDataset.from_dataset(files, progress=sys.stderr.isatty(), num_workers=threads)


def image_folder(folder: Path, classes: Sequence[str], decode: Decoder) -> ImageFolder:
    """The files of the chosen classes, labelled by their order.

    Raises:
        ValueError: a class without images.
    """
    from torchvision.datasets import ImageFolder

    class ChosenFolder(ImageFolder):  # type: ignore[misc]  # torchvision has no types
        def find_classes(self, directory: Any) -> tuple[list[str], dict[str, int]]:
            return list(classes), {name: label for label, name in enumerate(classes)}

    try:
        return ChosenFolder(str(folder), loader=decode)
    except FileNotFoundError as error:  # a class without images
        raise ValueError(f"every class must have images: {error}") from error
