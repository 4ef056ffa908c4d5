"""Small pictures of the draws that each transform makes from the data set's own images."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

import gpuaug
from gpuaug.random import keyed_draws
from gpuaug.study.arms.arms import Arm
from gpuaug.study.arms.techniques import TECHNIQUES
from gpuaug.study.data.study_data import StudyData
from gpuaug.transforms import Transform

IMAGES, DRAWS = 2, 4
TRIED = 64  # draws, of which one at least changes an image that can be changed
LARGEST = 96  # pixels; what is larger is shown smaller
GAP = 2


@dataclass(frozen=True)
class Exhibit:
    """A line of the gallery: originals, and draws of each."""

    name: str
    about: str
    png: bytes


def copies_of(index: int, count: int, seed: int = 0) -> Tensor:
    """The draws of a sample's copies 1, 2, ... in epoch 0, as a sampler of that seed gives them: int64
    ``(count, 3)``.

    >>> copies_of(7, 2)[:, :2].tolist()
    [[7, 1], [7, 2]]
    """
    copy = torch.arange(1, count + 1)
    return keyed_draws(seed, 0, torch.full_like(copy, index), copy)


def exhibits(data: StudyData, minority: Collection[str], arms: Mapping[str, Arm]) -> list[Exhibit]:
    """Every arm that can change such images; on two of the first minority class."""
    height, width = data.image_shape[1:]
    rare = data.classes.index(next(name for name in data.classes if name in minority))
    samples = (data.train_labels == rare).nonzero().flatten()[:IMAGES].tolist()
    shown = []
    for name, arm in arms.items():
        steps = arm.transforms(height, width)
        if not steps:
            continue
        transform = gpuaug.Compose(steps)
        if changes(transform, data.train_images[samples]):
            about = TECHNIQUES[name].about if name in TECHNIQUES else arm.about
            shown.append(Exhibit(name, about, strip(data.train_images, samples, transform)))
    return shown


def changes(transform: Transform, images: Tensor) -> bool:
    """True where any of many draws differs from its image.

    >>> grey = torch.full((1, 1, 16, 16), 100, dtype=torch.uint8)
    >>> changes(gpuaug.Compose([gpuaug.ColorJitter(brightness=0.5)]), grey)
    True
    >>> changes(gpuaug.Compose([gpuaug.RandomHorizontalFlip()]), grey)
    False
    """
    for index in range(len(images)):
        draws = copies_of(index, TRIED)
        if not torch.equal(transform(images, draws, index=draws[:, 0]), images[draws[:, 0]]):
            return True
    return False


def strip(images: Tensor, samples: list[int], transform: Transform) -> bytes:
    """A PNG file: a line for each sample, the original and then its draws."""
    lines = []
    for sample in samples:
        draws = copies_of(sample, DRAWS)
        copies = transform(images, draws, index=draws[:, 0])
        lines.append(torch.cat((images[sample : sample + 1], copies)))
    return as_file(torch.stack(lines))


def as_file(tiles: Tensor) -> bytes:
    """uint8 ``(lines, columns, C, H, W)`` side by side, as a PNG file with gaps that let the page through."""
    from PIL import Image

    lines, columns, channels, height, width = tiles.shape
    if max(height, width) > LARGEST:
        scale = LARGEST / max(height, width)
        smaller = gpuaug.Resize((max(1, round(height * scale)), max(1, round(width * scale))))
        tiles = smaller(tiles.flatten(0, 1)).unflatten(0, (lines, columns))
        height, width = tiles.shape[3:]
    sheet = torch.zeros(4, lines * (height + GAP) - GAP, columns * (width + GAP) - GAP, dtype=torch.uint8)
    for line in range(lines):
        for column in range(columns):
            top, left = line * (height + GAP), column * (width + GAP)
            place = sheet[:, top : top + height, left : left + width]
            place[:3] = tiles[line, column].expand(3, -1, -1) if channels == 1 else tiles[line, column, :3]
            place[3] = 255
    file = io.BytesIO()
    Image.fromarray(sheet.permute(1, 2, 0).numpy(), "RGBA").save(file, "PNG", optimize=True)
    return file.getvalue()
