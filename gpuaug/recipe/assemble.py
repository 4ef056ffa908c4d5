"""The execution of programs: it makes the recipe of each draw, in PyTorch on whole columns.

``csrc/host/assemble.h`` does the same for one draw at a time, with the same bits. This module serves other
devices, ``torch.compile``, installations without compiled libraries, and the tests as an oracle.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gpuaug.arguments import check_memory, check_one_device
from gpuaug.recipe.layout import (
    ARTICLE,
    BLUR,
    BLUR_UNIT,
    BOXES,
    COLOR,
    COLOR_UNIT,
    CURVES,
    ERASE,
    FIELDS,
    FIRST_FREE,
    FIXED_POINT,
    GEOMETRY,
    IMPULSE,
    IMPULSE_UNIT,
    LUMA,
    MOST_CURVES,
    NEAREST,
    PERSPECTIVE,
    PERSPECTIVE_UNIT,
    QUARTER,
    SHARPEN,
    SHARPEN_UNIT,
    SHRINK,
    STEADY,
    TRIES,
    WORD,
    Opcode,
)
from gpuaug.recipe.program import DTYPES, entries


def assemble(
    records: Tensor, columns: list[Tensor], constants: list[float], code: list[int], height: int, width: int
) -> int:
    """The op ``gpuaug::assemble``: fills ``records`` with recipes and returns the union of their stages."""
    if records.dtype != torch.int64 or records.dim() != 2 or records.shape[1] != len(FIELDS):
        raise RuntimeError(
            f"records must be contiguous int64 (n, {len(FIELDS)}), got {records.dtype} {tuple(records.shape)}"
        )
    check_memory("records", records)
    for column in columns:
        if column.dim() not in (1, 2) or column.shape[0] not in (1, len(records)):
            raise RuntimeError(
                f"columns must be (n) or (n, k), for the n of {len(records)} draws, got {tuple(column.shape)}"
            )
        if column.dtype not in DTYPES:
            raise RuntimeError(f"columns must be float64, int64, float32 or bool, got {column.dtype}")
        check_one_device(records=records, columns=column)
        check_memory("columns", column)
    records.copy_(execute(columns, constants, code, len(records), (height, width), records.device))
    union = 0
    for stages in records[:, 0].unique().tolist():
        union |= stages
    return union


def execute(
    columns: list[Tensor],
    constants: list[float],
    code: list[int],
    count: int,
    size: tuple[int, int],
    device: torch.device,
) -> Tensor:
    """The recipes of a batch, ``(count, len(FIELDS))``, from its program; ``size`` is (height, width)."""
    operands = _Operands(columns, constants, count, device)
    draws = _Draws(operands, *code[:4])
    for opcode, selection, given in entries(code):
        _EXECUTE[opcode](draws, operands.whole(selection)[:, None] != 0, *given)
    return draws.records(size)


def blur_weights(sigma: Tensor) -> Tensor:
    """The kernel's weights of a Gaussian: of the two outer taps together, and of the two inner ones.

    >>> blur_weights(torch.tensor([1e-3, 1e3])).tolist()
    [[0, 0], [13107, 13107]]

    Args:
        sigma: ``(n,)`` in pixels.

    Returns:
        int64 ``(n, 2)`` in 1/2**15; 2/5 each for a large sigma.
    """
    distance = torch.arange(2, 0, -1, dtype=torch.float64, device=sigma.device)
    side = torch.exp(-0.5 * (distance / sigma.double()[:, None]).square())
    return (side * (2 * BLUR_UNIT) / (1.0 + 2 * side.sum(1, keepdim=True))).round().long()


class _Operands:
    """Operands as tensors: float64 or int64, ``(n,)`` or ``(n, 2)``."""

    def __init__(
        self, columns: list[Tensor], constants: list[float], count: int, device: torch.device
    ) -> None:
        self._columns, self._constants, self.count, self.device = columns, constants, count, device

    def _column(self, operand: int, dtype: torch.dtype) -> Tensor:
        if operand >= 0:
            return self._given(operand).to(dtype).expand(self.count)
        # Through float64, as in C++: a number that does not fit int64 becomes the least int64.
        number = torch.full((self.count,), self._constants[~operand], device=self.device, dtype=torch.float64)
        return number.to(dtype)

    def _given(self, number: int) -> Tensor:
        # No list of columns is made, as an expanded tensor may have any number of them.
        for tensor in self._columns:
            count = 1 if tensor.dim() == 1 else tensor.shape[1]
            if number < count:
                return tensor if tensor.dim() == 1 else tensor[:, number]
            number -= count
        raise IndexError("code names a column that does not exist")

    def real(self, *operands: int) -> Tensor:
        return torch.stack([self._column(k, torch.float64) for k in operands], dim=1)

    def whole(self, operand: int) -> Tensor:
        return self._column(operand, torch.int64)


class _Draws:
    """The state of a batch's draws while a program is executed: tensors ``(n, 2)``, x first, or ``(n, 1)``.

    The geometry of a draw is one affine map, source = map * output + shift, in float64 and continuous
    coordinates (pixel centres at halves), so that a chain of crops, flips, resizes and rotations is one
    resampling. ``scale`` is the diagonal of the map; ``cross`` holds its other entries, x from y and y from
    x. Sums are made in the same order as in ``csrc/host/assemble.h``.
    """

    def __init__(self, operands: _Operands, first: int, step: int, width: int, height: int) -> None:
        self._get = operands
        number = torch.arange(operands.count, device=operands.device)
        self.offset = (operands.whole(first) + number * operands.whole(step))[:, None]
        self.source = torch.stack((operands.whole(width), operands.whole(height)), dim=1)
        self.extent = self.source.double()  # the size of the image that the next entry sees
        nothing = torch.zeros_like(self.source)
        self.scale = torch.ones_like(self.extent)
        self.cross = torch.zeros_like(self.extent)
        self.shift = torch.zeros_like(self.extent)
        # With a perspective, the map is divided by bottom * output + unit.
        self.bottom = torch.zeros_like(self.extent)
        self.unit = torch.ones_like(self.extent[:, :1])
        self.low, self.high = nothing, self.source  # the window
        self.border = self.outside = nothing[:, :1]
        self.blur = nothing[:, [0, 0, 0]]
        self.colors = torch.eye(3, 4, dtype=torch.float64, device=operands.device)
        self.colors = self.colors.expand(operands.count, 3, 4)
        self.curves = nothing[:, :1].expand(-1, MOST_CURVES)
        self.free = nothing[:, :1].expand(-1, len(FIELDS) - FIRST_FREE)
        self.stages = nothing[:, :1]
        self.smooth = nothing[:, :1] != 0  # draws that shrink with antialiasing
        self.warped = self.smooth  # draws whose crops clip no longer: taps read the image, or its border

    def execute_crop(self, selection: Tensor, left: int, top: int, width: int, height: int) -> None:
        self._crop(selection, self._get.real(left, top), self._get.real(width, height))

    def execute_window(
        self, selection: Tensor, x: int, y: int, width: int, height: int, padding: int
    ) -> None:
        window, pad = self._get.real(width, height), self._get.real(padding)
        room = self.extent + (2 * pad - window)
        self._crop(selection, (self._get.real(x, y) * (room + 1)).trunc() - pad, window)

    def execute_fit(self, selection: Tensor, x: int, y: int, least: int, most: int, *drawn: int) -> None:
        shares, ratios = self._get.real(*drawn[:TRIES]), self._get.real(*drawn[TRIES:])
        area = self.extent.prod(1, keepdim=True) * shares
        tries = torch.stack((area * ratios, area / ratios), dim=2).sqrt().round()  # (n, tries, 2)
        fits = ((tries > 0) & (tries <= self.extent[:, None])).all(2)
        first = fits.int().argmax(1)  # 0 if none fits; the fallback then replaces it
        none = ~fits.any(1, keepdim=True)
        longest = torch.cat(
            (self.extent[:, 1:] * self._get.real(most), self.extent[:, :1] / self._get.real(least)), dim=1
        )
        longest = longest.round().clamp(min=1)
        fallback = torch.where(longest < self.extent, longest, self.extent)  # in C++ too a NaN is not less
        window = torch.where(none, fallback, tries[torch.arange(len(first), device=first.device), first])
        room = self.extent - window
        corner = torch.where(none, (room / 2).floor(), (self._get.real(x, y) * (room + 1)).trunc())
        self._crop(selection, corner, window)

    def _crop(self, selection: Tensor, corner: Tensor, extent: Tensor) -> None:
        moved = self.shift + self.scale * corner + self.cross * corner.flip(1)
        unit = self.unit + self.bottom[:, :1] * corner[:, :1] + self.bottom[:, 1:] * corner[:, 1:]
        self.shift = torch.where(selection, moved, self.shift)
        self.unit = torch.where(selection, unit, self.unit)
        self.extent = torch.where(selection, extent, self.extent)

    def execute_resize(self, selection: Tensor, width: int, height: int, antialias: int) -> None:
        new = self._get.real(width, height)
        ratio = self.extent / new
        self._clip(selection & (ratio != 1).any(1, keepdim=True))
        self.scale = torch.where(selection, self.scale * ratio, self.scale)
        self.cross = torch.where(selection, self.cross * ratio.flip(1), self.cross)
        self.bottom = torch.where(selection, self.bottom * ratio, self.bottom)
        self.extent = torch.where(selection, new, self.extent)
        self.smooth = self.smooth | (selection & (self._get.real(antialias) != 0))

    def _clip(self, selection: Tensor) -> None:
        """Narrows the window to the current image: interpolation must not read past the edge of a crop."""
        clipped = selection & ~self.warped
        end = self.shift + self.scale * self.extent
        low = torch.where(end < self.shift, end, self.shift)  # in C++ too a NaN is not less
        high = torch.where(self.shift < end, end, self.shift)
        self.low = torch.where(clipped, torch.maximum(self.low, low.floor().long()), self.low)
        self.high = torch.where(clipped, torch.minimum(self.high, high.ceil().long()), self.high)

    def execute_flip(self, selection: Tensor, axis: int) -> None:
        other = self._get.whole(axis)[:, None] != 0
        mask = selection & (torch.arange(2, device=selection.device) == other)
        self.shift = torch.where(mask, self.shift + self.scale * self.extent, self.shift)
        self.scale = torch.where(mask, -self.scale, self.scale)
        along = self.bottom * self.extent
        along = torch.where(other, along[:, 1:], along[:, :1])
        self.unit = torch.where(selection, self.unit + along, self.unit)
        self.bottom = torch.where(mask, -self.bottom, self.bottom)
        mask = mask.flip(1)
        self.shift = torch.where(mask, self.shift + self.cross * self.extent.flip(1), self.shift)
        self.cross = torch.where(mask, -self.cross, self.cross)

    def execute_affine(
        self, selection: Tensor, xx: int, xy: int, yx: int, yy: int, scale: int, x: int, y: int
    ) -> None:
        self._clip(selection)
        self.warped = self.warped | selection
        middle, moved = 0.5 * self.extent, (self._get.real(x, y) * self.extent).round()
        at_x, at_y = (middle + moved).split(1, 1)
        from_x, from_y = (  # the columns of the inverse map
            (self._get.real(*column) / self._get.real(scale) * STEADY).round() / STEADY
            for column in ((xx, yx), (xy, yy))
        )
        start_x, start_y = (middle - (from_x * at_x + from_y * at_y)).split(1, 1)
        # The columns of the current map, each by x and y.
        by_x = torch.cat((self.scale[:, :1], self.cross[:, 1:]), dim=1)
        by_y = torch.cat((self.cross[:, :1], self.scale[:, 1:]), dim=1)
        shift = self.shift + (by_x * start_x + by_y * start_y)
        first, second = (by_x * c[:, :1] + by_y * c[:, 1:] for c in (from_x, from_y))
        left, right = self.bottom.split(1, 1)
        unit = self.unit + (left * start_x + right * start_y)
        bottom = torch.cat([left * c[:, :1] + right * c[:, 1:] for c in (from_x, from_y)], dim=1)
        self.unit = torch.where(selection, unit, self.unit)
        self.bottom = torch.where(selection, bottom, self.bottom)
        self.shift = torch.where(selection, shift, self.shift)
        along, cross = (
            torch.cat(v, 1) for v in ((first[:, :1], second[:, 1:]), (second[:, :1], first[:, 1:]))
        )
        self.scale = torch.where(selection, along, self.scale)
        self.cross = torch.where(selection, cross, self.cross)

    def execute_perspective(self, selection: Tensor, *block: int) -> None:
        self._clip(selection)
        self.warped = self.warped | selection
        a, b, c, d, e, f, g, h = self._get.real(*block).split(1, 1)
        rows = (
            (self.scale[:, :1], self.cross[:, :1], self.shift[:, :1]),
            (self.cross[:, 1:], self.scale[:, 1:], self.shift[:, 1:]),
            (self.bottom[:, :1], self.bottom[:, 1:], self.unit),
        )
        across, down, under = (
            ((x * a + y * d) + one * g, (x * b + y * e) + one * h, (x * c + y * f) + one)
            for x, y, one in rows
        )
        self.scale = torch.where(selection, torch.cat((across[0], down[1]), dim=1), self.scale)
        self.cross = torch.where(selection, torch.cat((across[1], down[0]), dim=1), self.cross)
        self.shift = torch.where(selection, torch.cat((across[2], down[2]), dim=1), self.shift)
        self.bottom = torch.where(selection, torch.cat(under[:2], dim=1), self.bottom)
        self.unit = torch.where(selection, under[2], self.unit)
        self.stages = torch.where(selection, self.stages | PERSPECTIVE, self.stages)

    def execute_border(self, selection: Tensor, which: int, outside: int) -> None:
        self.border = torch.where(selection, self._get.whole(which)[:, None], self.border)
        self.outside = torch.where(selection, self._get.whole(outside)[:, None], self.outside)

    def execute_nearest(self, selection: Tensor) -> None:
        self.stages = torch.where(selection, self.stages | NEAREST, self.stages)

    def execute_blur(self, selection: Tensor, which: int, sigma: int) -> None:
        kind = self._get.whole(which)[:, None]
        given = self._get.real(sigma)
        weights = torch.where(kind == ARTICLE, self.blur[:, 1:], blur_weights(given[:, 0]))
        factor = (given * SHARPEN_UNIT).round().long()
        weights = torch.where(kind == SHARPEN, torch.cat((factor, torch.zeros_like(factor)), dim=1), weights)
        self.blur = torch.where(selection, torch.cat((kind, weights), dim=1), self.blur)
        self.stages = torch.where(selection, self.stages | BLUR, self.stages)

    def execute_impulse(self, selection: Tensor, key: int, place: int, salt: int, pepper: int) -> None:
        white, black = self._get.real(salt), self._get.real(pepper)
        thresholds = (torch.cat((white, white + black), dim=1) * IMPULSE_UNIT).round().long()
        given = (self._get.whole(key)[:, None], self._get.whole(place)[:, None], *thresholds.split(1, 1))
        self._set(selection, WORD["key"], *given)
        self.stages = torch.where(selection, self.stages | IMPULSE, self.stages)

    def execute_color(self, selection: Tensor, *block: int) -> None:
        given = self._get.real(*block).unflatten(1, (3, 4))
        by_red, by_green, by_blue, added = given.split(1, 2)
        red, green, blue = self.colors.split(1, 1)
        mixed = by_red * red + by_green * green + by_blue * blue
        mixed = torch.cat((mixed[:, :, :3], mixed[:, :, 3:] + added), dim=2)
        self.colors = torch.where(selection[:, None], mixed, self.colors)
        self.stages = torch.where(selection, self.stages | COLOR, self.stages)

    def execute_adjust(self, selection: Tensor, *block: int) -> None:
        brightness, contrast, saturation, first, cosine, sine = self._get.real(*block)[
            ..., None, None
        ].unbind(1)
        own = torch.where(first != 0, brightness * self.colors, self.colors)
        own = contrast * own
        own = torch.cat((own[:, :, :3], own[:, :, 3:] + 0.5 * (1 - contrast)), dim=2)
        own = torch.where(first != 0, own, brightness * own)
        red, green, blue = own.split(1, 1)
        grey, *rotated = (
            by_red * red + by_green * green + by_blue * blue for by_red, by_green, by_blue in (LUMA, *QUARTER)
        )
        color = cosine * (own - grey) + sine * torch.cat(rotated, dim=1)
        self.colors = torch.where(selection[:, None], grey + saturation * color, self.colors)
        self.stages = torch.where(selection, self.stages | COLOR, self.stages)

    def execute_curve(self, selection: Tensor, word: int) -> None:
        taken = (self.curves != 0).sum(1, keepdim=True).clamp(max=MOST_CURVES - 1)
        free = torch.arange(MOST_CURVES, device=selection.device) == taken
        self.curves = torch.where(selection & free, self._get.whole(word)[:, None], self.curves)
        self.stages = torch.where(selection, self.stages | CURVES, self.stages)

    def execute_words(self, selection: Tensor, bit: int, first: int, count: int, *operands: int) -> None:
        given = [self._get.whole(operand)[:, None] for operand in operands]
        self._set(selection, first, *given)
        self.stages = torch.where(selection, self.stages | bit, self.stages)

    def _set(self, selection: Tensor, first: int, *given: Tensor) -> None:
        """Sets free words of the recipe, from the index ``first`` on."""
        before, after = self.free[:, : first - FIRST_FREE], self.free[:, first - FIRST_FREE + len(given) :]
        self.free = torch.where(selection, torch.cat((before, *given, after), dim=1), self.free)

    def execute_cut_out(self, selection: Tensor, x: int, y: int, width: int, height: int, fill: int) -> None:
        size = torch.stack((self._get.whole(width), self._get.whole(height)), dim=1)
        low = (self._get.real(x, y) * self.extent).long() - size.div(2, rounding_mode="trunc")
        ends = torch.minimum(low + size, self.extent.long())
        sides = torch.cat((low, ends), dim=1).clamp(0, 0xFFFF)
        word = sides[:, 0] | sides[:, 1] << 16 | sides[:, 2] << 32 | sides[:, 3] << 48
        boxes = self.free[:, WORD["box0"] - FIRST_FREE :][:, :BOXES]
        taken = (boxes != 0).sum(1, keepdim=True).clamp(max=BOXES - 1)
        boxes = torch.where(torch.arange(BOXES, device=word.device) == taken, word[:, None], boxes)
        self._set(selection, WORD["fill"], self._get.whole(fill)[:, None], *boxes.split(1, 1))
        self.stages = torch.where(selection, self.stages | ERASE, self.stages)

    def records(self, size: tuple[int, int]) -> Tensor:
        # From continuous coordinates to pixel centres on whole numbers.
        shift = 0.5 * self.scale + self.shift + 0.5 * self.cross
        left, right = self.bottom.split(1, 1)
        unit = (0.5 * left + 0.5 * right) + self.unit
        across, down = left * (size[1] - 1.0), right * (size[0] - 1.0)
        most = unit
        for corner in (unit + across, unit + down, unit + across + down):
            most = torch.where(most < corner, corner, most)  # in C++ too a NaN is not less
        divided = (self.stages & PERSPECTIVE) != 0
        maps = (
            torch.where(divided, (self.scale - 0.5 * self.bottom) / most, self.scale),
            torch.where(divided, (self.cross - 0.5 * self.bottom.flip(1)) / most, self.cross),
            torch.where(divided, (shift - 0.5 * unit) / most, shift - 0.5),
        )
        scale, cross, shift = ((v * FIXED_POINT).round().long() for v in maps)
        divisor = torch.cat((self.bottom, unit), dim=1) / most * PERSPECTIVE_UNIT
        divisor = torch.where(divided, divisor.round().long(), 0)
        along_axes = (cross == 0).all(1, keepdim=True) & ~divided
        one = int(FIXED_POINT)  # an int: a float would turn integers into the default dtype
        whole = self.source == self.source.new_tensor((size[1], size[0]))
        moved = ~(along_axes & ((scale == one) & (shift == 0) & whole).all(1, keepdim=True))
        smooth = self.smooth & ((self.stages & NEAREST) == 0)
        shrinks = smooth & along_axes & (scale.abs() > one).any(1, keepdim=True)
        stages = self.stages | moved * GEOMETRY | shrinks * SHRINK
        pairs = (self.source, scale, cross, shift, self.low, self.high)
        colors = torch.cat((self.colors[:, :, :3], self.colors[:, :, 3:] * 255), dim=2) * COLOR_UNIT
        colors = torch.where((stages & COLOR) != 0, colors.round().long().flatten(1), 0)
        others = (self.border, self.outside, divisor, self.blur, colors, self.curves, self.free)
        return torch.cat((stages, self.offset, *pairs, *others), dim=1)


_EXECUTE: dict[int, Callable[..., None]] = {
    opcode: getattr(_Draws, f"execute_{opcode.name.lower()}") for opcode in Opcode
}
