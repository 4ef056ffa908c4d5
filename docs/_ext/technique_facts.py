"""What a technique's page says beside the picture, found by running the transform."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from public_names import public_names
from torch import Tensor

from gpuaug.recipe.layout import Stage
from gpuaug.transforms import Entry, catalogue
from gpuaug.transforms.mixes.base import Mix

SIZE = 160  # of the pictures, so that their settings do
BY_MODULE = {"policies": "Policies"}
MIXES = "Mixes of two images"
TITLES = {
    "read": "Reading",
    "blur": "Blur and sharpness",
    "impulse": "Impulse noise",
    "erase": "Erasing",
    "batched": "After the kernel",
}


def group_of(entry: Entry) -> str:
    """The heading under which a transform stands: its stage's, or "Policies"."""
    for folder in entry.kind.__module__.split("."):
        if folder in BY_MODULE:
            return BY_MODULE[folder]
    return title_of(entry.stage)


def title_of(stage: str) -> str:
    """A stage's heading: its name, where ``TITLES`` has none that says more."""
    return TITLES.get(stage, stage.capitalize())


def names_by_group() -> dict[str, list[str]]:
    """Every transform and mix under its heading: the stages in the kernel's order, what follows the kernel,
    the policies, the mixes.
    """
    titles = [title_of(stage.name.lower()) for stage in Stage]
    found: dict[str, list[str]] = {title: [] for title in [*titles, *BY_MODULE.values()]}
    for entry in catalogue():
        found.setdefault(group_of(entry), []).append(entry.name)
    found[MIXES] = [kind.__name__ for kind in mixes()]
    return {title: names for title, names in found.items() if names}


def mixes() -> list[type[Mix]]:
    """The public mixes."""
    kinds = [kind for kind in public_names().values() if inspect.isclass(kind) and issubclass(kind, Mix)]
    return sorted(kinds, key=lambda kind: kind.__name__)


def on_annotations(transform: Any, draws: Tensor) -> dict[str, str]:
    """Whether masks, boxes and keypoints "follow" the images, "stay" where they are, or are an "error"."""
    count = len(draws)
    images = torch.zeros(count, 3, SIZE, SIZE, dtype=torch.uint8)
    mask = (torch.arange(SIZE * SIZE) % 251).byte().view(1, 1, SIZE, SIZE)
    given = {
        "masks": mask.expand(count, -1, -1, -1).contiguous(),
        "boxes": torch.tensor([[[30.0, 50.0, 120.0, 80.0]]]).repeat(count, 1, 1),
        "keypoints": torch.tensor([[[30.0, 50.0], [110.0, 60.0]]]).repeat(count, 1, 1),
    }
    try:
        after = transform(images, draws, **given)
    except ValueError:  # which of them: each by itself
        return {name: _what_happens(transform, images, draws, name, value) for name, value in given.items()}
    return {name: _word(value, getattr(after, name)) for name, value in given.items()}


def _what_happens(transform: Any, images: Tensor, draws: Tensor, name: str, value: Tensor) -> str:
    try:
        return _word(value, getattr(transform(images, draws, **{name: value}), name))
    except ValueError as error:
        if name not in str(error):
            raise
        return "error"


def _word(before: Tensor, after: Tensor) -> str:
    return "stay" if before.shape == after.shape and torch.equal(before, after) else "follow"
