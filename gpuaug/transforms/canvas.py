"""Images on a canvas: padded, zoomed out within their size, or scaled onto a canvas of a fixed size."""

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
    """Pad the image on all sides; also originals, and in evaluation.

    >>> import gpuaug
    >>> gpuaug.Pad(1, fill=9)(torch.tensor([[[[5]]]], dtype=torch.uint8)).flatten()
    tensor([9, 9, 9, 9, 5, 9, 9, 9, 9], dtype=torch.uint8)

    ``RandomCrop`` with ``padding`` pads and crops in one pass; ``Pad`` shares its pass with flips only.
    Images of several sizes must be resized to one size before.

    Args:
        padding: pixels on every side, in [0, 65535]; or (left and right, top and bottom); or (left, top,
            right, bottom).
        fill: level of a "constant" border, 0 to 255, or one for each channel. Floats take it divided by 255.
        padding_mode: "constant", "edge" or "reflect" (the edge is not repeated).
        seed: has no effect, since nothing here is random.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
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
    """Place the image, made smaller, at random on a canvas of ``fill``, with probability ``p``.

    >>> import gpuaug
    >>> images = torch.full((1, 1, 32, 32), 200, dtype=torch.uint8)
    >>> zoom = gpuaug.RandomZoomOut(fill=9, side_range=(2.0, 2.0), p=1.0)
    >>> zoom(images).unique().tolist()
    [9, 200]

    In torchvision the canvas is larger and the image keeps its size (Liu et al., SSD, ECCV 2016). Here all
    images of a batch have one size, so the canvas is scaled back to the image's size, antialiased, in the
    same resampling as the crops, flips and resizes of the pass. The image is shifted by whole pixels of the
    result.

    Args:
        fill: level of the canvas, 0 to 255, or one for each channel. Floats take it divided by 255.
        side_range: factor of the canvas's sides, (least, most), at least 1.
        p: probability that a draw is transformed, in [0, 1].
        antialias: widens the filter where the image shrinks, as torchvision and Pillow do. "nearest" ignores
            it.
        interpolation: "bilinear" or "nearest", or torchvision's ``InterpolationMode``. "nearest" takes one
            source pixel for each output pixel, halves up. Both kinds in one chain take two passes.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
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
        # The offset of the image's centre, as shares of the canvas.
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
    """Base of transforms that scale an image onto a canvas of one size, which may cut it off or show beyond
    it.
    """

    geometry = Geometry.PAD

    def __init__(
        self, size: Size, *, antialias: bool, interpolation: str, fill: Fill, seed: int | None
    ) -> None:
        super().__init__(size, antialias=antialias, seed=seed)
        self.interpolation = interpolation_mode("interpolation", interpolation)
        self.fill = levels("fill", fill)

    def factors(self, present: Tensor) -> Tensor:
        """Factors of draws that are not augmented: float64 ``(n or 1, 1)``, from their extent ``(n or 1,
        2)``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define factors")

    def write(
        self, builder: RecipeBuilder, selection: Selection, *, factors: Tensor, fraction: Tensor | float
    ) -> None:
        """Write the map; ``fraction`` chooses the visible part of an image larger than the canvas."""
        present = builder.sides
        scaled = present * factors
        room = scaled - scaled.new_tensor(self.extent)
        corner = (present - scaled) / 2 + (fraction * room.clamp(min=0)).floor()
        # An image that covers the canvas shows no fill, nor does its edge blend with the fill.
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
    """Scale the image by a random factor, on a canvas of a fixed size.

    >>> import gpuaug
    >>> gpuaug.ScaleJitter((48, 64))(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 48, 64])

    Large-scale jittering (Ghiasi et al., CVPR 2021): at factor 1 the image is as large as fits the canvas.
    All images of a batch have one size, so torchvision's two steps, ``ScaleJitter`` and a crop and padding to
    the target size, are one here: a larger image shows a random part, a smaller one lies at the top left. The
    scaled size is not rounded to whole pixels. Draws that are not augmented have factor 1.

    Args:
        target_size: size of the canvas in pixels, (height, width), or one number for both.
        scale_range: factor, (least, most), above 0.
        antialias: widens the filter where the image shrinks, as torchvision and Pillow do. "nearest" ignores
            it.
        interpolation: "bilinear" or "nearest", or torchvision's ``InterpolationMode``. "nearest" takes one
            source pixel for each output pixel, halves up. Both kinds in one chain take two passes.
        fill: level of the canvas, 0 to 255, or one for each channel. Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
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
    """Scale the image so that its shorter side has a random length, on a canvas of a fixed size.

    >>> import gpuaug
    >>> resize = gpuaug.RandomShortestSize((20, 24, 28), max_size=40)
    >>> resize(torch.zeros(2, 3, 32, 48, dtype=torch.uint8)).shape
    torch.Size([2, 3, 40, 40])

    In torchvision each image comes out at its own size. Here all images of a batch have one size, so the
    image lies at the top left of a canvas, as detectors pad their batches; a part that does not fit is cut
    off. Draws that are not augmented take the last of the lengths.

    Args:
        min_size: lengths of the shorter side in pixels, all equally likely; or one length.
        max_size: largest length of the longer side, for which the shorter one may become less. None: no
            limit.
        size: size of the canvas in pixels, (height, width), or one number for both. None: ``max_size``, or
            else the largest ``min_size``, for both.
        antialias: widens the filter where the image shrinks, as torchvision and Pillow do. "nearest" ignores
            it.
        interpolation: "bilinear" or "nearest", or torchvision's ``InterpolationMode``. "nearest" takes one
            source pixel for each output pixel, halves up. Both kinds in one chain take two passes.
        fill: level of the canvas, 0 to 255, or one for each channel. Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
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
    """The padding as left, top, right, bottom."""
    given = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,)
    if len(given) not in (1, 2, 4) or not all(map(is_whole, given)):
        raise TypeError(f"padding must be an int in [0, 65535], or two or four of them, got {padding!r}")
    if not all(0 <= side <= 0xFFFF for side in given):
        raise ValueError(f"padding must be in [0, 65535], got {padding}")
    left, top, right, bottom = (given * 4)[:4] if len(given) < 4 else given
    return (int(left), int(top), int(right), int(bottom))
