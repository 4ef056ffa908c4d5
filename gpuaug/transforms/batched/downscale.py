"""The loss of detail of an image that was stored in fewer pixels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import Batched
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span

__all__ = ["Downscale"]


class Downscale(Batched):
    """Shrink the image and enlarge it again, both times to the nearest pixel.

    >>> import gpuaug
    >>> row = torch.tensor([[[[1, 2, 3, 4]]]], dtype=torch.uint8).expand(1, 1, 4, 4)
    >>> gpuaug.Downscale(scale=0.5)(row)[0, 0, 0].tolist()
    [1, 1, 3, 3]

    Args:
        scale: factor of both sides, a number or (least, most) in (0, 1]; 1 changes nothing. Sides of the
            small image are rounded down to whole pixels, at least one.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Albumentations Downscale"
    random_count = 1
    averages = True

    def __init__(self, scale: float | tuple[float, float] = (0.25, 0.75), *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.scale = span("scale", scale, 1e-6, 1)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"scale": batch.grade(between(self.scale, batch.uniform(place)[:, 0]), 1.0)}

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        for axis in (2, 3):
            side = images.shape[axis]
            small = (group.parameters["scale"] * side + 1e-4).long().clamp(1, side)[:, None]
            pixel = torch.arange(side, device=images.device) * small // side  # of the small image
            source = pixel * side // small  # that it came from
            shape = [len(images), 1, 1, 1]
            shape[axis] = side
            images = images.gather(axis, source.view(shape).expand_as(images))
        return images

    def extra_repr(self) -> str:
        return f"scale={self.scale}"
