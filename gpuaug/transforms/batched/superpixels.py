"""Superpixels: segments of an image, some of which are filled with their mean color."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gpuaug import random
from gpuaug.images.levels import clamped, nearest_levels, shares
from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import LEVELS, Batched
from gpuaug.transforms.batched.slic import MOST_COMPACT, slic
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, number, span, whole, whole_between, whole_span

__all__ = ["Superpixels"]

_STEPS = 1 << 16  # parts of a level, in which values are added


class Superpixels(Batched):
    """Divide the image into segments of similar color, and fill some of them with their mean color.

    >>> import gpuaug
    >>> row = torch.tensor([[[[10, 20, 30, 200, 210, 220]]]], dtype=torch.uint8)
    >>> gpuaug.Superpixels(p_replace=1.0, n_segments=2)(row).flatten().tolist()
    [20, 20, 20, 210, 210, 210]

    Images are bytes or floats ``(n, C, H, W)`` of any size. SLIC finds the segments in ten rounds. It
    compares colors in CIELAB, and lightness in images of one or two channels. It starts from a grid of equal
    cells; a pixel joins the segment of its own cell or of one of the eight around it. Unlike in scikit-image,
    a segment may have stray pixels. Floats have the segments of their nearest levels. The mean has the
    gradient of a mean. NaN stays NaN and counts as black.

    Args:
        p_replace: probability that a segment takes its mean color, a number or (least, most) in [0, 1]; 0
            changes nothing.
        n_segments: approximate number of segments, a number or (least, most) in [1, 10000]. The grid takes
            the nearest number that its rows and columns allow. Between two numbers the square root is drawn
            as a whole number, since draws of one number run together.
        max_size: segments of an image whose longer side has more pixels are found in a smaller copy of this
            size, in [1, 65536]. Means are of all pixels. None: never shrunk.
        compactness: how square segments are, in [1, 100]: the distance in CIELAB that counts as much as the
            side of a cell, as in scikit-image.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Achanta et al., SLIC superpixels, TPAMI 2012; Albumentations Superpixels"
    random_count = 2

    def __init__(
        self,
        p_replace: float | tuple[float, float] = (0.0, 0.1),
        n_segments: int | tuple[int, int] = 100,
        max_size: int | None = 128,
        compactness: float = 10.0,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.p_replace = span("p_replace", p_replace, 0, 1)
        self.n_segments = whole_span("n_segments", n_segments, 1, 10000)
        self.max_size = None if max_size is None else whole("max_size", max_size, 1, 1 << 16)
        self.compactness = number("compactness", compactness, 1, MOST_COMPACT)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        chance, count = batch.uniform(place).unbind(1)
        least, most = self.n_segments
        root = whole_between((round(math.sqrt(least)), round(math.sqrt(most))), count)
        return {
            "p_replace": batch.grade(between(self.p_replace, chance)),
            "n_segments": root.square().clamp(least, most),
            "keys": batch.keys,
        }

    def variants(self, params: dict[str, Any]) -> Tensor | None:
        counts: Tensor = params["n_segments"]
        return None if self.n_segments[0] == self.n_segments[1] else counts

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        segments, count = self._segments(images, group.variant or self.n_segments[0])
        chance = random.uniform_field(group.parameters["keys"], group.place, count)
        chosen = chance < group.parameters["p_replace"][:, None]
        where = segments.flatten(1)
        # The comparison is False for NaN.
        replaced = chosen.gather(1, where).view_as(segments)[:, None] & (images == images)
        return torch.where(replaced, _means(images, where, count), images)

    def _segments(self, images: Tensor, about: int) -> tuple[Tensor, int]:
        """The segment of every pixel, int64 ``(m, H, W)``, and the number of segments."""
        levels, size = nearest_levels(images), (images.shape[2], images.shape[3])
        longer = max(size)
        if self.max_size is None or longer <= self.max_size:
            grid = _grid(*size, about)
            return slic(levels, grid, self.compactness), grid[0] * grid[1]
        height, width = (max(1, round(side * self.max_size / longer)) for side in size)
        grid = _grid(height, width, about)
        small = slic(F.adaptive_avg_pool2d(levels, (height, width)).round(), grid, self.compactness)
        y, x = (
            torch.arange(side, device=images.device) * short // side
            for side, short in zip(size, (height, width), strict=True)
        )
        return small.index_select(1, y).index_select(2, x), grid[0] * grid[1]

    def extra_repr(self) -> str:
        return (
            f"p_replace={self.p_replace}, n_segments={self.n_segments}, max_size={self.max_size}, "
            f"compactness={self.compactness}"
        )


def _grid(height: int, width: int, about: int) -> tuple[int, int]:
    """Cells (down, across), about ``about`` in all, as square as possible and at least one pixel each.

    >>> _grid(224, 224, 100), _grid(100, 400, 100), _grid(2000, 1, 100), _grid(3, 3, 100)
    ((10, 10), (5, 20), (100, 1), (3, 3))
    """
    shorter, longer = sorted((height, width))
    few = min(shorter, max(1, round(math.sqrt(about * shorter / longer))))
    many = min(longer, max(1, round(about / few)))
    return (few, many) if height <= width else (many, few)


def _means(images: Tensor, where: Tensor, count: int) -> Tensor:
    """The mean of each pixel's segment, in [0, 1]: ``(m, C, H, W)``.

    Whole numbers in float64 add up exactly, in whatever order a device adds them.

    Args:
        images: floating ``(m, C, H, W)``.
        where: int64 ``(m, H * W)``, the segment of each pixel, in [0, count).
    """
    held = images.detach().nan_to_num(0.0).clamp(0, 1).flatten(2)
    steps = held.double().mul_(LEVELS * _STEPS).round_()
    if images.requires_grad:  # rounding has no gradient of its own
        exact = clamped(images).nan_to_num(0.0).flatten(2).double() * (LEVELS * _STEPS)
        steps = steps + (exact - exact.detach())
    segment = where[:, None].expand_as(steps)
    sums = steps.new_zeros(*steps.shape[:2], count).scatter_add(2, segment, steps)
    ones = steps.new_ones(()).expand(len(where), where.shape[1])
    pixels = steps.new_zeros(len(where), count).scatter_add(1, where, ones)
    means = shares(sums / pixels.clamp(min=1)[:, None] / _STEPS).to(images.dtype)
    return means.gather(2, segment).view_as(images)
