"""Images of a study: where they come from, and how they are made imbalanced."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gpuaug.sampling import make_imbalanced, make_long_tailed
from gpuaug.study import extras
from gpuaug.study.data.holdout import Holdout
from gpuaug.study.spelling import did_you_mean


@dataclass(frozen=True)
class StudyData:
    """uint8 images ``(N, C, H, W)`` and int64 labels ``(N,)``: label i is ``classes[i]``.

    Within a class the images are in the order of their files' names. ``holdout``: how the training and test
    images were split, where they came as one set.
    """

    classes: tuple[str, ...]
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    holdout: Holdout | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        channels, height, width = self.train_images.shape[1:]
        return channels, height, width

    def counts(self) -> dict[str, int]:
        """Training images by class."""
        return dict(
            zip(self.classes, self.train_labels.bincount(minlength=len(self.classes)).tolist(), strict=True)
        )

    def rare_classes(self) -> tuple[str, ...]:
        """The classes with fewer training images than the mean."""
        counts = self.counts()
        mean = sum(counts.values()) / len(counts)
        return tuple(name for name, count in counts.items() if count < mean)

    def fingerprint(self) -> str:
        """A digest of the classes, images and labels."""
        digest = hashlib.sha256("\0".join(self.classes).encode())
        for tensor in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(str(tuple(tensor.shape)).encode() + tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def smallest_class(self) -> str:
        """The class with the fewest training images; of several, the last."""
        counts = self.counts()
        return min(reversed(self.classes), key=counts.__getitem__)


@dataclass(frozen=True)
class Request:
    """What to load: ``source`` is a name of ``SOURCES``, or a folder; no ``classes`` means its own.

    ``holdout`` (the share to test on) and ``holdout_seed`` are for a folder without ``train`` and ``test``;
    None means 0.2 and 0.
    """

    source: str = "embedded"
    classes: Sequence[str] | None = None
    root: Path = Path("data")
    download: bool = False
    size: int | None = None
    holdout: float | None = None
    holdout_seed: int | None = None


def load(request: Request) -> StudyData:
    """The images of a source, of the classes asked for and in their order.

    >>> data = load(Request("embedded"))
    >>> data.classes, data.train_images.shape, data.counts()
    (('t-shirt', 'shirt'), torch.Size([4000, 1, 28, 28]), {'t-shirt': 2000, 'shirt': 2000})

    Raises:
        ValueError: no such folder, an unknown class, fewer than two classes.
        RuntimeError: a package, a file or a download that is missing; an image that cannot be decoded.
    """
    if request.source in SOURCES:
        if request.size is not None:
            raise ValueError(
                f"size is for a folder's images, those of {request.source} have theirs; got {request.size}"
            )
        refuse_holdout(request, f"{request.source} has a test part")
        return SOURCES[request.source](request)
    from gpuaug.study.data.folder import load_folder

    return load_folder(request)


def refuse_holdout(request: Request, reason: str) -> None:
    """Raise where the request has a holdout."""
    for name, value in (("holdout", request.holdout), ("holdout_seed", request.holdout_seed)):
        if value is not None:
            raise ValueError(f"{name} is for a folder without train/ and test/, and {reason}; got {value}")


def load_embedded(request: Request) -> StudyData:
    """T-shirts and shirts of Fashion-MNIST, in the file beside this one; ``embedded/make.py`` made it."""
    file = resources.files("gpuaug.study.data") / "embedded" / "fashion_shirts.npz"
    with file.open("rb") as stream, np.load(stream) as arrays:
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return choose(
        ("t-shirt", "shirt"),
        request.classes,
        tensors["train_images"][:, None],
        tensors["train_labels"],
        tensors["test_images"][:, None],
        tensors["test_labels"],
    )


def load_cifar(name: str, default: Sequence[str] | None, request: Request) -> StudyData:
    """CIFAR-10 or CIFAR-100, through torchvision."""
    extras.require(*extras.IMAGE_FILES)
    from torchvision import datasets

    read = getattr(datasets, name.replace("-", ""))
    try:
        splits = [read(request.root, train=train, download=request.download) for train in (True, False)]
    except RuntimeError as error:
        raise RuntimeError(
            f"{name} is not in the root folder {request.root}, or not whole; download (--download) gets it"
        ) from error
    arrays = [
        (torch.from_numpy(split.data).permute(0, 3, 1, 2), torch.tensor(split.targets)) for split in splits
    ]
    return choose(tuple(splits[0].classes), request.classes or default, *arrays[0], *arrays[1])


SOURCES: dict[str, Callable[[Request], StudyData]] = {
    "embedded": load_embedded,
    "cifar10": partial(load_cifar, "CIFAR-10", ("cat", "dog")),
    "cifar100": partial(load_cifar, "CIFAR-100", None),
}


def choose(
    known: tuple[str, ...],
    chosen: Sequence[str] | None,
    train_images: Tensor,
    train_labels: Tensor,
    test_images: Tensor,
    test_labels: Tensor,
) -> StudyData:
    """The part of the images that is of the chosen classes, labelled by their order."""
    classes = check_classes(chosen, known)
    label_of = torch.full((len(known),), -1)
    label_of[[known.index(name) for name in classes]] = torch.arange(len(classes))

    def part(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        new = label_of[labels.long()]
        return images[new >= 0], new[new >= 0]

    return StudyData(classes, *part(train_images, train_labels), *part(test_images, test_labels))


def check_classes(chosen: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """The chosen classes, or all (None, or the one word "all"); at least two, each known and named once."""
    classes = tuple(known if chosen is None or list(chosen) == ["all"] else chosen)
    check_known("classes", classes, known)
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise ValueError(f"classes must be at least two different names, got {', '.join(classes)}")
    return classes


def check_known(parameter: str, names: Collection[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"{parameter} must be of {', '.join(known)}; got {', '.join(unknown)}"
            f"{did_you_mean(known, unknown[0])}"
        )


def imbalance(
    data: StudyData,
    minority: Collection[str],
    *,
    majority_count: int | None = None,
    minority_count: int | None = None,
    ratio: float | None = None,
) -> StudyData:
    """The training images made imbalanced, as the article does: the first of every class stay.

    >>> imbalance(load(Request("embedded")), ["shirt"], majority_count=1000, ratio=4).counts()
    {'t-shirt': 1000, 'shirt': 250}

    Args:
        minority: the classes to make rare.
        majority_count: images to keep of every other class; None keeps all.
        minority_count: images to keep of every minority class; or, instead,
        ratio: how many times as many the largest other class keeps. None and None keep all.

    Raises:
        ValueError: a class unknown or too small, no other class, a number out of range, both of the last two.
    """
    if minority_count is not None and ratio is not None:
        raise ValueError(f"give minority_count or ratio, not both, got {minority_count} and {ratio}")
    check_known("minority", minority, data.classes)
    others = [name for name in data.classes if name not in minority]
    if not others or not minority:
        raise ValueError(
            f"minority must name some, not all, of {', '.join(data.classes)}; got {', '.join(minority)}"
        )
    wanted: dict[str | int, int] = {}
    if majority_count is not None:
        wanted |= dict.fromkeys(others, majority_count)
    if minority_count is not None:
        wanted |= dict.fromkeys(minority, minority_count)
    names = [data.classes[label] for label in data.train_labels.tolist()]
    kept = make_imbalanced(names, wanted)
    if ratio is not None:
        kept = kept[make_imbalanced([names[i] for i in kept.tolist()], ratio=ratio, minority=list(minority))]
    return replace(data, train_images=data.train_images[kept], train_labels=data.train_labels[kept])


def long_tail(data: StudyData, factor: float) -> StudyData:
    """The long-tailed part of the training images, as the CIFAR-LT sets are made: the first of every class.

    >>> long_tail(load(Request("embedded")), 10).counts()
    {'t-shirt': 2000, 'shirt': 200}

    Raises:
        ValueError: a factor below 1, or so large that a class would keep nothing.
    """
    kept = make_long_tailed(data.train_labels, factor)
    return replace(data, train_images=data.train_images[kept], train_labels=data.train_labels[kept])
