"""The images of a study and their classes, and the choice of some of the classes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

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
