"""Photometric distortion, as in the training of detectors."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.program import Operand
from gpuaug.recipe.selection import Selection, both
from gpuaug.transforms.color import Color
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import around, between, bounds, probability, steady

__all__ = ["RandomPhotometricDistort"]

Range = tuple[float, float]


class RandomPhotometricDistort(Color):
    """Change brightness, contrast, saturation, hue and channel order, each in some of the images.

    >>> import gpuaug
    >>> distort = gpuaug.RandomPhotometricDistort(p=1.0)
    >>> distort(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Names and distributions are torchvision's, as one matrix, with the differences of ``ColorJitter``:
    contrast is about middle grey, hue is a rotation that keeps the luma, and nothing is clamped in between.
    Therefore it does not matter whether contrast comes before or after saturation and hue, an order that
    torchvision draws.

    Args:
        brightness, contrast, saturation: factor, (least, most), at least 0.
        hue: in turns, (least, most) within [-0.5, 0.5].
        p: probability of each of the five, in [0, 1].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if images do not
            have 3 or 4 channels.
    """

    reference = "Liu et al., SSD, ECCV 2016; torchvision RandomPhotometricDistort"
    grey = False
    random_count = 10  # whether and how much, five times

    def __init__(
        self,
        brightness: Range = (0.875, 1.125),
        contrast: Range = (0.5, 1.5),
        saturation: Range = (0.5, 1.5),
        hue: Range = (-0.05, 0.05),
        p: float = 0.5,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.brightness = around("brightness", brightness, 1.0, low=0.0)
        self.contrast = around("contrast", contrast, 1.0, low=0.0)
        self.saturation = around("saturation", saturation, 1.0, low=0.0)
        self.hue = around("hue", hue, 0.0, low=-0.5, high=0.5)
        self.p = probability("p", p)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        whether, how = batch.uniform(place).split(5, dim=1)
        drawn = between(bounds(self.brightness, self.contrast, self.saturation, self.hue), how[:, :4])
        neutral = (1.0, 1.0, 1.0, 0.0)
        drawn = torch.where(whether[:, :4] < self.p, drawn, drawn.new_tensor(neutral))
        *factors, turns = batch.grade(drawn, neutral).unbind(1)
        angle = 2 * math.pi * turns
        whole = torch.eye(3, 4, dtype=torch.float64, device="cpu")
        orders = torch.tensor(list(permutations(range(3))), device="cpu")[(how[:, 4] * 6).long()]
        return {
            "factors": tuple(factors),
            "hue": (steady(torch.cos(angle)), steady(torch.sin(angle))),
            "permutation": batch.grade(whole[orders], whole).flatten(1),
            "permuted": whether[:, 4] < self.p,
        }

    def write(
        self,
        builder: RecipeBuilder,
        selection: Selection,
        *,
        factors: tuple[Tensor, Tensor, Tensor],
        hue: Operand,
        permutation: Tensor,
        permuted: Tensor,
    ) -> None:
        self.check_channels(builder)
        builder.adjust(*factors, 1, hue, selection)
        builder.color(permutation, both(selection, permuted))

    def extra_repr(self) -> str:
        return (
            f"brightness={self.brightness}, contrast={self.contrast}, saturation={self.saturation}, "
            f"hue={self.hue}, p={self.p}"
        )
