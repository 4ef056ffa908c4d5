"""A data set of encoded images. A loader decodes in threads only the windows that its draws need."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from gpuaug.files.encoded import name_encoded, read_encoded
from gpuaug.files.from_datasets import files_of
from gpuaug.files.image_file import CHANNELS, REDUCING_GAP, ImageFile, Mode

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageFiles(Dataset[Any]):
    """A data set of encoded images (paths or bytes) with labels, decoded by a :class:`BalancedLoader`.

    >>> import io
    >>> from PIL import Image
    >>> import gpuaug
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (80, 60)).save(file, "JPEG")
    >>> files = ImageFiles([file.getvalue()] * 6, [0, 0, 0, 0, 1, 1])
    >>> augment = gpuaug.Compose([gpuaug.RandomResizedCrop(32), gpuaug.Normalize(0.5, 0.5)])
    >>> sampler = gpuaug.BalancedSampler(files.labels)
    >>> loader = gpuaug.BalancedLoader(files, sampler, augment, batch_size=4, num_workers=2)
    >>> images, labels = next(iter(loader))
    >>> images.shape, files[0]
    (torch.Size([4, 3, 32, 32]), (<PIL.Image.Image image mode=RGB size=80x60 at ...>, 0))

    In a ``BalancedLoader``, ``num_workers`` is the number of threads that decode. The recipes of the draws
    are made from the sizes in the headers of the files. Then only the window that a draw reads is decoded
    from a JPEG, at 1/2, 1/4 or 1/8 scale if the chain shrinks it. The pixels of a batch share one buffer,
    which later batches reuse. Other formats are decoded whole, by Pillow. A plain ``DataLoader`` gets PIL
    images, and needs a ``collate_fn``.

    Args:
        files: one item for each image, in any format that Pillow reads: a path, bytes, or a dictionary with
            an entry "path" or "bytes". A list, a column of Arrow or Parquet, or a column of a Hugging Face
            data set with ``Image(decode=False)``.
        labels: ``(n, ...)`` numbers, or n names, which are numbered in alphabetical order.
        classes: the names of the labels 0, 1, 2, ... None takes the names in ``labels``, if labels are names.
        mode: the mode of the images, as in Pillow: "RGB", "L" or "RGBA". Images of another mode are
            converted, as by torchvision's ``ImageFolder``.
        apply_exif_orientation: apply the EXIF orientation. ``ImageFolder`` does not.
        reducing_gap: finite and at least 1, or None. A JPEG is decoded at 1/2, 1/4 or 1/8 scale if at least
            this number of source pixels is left for each output pixel, on both axes, as in
            ``PIL.Image.Image.resize``. This holds for draws that shrink with ``antialias`` and do not rotate.
            None decodes at full scale, with the same bytes as the whole image.
        decode: "host", or "device": a CUDA device decodes whole JPEG files by nvJPEG, and the host those that
            nvJPEG does not accept. Pixels differ from those of libjpeg, mostly at edges of color, as nvJPEG
            upsamples the colors in another way.
        on_error: what a loader does with a file that cannot be read. "raise" raises a RuntimeError that names
            the file. "skip" takes another sample of the same label, chosen by the key of the draw, and
            ``loader.skipped`` lists the files. With ``decode="device"``, only headers are read before
            decoding: a file with a damaged body is always an error.

    Attributes:
        labels: ``(n, ...)``, a tensor on the host, as a sampler takes it.
        classes: the names of the labels, or None.

    Raises:
        ValueError: the number of labels is not that of the files, a label is not among ``classes``, or an
            argument is out of its range.
        TypeError: an argument or the labels are of another type.
    """

    def __init__(
        self,
        files: Sequence[Any],
        labels: Any,
        *,
        classes: Sequence[str] | None = None,
        mode: Mode = "RGB",
        apply_exif_orientation: bool = False,
        reducing_gap: float | None = REDUCING_GAP,
        decode: str = "host",
        on_error: str = "raise",
    ) -> None:
        if isinstance(files, (str, bytes)) or not hasattr(files, "__getitem__"):
            raise TypeError(
                f"files must be a sequence of paths or bytes, got {type(files).__name__}; "
                "ImageFiles.from_folder takes a folder"
            )
        _check_one_of("mode", mode, tuple(CHANNELS))
        _check_one_of("decode", decode, ("host", "device"))
        _check_one_of("on_error", on_error, ("raise", "skip"))
        if not isinstance(apply_exif_orientation, bool):
            raise TypeError(
                f"apply_exif_orientation must be a bool, got {type(apply_exif_orientation).__name__}"
            )
        # A pandas Series is read by position, as labels are; its index is ignored.
        given: Any = files
        self.files: Sequence[Any] = given.array if hasattr(given, "iloc") else given
        self.labels, self.classes = _numbered(labels, classes)
        if len(self.labels) != len(files):
            raise ValueError(
                f"labels must have one entry for each of the {len(files)} files, got {len(self.labels)}"
            )
        self.mode: Mode = mode
        self.apply_exif_orientation = apply_exif_orientation
        self.reducing_gap = _checked_gap(reducing_gap)
        self.decode = decode
        self.on_error = on_error

    @classmethod
    def from_folder(cls, root: str | Path, **options: Any) -> ImageFiles:
        """Reads a folder that has a folder for each class, with the classes and order of ``ImageFolder``.

        Args:
            root: the folder.
            options: keyword arguments of :class:`ImageFiles`.

        Returns:
            the data set.

        Raises:
            FileNotFoundError: the folder does not exist or has no folders, or a class has no images.
            NotADirectoryError: ``root`` is a file.
            ValueError: the folders are the parts of a data set, such as train and test, with the classes'
                folders in them.
        """
        from torchvision.datasets import ImageFolder

        try:
            folder = ImageFolder(str(root))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise type(error)(
                f"root must be a folder with a folder of images for each class, root/cat/1.jpg, got {root}: "
                f"{error.strerror or error}"
            ) from error
        return cls.from_dataset(folder, **options)

    @classmethod
    def from_dataset(cls, dataset: Any, **options: Any) -> ImageFiles:
        """Takes the files of a torchvision or Hugging Face data set.

        A :class:`BalancedLoader` does this by itself for a torchvision folder data set with the default
        loader and without a transform. This method is for other options.

        Args:
            dataset: a torchvision ``ImageFolder`` or ``DatasetFolder``, a ``Subset`` of one, or a Hugging
                Face data set with one ``Image`` and one ``ClassLabel``.
            options: keyword arguments of :class:`ImageFiles`.

        Returns:
            the data set.

        Raises:
            TypeError: the data set is of another type, or has a loader or a transform of its own.
            ValueError: a Hugging Face data set has not exactly one ``Image`` and one ``ClassLabel``, or the
                classes of a folder are the parts of a data set, as for ``from_folder``.
        """
        files, labels, classes = files_of(dataset)
        return cls(files, labels, **{"classes": classes, **options})

    @property
    def channels(self) -> int:
        """The number of channels of the decoded images: 1, 3 or 4."""
        return CHANNELS[self.mode]

    def read(self, index: int) -> ImageFile:
        """Reads the file of a sample and its header; no pixel is decoded yet.

        Args:
            index: the index of the sample.

        Raises:
            OSError: the file cannot be read, or is no image that Pillow knows.
            ValueError: the image has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``.
        """
        return ImageFile.of(read_encoded(self.files[index]), self.mode, self.apply_exif_orientation)

    def name(self, index: int) -> str:
        """The name of a sample for messages: "sample 3", followed by its path if there is one.

        Args:
            index: the index of the sample.
        """
        try:
            path = name_encoded(self.files[index])
        except Exception:  # the name is for messages, also about items that cannot be read
            path = ""
        return f"sample {index} ({path})" if path else f"sample {index}"

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Image, Any]:
        label = self.labels[index]
        return self.read(int(index)).open(), label.item() if label.dim() == 0 else label

    def __repr__(self) -> str:
        classes = "" if self.classes is None else f" of {len(self.classes)} classes"
        return (
            f"ImageFiles({len(self)} files{classes}, mode={self.mode!r}, reducing_gap={self.reducing_gap}, "
            f"decode={self.decode!r}, on_error={self.on_error!r})"
        )


def _check_one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")


def _checked_gap(gap: Any) -> float | None:
    if gap is None:
        return None
    if isinstance(gap, bool) or not isinstance(gap, Real):
        raise TypeError(f"reducing_gap must be a number of at least 1, or None, got {type(gap).__name__}")
    if not 1 <= float(gap) < float("inf"):
        raise ValueError(f"reducing_gap must be a finite number of at least 1, or None, got {gap}")
    return float(gap)


def _numbered(labels: Any, classes: Sequence[str] | None) -> tuple[Tensor, list[str] | None]:
    """Labels as a tensor, and the names of the classes, or None."""
    if hasattr(labels, "to_pylist"):  # an Arrow column
        labels = labels.to_pylist()
    if isinstance(labels, Tensor):
        values = labels.detach().cpu()
    else:
        array = np.asarray(labels)
        if array.dtype.kind in "US" or (array.dtype == object and all(isinstance(v, str) for v in labels)):
            names = sorted(set(map(str, labels))) if classes is None else list(classes)
            numbers = {name: number for number, name in enumerate(names)}
            unknown = sorted(set(map(str, labels)) - set(names))
            if unknown:
                raise ValueError(f"labels must be names among classes, {names}, got {unknown[0]!r}")
            return torch.tensor([numbers[str(name)] for name in labels], device="cpu"), names
        if array.dtype.kind not in "biuf":
            raise TypeError(f"labels must be numbers or names, got {array.dtype}")
        values = torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))  # a copy
    if values.dim() == 0:
        raise ValueError(f"labels must have one entry for each file, got {labels!r}")
    if classes is not None and values.numel() and not 0 <= values.min() <= values.max() < len(classes):
        raise ValueError(
            f"classes must name every label, got {len(classes)} names for labels from {values.min()} to "
            f"{values.max()}"
        )
    return values, None if classes is None else list(classes)
