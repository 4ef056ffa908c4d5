"""Blurs that the kernel does not have: box, median, motion and glass."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gpuaug import lazy_kornia as kornia
from gpuaug import random
from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import Batched
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span, whole, whole_between, whole_span

__all__ = ["Blur", "GlassBlur", "MedianBlur", "MotionBlur"]

Span = float | tuple[float, float]
WholeSpan = int | tuple[int, int]


class _OfSize(Batched):
    """Base of filters with an odd size for each draw; draws of one size run together."""

    random_count = 1
    largest = 31
    averages = True

    def __init__(self, kernel_size: WholeSpan, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.kernel_size = whole_span("kernel_size", kernel_size, 1, self.largest, odd=True)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        size = whole_between(self.kernel_size, batch.uniform(place)[:, 0], step=2)
        return {"kernel_size": batch.grade_whole(size, 1, step=2)}

    def variants(self, params: dict[str, Any]) -> Tensor:
        sizes: Tensor = params["kernel_size"]
        return sizes

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}"


class Blur(_OfSize):
    """Replace each pixel by the mean of a square around it.

    >>> import gpuaug
    >>> row = torch.tensor([[[[0, 0, 90, 0, 0]]]], dtype=torch.uint8).expand(1, 1, 5, 5)
    >>> gpuaug.Blur(kernel_size=3)(row)[0, 0, 2].tolist()
    [0, 30, 30, 30, 0]

    The border is reflected without repeating the edge; the image must be larger than half the square.

    Args:
        kernel_size: side of the square in pixels, an odd number or (least, most) in [1, 31]; 1 changes
            nothing.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if an image is
            too small.
    """

    reference = "Albumentations Blur; OpenCV blur"
    backend = "kornia"

    def __init__(self, kernel_size: WholeSpan = (3, 7), *, seed: int | None = None) -> None:
        super().__init__(kernel_size, seed=seed)

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        check_reflectable(self, images, group.variant // 2)
        blurred: Tensor = kornia.filters.box_blur(images, group.variant)
        return blurred


class MedianBlur(_OfSize):
    """Replace each value by the median of a square around it, channel by channel.

    >>> import gpuaug
    >>> row = torch.tensor([[[[0, 0, 90, 0, 0]]]], dtype=torch.uint8).expand(1, 1, 5, 5)
    >>> gpuaug.MedianBlur(kernel_size=3)(row)[0, 0, 2].tolist()
    [0, 0, 0, 0, 0]

    Beyond the border the edge is repeated, as in OpenCV.

    Args:
        kernel_size: side of the square in pixels, an odd number or (least, most) in [1, 11]; 1 changes
            nothing. A side of k needs k * k times the memory of the blurred draws.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Albumentations MedianBlur; OpenCV medianBlur"
    backend = "kornia"
    largest = 11

    def __init__(self, kernel_size: WholeSpan = (3, 5), *, seed: int | None = None) -> None:
        super().__init__(kernel_size, seed=seed)

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        medians: Tensor = kornia.filters.median_blur(images, group.variant, border_type="replicate")
        return medians


class MotionBlur(_OfSize):
    """Replace each pixel by the mean along a line through it, at any angle.

    >>> import gpuaug
    >>> row = torch.tensor([[[[0, 0, 90, 0, 0]]]], dtype=torch.uint8).expand(1, 1, 5, 5)
    >>> gpuaug.MotionBlur(kernel_size=3, angle=0.0, direction=0.0)(row)[0, 0, 2].tolist()
    [0, 30, 30, 30, 0]

    The image stays in place. A line with more weight at one end is shifted along itself until its centre of
    mass is the pixel, so masks, boxes and keypoints stay right. Such a line reaches up to ``(kernel_size + 1)
    / 6`` pixels further.

    Args:
        kernel_size: length of the line in pixels, an odd number or (least, most) in [3, 31].
        angle: in degrees, counterclockwise from the row, a number or (least, most) in [-360, 360].
        direction: a number or (least, most) in [-1, 1]. At 0 all pixels of the line weigh the same; at -1 and
            1 the weight falls linearly to nothing towards one end.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if an image is
            too small.
    """

    reference = "Albumentations MotionBlur; kornia motion_blur, centred"
    backend = "kornia"
    random_count = 3

    def __init__(
        self,
        kernel_size: WholeSpan = (3, 7),
        angle: Span = (-180.0, 180.0),
        direction: Span = (-1.0, 1.0),
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(kernel_size, seed=seed)
        whole_span("kernel_size", kernel_size, 3, self.largest, odd=True)
        self.angle = span("angle", angle, -360, 360)
        self.direction = span("direction", direction, -1, 1)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        angle, direction = batch.uniform(place)[:, 1:].unbind(1)
        line = {"angle": between(self.angle, angle), "direction": between(self.direction, direction)}
        return {**super().draw_parameters(batch, place), **line}

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        size = group.variant
        if size == 1:  # of a draw of low strength
            return images
        steepest = max(map(abs, self.direction))
        reach = size // 2 + math.ceil(steepest * (size + 1) / 6)
        check_reflectable(self, images, reach)
        angle, direction = (group.parameters[name].to(images.dtype) for name in ("angle", "direction"))
        row = _centred_line(size, direction, reach)[:, None, None]
        square = F.pad(row, (0, 0, reach, reach))
        kernel = kornia.geometry.transform.rotate(square, angle)[:, 0]
        kernel = kernel / kernel.sum((1, 2), keepdim=True)
        blurred: Tensor = kornia.filters.filter2d(images, kernel, border_type="reflect")
        return blurred

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, angle={self.angle}, direction={self.direction}"


def _centred_line(size: int, direction: Tensor, reach: int) -> Tensor:
    """Weights of lines of ``size`` pixels, ``(m, 2 * reach + 1)``, with the centre of mass in the middle.

    >>> _centred_line(3, torch.tensor([0.0, 1.0]), reach=2)
    tensor([[0.0000, 0.3333, 0.3333, 0.3333, 0.0000],
            [0.0000, 0.2222, 0.5556, 0.2222, 0.0000]])
    """
    place = torch.arange(size, device=direction.device, dtype=direction.dtype) - size // 2
    weight = 1 / size - direction[:, None] * place * (2 / (size * (size - 1)))
    place = place + direction[:, None] * ((size + 1) / 6)
    # A weight between two pixels is shared by both, which keeps the centre of mass.
    pixel = torch.arange(-reach, reach + 1, device=direction.device)[:, None]
    shares = (1 - (pixel - place[:, None]).abs()).clamp(min=0)
    return (shares * weight[:, None]).sum(2)


class GlassBlur(Batched):
    """Swap pixels with their neighbours, as behind frosted glass, between two light Gaussian blurs.

    >>> import gpuaug
    >>> gpuaug.GlassBlur(max_delta=2)(torch.zeros(2, 3, 16, 16, dtype=torch.uint8)).shape
    torch.Size([2, 3, 16, 16])

    The paper swaps pixels one after another. Here every pixel takes a neighbour's value at the same time,
    ``iterations`` times, so that a batch is one gather; a value may appear twice.

    Args:
        sigma: deviation of the Gaussians in pixels, a number or (least, most) in [0, 10]; 0 leaves them out.
            Their square reaches ``ceil(3 * most)`` pixels.
        max_delta: largest distance of a neighbour in x and in y, a whole number of pixels in [0, 32].
        iterations: number of swaps, in [1, 10].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if an image is
            too small.
    """

    reference = "Hendrycks and Dietterich, Benchmarking robustness to corruptions, ICLR 2019"
    backend = "kornia"
    random_count = 1
    graded = False
    averages = True

    def __init__(
        self, sigma: Span = (0.4, 0.8), max_delta: int = 1, iterations: int = 2, *, seed: int | None = None
    ) -> None:
        super().__init__(seed=seed)
        self.sigma = span("sigma", sigma, 0, 10)
        self.max_delta = whole("max_delta", max_delta, 0, 32)
        self.iterations = whole("iterations", iterations, 1, 10)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"sigma": between(self.sigma, batch.uniform(place)[:, 0]), "keys": batch.keys}

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        return self._blur(self._shuffle(self._blur(images, group), group), group)

    def _blur(self, images: Tensor, group: Group) -> Tensor:
        reach = math.ceil(3 * self.sigma[1])
        check_reflectable(self, images, reach)
        sigma = group.parameters["sigma"].to(images.dtype)[:, None].clamp(min=1e-2)
        return gaussian_blurred(images, sigma, reach, "reflect")

    def _shuffle(self, images: Tensor, group: Group) -> Tensor:
        count, channels, height, width = images.shape
        row = torch.arange(height, device=images.device)[:, None]
        column = torch.arange(width, device=images.device)
        keys, reach = group.parameters["keys"], (-self.max_delta, self.max_delta)
        for iteration in range(self.iterations):
            number = random.uniform_field(keys, group.place, 2 * height * width, iteration)
            down, across = whole_between(reach, number).view(count, 2, height, width).unbind(1)
            at = (row + down).clamp(0, height - 1) * width + (column + across).clamp(0, width - 1)
            at = at.view(count, 1, -1).expand(-1, channels, -1)
            images = images.flatten(2).gather(2, at).view_as(images)
        return images

    def extra_repr(self) -> str:
        return f"sigma={self.sigma}, max_delta={self.max_delta}, iterations={self.iterations}"


def gaussian_blurred(images: Tensor, sigma: Tensor | float, reach: int, border: str) -> Tensor:
    """Blur images by Gaussians that are cut off ``reach`` pixels away.

    >>> gaussian_blurred(torch.ones(1, 1, 5, 5), 99.0, reach=1, border="constant")[0, 0, 2]
    tensor([0.6667, 1.0000, 1.0000, 1.0000, 0.6667])

    Args:
        images: floating ``(m, C, H, W)``.
        sigma: in pixels, above 0: ``(m, 1)`` of the images' type, or one number for all.
        border: kornia's name of the border.
    """
    away = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    line = torch.exp(-0.5 * (away / sigma).square()).view(-1, 2 * reach + 1)
    line = line / line.sum(1, keepdim=True)
    blurred: Tensor = kornia.filters.filter2d_separable(images, line, line, border_type=border)
    return blurred


def check_reflectable(transform: Batched, images: Tensor, reach: int) -> None:
    """Raise unless the image has enough pixels to reflect ``reach`` of them without the edge."""
    height, width = images.shape[2:]
    if min(height, width) <= reach:
        raise ValueError(
            f"{transform.label()} needs images of more than {reach} pixels on either side, "
            f"got {height} x {width}"
        )
