"""Perspective: the image seen from another side, in one resampling with a pass's crops and flips."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.selection import Selection, both
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.passes import Geometry
from gpuaug.transforms.ranges import border, interpolation_mode, levels, probability
from gpuaug.transforms.resampling import Fill, said

__all__ = ["RandomPerspective"]


class RandomPerspective(Transform):
    """Move each corner of the image inward by its own random shift, with probability ``p``.

    >>> import gpuaug
    >>> gpuaug.RandomPerspective(p=1.0)(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Names, distribution and map are torchvision's. The image keeps its size, and shifts are whole pixels. It
    joins crops, flips and resizes as ``RandomAffine`` does; where the same pass shrinks, such a draw is not
    antialiased. Corners stay in their quarters of the image, so they never cross. Above a distortion of 2/3
    the four corners may form a dent; points that would then lie behind the viewer count as beyond the image.

    Args:
        distortion_scale: largest shift of a corner, as a share of half the side, in [0, 1].
        p: probability that a draw is transformed, in [0, 1].
        padding_mode: content beyond the image: "zero", "edge" or "reflect" (the edge is not repeated).
        interpolation: "bilinear" or "nearest", or torchvision's ``InterpolationMode``. "nearest" takes one
            source pixel for each output pixel, halves up. Both kinds in one chain take two passes.
        fill: level of a "zero" border, 0 to 255, or one for each channel. Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "torchvision RandomPerspective"
    stage = Stage.GEOMETRY
    geometry = Geometry.AFFINE
    random_count = 9

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        *,
        padding_mode: str = "zero",
        interpolation: str = "bilinear",
        fill: Fill = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.distortion_scale = probability("distortion_scale", distortion_scale)
        self.p = probability("p", p)
        self.padding_mode = border("padding_mode", padding_mode)
        self.interpolation = interpolation_mode("interpolation", interpolation)
        self.fill = levels("fill", fill)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        sides = batch.builder.sides[:, None]
        u = batch.uniform(place)[:, 1:].unflatten(1, (4, 2))
        most = (self.distortion_scale * (sides / 2).floor()).floor()
        most = most.minimum(((sides - 2) / 2).floor().clamp(min=0))
        moved = batch.grade((u * (most + 1)).floor())
        return {"inverse": _inverse(moved, sides), "chosen": batch.choose(place, self.p)}

    def write(
        self, builder: RecipeBuilder, selection: Selection, *, inverse: Tensor, chosen: Selection
    ) -> None:
        selection = both(selection, chosen)
        if selection is not False:
            builder.border(self.padding_mode, selection, fill=self.fill)
            builder.interpolate(self.interpolation, selection)
            builder.perspective(inverse, selection)

    def extra_repr(self) -> str:
        return (
            f"distortion_scale={self.distortion_scale}, p={self.p}, padding_mode={self.padding_mode!r}"
            f"{said(self.interpolation, self.fill)}"
        )


def _inverse(moved: Tensor, sides: Tensor) -> Tensor:
    """The map from output to input, ``(n, 8)``, that takes corners moved inward back to the image's corners.

    The shifts ``moved`` are ``(n, 4, 2)``, clockwise from the top left, and ``sides`` are ``(n or 1, 1, 2)``.
    Corners are pixels, as in torchvision: the last one is at the side less 1.
    """
    last = (sides - 1).clamp(min=1)
    far = moved.new_tensor(((0, 0), (1, 0), (1, 1), (0, 1)))
    corners = far * last + (1 - 2 * far) * moved
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (corner.unbind(1) for corner in corners.unbind(1))
    # From the unit square to the corners (Heckbert, 1989), and back by the adjugate.
    right_x, right_y, low_x, low_y = x1 - x2, y1 - y2, x3 - x2, y3 - y2
    dent_x, dent_y = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    area = right_x * low_y - low_x * right_y
    g, h = (dent_x * low_y - low_x * dent_y) / area, (right_x * dent_y - dent_x * right_y) / area
    a, b, c = x1 - x0 + g * x1, x3 - x0 + h * x3, x0
    d, e, f = y1 - y0 + g * y1, y3 - y0 + h * y3, y0
    rows = (
        torch.stack(
            (
                *(e - f * h, c * h - b, b * f - c * e),
                *(f * g - d, a - c * g, c * d - a * f),
                *(d * h - e * g, b * g - a * h),
            ),
            dim=1,
        )
        / (a * e - b * d)[:, None]
    )
    scale = torch.cat((last[:, 0, :1].expand(-1, 3), last[:, 0, 1:].expand(-1, 3)), dim=1)
    inverse = torch.cat((rows[:, :6] * scale, rows[:, 6:]), dim=1)
    whole = inverse.new_tensor((1, 0, 0, 0, 1, 0, 0, 0))
    return torch.where(inverse.isfinite().all(1, keepdim=True), inverse, whole)
