"""Images on a canvas: padded, made smaller within their size, scaled onto one of a fixed size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.builder import Extent, RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.selection import Selection, both
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.geometry import Size, Sized
from gpuaug.transforms.passes import Geometry
from gpuaug.transforms.ranges import (
    between,
    flag,
    interpolation_mode,
    interval,
    is_whole,
    levels,
    probability,
    whole,
)
from gpuaug.transforms.resampling import Fill, said

__all__ = ["Pad", "RandomShortestSize", "RandomZoomOut", "ScaleJitter"]

_PADDING_MODES = {"constant": "zero", "edge": "edge", "reflect": "reflect"}


class Pad(Transform):
    """More pixels around the image; of originals and in evaluation too.

    >>> import gpuaug
    >>> gpuaug.Pad(1, fill=9)(torch.tensor([[[[5]]]], dtype=torch.uint8)).flatten()
    tensor([9, 9, 9, 9, 5, 9, 9, 9, 9], dtype=torch.uint8)

    Before a ``RandomCrop``, its own ``padding`` does the same in one pass; this one shares its pass with
    flips alone. A batch of images of several sizes must be resized to one before.

    Args:
        padding: pixels on every side, in [0, 65535]; or (left and right, top and bottom); or (left, top,
            right, bottom).
        fill: what a "constant" border is: a level, 0 to 255, or one for each channel; for floats, that / 255.
        padding_mode: "constant", "edge", or "reflect" (the edge not repeated).
    """

    reference = "torchvision Pad"
    stage = Stage.GEOMETRY
    geometry = Geometry.PAD
    deterministic = True
    graded = False

    def __init__(
        self,
        padding: int | Sequence[int],
        fill: Fill = 0,
        padding_mode: str = "constant",
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.padding = _sides(padding)
        self.fill = levels("fill", fill)
        if padding_mode not in _PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {', '.join(_PADDING_MODES)}, got {padding_mode!r}")
        self.padding_mode = padding_mode

    def write(self, builder: RecipeBuilder, selection: Selection) -> None:
        left, top, _, _ = self.padding
        builder.border(_PADDING_MODES[self.padding_mode], selection, fill=self.fill)
        builder.crop((-left, -top), self._extent(builder.extent), selection)

    def write_plain(self, builder: RecipeBuilder, selection: Selection) -> None:
        builder.resize(self._extent(builder.extent), selection)

    def size_after(self, extent: tuple[int, int] | None) -> tuple[int, int] | None:
        return None if extent is None else self._of_one(extent)

    def _extent(self, present: Extent) -> Extent:
        if isinstance(present, Tensor):
            return present + present.new_tensor(self._of_one((0, 0)))
        return self._of_one(present)

    def _of_one(self, present: tuple[int, int]) -> tuple[int, int]:
        left, top, right, bottom = self.padding
        return (present[0] + left + right, present[1] + top + bottom)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, padding_mode={self.padding_mode!r}{said(fill=self.fill)}"


class RandomZoomOut(Transform):
    """The image made smaller, somewhere on a canvas of ``fill``, with probability ``p``.

    >>> import gpuaug
    >>> images = torch.full((1, 1, 32, 32), 200, dtype=torch.uint8)
    >>> zoom = gpuaug.RandomZoomOut(fill=9, side_range=(2.0, 2.0), p=1.0)
    >>> zoom(images).unique().tolist()
    [9, 200]

    torchvision's canvas is larger and the image stays as it is (Liu et al., SSD, ECCV 2016). All images of a
    batch have one size, so here the canvas is scaled back to the image's size, antialiased, in the same
    resampling as the crops, flips and resizes around it. The image is moved by whole pixels of the result.

    Args:
        side_range: (least, most) factor of the canvas's sides, at least 1.
        p: probability, in [0, 1].
        antialias: widen the filter as much as the image shrinks; "nearest" does without.
        interpolation: "bilinear", or "nearest": one pixel of the source for each of the result, halves up;
            torchvision's ``InterpolationMode`` too. Two kinds are two passes.
        fill: of the canvas: a level, 0 to 255, or one for each channel; for floats, that / 255.
    """

    reference = "Liu et al., SSD, ECCV 2016; torchvision RandomZoomOut"
    stage = Stage.GEOMETRY
    geometry = Geometry.AFFINE
    random_count = 4

    def __init__(
        self,
        fill: Fill = 0,
        side_range: tuple[float, float] = (1.0, 4.0),
        p: float = 0.5,
        *,
        antialias: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.fill = levels("fill", fill)
        self.side_range = interval("side_range", side_range)
        if self.side_range[0] < 1:
            raise ValueError(f"side_range must be factors of at least 1, got {side_range}")
        self.p = probability("p", p)
        self.antialias = flag("antialias", antialias)
        self.interpolation = interpolation_mode("interpolation", interpolation)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        u = batch.uniform(place)
        sides = batch.grade(between(self.side_range, u[:, 1]), 1.0)[:, None]
        # Of the canvas: how far the image's middle lies from it.
        shares = (u[:, 2:] * (sides - 1) + 0.5) / sides - 0.5
        return {"sides": sides, "shares": shares, "chosen": batch.choose(place, self.p)}

    def write(
        self,
        builder: RecipeBuilder,
        selection: Selection,
        *,
        sides: Tensor,
        shares: Tensor,
        chosen: Selection,
    ) -> None:
        selection = both(selection, chosen)
        if selection is False:
            return
        builder.border("zero", selection, fill=self.fill)
        builder.interpolate(self.interpolation, selection)
        builder.affine((sides, 0, 0, sides), shares, selection)
        builder.resize(builder.extent, selection, antialias=self.antialias)

    def extra_repr(self) -> str:
        antialias = "" if self.antialias else ", antialias=False"
        return f"side_range={self.side_range}, p={self.p}{antialias}{said(self.interpolation, self.fill)}"


class _Scaled(Sized):
    """Images scaled as a whole onto a canvas of one size, which may cut them off or show beyond them.

    Args:
        antialias: where an image shrinks, widen the filter as much, as torchvision and Pillow do; "nearest"
            does without.
        interpolation: "bilinear", or "nearest": one pixel of the source for each of the result, halves up;
            torchvision's ``InterpolationMode`` too.
        fill: of the canvas: a level, 0 to 255, or one for each channel; for floats, that / 255.
    """

    geometry = Geometry.PAD

    def __init__(
        self, size: Size, *, antialias: bool, interpolation: str, fill: Fill, seed: int | None
    ) -> None:
        super().__init__(size, antialias=antialias, seed=seed)
        self.interpolation = interpolation_mode("interpolation", interpolation)
        self.fill = levels("fill", fill)

    def factors(self, present: Tensor) -> Tensor:
        """Of a draw that is not augmented: float64 ``(n or 1, 1)``, from its extent ``(n or 1, 2)``."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it scales an image")

    def write(
        self, builder: RecipeBuilder, selection: Selection, *, factors: Tensor, fraction: Tensor | float
    ) -> None:
        """``fraction`` says which part shows of an image that is larger than the canvas."""
        present = builder.sides
        scaled = present * factors
        room = scaled - scaled.new_tensor(self.extent)
        corner = (present - scaled) / 2 + (fraction * room.clamp(min=0)).floor()
        # Where the image covers the canvas nothing shows, and its edge is no blend with the fill.
        covers = (room >= 0).all(1).expand(builder.count)
        builder.border("zero", selection, fill=self.fill)
        builder.border("edge", both(selection, covers))
        builder.interpolate(self.interpolation, selection)
        builder.affine((1, 0, 0, 1), (0, 0), selection, scale=factors)
        builder.crop(corner, self.extent, selection)
        builder.resize(self.extent, selection, antialias=self.antialias)

    def write_plain(self, builder: RecipeBuilder, selection: Selection) -> None:
        if selection is not False:
            self.write(builder, selection, factors=self.factors(builder.sides), fraction=0.0)

    def _said(self) -> str:
        antialias = "" if self.antialias else ", antialias=False"
        return f"{antialias}{said(self.interpolation, self.fill)}"


class ScaleJitter(_Scaled):
    """The image scaled by a random factor, on a canvas of a fixed size.

    >>> import gpuaug
    >>> gpuaug.ScaleJitter((48, 64))(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 48, 64])

    Large-scale jittering (Ghiasi et al., CVPR 2021): at a factor of 1 the image is as large as fits the
    canvas. All images of a batch have one size, so what torchvision does in two steps, ``ScaleJitter`` and a
    crop and padding to the target size, is one: a larger image shows a part at a random place, a smaller one
    lies at the top left. The scaled size is not rounded to whole pixels. Draws that are not augmented have
    the factor 1.

    Args:
        target_size: (height, width) of the canvas in pixels, or one number for both.
        scale_range: (least, most) factor, above 0.
    """

    reference = "Ghiasi et al., Simple copy-paste, CVPR 2021; torchvision ScaleJitter"
    random_count = 3

    def __init__(
        self,
        target_size: int | tuple[int, int],
        scale_range: tuple[float, float] = (0.1, 2.0),
        *,
        antialias: bool = True,
        interpolation: str = "bilinear",
        fill: Fill = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__(target_size, antialias=antialias, interpolation=interpolation, fill=fill, seed=seed)
        self.target_size = self.size
        self.scale_range = interval("scale_range", scale_range)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        u = batch.uniform(place)
        scale = batch.grade(between(self.scale_range, u[:, :1]), 1.0)
        return {"factors": scale * self.factors(batch.builder.sides), "fraction": u[:, 1:]}

    def factors(self, present: Tensor) -> Tensor:
        return (present.new_tensor(self.extent) / present).amin(1, keepdim=True)

    def extra_repr(self) -> str:
        return f"target_size={self.target_size}, scale_range={self.scale_range}{self._said()}"


class RandomShortestSize(_Scaled):
    """The image scaled so that its shorter side has a random length, on a canvas of a fixed size.

    >>> import gpuaug
    >>> resize = gpuaug.RandomShortestSize((20, 24, 28), max_size=40)
    >>> resize(torch.zeros(2, 3, 32, 48, dtype=torch.uint8)).shape
    torch.Size([2, 3, 40, 40])

    torchvision's, of which each image comes out at a size of its own. All images of a batch have one size, so
    here it lies at the top left of a canvas, as detectors pad their batches; what does not fit is cut off.
    Draws that are not augmented get the last of the lengths.

    Args:
        min_size: lengths of the shorter side in pixels, all equally likely; or one.
        max_size: the most that the longer side may have: then the shorter one is less. None: any.
        size: (height, width) of the canvas in pixels, or one number for both. None: ``max_size``, or the
            largest ``min_size``, for both.
    """

    reference = "torchvision RandomShortestSize"
    graded = False

    def __init__(
        self,
        min_size: int | Sequence[int],
        max_size: int | None = None,
        *,
        size: int | tuple[int, int] | None = None,
        antialias: bool = True,
        interpolation: str = "bilinear",
        fill: Fill = 0,
        seed: int | None = None,
    ) -> None:
        given = tuple(min_size) if isinstance(min_size, (tuple, list)) else (min_size,)
        if not given:
            raise ValueError("min_size must be a length or more, got none")
        lengths = tuple(whole("min_size", length, 1, 0xFFFF) for length in given)
        most = None if max_size is None else whole("max_size", max_size, 1, 0xFFFF)
        canvas = size if size is not None else most or max(lengths)
        super().__init__(canvas, antialias=antialias, interpolation=interpolation, fill=fill, seed=seed)
        self.min_size, self.max_size = lengths, most
        self.random_count = 1 if len(lengths) > 1 else 0

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        lengths = torch.tensor(self.min_size, dtype=torch.float64, device="cpu")
        drawn = lengths[:, None]
        if self.random_count:
            drawn = lengths[(batch.uniform(place) * len(lengths)).long()]
        return {"factors": self._for(drawn, batch.builder.sides), "fraction": 0.0}

    def factors(self, present: Tensor) -> Tensor:
        return self._for(present.new_tensor(self.min_size[-1]), present)

    def _for(self, length: Tensor, present: Tensor) -> Tensor:
        factor = length / present.amin(1, keepdim=True)
        if self.max_size is None:
            return factor
        return factor.minimum(self.max_size / present.amax(1, keepdim=True))

    def extra_repr(self) -> str:
        return f"min_size={self.min_size}, max_size={self.max_size}, size={self.size}{self._said()}"


def _sides(padding: Any) -> tuple[int, int, int, int]:
    """Left, top, right, bottom."""
    given = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,)
    if len(given) not in (1, 2, 4) or not all(map(is_whole, given)):
        raise TypeError(f"padding must be an int in [0, 65535], or two or four of them, got {padding!r}")
    if not all(0 <= side <= 0xFFFF for side in given):
        raise ValueError(f"padding must be in [0, 65535], got {padding}")
    left, top, right, bottom = (given * 4)[:4] if len(given) < 4 else given
    return (int(left), int(top), int(right), int(bottom))
