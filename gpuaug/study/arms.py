"""The arms of the study: how each of them meets the imbalance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

import gpuaug
from gpuaug.sampling.targets import Target
from gpuaug.transforms import Transform


@dataclass(frozen=True)
class Arm:
    """What an epoch draws (``target`` of ``BalancedSampler``), and what becomes of images (height, width)."""

    about: str
    target: Target
    transforms: Callable[[int, int], list[Transform]]
    apply_to: str = "all"

    def augment(self, height: int, width: int, seed: int) -> gpuaug.Compose:
        """The arm's transform, from uint8 images to floats in [-1, 1]."""
        return gpuaug.Compose(
            [*self.transforms(height, width), gpuaug.Normalize(0.5, 0.5)],
            apply_to=self.apply_to,
            seed=seed,
            memory_format=torch.channels_last,
        )


def nothing(height: int, width: int) -> list[Transform]:
    return []


def article_crop(height: int, width: int) -> Transform:
    """The article's crop, 20 of 32 pixels and back, in proportion."""
    window = (round(height * 20 / 32), round(width * 20 / 32))
    return gpuaug.Compose([gpuaug.RandomCrop(window), gpuaug.Resize((height, width))])


def article_copies(height: int, width: int) -> list[Transform]:
    """Crop, flip and noise in turn: copies 1, 4, 7, ... are crops."""
    noise = gpuaug.SaltAndPepper(amount=0.25, salt_vs_pepper=0.6)
    return [gpuaug.OneOf([article_crop(height, width), gpuaug.RandomHorizontalFlip(p=1.0), noise], by="copy")]


def flip_and_resized_crop(height: int, width: int) -> list[Transform]:
    # Milder than the 0.08 of ImageNet training, which would cut the small images of a study to a few pixels.
    return [gpuaug.RandomResizedCrop((height, width), scale=(0.6, 1.0)), gpuaug.RandomHorizontalFlip()]


# In the order of the tables. An empty target keeps every class's own count.
ARMS = {
    "imbalanced": Arm("the samples as they are", {}, nothing),
    "undersampled": Arm("every class as often as the smallest", "minority", nothing),
    "duplicates": Arm("every class as often as the largest, unchanged", "majority", nothing),
    "copies": Arm(
        "the same, copies cropped, flipped or noised", "majority", article_copies, apply_to="copies"
    ),
    "all": Arm("the same, every draw cropped and flipped", "majority", flip_and_resized_crop),
}


def check_arms(names: Sequence[str]) -> tuple[str, ...]:
    """The names, each of an arm and given once.

    >>> check_arms(["imbalanced", "all"])
    ('imbalanced', 'all')
    """
    if not names or len(set(names)) != len(names) or not set(names) <= set(ARMS):
        raise ValueError(f"arms must be different names of {', '.join(ARMS)}; got {', '.join(names)}")
    return tuple(names)
