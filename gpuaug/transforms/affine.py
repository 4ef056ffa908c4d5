"""Rotation, scale, shear, translation and transposition, in one resampling with a pass's crops and flips."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.builder import Extent, RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.program import Operand
from gpuaug.recipe.selection import Selection, both
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.passes import Geometry
from gpuaug.transforms.ranges import (
    around,
    between,
    border,
    bounds,
    interpolation_mode,
    interval,
    is_number,
    levels,
    probability,
)
from gpuaug.transforms.resampling import Fill, said

__all__ = ["RandomAffine", "RandomRotation", "RandomTranspose"]

Degrees = float | tuple[float, float]


class RandomAffine(Transform):
    """Rotate, translate, scale and shear the image about its centre; it keeps its size.

    >>> import gpuaug
    >>> augment = gpuaug.RandomAffine(degrees=15, translate=(0.1, 0.1), scale=(0.8, 1.2), shear=5)
    >>> augment(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Names, distributions and matrix are torchvision's. Crops, flips and resizes in the same pass join it in
    one map. Where this map both turns and shrinks, the result is not antialiased.

    Args:
        degrees: angle in degrees, clockwise, (least, most); one number stands for (-number, number).
        translate: largest shift in x and in y, as shares of the width and height in [0, 1]. Shifts are whole
            pixels.
        scale: factor, (least, most), above 0.
        shear: angle in degrees along x, (least, most) or one number; or four numbers, least and most along x,
            then along y.
        padding_mode: content beyond the image: "zero", "edge" or "reflect" (the edge is not repeated).
        interpolation: "bilinear" or "nearest", or torchvision's ``InterpolationMode``. "nearest" takes one
            source pixel for each output pixel, halves up. Both kinds in one chain take two passes.
        fill: level of a "zero" border, 0 to 255, or one for each channel. Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "torchvision RandomAffine"
    stage = Stage.GEOMETRY
    geometry = Geometry.AFFINE
    random_count = 6

    def __init__(
        self,
        degrees: Degrees,
        translate: tuple[float, float] | None = None,
        scale: tuple[float, float] | None = None,
        shear: Degrees | tuple[float, float, float, float] | None = None,
        *,
        padding_mode: str = "zero",
        interpolation: str = "bilinear",
        fill: Fill = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.degrees = around("degrees", degrees)
        self.translate = _shares(translate)
        self.scale = (1.0, 1.0) if scale is None else interval("scale", scale)
        self.shear = _shear(shear)
        self.padding_mode = border("padding_mode", padding_mode)
        self.interpolation = interpolation_mode("interpolation", interpolation)
        self.fill = levels("fill", fill)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        u = batch.uniform(place)
        moves = ((-share, share) for share in self.translate)
        limits = bounds(self.degrees, *moves, self.scale, self.shear[:2], self.shear[2:])
        drawn = batch.grade(between(limits, u), (0, 0, 0, 1, 0, 0))
        angle, x, y, scale, *shear = drawn.unbind(1)
        inverse = inverse_map(angle, *(shear if any(self.shear) else ()))
        return {"inverse": inverse, "scale": scale, "shares": (x, y) if any(self.translate) else (0, 0)}

    def write(
        self,
        builder: RecipeBuilder,
        selection: Selection,
        *,
        inverse: Operand,
        scale: Tensor,
        shares: Operand,
    ) -> None:
        builder.border(self.padding_mode, selection, fill=self.fill)
        builder.interpolate(self.interpolation, selection)
        builder.affine(inverse, shares, selection, scale=scale)

    def extra_repr(self) -> str:
        return (
            f"degrees={self.degrees}, translate={self.translate}, scale={self.scale}, shear={self.shear}, "
            f"padding_mode={self.padding_mode!r}{said(self.interpolation, self.fill)}"
        )


class RandomRotation(Transform):
    """Rotate the image about its centre; it keeps its size.

    >>> import gpuaug
    >>> quarter = gpuaug.RandomRotation((90, 90))
    >>> quarter(torch.tensor([[[[1, 2], [3, 4]]]], dtype=torch.uint8))
    tensor([[[[2, 4],
              [1, 3]]]], dtype=torch.uint8)

    Quarter turns of a square image lose nothing. It joins crops, flips and resizes as ``RandomAffine`` does.

    Args:
        degrees: angle in degrees, counter-clockwise as in torchvision, (least, most); one number stands for
            (-number, number).
        padding_mode: content beyond the image: "zero", "edge" or "reflect" (the edge is not repeated).
        interpolation: "bilinear" or "nearest", or torchvision's ``InterpolationMode``. "nearest" takes one
            source pixel for each output pixel, halves up. Both kinds in one chain take two passes.
        fill: level of a "zero" border, 0 to 255, or one for each channel. Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "torchvision RandomRotation"
    stage = Stage.GEOMETRY
    geometry = Geometry.AFFINE
    random_count = 1

    def __init__(
        self,
        degrees: Degrees,
        *,
        padding_mode: str = "zero",
        interpolation: str = "bilinear",
        fill: Fill = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.degrees = around("degrees", degrees)
        self.padding_mode = border("padding_mode", padding_mode)
        self.interpolation = interpolation_mode("interpolation", interpolation)
        self.fill = levels("fill", fill)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        angle = batch.grade(between(self.degrees, batch.uniform(place)[:, 0]))
        return {"inverse": inverse_map(-angle)}

    def write(self, builder: RecipeBuilder, selection: Selection, *, inverse: Operand) -> None:
        builder.border(self.padding_mode, selection, fill=self.fill)
        builder.interpolate(self.interpolation, selection)
        builder.affine(inverse, (0, 0), selection)

    def extra_repr(self) -> str:
        return (
            f"degrees={self.degrees}, padding_mode={self.padding_mode!r}{said(self.interpolation, self.fill)}"
        )


class RandomTranspose(Transform):
    """Swap rows and columns, with probability ``p``.

    >>> import gpuaug
    >>> gpuaug.RandomTranspose(p=1.0)(torch.tensor([[[[1, 2], [3, 4]]]], dtype=torch.uint8))
    tensor([[[[1, 3],
              [2, 4]]]], dtype=torch.uint8)

    The image keeps its size, as with ``RandomRotation``: an image that is not square is stretched, a square
    one loses nothing. It joins crops, flips and resizes as ``RandomAffine`` does. Where the same pass
    shrinks, a transposed draw is not antialiased.

    Args:
        p: probability that a draw is transformed, in [0, 1].
        interpolation: "bilinear" or "nearest", or torchvision's ``InterpolationMode``. "nearest" takes one
            source pixel for each output pixel, halves up. Both kinds in one chain take two passes.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Albumentations Transpose"
    stage = Stage.GEOMETRY
    geometry = Geometry.AFFINE
    random_count = 1
    graded = False

    def __init__(self, p: float = 0.5, *, interpolation: str = "bilinear", seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.p = probability("p", p)
        self.interpolation = interpolation_mode("interpolation", interpolation)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"transposed": batch.choose(place, self.p)}

    def write(self, builder: RecipeBuilder, selection: Selection, *, transposed: Selection) -> None:
        selection = both(selection, transposed)
        if selection is not False:
            builder.interpolate(self.interpolation, selection)
            builder.affine(_transposed(builder.extent), (0, 0), selection)

    def extra_repr(self) -> str:
        return f"p={self.p}{said(self.interpolation)}"


def inverse_map(
    angle: Tensor, shear_x: Tensor | None = None, shear_y: Tensor | None = None
) -> tuple[Tensor, ...]:
    """Offsets from the centre, from output to input, at scale 1: xx, xy, yx, yy, each float64 ``(n,)``.

    >>> [v.item() for v in inverse_map(torch.tensor([180.0]))[::3]]
    [-1.0, -1.0]

    The inverse of rotation @ shear, as in torchvision: ``RSS`` of its ``_get_inverse_affine_matrix``.

    Args:
        angle, shear_x, shear_y: float64 ``(n,)``, in degrees; give both shears or neither.
    """
    turn = angle * (math.pi / 180)
    a = d = torch.cos(turn)
    c = torch.sin(turn)
    b = -c
    if shear_x is None or shear_y is None:
        return (d, c, b, a)
    x, y = shear_x * (math.pi / 180), shear_y * (math.pi / 180)
    a, c = torch.cos(turn - y) / torch.cos(y), torch.sin(turn - y) / torch.cos(y)
    b, d = b - torch.tan(x) * a, d - torch.tan(x) * c
    return (d, -b, -c, a)


def _transposed(extent: Extent) -> Operand:
    """The transposition, as ``inverse_map`` gives a rotation: offsets from the centre, from output to
    input.
    """
    if not isinstance(extent, Tensor):
        width, height = extent
        return (0, width / height, height / width, 0)
    ratio = extent[:, 0].double() / extent[:, 1].double()
    inverse = extent[:, 1].double() / extent[:, 0].double()
    none = torch.zeros_like(ratio)
    return torch.stack((none, ratio, inverse, none), dim=1)


def _shares(translate: Any) -> tuple[float, float]:
    if translate is None:
        return (0.0, 0.0)
    pair = tuple(translate) if isinstance(translate, (tuple, list)) else ()
    if len(pair) != 2 or not all(map(is_number, pair)):
        raise TypeError(f"translate must be a pair of numbers, for x and for y, got {translate!r}")
    if not all(0 <= v <= 1 for v in pair):
        raise ValueError(f"translate must be shares in [0, 1], got {pair}")
    return (float(pair[0]), float(pair[1]))


def _shear(shear: Any) -> tuple[float, float, float, float]:
    if shear is None:
        return (0.0, 0.0, 0.0, 0.0)
    if isinstance(shear, (tuple, list)) and len(shear) == 4:
        pairs = (*around("shear", tuple(shear[:2])), *around("shear", tuple(shear[2:])))
    else:
        pairs = (*around("shear", shear), 0.0, 0.0)
    if not all(-90 < v < 90 for v in pairs):
        raise ValueError(f"shear must be angles in (-90, 90) degrees, got {shear}")
    return pairs
