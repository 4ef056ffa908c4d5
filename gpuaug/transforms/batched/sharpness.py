"""Sharpness as photo editors have it: away from, or towards, a smoothed image."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import Batched
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span

__all__ = ["RandomSharpness"]

Span = float | tuple[float, float]


class RandomSharpness(Batched):
    """The image away from its smoothed self, or towards it: ``smooth + factor * (image - smooth)``.

    >>> import gpuaug, torch
    >>> row = torch.tensor([[[[0, 0, 130, 130]]]], dtype=torch.uint8).expand(1, 1, 3, 4)
    >>> gpuaug.RandomSharpness(factor=0.0)(row)[0, 0, 1].tolist()
    [0, 30, 100, 130]

    Smooth is the mean of three by three pixels, the middle one weighing five times. The border stays.

    Args:
        factor: a number or (least, most) in [0, 10]; 1 changes nothing.
    """

    reference = "torchvision adjust_sharpness; Pillow ImageEnhance.Sharpness"
    random_count = 1

    def __init__(self, factor: Span = (0.1, 1.9), *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.factor = span("factor", factor, 0, 10)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"factor": batch.grade(between(self.factor, batch.uniform(place)[:, 0]), 1.0)}

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        if min(images.shape[2:]) < 3:
            return images
        middle = images[:, :, 1:-1, 1:-1]
        lines = images[:, :, :-2] + images[:, :, 1:-1] + images[:, :, 2:]
        smooth = (lines[..., :-2] + lines[..., 1:-1] + lines[..., 2:] + 4 * middle) / 13
        out = images.clone()
        # Written so that a factor of 1 gives the image to the bit.
        out[:, :, 1:-1, 1:-1] = middle + (1 - group.column("factor", images)) * (smooth - middle)
        return out

    def extra_repr(self) -> str:
        return f"factor={self.factor}"
