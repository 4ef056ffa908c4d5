"""The recipe: the fixed-size record that one draw's transforms compile to, and what the kernel executes.

``csrc/recipe.h`` is the same record in C++, field for field.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gpuaug.activity import Active, both, either, where
from gpuaug.packed import Packed

# Pairs of an x and a y stand side by side, as a Draft holds them.
FIELDS = (
    *("stages", "offset"),
    *("width", "height"),
    *("xx", "yy", "xy", "yx", "x1", "y1"),
    *("left", "top", "right", "bottom", "border"),
    *("blur", "outer", "inner"),
    *("key", "place", "salt", "pepper"),
)
WORD = {name: number for number, name in enumerate(FIELDS)}

GEOMETRY, BLUR, NOISE, SHRINK = 1, 2, 4, 8
BORDERS = {"edge": 0, "zero": 1, "reflect": 2}
GAUSSIAN, ARTICLE = 0, 1

FIXED_POINT = float(1 << 32)
BLUR_UNIT = 1 << 15
# The article's blur: sum 273, zero border, truncated to whole levels.
ARTICLE_KERNEL = (
    (1, 4, 7, 4, 1),
    (4, 16, 26, 16, 4),
    (7, 26, 41, 26, 7),
    (4, 16, 26, 16, 4),
    (1, 4, 7, 4, 1),
)
NOISE_UNIT = 1 << 16


class Recipes(NamedTuple):
    """One pass over a batch: a record for each draw, and what all draws have in common.

    >>> recipes = Draft.of_batch((2, 3, 8, 8)).recipes(size=(8, 8))
    >>> recipes.records.shape, recipes.size, recipes.stages
    (torch.Size([2, 22]), (8, 8), 0)

    Attributes:
        records: int64 ``(n, 22)``, the fields of ``FIELDS``.
        size: (height, width) of every output image, in pixels.
        stages: the union of the draws' stages, so that a stage that no draw uses costs nothing.
    """

    records: Tensor
    size: tuple[int, int]
    stages: int

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Recipes:
        return self._replace(records=self.records.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Recipes:
        return self._replace(records=self.records.pin_memory())

    def field(self, name: str) -> Tensor:
        """One field of every draw, int64 ``(n,)``."""
        return self.records[:, WORD[name]]


class Draft:
    """A pass in the making: transforms write into it one after another, then ``recipes`` packs it.

    The geometry of a draw is one map for each axis, source = scale * output + shift, in float64 and
    continuous coordinates (pixel centres at halves), so that a chain of crops, flips and resizes is one
    resampling. An *extent* is (width, height); pairs are ``(n, 2)`` tensors, x first. ``active`` says which
    draws a call is for.

    >>> draft = Draft.of_batch((1, 3, 32, 32))
    >>> draft.crop(torch.tensor([[6, 6]]), (20, 20))
    >>> draft.resize((32, 32))
    >>> recipes = draft.recipes(size=(32, 32))
    >>> recipes.stages == GEOMETRY, recipes.field("left").tolist(), recipes.field("right").tolist()
    (True, [6], [26])
    """

    def __init__(self, offset: Tensor, extent: Tensor) -> None:
        """offset in bytes, int64 ``(n,)``, and extent in pixels, int64 ``(n, 2)``, of each draw's source
        image.
        """
        self.offset = offset
        self.source = extent
        self.extent = extent  # of the image as the next transform sees it; int64 or float64
        self._nothing = torch.zeros_like(extent)
        self._scale = torch.ones_like(extent, dtype=torch.float64)
        self._shift = torch.zeros_like(extent, dtype=torch.float64)
        self._low, self._high = self._nothing, extent  # the window
        self._border = self._nothing[:, :1]
        self._blur = self._nothing[:, [0, 0, 0]]
        self._noise = self._nothing[:, [0, 0, 0, 0]]
        self._smooth: Active = False  # who shrinks with antialiasing, if at all
        self._stages: list[tuple[int, Active]] = []

    @classmethod
    def of_batch(
        cls, shape: tuple[int, int, int, int], index: Tensor | None = None, device: torch.device | None = None
    ) -> Draft:
        """The draft of a dense batch ``(N, C, H, W)``: of image ``index[n]`` for draw n, or of all in
        turn.
        """
        count, channels, height, width = shape
        if index is None:
            index = torch.arange(count, device=device)
        extent = torch.tensor([[width, height]], device=index.device).expand(len(index), 2)
        return cls(index * (channels * height * width), extent)

    @classmethod
    def of_packed(cls, packed: Packed, index: Tensor | None = None) -> Draft:
        """The draft of a packed batch: of image ``index[n]`` for draw n, or of all in turn."""
        whole = (packed.offsets, packed.widths, packed.heights)
        offset, width, height = whole if index is None else (v[index] for v in whole)
        return cls(offset, torch.stack((width, height), dim=1))

    # ---- Geometry

    def crop(self, corner: Tensor, extent: Tensor | tuple[int, int], active: Active = True) -> None:
        """The window at ``corner`` (left, top) becomes the image. It may reach beyond it, to the
        ``border``.
        """
        self._shift = where(active, self._shift + self._scale * corner, self._shift)
        self._resized(extent, active)

    def resize(
        self, extent: Tensor | tuple[int, int], active: Active = True, *, antialias: bool = True
    ) -> None:
        """Bilinear, half-pixel centres; what lies outside the present image is never read.

        Where the whole chain shrinks, ``antialias`` widens the filter to the step, as Pillow does.
        """
        new = extent if isinstance(extent, Tensor) else self.offset.new_tensor(extent)
        ratio = self.extent.double() / new
        self._clip(both(active, (ratio != 1).any(1)))
        self._scale = where(active, self._scale * ratio, self._scale)
        self._resized(new, active)
        if antialias:
            self._smooth = either(self._smooth, active)

    def flip(self, mask: Tensor) -> None:
        """Mirror along the axes that the mask ``(n, 2)`` names: x, left and right; y, top and bottom."""
        self._shift = torch.where(mask, self._shift + self._scale * self.extent, self._shift)
        self._scale = torch.where(mask, -self._scale, self._scale)

    def border(self, name: str, active: Active = True) -> None:
        self._border = where(active, torch.full_like(self._border, BORDERS[name]), self._border)

    def _resized(self, extent: Tensor | tuple[int, int], active: Active) -> None:
        new = extent if isinstance(extent, Tensor) else self.offset.new_tensor(extent)
        self.extent = where(active, new.expand_as(self.extent), self.extent)

    def _clip(self, active: Active) -> None:
        """Narrow the window to the present image: an interpolation does not read past a crop's edge."""
        end = self._shift + self._scale * self.extent
        low, high = torch.minimum(self._shift, end), torch.maximum(self._shift, end)
        self._low = where(active, torch.maximum(self._low, low.floor().long()), self._low)
        self._high = where(active, torch.minimum(self._high, high.ceil().long()), self._high)

    # ---- Blur and noise

    def blur(self, weights: Tensor | None, active: Active = True) -> None:
        """A Gaussian by its ``blur_weights`` ``(n, 2)``, reflect-101 border; None: the article's kernel."""
        if weights is None:
            block = torch.tensor([[ARTICLE, 0, 0]], device=self.offset.device).expand_as(self._blur)
        else:
            block = torch.cat((torch.full_like(weights[:, :1], GAUSSIAN), weights), dim=1)
        self._blur = where(active, block, self._blur)
        self._stages.append((BLUR, active))

    def noise(self, salt: Tensor, pepper: Tensor, keys: Tensor, place: int, active: Active = True) -> None:
        """Salt and pepper with the given shares of pixels ``(n,)``, in steps of 2**-16."""
        salt = salt.double()
        thresholds = (torch.stack((salt, salt + pepper), dim=1) * NOISE_UNIT).round().long()
        block = torch.cat((keys[:, None], torch.full_like(keys[:, None], place), thresholds), dim=1)
        self._noise = where(active, block, self._noise)
        self._stages.append((NOISE, active))

    # ---- Packing

    def recipes(self, size: tuple[int, int]) -> Recipes:
        """The records. ``size``, (height, width), is what every draw's geometry must have come to."""
        scale = (self._scale * FIXED_POINT).round().long()
        # From continuous coordinates to whole-numbered pixel centres.
        shift = ((0.5 * self._scale + self._shift - 0.5) * FIXED_POINT).round().long()
        whole = self.source == self.offset.new_tensor((size[1], size[0]))
        moved = ~((scale == FIXED_POINT) & (shift == 0) & whole).all(1)
        stages = moved.long() * GEOMETRY
        used = [(GEOMETRY, moved), *self._stages]
        if self._smooth is not False:
            used.append((SHRINK, both(self._smooth, (scale.abs() > FIXED_POINT).any(1))))
        for stage, active in used[1:]:
            stages = stages | (stage if isinstance(active, bool) else active * stage)
        pairs = (self.source, scale, self._nothing, shift, self._low, self._high)
        columns = (stages[:, None], self.offset[:, None], *pairs, self._border, self._blur, self._noise)
        return Recipes(torch.cat(columns, dim=1), size, _union(used))


def _union(used: list[tuple[int, Active]]) -> int:
    """The stages that some draw has."""
    mask = used[0][1]
    # Where values cannot be looked at (a graph would break, a device be waited for, there are none), a stage
    # that was written to counts as used.
    blind = torch.compiler.is_compiling() or mask.device.type != "cpu" or len(mask) == 0
    union = 0
    for stage, active in used:
        if blind or (active if isinstance(active, bool) else bool(active.any())):
            union |= stage
    return union


def blur_weights(sigma: Tensor) -> Tensor:
    """What the kernel blurs with: the weights of the two taps two pixels away, and of the two next to it.

    >>> blur_weights(torch.tensor([1e-3, 1e3])).tolist()
    [[0, 0], [13107, 13107]]

    Args:
        sigma: ``(n,)`` in pixels.

    Returns:
        int64 ``(n, 2)`` in 1/2**15: two fifths each where sigma is large.
    """
    distance = torch.tensor([2.0, 1.0], dtype=torch.float64, device=sigma.device)
    side = torch.exp(-0.5 * (distance / sigma.double()[:, None]) ** 2)
    return (2 * side / (1 + 2 * side.sum(1, keepdim=True)) * BLUR_UNIT).round().long()
