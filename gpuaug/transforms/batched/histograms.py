"""Contrast and histograms, which go by the whole image: mean contrast, autocontrast, equalize."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gpuaug import lazy_kornia as kornia
from gpuaug.images.levels import nearest_levels, shares
from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import LEVELS, Batched
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span

__all__ = ["AutoContrast", "Equalize", "RandomMeanContrast"]

Span = float | tuple[float, float]


class RandomMeanContrast(Batched):
    """Contrast about the image's own mean brightness: ``mean + factor * (value - mean)``.

    >>> import gpuaug
    >>> gpuaug.RandomMeanContrast(factor=0.0)(torch.tensor([[[[0, 100]]]], dtype=torch.uint8)).tolist()
    [[[[50, 50]]]]

    The mean is that of the grey image (ITU-R BT.601 weights) where there are three channels, else of all
    values; it is not rounded to a level.

    Args:
        factor: a number or (least, most) in [0, 10]; 1 changes nothing.
    """

    reference = "torchvision adjust_contrast; ITU-R BT.601 (grey)"
    backend = "kornia"
    random_count = 1

    def __init__(self, factor: Span = (0.8, 1.2), *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.factor = span("factor", factor, 0, 10)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"factor": batch.grade(between(self.factor, batch.uniform(place)[:, 0]), 1.0)}

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        grey = kornia.color.rgb_to_grayscale(images) if images.shape[1] == 3 else images
        mean = grey.flatten(1).mean(1)[:, None, None, None]
        factor = group.column("factor", images)
        # Written so that a factor of 1 gives the image to the bit.
        return images * factor + mean * (1 - factor)

    def extra_repr(self) -> str:
        return f"factor={self.factor}"


class AutoContrast(Batched):
    """Each channel stretched from black to white; a channel of one value stays.

    >>> import gpuaug
    >>> gpuaug.AutoContrast()(torch.tensor([[[[50, 90, 150]]]], dtype=torch.uint8)).tolist()
    [[[[0, 102, 255]]]]
    """

    reference = "Cubuk et al., AutoAugment, CVPR 2019; Pillow ImageOps.autocontrast"
    graded = False

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        low, high = (edge((2, 3), keepdim=True) for edge in (images.amin, images.amax))
        flat = high <= low
        return torch.where(flat, images, (images - low) / torch.where(flat, 1, high - low))


class Equalize(Batched):
    """Each channel's histogram made even, as Pillow does it.

    >>> import gpuaug
    >>> gpuaug.Equalize()(torch.tensor([[[[10, 20, 30, 40]]]], dtype=torch.uint8)).tolist()
    [[[[10, 20, 30, 40]]]]

    A channel with fewer values than levels may stay as it is, as in the example. Floats are counted in the
    nearest of 256 levels, and moved as far as that level is: their gradient is that of the identity. NaN
    stays, and counts as black.
    """

    reference = "Cubuk et al., AutoAugment, CVPR 2019; Pillow ImageOps.equalize"
    graded = False

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        # kornia's equalize counts levels by truncation and departs from Pillow in its step; this is 10 lines.
        level = nearest_levels(images).long().flatten(2)
        histogram = level.new_zeros(*level.shape[:2], LEVELS + 1).scatter_add_(
            2, level, torch.ones_like(level)
        )
        brightest = level.amax(2, keepdim=True)
        step = (level.shape[2] - histogram.gather(2, brightest)) // LEVELS
        below = histogram.cumsum(2) - histogram
        table = ((below + step // 2) // step.clamp(min=1)).clamp(max=LEVELS)
        change = (table.gather(2, level) - level) * (step > 0)
        return images + shares(change.view_as(images).to(images.dtype))
