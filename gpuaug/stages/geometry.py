"""Geometry: one inverse map for each draw, affine or perspective, and one resampling.

Resampling is bilinear or nearest, or by a triangle filter along an axis that shrinks. Bytes are computed in
fixed point, as in ``csrc/common/stages/geometry.h``: weights of the blend in 1/2048, those of the filter in
1/2**14.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug import lazy_kornia as kornia
from gpuaug.images.batch import FEW_CHANNELS
from gpuaug.recipe.layout import (
    BORDERS,
    FIXED_POINT,
    GEOMETRY,
    NEAREST,
    NEAREST_HALF,
    PERSPECTIVE,
    PERSPECTIVE_UNIT,
    SHRINK,
)
from gpuaug.recipe.recipes import Recipes
from gpuaug.stages.base import chosen, word
from gpuaug.stages.borders import resolve, resolve_floats

_FIELDS = (
    *("stages", "offset", "width", "height", "xx", "yy", "xy", "yx", "x1", "y1"),
    *("left", "top", "right", "bottom", "border", "outside", "px", "py", "p1"),
)

FAR = 2.0**29  # the coordinate of points behind the viewer

# ---- Bytes


class _Source:
    """Reads pixels of the source image of each draw."""

    def __init__(self, storage: Tensor, field: dict[str, Tensor], channels: int, interleaved: bool) -> None:
        self._storage, self._field, self._interleaved = storage, field, interleaved
        self._channels = channels
        self._channel = torch.arange(channels, device=storage.device)[:, None, None]
        self.outside = (field["outside"][:, None] >> 8 * self._channel) & 255

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """The levels at columns and rows ``(n, height, width)``, int64 ``(n, channels, height, width)``.

        -1 reads the zero border.
        """
        field = self._field
        pixel = (y.clamp(min=0) * field["width"] + x.clamp(min=0))[:, None]
        if self._interleaved:
            byte = pixel * self._channels + self._channel
        else:
            byte = pixel + (field["height"] * field["width"])[:, None] * self._channel
        byte = (byte + field["offset"][:, None]).clamp(0, max(self._storage.numel() - 1, 0))
        return torch.where(((x >= 0) & (y >= 0))[:, None], self._storage[byte].long(), self.outside)


def bytes_of(
    storage: Tensor,
    records: Tensor,
    channels: int,
    height: int,
    width: int,
    interleaved: bool,
    stages: int,
) -> Tensor:
    """The resampled levels of every draw, int64 ``(n, channels, height, width)``, read from flat bytes.

    Every intermediate tensor is int64, ``(n, height, width)`` or ``(n, channels, height, width)``. Between
    two steps, values are in 1/128 of a level.
    """
    field = {name: word(records, name, 2) for name in _FIELDS}
    x = torch.arange(width, device=storage.device)
    y = torch.arange(height, device=storage.device)[:, None]
    moved = (field["stages"] & GEOMETRY) != 0
    projected = (field["stages"] & PERSPECTIVE) != 0
    column, row = _coordinates(field, x, y, projected)
    column, row = torch.where(moved, column, x << 32), torch.where(moved, row, y << 32)
    border = torch.where(moved, field["border"], BORDERS["edge"])
    left = torch.where(moved, field["left"], 0).clamp(min=0).minimum(field["width"] - 1)
    top = torch.where(moved, field["top"], 0).clamp(min=0).minimum(field["height"] - 1)
    right = torch.where(moved, field["right"], field["width"]).maximum(left + 1).minimum(field["width"])
    bottom = torch.where(moved, field["bottom"], field["height"]).maximum(top + 1).minimum(field["height"])
    pixels = _Source(storage, field, channels, interleaved)

    nearest = (field["stages"] & NEAREST) != 0
    (x0, wx), (y0, wy) = _tap(column, nearest), _tap(row, nearest)
    x0, x1 = resolve(x0, left, right, border), resolve(x0 + 1, left, right, border)
    y0, y1 = resolve(y0, top, bottom, border), resolve(y0 + 1, top, bottom, border)
    wx, wy = wx[:, None], wy[:, None]
    upper = _blend(pixels(x0, y0) * 128, pixels(x1, y0) * 128, wx)
    lower = _blend(pixels(x0, y1) * 128, pixels(x1, y1) * 128, wx)
    image = level(_blend(upper, lower, wy))
    if not stages & SHRINK or len(image) == 0:
        return image

    # Across in every source row, then down. An axis is filtered if it shrinks, else blended.
    smooth = ((field["stages"] & SHRINK) != 0) & ~nearest & ~projected
    flat = moved & smooth & (field["xy"] == 0) & (field["yx"] == 0)
    across, down = (flat & ((field[name] > 1 << 32) | (field[name] < -1 << 32)) for name in ("xx", "yy"))
    columns = torch.arange(int(field["width"].max()), device=storage.device)
    rows = torch.arange(int(field["height"].max()), device=storage.device)[:, None]
    rows = rows.expand(len(image), -1, 1).minimum(field["height"] - 1)
    whole = pixels(columns.expand(len(image), 1, -1).minimum(field["width"] - 1), rows)
    weights = _filter_weights(column[:, :1], field["xx"], left, right, len(columns))
    filtered = (_weigh(whole, weights) + (1 << 6)) >> 7
    beyond = _shows_beyond(column[:, :1], left, right, border)[:, None]
    filtered = torch.where(beyond, pixels.outside * 128, filtered)
    blended = _blend(pixels(x0[:, :1], rows) * 128, pixels(x1[:, :1], rows) * 128, wx[:, :, :1])
    lines = torch.where(across[:, None], filtered, blended)
    weights = _filter_weights(row[:, :, :1].mT, field["yy"], top, bottom, rows.shape[1])
    filtered = (_weigh(lines.mT, weights).mT + (1 << 20)) >> 21
    beyond = _shows_beyond(row[:, :, :1], top, bottom, border)[:, None]
    filtered = torch.where(beyond, pixels.outside, filtered)
    at = (
        y0[:, None, :, :1].expand(-1, channels, -1, width),
        y1[:, None, :, :1].expand(-1, channels, -1, width),
    )
    upper, lower = (torch.where(k >= 0, lines.gather(2, k.clamp(min=0)), pixels.outside * 128) for k in at)
    shrunk = torch.where(down[:, None], filtered, level(_blend(upper, lower, wy)))
    return torch.where((across | down)[:, None], shrunk, image)


def _coordinates(
    field: dict[str, Tensor], x: Tensor, y: Tensor, projected: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The source columns and rows of output pixels, in 1/2**32 of a pixel; divided where ``projected``."""
    column = field["xx"] * x + field["xy"] * y + field["x1"]
    row = field["yx"] * x + field["yy"] * y + field["y1"]
    if projected is None:
        return column, row
    divisor = field["px"] * x + field["py"] * y + field["p1"]
    column, row = (torch.where(projected, _divided(sums, divisor), sums) for sums in (column, row))
    return column, row


def nearest_pixels(recipes: Recipes) -> tuple[Tensor, Tensor]:
    """The columns and rows of the source pixels nearest to the output pixels, int64 ``(n, height, width)``.

    They are computed in integers, so that masks and floats read the same pixels as bytes.
    """
    height, width = recipes.size
    field = {name: word(recipes.records, name, 2) for name in _FIELDS}
    x = torch.arange(width, device=recipes.records.device)
    y = torch.arange(height, device=recipes.records.device)[:, None]
    some = recipes.stages & PERSPECTIVE
    projected = (field["stages"] & PERSPECTIVE) != 0 if some else None
    column, row = (at + NEAREST_HALF >> 32 for at in _coordinates(field, x, y, projected))
    return column, row


def _divided(sums: Tensor, divisor: Tensor) -> Tensor:
    """Divides the sums of a perspective: in 1/2**18 of a pixel, by a divisor in 1/2**28.

    Large quotients are clamped; points behind the viewer get the largest one.
    """
    by = divisor >> 20
    quotient = ((sums >> 14).clamp(-(1 << 34), 1 << 34) << 28).div(by.clamp(min=1), rounding_mode="trunc")
    return torch.where(by < 1, 1 << 47, quotient.clamp(-(1 << 47), 1 << 47)) << 14


def _filter_weights(centre: Tensor, step: Tensor, low: Tensor, high: Tensor, length: int) -> Tensor:
    """Triangle filters of one axis in 1/2**14, ``(n, outputs, length)``; centres are ``(n, 1, outputs)``."""
    pixel = torch.arange(length, device=centre.device)
    centre = centre.maximum(low << 32).minimum((high - 1) << 32).mT
    step = step.clamp(-(1 << 48), 1 << 48)
    raw = (step.abs() - ((pixel << 32) - centre).abs()).clamp(min=0) >> 20
    raw = torch.where((pixel >= low) & (pixel < high), raw, 0)
    total = raw.sum(2, keepdim=True).clamp(min=1)
    given = ((raw.cumsum(2) << 14) + (total >> 1)) // total
    return given.diff(dim=2, prepend=torch.zeros_like(given[:, :, :1]))


def _shows_beyond(centre: Tensor, low: Tensor, high: Tensor, border: Tensor) -> Tensor:
    """Whether an output pixel of a shrinking axis shows a zero border: its nearest source pixel decides.

    A filter never mixes the image with the border.
    """
    nearest = (centre + NEAREST_HALF) >> 32
    return (border == BORDERS["zero"]) & ((nearest < low) | (nearest >= high))


def _weigh(lines: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums ``(n, channels, rows, outputs)`` of lines ``(n, channels, rows, length)``.

    The weights are ``(n, outputs, length)``.
    """
    # In float64 every product and sum is exact, and every device has a matrix product.
    return (lines.double() @ weights.double().mT[:, None]).long()


def _blend(first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    return first + (((second - first) * weight + (1 << 10)) >> 11)


def level(fine: Tensor) -> Tensor:
    return (fine + 64) >> 7


def _tap(coordinate: Tensor, nearest: Tensor) -> tuple[Tensor, Tensor]:
    rounded = coordinate + torch.where(nearest, NEAREST_HALF, 1 << 20)
    return rounded >> 32, torch.where(nearest, 0, (rounded >> 21) & 2047)


# ---- Floats


def floats_of(images: Tensor, recipes: Recipes) -> Tensor:
    """The resampled images ``(n, C, *recipes.size)``, from the source image of each draw ``(n, C, H, W)``."""
    if not recipes.stages & GEOMETRY:
        return images
    resampled = _resample(images, recipes)
    if recipes.stages & SHRINK:
        resampled = _where(recipes, SHRINK, _shrink(images, recipes), resampled)
    if recipes.stages & NEAREST:
        resampled = _where(recipes, NEAREST, _read(images, recipes), resampled)
    return _where(recipes, GEOMETRY, resampled, images)


def _where(recipes: Recipes, bit: int, then: Tensor, otherwise: Tensor) -> Tensor:
    if then.shape != otherwise.shape:
        return then  # every draw has the stage, as the size changes
    return chosen(recipes.records, bit, then, otherwise)


def _resample(images: Tensor, recipes: Recipes) -> Tensor:
    """Resamples bilinearly."""
    column, row, inside = _inside(recipes, *_places(recipes))
    out = kornia.geometry.transform.remap(
        images, column.to(images.dtype), row.to(images.dtype), padding_mode="border", align_corners=True
    )
    inside = inside.to(images.dtype)
    outside = (1 - inside) * _outside(images, recipes)
    return torch.where(inside > 0, out * inside, 0) + outside  # even if the edge of the image is NaN


def _read(images: Tensor, recipes: Recipes) -> Tensor:
    """Reads the nearest pixel of the source, unchanged."""
    column, row, inside = _inside(recipes, *(at.double() for at in nearest_pixels(recipes)))
    row, column = row.clamp(0, images.shape[2] - 1), column.clamp(0, images.shape[3] - 1)  # for empty windows
    place = (row * images.shape[3] + column).long().flatten(1)[:, None]
    read = images.flatten(2).gather(2, place.expand(-1, images.shape[1], -1))
    return torch.where(inside > 0, read.unflatten(2, recipes.size), _outside(images, recipes))


def _inside(recipes: Recipes, column: Tensor, row: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Columns and rows ``(n, height, width)`` moved into the window, and the share of a pixel that is inside.

    The share is ``(n, 1, height, width)``; all are float64.
    """
    field = {
        name: recipes.field(name)[:, None, None] for name in ("left", "top", "right", "bottom", "border")
    }
    column, inside_x = resolve_floats(column, field["left"], field["right"], field["border"])
    row, inside_y = resolve_floats(row, field["top"], field["bottom"], field["border"])
    return column, row, (inside_x * inside_y)[:, None]


def _places(recipes: Recipes) -> tuple[Tensor, Tensor]:
    """The source columns and rows of the output pixels, float64 ``(n, height, width)``.

    Pixel centres are on whole numbers.
    """
    height, width = recipes.size
    x = torch.arange(width, dtype=torch.float64, device=recipes.records.device)
    y = torch.arange(height, dtype=torch.float64, device=recipes.records.device)[:, None]
    field = {
        name: recipes.field(name)[:, None, None]
        for name in ("xx", "xy", "x1", "yx", "yy", "y1", "px", "py", "p1", "stages")
    }
    across = (field["xx"] * x + field["xy"] * y + field["x1"]) / FIXED_POINT
    down = (field["yx"] * x + field["yy"] * y + field["y1"]) / FIXED_POINT
    if not recipes.stages & PERSPECTIVE:
        return across, down
    divisor = (field["px"] * x + field["py"] * y + field["p1"]) / PERSPECTIVE_UNIT
    divided = (field["stages"] & PERSPECTIVE) != 0
    divisor = torch.where(divided, divisor, 1)
    ahead = divisor >= 2.0**-28
    divisor = torch.where(ahead, divisor, 1)
    return torch.where(ahead, across / divisor, FAR), torch.where(ahead, down / divisor, FAR)


def _outside(images: Tensor, recipes: Recipes) -> Tensor:
    """The values of a zero border, ``(n, C, 1, 1)``; with more than four channels they are all equal."""
    shift = 8 * (torch.arange(images.shape[1], device=images.device) % FEW_CHANNELS)
    levels = (recipes.field("outside")[:, None] >> shift) & 255
    return (levels.to(images.dtype) / 255)[:, :, None, None]


def _shrink(images: Tensor, recipes: Recipes) -> Tensor:
    """Applies the triangle filters of both axes as matrices. (kornia's resize has one size for a batch.)"""
    axes = (("yy", "y1", "top", "bottom"), ("xx", "x1", "left", "right"))
    down, across = (
        _filter_matrix(recipes, names, recipes.size[axis], images.shape[2 + axis]).to(images.dtype)[:, None]
        for axis, names in enumerate(axes)
    )
    # In a matrix product, NaN times 0 would spread to all pixels.
    lost = ~images.isfinite()
    shrunk = down @ torch.where(lost, 0, images) @ across.mT
    reached = (down != 0).to(images.dtype) @ lost.to(images.dtype) @ (across != 0).to(images.dtype).mT
    inside = down.sum(3)[..., None] * across.sum(3)[:, :, None]
    return torch.where(reached > 0, torch.nan, shrunk) + (1 - inside) * _outside(images, recipes)


def _filter_matrix(recipes: Recipes, names: tuple[str, ...], outputs: int, length: int) -> Tensor:
    """The weights of the source pixels of one axis in each output pixel, float64 ``(n, outputs, length)``.

    ``names`` are the recipe's words of the axis: step, start, and the ends of the window. Where a zero border
    shows, the weights add up to less than 1.
    """
    a, b, first, end = (recipes.field(name)[:, None, None].double() for name in names)
    zero = (recipes.field("border") == BORDERS["zero"])[:, None, None]
    output = torch.arange(outputs, device=a.device)[:, None]
    pixel = torch.arange(length, device=a.device)
    exact = (a * output + b) / FIXED_POINT
    blended = zero & (a.abs() <= FIXED_POINT)  # with the border
    centre = torch.where(blended, exact, exact.maximum(first).minimum(end - 1))
    reach = (a / FIXED_POINT).abs().clamp(min=1)
    raw = (reach - (pixel - centre).abs()).clamp(min=0) * ((pixel >= first) & (pixel < end))
    nearest = (exact + NEAREST_HALF / FIXED_POINT).floor()
    beyond = zero & ~blended & ((nearest < first) | (nearest >= end))
    return torch.where(beyond, 0, raw / torch.where(blended, 1, raw.sum(2, keepdim=True)))


def flip(images: Tensor, horizontal: Tensor | None, vertical: Tensor | None) -> Tensor:
    """Flips the images that the boolean masks ``(N,)`` select."""
    if horizontal is not None:
        images = torch.where(horizontal[:, None, None, None], kornia.geometry.transform.hflip(images), images)
    if vertical is not None:
        images = torch.where(vertical[:, None, None, None], kornia.geometry.transform.vflip(images), images)
    return images
