"""The techniques that a study knows by name: its own rows, and the transforms of the catalogue.

A technique has a strength in (0, 1].
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

import gpuaug
from gpuaug.transforms import Entry, Transform, catalogue


@dataclass(frozen=True)
class Technique:
    """``build(height, width, strength)`` gives a transform that keeps the size of the images.

    ``strength`` is the usual one, ``strengths`` are those that a search tries.
    """

    name: str
    about: str
    build: Callable[[int, int, float], Transform]
    strength: float = 0.5
    strengths: tuple[float, ...] = (0.25, 0.5, 1.0)

    def __call__(self, height: int, width: int, strength: float | None = None) -> Transform:
        """The transform for images of that size.

        >>> TECHNIQUES["hflip"](32, 32)
        RandomHorizontalFlip(p=0.5)

        Raises:
            TypeError, ValueError: a strength that is no number in (0, 1].
        """
        strength = self.strength if strength is None else strength
        if isinstance(strength, bool) or not isinstance(strength, (int, float)):
            raise TypeError(f"strength must be a number in (0, 1], got {strength!r}")
        if not 0 < strength <= 1:
            raise ValueError(f"strength must be in (0, 1], got {strength}")
        return self.build(height, width, float(strength))


def crop(height: int, width: int, strength: float) -> Transform:
    # At 0.5 the article's: 20 of 32 pixels.
    share = 1 - 0.75 * strength
    window = (max(1, round(height * share)), max(1, round(width * share)))
    return gpuaug.Compose([gpuaug.RandomCrop(window), gpuaug.Resize((height, width))])


def resized_crop(height: int, width: int, strength: float) -> Transform:
    return gpuaug.RandomResizedCrop((height, width), scale=(1 - 0.92 * strength, 1.0))


def jitter(setting: str, height: int, width: int, strength: float) -> Transform:
    make: Callable[..., Transform] = gpuaug.ColorJitter
    return make(**{setting: 0.8 * strength})


def rows(*techniques: Technique) -> dict[str, Technique]:
    """The techniques by name."""
    return {technique.name: technique for technique in techniques}


OWN = rows(
    Technique(
        "crop", "a window anywhere, resized back; at strength 0.5 of 20/32 of the side, the article's", crop
    ),
    Technique(
        "resized_crop",
        "a window of a random area and shape, resized; at strength 1 of 8 % or more",
        resized_crop,
    ),
    Technique(
        "hflip",
        "left and right mirrored, as often as the strength",
        lambda h, w, s: gpuaug.RandomHorizontalFlip(p=s),
    ),
    Technique(
        "vflip",
        "top and bottom mirrored, as often as the strength",
        lambda h, w, s: gpuaug.RandomVerticalFlip(p=s),
    ),
    Technique(
        "rotate",
        "turned by up to 30 degrees times the strength either way",
        lambda h, w, s: gpuaug.RandomRotation(30 * s),
    ),
    Technique(
        "translate",
        "moved by up to 0.4 of the side times the strength",
        lambda h, w, s: gpuaug.RandomAffine(0.0, translate=(0.4 * s, 0.4 * s)),
    ),
    Technique(
        "scale",
        "made larger or smaller by up to 0.4 times the strength",
        lambda h, w, s: gpuaug.RandomAffine(0.0, scale=(1 - 0.4 * s, 1 + 0.4 * s)),
    ),
    Technique(
        "shear",
        "sheared by up to 30 degrees times the strength",
        lambda h, w, s: gpuaug.RandomAffine(0.0, shear=(-30 * s, 30 * s)),
    ),
    *(
        Technique(name, f"{name} by a factor within 0.8 times the strength of 1", partial(jitter, name))
        for name in ("brightness", "contrast", "saturation")
    ),
    Technique(
        "hue",
        "hue by up to 0.2 turns times the strength",
        lambda h, w, s: gpuaug.ColorJitter(hue=0.2 * s),
    ),
    Technique(
        "color_jitter",
        "brightness, contrast, saturation and hue together",
        lambda h, w, s: gpuaug.ColorJitter(0.8 * s, 0.8 * s, 0.8 * s, 0.2 * s),
    ),
    Technique(
        "cut_out",
        "a square emptied, its side the shorter side times the strength",
        lambda h, w, s: gpuaug.CutOut(max(1, round(min(h, w) * s))),
        strengths=(0.25, 0.5, 0.75),
    ),
    Technique(
        "salt_and_pepper",
        "pixels made white or black; at strength 0.5 a quarter of them, the article's",
        lambda h, w, s: gpuaug.SaltAndPepper(amount=0.5 * s),
    ),
    Technique(
        "gaussian_blur",
        "a 5x5 Gaussian of a random sigma, up to 4 pixels times the strength",
        lambda h, w, s: gpuaug.GaussianBlur(sigma=(min(0.1, 4 * s), 4 * s)),
    ),
    Technique(
        "article_blur",
        "the article's 5x5 kernel with a black border, as often as the strength",
        lambda h, w, s: gpuaug.RandomApply([gpuaug.GaussianBlur(sigma=None)], p=s),
        strength=1.0,
    ),
)


# Policies by the names that people type. Every draw has one, unless the strength says less.
POLICIES = {
    "AugMix": "augmix",
    "AutoAugment": "autoaugment",
    "RandAugment": "randaugment",
    "TimmRandAugment": "timm_randaugment",
    "TrivialAugmentWide": "trivialaugment",
}
# Of the catalogue, what the rows above are.
COVERED = {"RandomHorizontalFlip", "RandomVerticalFlip", "SaltAndPepper", "GaussianBlur", "ColorJitter"}


def of_catalogue(entry: Entry) -> Technique:
    """A transform with its own defaults, for a share of the draws that is the strength: half of them; for a
    policy, all.

    >>> technique = of_catalogue(next(entry for entry in catalogue() if entry.name == "FancyPCA"))
    >>> technique.name, technique.strength
    ('fancy_pca', 0.5)
    """
    first = plain(inspect.cleandoc(entry.kind.__doc__ or "").partition("\n")[0])
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", entry.name)
    return Technique(
        POLICIES.get(entry.name, words.lower()),
        f"{first} ({entry.reference}); as often as the strength",
        partial(as_often, entry),
        strength=1.0 if entry.name in POLICIES else 0.5,
    )


def plain(line: str) -> str:
    """A line of a docstring as a caption: without mark-up, and without the probability: that is the strength.

    >>> plain("A box becomes ``fill``, with probability ``p``; see :class:`CutOut`.")
    'A box becomes fill; see CutOut'
    """
    line = line.replace(", with probability ``p``", "")
    return re.sub(r":\w+:(?=`)|`", "", line).rstrip(".")


def as_often(entry: Entry, height: int, width: int, p: float) -> Transform:
    """The entry's transform, for draws with probability ``p``: its own, where it has one."""
    if any(parameter.name == "p" for parameter in entry.parameters):
        make: Callable[..., Transform] = entry.kind
        return make(p=p)
    return gpuaug.RandomApply([entry.kind()], p=p)


TECHNIQUES = {
    **OWN,
    **rows(
        *(
            of_catalogue(entry)
            for entry in catalogue()
            if not entry.required and entry.stage != "output" and entry.name not in COVERED
        )
    ),
}


def grid(techniques: Iterable[Technique]) -> list[str]:
    """Every technique at each of its strengths, as a user would write it.

    >>> grid([TECHNIQUES["hflip"]])
    ['hflip(0.25)', 'hflip(0.5)', 'hflip(1.0)']
    """
    return [f"{technique.name}({strength})" for technique in techniques for strength in technique.strengths]


def refusal(transform: Transform, images: Tensor) -> str:
    """The reason why a transform does not take such images, "" where it does: some need three channels.

    >>> refusal(gpuaug.ChannelShuffle(), torch.zeros(1, 1, 32, 32, dtype=torch.uint8))
    'ChannelShuffle: images must have 3 or 4 channels, got 1'
    """
    try:
        transform(images[:1], torch.tensor([[0, 1, 0]]))
    except ValueError as error:
        return str(error)
    return ""
