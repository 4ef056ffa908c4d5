"""Images from a folder: ``train/<class>/`` and ``test/<class>/``, read by torchvision's ``ImageFolder``."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuaug.loading import DeviceDataset
from gpuaug.study import extras
from gpuaug.study.data import Request, StudyData, check_classes

if TYPE_CHECKING:
    from PIL.Image import Image


def load_folder(request: Request) -> StudyData:
    """The images of a folder, as RGB.

    Raises:
        ValueError: no such folder, no ``train`` or ``test`` in it, or other classes in one than in the other.
        RuntimeError: a file that cannot be decoded, is a decompression bomb or, without a size, differs in
            size from the rest; the message names it.
    """
    extras.require(*extras.IMAGE_FILES)
    root = Path(request.source)
    for split in (root, root / "train", root / "test"):
        if not split.is_dir():
            raise ValueError(
                "data must be 'embedded', 'cifar10', 'cifar100' or a folder with train/ and test/; "
                f"{split} is not a folder"
            )
    classes = check_classes(request.classes, class_names(root / "train"))
    if request.classes in (None, ["all"]) and class_names(root / "test") != list(classes):
        raise ValueError(
            f"train/ and test/ must hold the same classes, got {', '.join(classes)} and "
            f"{', '.join(class_names(root / 'test'))} in {root}"
        )
    decode = Decoder(request.size)
    train, test = (decode_split(root / split, classes, decode) for split in ("train", "test"))
    return StudyData(classes, train.images, train.labels, test.images, test.labels)


def class_names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())


def decode_split(folder: Path, classes: Sequence[str], decode: Decoder) -> DeviceDataset:
    """All images of the chosen classes, decoded; within a class in order of file name."""
    from torchvision.datasets import ImageFolder

    class ChosenFolder(ImageFolder):
        def find_classes(self, directory: Any) -> tuple[list[str], dict[str, int]]:
            return list(classes), {name: label for label, name in enumerate(classes)}

    try:
        files = ChosenFolder(str(folder), loader=decode)
    except FileNotFoundError as error:  # a class without images
        raise ValueError(f"every class must have images: {error}") from error
    return DeviceDataset.from_dataset(files)


class Decoder:
    """Decodes image files with Pillow, to a square of ``size`` pixels; without a size, all must be of one."""

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.first: tuple[int, int] | None = None

    def __call__(self, path: str) -> Image:
        from PIL import Image

        with warnings.catch_warnings(), open(path, "rb") as file:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file).convert("RGB")
        if self.size is not None:
            return image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        self.first = self.first or image.size
        if image.size != self.first:
            raise ValueError(
                f"the images are of different sizes, {self.first[0]} x {self.first[1]} and "
                f"{image.size[0]} x {image.size[1]} (width x height): give a size to resize them to (--size)"
            )
        return image
