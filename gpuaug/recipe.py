"""The recipe: the fixed-size record that one draw's transforms compile to, and what the kernel executes.

``csrc/recipe.h`` is the same record in C++, field for field.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

FIELDS = (
    "stages",
    "offset",
    "height",
    "width",
    "xx",
    "xy",
    "x1",
    "yx",
    "yy",
    "y1",
    "left",
    "top",
    "right",
    "bottom",
    "border",
    "blur",
    "outer",
    "inner",
    "key",
    "place",
    "salt",
    "pepper",
)
WORD = {name: number for number, name in enumerate(FIELDS)}

GEOMETRY, BLUR, NOISE = 1, 2, 4
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

    The geometry is kept as one inverse affine map per draw, in float64 and continuous coordinates (pixel
    centres at halves), so that a chain of crops, flips and resizes is one resampling. Every method takes
    ``active``, the draws that it is for.

    >>> draft = Draft.of_batch((1, 3, 32, 32))
    >>> everyone = torch.ones(1, dtype=torch.bool)
    >>> draft.crop(left=torch.tensor([6]), top=torch.tensor([6]), width=20, height=20, active=everyone)
    >>> draft.resize(32, 32, active=everyone)
    >>> recipes = draft.recipes(size=(32, 32))
    >>> recipes.stages == GEOMETRY, recipes.field("left").tolist(), recipes.field("right").tolist()
    (True, [6], [26])
    """

    def __init__(self, offset: Tensor, height: Tensor, width: Tensor) -> None:
        """offset (bytes), height, width (pixels): int64 ``(n,)``, each draw's source image in the flat
        storage.
        """
        self.fields: dict[str, Tensor] = {"offset": offset, "height": height, "width": width}
        self.height, self.width = height, width  # of the image as the next transform sees it
        one, zero = (
            torch.ones_like(height, dtype=torch.float64),
            torch.zeros_like(height, dtype=torch.float64),
        )
        self._x = (one, zero, zero)  # source x = xx * x + xy * y + x1
        self._y = (zero, one, zero)
        none = torch.zeros_like(height)
        self._window = (none, none, width, height)
        self._written = 0

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
        return cls(
            index * (channels * height * width), torch.full_like(index, height), torch.full_like(index, width)
        )

    # ---- Geometry

    def crop(
        self, *, left: Tensor, top: Tensor, width: Tensor | int, height: Tensor | int, active: Tensor
    ) -> None:
        """The window becomes the image. It may reach beyond the image; ``border`` says what is there."""
        self._step((1.0, left.double()), (1.0, top.double()), active)
        self._resized(width, height, active)

    def resize(self, height: Tensor | int, width: Tensor | int, *, active: Tensor) -> None:
        """Bilinear, half-pixel centres, no antialiasing: what lies outside the present image is never
        read.
        """
        sx, sy = self.width.double() / width, self.height.double() / height
        self._clip(active & ((sx != 1) | (sy != 1)))
        self._step((sx, 0.0), (sy, 0.0), active)
        self._resized(width, height, active)

    def flip(self, *, horizontal: Tensor | None = None, vertical: Tensor | None = None) -> None:
        if horizontal is not None:
            self._step((-1.0, self.width.double()), (1.0, 0.0), horizontal)
        if vertical is not None:
            self._step((1.0, 0.0), (-1.0, self.height.double()), vertical)

    def border(self, name: str, *, active: Tensor) -> None:
        self._set("border", BORDERS[name], active)

    def _step(self, x: tuple, y: tuple, active: Tensor) -> None:
        """Put the map (x, y) -> (x[0] * x + x[1], y[0] * y + y[1]) before what is there."""
        self._written |= GEOMETRY
        for name, (a, b, c) in (("_x", self._x), ("_y", self._y)):
            after = (a * x[0], b * y[0], a * x[1] + b * y[1] + c)
            setattr(
                self,
                name,
                tuple(torch.where(active, new, old) for new, old in zip(after, (a, b, c), strict=True)),
            )

    def _resized(self, width: Tensor | int, height: Tensor | int, active: Tensor) -> None:
        self.width = torch.where(active, width, self.width)
        self.height = torch.where(active, height, self.height)

    def _clip(self, active: Tensor) -> None:
        """Narrow the window to the present image, so that an interpolation does not read past a crop's
        edge.
        """
        left, top, right, bottom = self._window
        bounds = []
        for (a, b, c), low, high in ((self._x, left, right), (self._y, top, bottom)):
            reach = (a * self.width, b * self.height)
            start = c + reach[0].clamp(max=0) + reach[1].clamp(max=0)
            end = c + reach[0].clamp(min=0) + reach[1].clamp(min=0)
            bounds.append(
                (
                    torch.where(active, torch.maximum(low, start.floor().long()), low),
                    torch.where(active, torch.minimum(high, end.ceil().long()), high),
                )
            )
        (left, right), (top, bottom) = bounds
        self._window = (left, top, right, bottom)

    # ---- Blur and noise

    def blur(self, sigma: Tensor | None, *, active: Tensor) -> None:
        """A 5x5 Gaussian of ``sigma`` pixels ``(n,)`` with reflect-101 border; None: the article's kernel."""
        self._mark(BLUR, active)
        if sigma is None:
            self._set("blur", ARTICLE, active)
            return
        self._set("blur", GAUSSIAN, active)
        distance = torch.tensor([2.0, 1.0], dtype=torch.float64, device=sigma.device)
        side = torch.exp(-0.5 * (distance / sigma.double()[:, None]) ** 2)
        pair = 2 * side / (1 + 2 * side.sum(1, keepdim=True))
        outer, inner = (pair * BLUR_UNIT).round().long().unbind(1)
        self._set("outer", outer, active)
        self._set("inner", inner, active)

    def noise(self, salt: Tensor, pepper: Tensor, keys: Tensor, place: int, *, active: Tensor) -> None:
        """Salt and pepper with the given shares of pixels ``(n,)``, in steps of 2**-16."""
        self._mark(NOISE, active)
        self._set("salt", (salt.double() * NOISE_UNIT).round().long(), active)
        self._set("pepper", ((salt.double() + pepper.double()) * NOISE_UNIT).round().long(), active)
        self._set("key", keys, active)
        self._set("place", place, active)

    # ---- Packing

    def recipes(self, size: tuple[int, int]) -> Recipes:
        """The records. ``size`` is what every draw's geometry must have come to."""
        fields = self.fields | dict(zip(("left", "top", "right", "bottom"), self._window, strict=True))
        x, y = self._fixed(self._x), self._fixed(self._y)
        fields |= dict(zip(("xx", "xy", "x1", "yx", "yy", "y1"), (*x, *y), strict=True))
        still = (
            (x[0] == FIXED_POINT)
            & (x[1] == 0)
            & (x[2] == 0)
            & (y[0] == 0)
            & (y[1] == FIXED_POINT)
            & (y[2] == 0)
        )
        whole = (fields["height"] == size[0]) & (fields["width"] == size[1])
        fields["stages"] = self._get("stages") | torch.where(still & whole, 0, GEOMETRY)
        nothing = torch.zeros_like(fields["offset"])
        records = torch.stack([fields.get(name, nothing) for name in FIELDS], dim=1)
        return Recipes(records, size, self._union(fields["stages"]))

    @staticmethod
    def _fixed(row: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """From continuous coordinates to whole-numbered pixel centres, in 32.32 fixed point."""
        a, b, c = row
        return tuple((v * FIXED_POINT).round().long() for v in (a, b, 0.5 * (a + b) + c - 0.5))

    def _union(self, stages: Tensor) -> int:
        # Where the values cannot be looked at (a graph would break, a device be waited for, there are none),
        # the stages that were written to stand in.
        if torch.compiler.is_compiling() or stages.device.type != "cpu" or len(stages) == 0:
            return self._written
        return sum(bit for bit in (GEOMETRY, BLUR, NOISE) if bool((stages & bit).any()))

    def _set(self, name: str, value: Tensor | int, active: Tensor) -> None:
        self.fields[name] = torch.where(active, value, self._get(name))

    def _get(self, name: str) -> Tensor:
        return self.fields.get(name, torch.zeros_like(self.fields["offset"]))

    def _mark(self, stage: int, active: Tensor) -> None:
        self._written |= stage
        self._set("stages", stage | self._get("stages"), active)
