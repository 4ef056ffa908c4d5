"""The training images made imbalanced: by counts, by a ratio, or as a long tail."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from torch import Tensor

from gpuaug.sampling import make_imbalanced, make_long_tailed
from gpuaug.study.data.study_data import StudyData, check_known


def imbalance(
    data: StudyData,
    minority: Collection[str],
    *,
    majority_count: int | None = None,
    minority_count: int | None = None,
    ratio: float | None = None,
) -> StudyData:
    """The training images made imbalanced, as the article does: the first of every class stay.

    >>> from gpuaug.study.data.request import Request
    >>> from gpuaug.study.data.sources import load
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
    return keep(data, kept)


def long_tail(data: StudyData, factor: float, majority_count: int | None = None) -> StudyData:
    """The long-tailed part of the training images, as the CIFAR-LT sets are made: the first of every class.

    >>> from gpuaug.study.data.request import Request
    >>> from gpuaug.study.data.sources import load
    >>> long_tail(load(Request("embedded")), 10).counts()
    {'t-shirt': 2000, 'shirt': 200}
    >>> long_tail(load(Request("embedded")), 10, majority_count=500).counts()
    {'t-shirt': 500, 'shirt': 50}

    Args:
        factor: how many times the images of the smallest class the largest one keeps.
        majority_count: images that the largest class keeps; None keeps as many as it can.

    Raises:
        ValueError: a factor below 1, or so large that a class would keep nothing; a class with fewer images
            than ``majority_count``.
    """
    if majority_count is not None:
        data = keep(
            data, make_imbalanced(data.train_labels, dict.fromkeys(range(len(data.classes)), majority_count))
        )
    return keep(data, make_long_tailed(data.train_labels, factor))


def keep(data: StudyData, kept: Tensor) -> StudyData:
    """The training images of some indices."""
    return replace(data, train_images=data.train_images[kept], train_labels=data.train_labels[kept])
