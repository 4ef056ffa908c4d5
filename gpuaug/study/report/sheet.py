"""The sheet of draws: a few originals, and what each transform makes of them."""

from __future__ import annotations

from collections.abc import Collection

import torch
from matplotlib.figure import Figure
from torch import Tensor

import gpuaug
from gpuaug.random import draw_keys
from gpuaug.study.arms.arms import flip_and_resized_crop
from gpuaug.study.arms.techniques import TECHNIQUES
from gpuaug.study.data.study_data import StudyData
from gpuaug.transforms import Transform

ROWS = 5
FRESH = 3  # draws of the last column's transform, to show that every copy is another


def sheet_transforms(height: int, width: int) -> dict[str, Transform]:
    """Every transform that has a column, by its title."""
    return {
        "crop": TECHNIQUES["crop"](height, width),
        "flip": gpuaug.RandomHorizontalFlip(p=1.0),
        "noise": TECHNIQUES["salt_and_pepper"](height, width),
        "blur": gpuaug.GaussianBlur(sigma=None),
        "resized crop": gpuaug.RandomResizedCrop((height, width)),
        **{
            f"all ({number})": gpuaug.Compose(flip_and_resized_crop(height, width))
            for number in range(1, FRESH + 1)
        },
    }


def sheet_images(data: StudyData, minority: Collection[str]) -> dict[str, Tensor]:
    """The columns: uint8 ``(rows, C, H, W)`` by title, the originals first."""
    rare = torch.tensor([data.classes.index(name) for name in minority])
    index = torch.isin(data.train_labels, rare).nonzero().squeeze(1)[:ROWS]
    originals = data.train_images[index]
    columns = {"original": originals}
    for number, (title, transform) in enumerate(sheet_transforms(*originals.shape[2:]).items(), start=1):
        copy = torch.full_like(index, number)
        draws = torch.stack((torch.arange(len(index)), copy, draw_keys(0, 0, index, copy)), dim=1)
        columns[title] = transform(originals, draws)
    return columns


def draw_sheet(data: StudyData, minority: Collection[str]) -> Figure:
    """The first images of the minority classes, one a row, under every transform, one a column."""
    columns = sheet_images(data, minority)
    rows = len(columns["original"])
    figure = Figure(figsize=(1.3 * len(columns), 1.3 * rows + 0.3), layout="constrained")
    grid = figure.subplots(rows, len(columns), squeeze=False)
    for axes, (title, images) in zip(grid.T, columns.items(), strict=True):
        axes[0].set_title(title, fontsize=9)
        for place, image in zip(axes, images, strict=True):
            place.imshow(image.permute(1, 2, 0).squeeze(2).numpy(), cmap="gray", vmin=0, vmax=255)
            place.set_axis_off()
    return figure
