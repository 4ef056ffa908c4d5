"""The window of the source image that each recipe reads, and the recipes of the cropped images.

A decoder finds here which pixels a batch needs, before it decodes any.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gpuaug.recipe.layout import BORDERS, FIXED_POINT, GEOMETRY, PERSPECTIVE, SHRINK, WORD
from gpuaug.recipe.recipes import Recipes

_SCALES = (2, 4, 8)  # the scales at which a JPEG decodes fast
_PIXEL = int(FIXED_POINT)


class Windows(NamedTuple):
    """The part of its source that each draw reads: int64 ``(n,)`` each.

    Attributes:
        left: the first column of the window, in pixels of the image at 1/scale.
        top: the first row of the window.
        widths: the widths of the windows.
        heights: the heights of the windows.
        scales: 1, 2, 4 or 8; a side of the scaled image has ``ceil(size / scale)`` pixels.
    """

    left: Tensor
    top: Tensor
    widths: Tensor
    heights: Tensor
    scales: Tensor

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """The (height, width) of each window."""
        return list(zip(self.heights.tolist(), self.widths.tolist(), strict=True))


def whole_windows(heights: Tensor, widths: Tensor) -> Windows:
    """The windows of whole images, at scale 1.

    >>> whole_windows(torch.tensor([3]), torch.tensor([4])).sizes
    [(3, 4)]
    """
    nothing = torch.zeros_like(heights)
    return Windows(nothing, nothing, widths, heights, torch.ones_like(heights))


def read_windows(
    recipes: Recipes, reducing_gap: float | None, reducible: Tensor | None = None
) -> tuple[Windows, Tensor]:
    """The windows that recipes of whole images read, and the recipes of images cropped to these windows.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> builder = RecipeBuilder.of_batch((1, 3, 600, 800))
    >>> builder.crop((100, 200), (400, 300))
    >>> builder.resize((100, 100))
    >>> windows, records = read_windows(builder.recipes((100, 100)), reducing_gap=None)
    >>> windows.left.tolist(), windows.top.tolist(), windows.sizes, windows.scales.tolist()
    ([100], [200], [(300, 400)], [1])
    >>> windows, records = read_windows(builder.recipes((100, 100)), reducing_gap=1.5)
    >>> windows.left.tolist(), windows.top.tolist(), windows.sizes, windows.scales.tolist()
    ([50], [100], [(150, 200)], [2])

    At scale 1 the result has the same bytes as that of the whole image: a window holds every pixel that the
    taps of its draw reach. A draw that shrinks with an antialiasing filter may have its window at 1/2, 1/4 or
    1/8: the smallest scale that leaves ``reducing_gap`` source pixels for each output pixel, on both axes.
    All other draws keep scale 1. At a smaller scale, the edges of a crop are rounded outward to whole pixels
    of the scaled image.

    Args:
        recipes: the recipes of the first pass, on the host, for whole images.
        reducing_gap: at least 1, or None for scale 1 throughout.
        reducible: bool ``(n,)``, the draws whose image can be decoded at a smaller scale; None means all.

    Returns:
        the windows, and the recipes int64 ``(n, len(FIELDS))``, whose offsets are still to be set.
    """
    records = recipes.records.clone()
    field = {name: records[:, word] for name, word in WORD.items() if name in _FIELDS}
    moved = (field["stages"] & GEOMETRY) != 0
    for low, high, size in (("left", "right", "width"), ("top", "bottom", "height")):  # as the kernel does
        field[low].copy_(field[low].clamp(min=0).minimum(field[size] - 1))
        field[high].copy_(field[high].maximum(field[low] + 1).minimum(field[size]))
    scales = _scales(field, moved if reducible is None else moved & reducible, reducing_gap)
    _reduce(field, scales)
    # A perspective may read any pixel, so its image is not cropped.
    divided = (field["stages"] & PERSPECTIVE) != 0
    moved = moved & ~divided
    columns = _span(field, "xx", "xy", "x1", "left", "right", recipes.size)
    rows = _span(field, "yy", "yx", "y1", "top", "bottom", recipes.size[::-1])
    zero = torch.zeros_like(moved, dtype=torch.int64)
    left, right = torch.where(moved, columns[0], zero), torch.where(moved, columns[1], field["width"])
    top, bottom = torch.where(moved, rows[0], zero), torch.where(moved, rows[1], field["height"])
    windows = Windows(left, top, right - left, bottom - top, scales)
    _cut(field, moved, windows)
    return windows, records


_FIELDS = (
    *("stages", "width", "height", "xx", "xy", "yx", "yy", "x1", "y1"),
    *("left", "top", "right", "bottom", "border"),
)


def _scales(field: dict[str, Tensor], able: Tensor, reducing_gap: float | None) -> Tensor:
    scales = torch.ones_like(field["width"])
    if reducing_gap is None:
        return scales
    filtered = able & ((field["stages"] & SHRINK) != 0) & (field["xy"] == 0) & (field["yx"] == 0)
    step = torch.minimum(field["xx"].abs(), field["yy"].abs())
    for scale in _SCALES:
        # A side with fewer pixels than the scale would be decoded to one pixel.
        large = torch.minimum(field["width"], field["height"]) >= scale
        scales[filtered & large & (step >= int(reducing_gap * scale * _PIXEL))] = scale
    return scales


def _reduce(field: dict[str, Tensor], scales: Tensor) -> None:
    """Changes the recipes to those of the images at 1/scale. Pixel centres are at halves at any scale."""
    half = _PIXEL // 2
    for name in ("xx", "yy"):
        field[name].copy_(field[name] // scales)
    for name in ("x1", "y1"):
        field[name].copy_(torch.where(scales == 1, field[name], (field[name] + half) // scales - half))
    for name in ("left", "top"):
        field[name].copy_(field[name] // scales)
    for name in ("right", "bottom", "width", "height"):
        field[name].copy_(-(-field[name] // scales))


def _span(
    field: dict[str, Tensor], along: str, across: str, start: str, low: str, high: str, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """The pixels [first, end) of one axis that the taps of the output pixels reach.

    ``along`` is the word that multiplies the output coordinate of the same axis, whose length is
    ``size[1]``.
    """
    moves = [field[along] * (size[1] - 1), field[across] * (size[0] - 1)]
    least = field[start] + sum(move.clamp(max=0) for move in moves)
    most = field[start] + sum(move.clamp(min=0) for move in moves)
    # A filter reaches one step to both sides of its centre, which is kept in the window; a blend one pixel.
    filtered = (field["stages"] & SHRINK) != 0
    reach = torch.where(filtered, field[along].abs(), 0) + _PIXEL
    inside = (least - reach >= field[low] * _PIXEL) & (most + reach <= (field[high] - 1) * _PIXEL)
    lowest, highest = field[low] * _PIXEL, (field[high] - 1) * _PIXEL
    least = torch.where(filtered, least.maximum(lowest).minimum(highest), least)
    most = torch.where(filtered, most.maximum(lowest).minimum(highest), most)
    first, last = (least - reach) // _PIXEL, -((-most - reach) // _PIXEL)
    # Outside the window, taps follow the border: reflected taps may be anywhere in the window.
    whole = ~inside & (field["border"] == BORDERS["reflect"])
    first = torch.where(whole, field[low], first.maximum(field[low]).minimum(field[high] - 1))
    last = torch.where(whole, field[high] - 1, last.minimum(field[high] - 1).maximum(field[low]))
    return first, last + 1


def _cut(field: dict[str, Tensor], moved: Tensor, windows: Windows) -> None:
    """Changes the recipes to those of the windows as images of their own."""
    for name, begin in (("x1", windows.left), ("y1", windows.top)):
        field[name].sub_(torch.where(moved, begin * _PIXEL, 0))
    for low, high, begin, size in (
        ("left", "right", windows.left, windows.widths),
        ("top", "bottom", windows.top, windows.heights),
    ):
        field[low].copy_(torch.where(moved, (field[low] - begin).clamp(min=0), field[low]))
        field[high].copy_(torch.where(moved, (field[high] - begin).minimum(size), field[high]))
    field["width"].copy_(windows.widths)
    field["height"].copy_(windows.heights)
