"""Crops, resizes and flips. A chain of them is one map and one resampling."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gpuaug.images.batch import check_size
from gpuaug.recipe.builder import Extent, RecipeBuilder
from gpuaug.recipe.layout import TRIES, Stage
from gpuaug.recipe.program import Operand
from gpuaug.recipe.selection import Selection, both
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.passes import Geometry
from gpuaug.transforms.ranges import (
    between,
    border,
    flag,
    interpolation_mode,
    interval,
    is_whole,
    levels,
    probability,
    whole,
)
from gpuaug.transforms.resampling import Fill, said
from gpuaug.transforms.step import Step

__all__ = [
    "CenterCrop",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomVerticalFlip",
    "Resize",
]

Size = int | tuple[int, int]


class Sized(Transform):
    """Base of transforms after which every draw has one size; a draw that is not augmented is resized to
    it.
    """

    stage = Stage.GEOMETRY
    geometry = Geometry.SIZE

    def __init__(self, size: Size, *, antialias: bool = True, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.size = check_size(size)
        self.extent = (self.size[1], self.size[0])
        self.antialias = flag("antialias", antialias)

    def write_plain(self, builder: RecipeBuilder, selection: Selection) -> None:
        builder.interpolate(self.interpolation, selection)
        builder.resize(self.extent, selection, antialias=self.antialias)

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        super().write_pass(batch, step, chosen, augmented)
        if step.pass_index == batch.pass_index and batch.reached is True:
            batch.builder.extent = self.extent

    def size_after(self, extent: tuple[int, int] | None) -> tuple[int, int]:
        return self.extent

    def extra_repr(self) -> str:
        return f"size={self.size}{_filter(self.antialias)}"


class RandomCrop(Sized):
    """Crop a window of a fixed size at a random place.

    >>> import gpuaug
    >>> crop = gpuaug.Compose([gpuaug.RandomCrop(20), gpuaug.Resize((32, 32))])  # the article's
    >>> crop(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    A draw that is not augmented (an original under ``apply_to="copies"``, and every draw in evaluation) is
    resized to ``size`` as a whole.

    Args:
        size: size of the window in pixels, (height, width), or one number for both.
        padding: pixels that the window may reach beyond each side of the image, in [0, 65535].
        padding_mode: content beyond the image: "zero", "edge" or "reflect" (the edge is not repeated).
        fill: level of a "zero" border, 0 to 255, or one for each channel. Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if the window is
            larger than the padded image; the message names the draw.
    """

    reference = "Krizhevsky et al., ImageNet classification, NeurIPS 2012"

    def __init__(
        self,
        size: Size,
        *,
        padding: int = 0,
        padding_mode: str = "zero",
        fill: Fill = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__(size, seed=seed)
        self.padding = whole("padding", padding, 0, 0xFFFF)
        self.padding_mode = border("padding_mode", padding_mode)
        self.fill = levels("fill", fill)
        self.random_count = 2
        self.geometry = Geometry.PAD if padding else Geometry.SIZE

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        room = _room(self, batch.builder.extent, self.padding)
        return {"fraction": (0, 0) if room == (0, 0) else batch.grade(batch.uniform(place), 0.5)}

    def write(self, builder: RecipeBuilder, selection: Selection, *, fraction: Operand) -> None:
        _check_room(self, builder, selection, self.padding)
        if self.padding:
            builder.border(self.padding_mode, selection, fill=self.fill)
        builder.window(fraction, self.extent, selection, padding=self.padding)

    def extra_repr(self) -> str:
        pad = f", padding={self.padding}, padding_mode={self.padding_mode!r}" if self.padding else ""
        return f"{super().extra_repr()}{pad}{said(fill=self.fill)}"


class RandomResizedCrop(Sized):
    """Crop a window of random area and aspect ratio, and resize it to a fixed size.

    >>> import gpuaug
    >>> gpuaug.RandomResizedCrop(32)(torch.zeros(2, 3, 48, 64, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    The window is drawn as in torchvision (Szegedy et al., CVPR 2015): ten tries at an area uniform in
    ``scale`` and a ratio log-uniform in ``ratio``. If none fits, it is the largest central window of an
    allowed ratio.

    Args:
        size: size of the result in pixels, (height, width), or one number for both.
        scale: share of the image's area, (least, most) in (0, 1].
        ratio: width / height of the window, (least, most), above 0.
        antialias: widens the filter where the image shrinks, as torchvision and Pillow do. "nearest" ignores
            it.
        interpolation: "bilinear" or "nearest", or torchvision's ``InterpolationMode``. "nearest" takes one
            source pixel for each output pixel, halves up. Both kinds in one chain take two passes.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Szegedy et al., Going deeper with convolutions, CVPR 2015"
    random_count = 2 * TRIES + 2

    def __init__(
        self,
        size: Size,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        *,
        antialias: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
    ) -> None:
        super().__init__(size, antialias=antialias, seed=seed)
        self.interpolation = interpolation_mode("interpolation", interpolation)
        self.scale = interval("scale", scale, high=1.0)
        self.ratio = interval("ratio", ratio)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        shares, ratios, fraction = batch.uniform(place).split_with_sizes((TRIES, TRIES, 2), 1)
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        shares, ratios = between(self.scale, shares), between((low, high), ratios)
        if batch.strength is not None:  # a lower strength is nearer to the whole image
            shares, ratios = (
                batch.grade(shares, 1.0),
                batch.grade(ratios, _own_ratio(batch.builder.extent).log()),
            )
        return {"fraction": fraction, "shares": shares, "ratios": torch.exp(ratios)}

    def write(
        self,
        builder: RecipeBuilder,
        selection: Selection,
        *,
        fraction: Tensor,
        shares: Tensor,
        ratios: Tensor,
    ) -> None:
        builder.interpolate(self.interpolation, selection)
        builder.fit(
            *(fraction, shares, ratios, self.ratio, self.extent, selection),
            antialias=self.antialias,
        )

    def extra_repr(self) -> str:
        ratio = ", ".join(f"{r:.3g}" for r in self.ratio)
        shape = f"size={self.size}, scale={self.scale}, ratio=({ratio})"
        return f"{shape}{_filter(self.antialias)}{said(self.interpolation)}"


class Resize(Transform):
    """Resize every draw; also originals, and in evaluation.

    >>> import gpuaug
    >>> gpuaug.Resize(32)(torch.zeros(2, 3, 48, 64, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 42])

    Args:
        size: (height, width) in pixels; or one number for the shorter side, which keeps the aspect ratio, as
            in torchvision.
        antialias: widens the filter where the image shrinks, as torchvision and Pillow do. "nearest" ignores
            it.
        interpolation: "bilinear" or "nearest", or torchvision's ``InterpolationMode``. "nearest" takes one
            source pixel for each output pixel, halves up, as NEAREST_EXACT of torchvision and Pillow. Both
            kinds in one chain take two passes.
        seed: has no effect, since nothing here is random.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Pillow Image.resize"
    stage = Stage.GEOMETRY
    geometry = Geometry.SIZE
    deterministic = True

    def __init__(
        self,
        size: Size,
        *,
        antialias: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.size = check_size(size)
        self.by_shorter_side = is_whole(size)
        self.antialias = flag("antialias", antialias)
        self.interpolation = interpolation_mode("interpolation", interpolation)

    def write(self, builder: RecipeBuilder, selection: Selection) -> None:
        builder.interpolate(self.interpolation, selection)
        builder.resize(self._extent(builder.extent), selection, antialias=self.antialias)

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        if step.pass_index == batch.pass_index:
            self.write(batch.builder, batch.reached)

    def size_after(self, extent: tuple[int, int] | None) -> tuple[int, int] | None:
        return None if self.by_shorter_side and extent is None else self._of_one(extent or (1, 1))

    def _extent(self, present: Extent) -> Extent:
        if isinstance(present, Tensor) and self.by_shorter_side:
            return self.size[0] * present // present.amin(1, keepdim=True)
        return self._of_one((1, 1) if isinstance(present, Tensor) else present)

    def _of_one(self, present: tuple[int, int]) -> tuple[int, int]:
        """The size of one extent, which does not matter where both sides are given."""
        if not self.by_shorter_side:
            return (self.size[1], self.size[0])
        width, height = (self.size[0] * side // min(present) for side in present)
        return (width, height)

    def extra_repr(self) -> str:
        size = self.size[0] if self.by_shorter_side else self.size
        return f"size={size}{_filter(self.antialias)}{said(self.interpolation)}"


class CenterCrop(Sized):
    """Crop the window in the middle; also originals, and in evaluation.

    >>> import gpuaug
    >>> gpuaug.CenterCrop(24)(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 24, 24])

    Args:
        size: size of the window in pixels, (height, width), or one number for both; at most the image's.
        antialias: widens the filter for draws that a ``OneOf`` resizes to the window's size instead, where
            they shrink.
        seed: has no effect, since nothing here is random.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if the window is
            larger than an image.
    """

    reference = "torchvision CenterCrop"
    deterministic = True

    def write(self, builder: RecipeBuilder, selection: Selection) -> None:
        _check_room(self, builder, selection)
        room = _room(self, builder.extent)
        # Halves to even, as in torchvision.
        corner = (room / 2).round() if isinstance(room, Tensor) else tuple(round(side / 2) for side in room)
        builder.crop(corner, self.extent, selection)


class _Flip(Transform):
    """Base of the flips: mirrors along an axis."""

    stage = Stage.GEOMETRY
    geometry = Geometry.FLIP
    random_count = 1
    graded = False
    axis: int

    def __init__(self, p: float = 0.5, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.p = probability("p", p)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"flipped": batch.choose(place, self.p)}

    def write(self, builder: RecipeBuilder, selection: Selection, *, flipped: Selection) -> None:
        builder.flip(self.axis, both(selection, flipped))

    def extra_repr(self) -> str:
        return f"p={self.p}"


class RandomHorizontalFlip(_Flip):
    """Flip the image left to right, with probability ``p``.

    >>> import gpuaug
    >>> gpuaug.RandomHorizontalFlip(p=1.0)(torch.tensor([[[[1, 2]]]], dtype=torch.uint8))
    tensor([[[[2, 1]]]], dtype=torch.uint8)

    Args:
        p: probability that a draw is transformed, in [0, 1].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Krizhevsky et al., ImageNet classification, NeurIPS 2012"
    axis = 0


class RandomVerticalFlip(_Flip):
    """Flip the image top to bottom, with probability ``p``.

    >>> import gpuaug
    >>> gpuaug.RandomVerticalFlip(p=1.0)(torch.tensor([[[[1], [2]]]], dtype=torch.uint8)).flatten()
    tensor([2, 1], dtype=torch.uint8)

    Args:
        p: probability that a draw is transformed, in [0, 1].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "torchvision RandomVerticalFlip"
    axis = 1


def _filter(antialias: bool) -> str:
    return "" if antialias else ", antialias=False"


def _own_ratio(extent: Extent) -> Tensor:
    """Width / height of the images, float64 ``(n or 1, 1)``."""
    width, height = (
        torch.as_tensor(extent, dtype=torch.float64, device=getattr(extent, "device", "cpu"))
        .view(-1, 2)
        .split(1, 1)
    )
    ratio: Tensor = width / height
    return ratio


def _room(transform: Sized, present: Extent, padding: int = 0) -> Extent:
    """Pixels that the window can move to the right and down, in an image of the present extent."""
    width, height = transform.extent
    if isinstance(present, Tensor):
        return present + (2 * padding - present.new_tensor((width, height)))
    return (present[0] + 2 * padding - width, present[1] + 2 * padding - height)


def _check_room(transform: Sized, builder: RecipeBuilder, selection: Selection, padding: int = 0) -> None:
    present = builder.extent
    room = _room(transform, present, padding)
    short = both(selection, (room < 0).any(1) if isinstance(room, Tensor) else min(room) < 0)
    for n in short.nonzero().flatten()[:1].tolist() if isinstance(short, Tensor) else [0] * short:
        width, height = present[n].tolist() if isinstance(present, Tensor) else present
        raise ValueError(
            f"{type(transform).__name__}: size must be at most the image's with its padding, "
            f"got {transform.size[0]} x {transform.size[1]} for {builder.name_of(n)} of {height} x {width} "
            "pixels"
        )
