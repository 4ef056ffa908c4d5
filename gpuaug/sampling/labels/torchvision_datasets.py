"""Labels of torchvision's data sets that do not keep them in ``targets``, ``labels`` or ``samples``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def torchvision_labels(dataset: Any) -> Any | None:
    """The labels, one per sample, of a torchvision data set with a special place for them; None for others.

    Raises:
        TypeError: a data set without classes. Its attributes may look like labels, such as VOC's ``targets``,
            which are the paths of segmentation masks.
        ValueError: a data set that was not made with exactly one target type.
    """
    for kind in type(dataset).__mro__:
        if kind.__module__.startswith("torchvision.datasets."):
            if kind.__name__ in _NO_CLASSES:
                raise TypeError(
                    f"dataset must have a class for every sample, and torchvision's {kind.__name__} has none"
                )
            if (reader := _READERS.get(kind.__name__)) is not None:
                return reader(dataset)
    return None


def _by_target_type(types: dict[str, Callable[[Any], Any]], attribute: str) -> Callable[[Any], Any]:
    """A reader for labels that depend on the data set's target type."""

    def read(dataset: Any) -> Any:
        asked = list(getattr(dataset, attribute))
        if len(asked) != 1 or asked[0] not in types:
            raise ValueError(
                f"dataset must have one target type, of {', '.join(types)}, got {asked} in "
                f"{type(dataset).__name__}; or column must name an attribute that has the labels"
            )
        return types[asked[0]](dataset)

    return read


def _inaturalist(kind: str) -> Callable[[Any], list[int]]:
    return lambda dataset: [dataset.categories_map[category][kind] for category, _ in dataset.index]


def _of_videos(dataset: Any) -> list[int]:
    """The labels of clips of videos. The videos of a fold have other numbers than the files of all folds."""
    videos = (dataset.video_clips.get_clip_location(clip)[0] for clip in range(len(dataset)))
    indices = getattr(dataset, "indices", None)
    return [dataset.samples[video if indices is None else indices[video]][1] for video in videos]


_READERS: dict[str, Callable[[Any], Any]] = {
    "Caltech101": _by_target_type({"category": lambda dataset: dataset.y}, "target_type"),
    "Caltech256": lambda dataset: dataset.y,
    "CelebA": _by_target_type(
        {"identity": lambda dataset: dataset.identity, "attr": lambda dataset: dataset.attr}, "target_type"
    ),
    "HMDB51": _of_videos,
    "INaturalist": _by_target_type(
        {"full": lambda dataset: [category for category, _ in dataset.index]}
        | {
            kind: _inaturalist(kind)
            for kind in ("kingdom", "phylum", "class", "order", "family", "genus", "super")
        },
        "target_type",
    ),
    "Kinetics": _of_videos,
    "Omniglot": lambda dataset: [character for _, character in dataset._flat_character_images],
    "OxfordIIITPet": _by_target_type(
        {"category": lambda dataset: dataset._labels, "binary-category": lambda dataset: dataset._bin_labels},
        "_target_types",
    ),
    "QMNIST": lambda dataset: dataset.targets[:, 0] if dataset.compat else dataset.targets,
    "UCF101": _of_videos,
}

_NO_CLASSES = frozenset({"Cityscapes", "Kitti", "PhotoTour", "_VOCBase"})
