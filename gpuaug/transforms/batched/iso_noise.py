"""Camera noise: it depends on the whole image's lightness, and so runs as a batched transform."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gpuaug import lazy_kornia as kornia
from gpuaug import random
from gpuaug.images.levels import shares
from gpuaug.recipe.recipes import NOISE_KEYS, Group
from gpuaug.transforms.batched.base import LEVELS, Batched
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span

__all__ = ["ISONoise"]

Span = float | tuple[float, float]


class ISONoise(Batched):
    """Add the noise of a camera at high sensitivity: Poisson in lightness, normal in hue.

    >>> import gpuaug
    >>> gpuaug.ISONoise(intensity=0.5)(torch.full((2, 3, 8, 8), 90, dtype=torch.uint8)).shape
    torch.Size([2, 3, 8, 8])

    As in Albumentations 1. With s the standard deviation of the image's lightness (HLS), the hue turns by a
    normal angle of ``color_shift * intensity`` turns. The lightness L becomes ``L + n / 255 * (1 - L)``,
    where n is Poisson of mean ``s * intensity * 255``. Images without three channels have no hue: each value
    counts as lightness, and n is the same for all channels of a pixel. One NaN makes its whole image NaN,
    since the deviation is then NaN.

    Args:
        color_shift: deviation of the hue in turns, a number or (least, most) in [0, 1].
        intensity: factor of both noises, a number or (least, most) in [0, 1]; 0 changes nothing.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Albumentations 1 ISONoise"
    backend = "kornia"
    random_count = 2

    def __init__(
        self, color_shift: Span = (0.01, 0.05), intensity: Span = (0.1, 0.5), *, seed: int | None = None
    ) -> None:
        super().__init__(seed=seed)
        self.color_shift = span("color_shift", color_shift, 0, 1)
        self.intensity = span("intensity", intensity, 0, 1)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        shift, intensity = batch.uniform(place).unbind(1)
        shift, intensity = between(self.color_shift, shift), batch.grade(between(self.intensity, intensity))
        return {"turn": shift * intensity, "intensity": intensity, NOISE_KEYS: batch.keys}

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        count, channels, height, width = images.shape
        keys, pixels = group.parameters[NOISE_KEYS], height * width
        color = channels == 3
        hls = kornia.color.rgb_to_hls(images) if color else images
        light = hls[:, 1:2] if color else images
        mean = light.detach().flatten(1).std(1, correction=0) * group.parameters["intensity"] * LEVELS
        number = random.uniform_field(keys, group.place, pixels)
        noise = shares(_poisson(mean, number).to(images.dtype).view(count, 1, height, width))
        lighter = light + noise * (1 - light)
        if color:
            normal = random.normal_field(keys, group.place, pixels, number=1).view(count, 1, height, width)
            turn = group.column("turn", images) * normal.to(images.dtype) * (2 * math.pi)
            hue = (hls[:, 0:1] + turn).remainder(2 * math.pi)
            lighter = kornia.color.hls_to_rgb(torch.cat((hue, lighter, hls[:, 2:3]), dim=1))
        return torch.where(group.column("intensity", images) == 0, images, lighter)

    def extra_repr(self) -> str:
        return f"color_shift={self.color_shift}, intensity={self.intensity}"


def _poisson(mean: Tensor, number: Tensor) -> Tensor:
    """Poisson counts ``(n, count)`` by inversion of numbers in [0, 1), with each draw's mean, at most 127.5.

    A mean of NaN gives NaN.
    """
    k = torch.arange(256, device=mean.device, dtype=torch.float64)
    rate = mean.double()[:, None]
    share = torch.exp(torch.special.xlogy(k, rate) - rate - torch.lgamma(k + 1))
    counts = torch.searchsorted(share.cumsum(1), number.double(), right=True)
    return torch.where(rate.isnan(), rate, counts)
