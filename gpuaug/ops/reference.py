"""The kernel in plain PyTorch, on any device: the fallback where nothing is compiled, and the oracle in the
tests.

The arithmetic is that of ``csrc/common/arithmetic.h``, on whole batches: every intermediate is an int64
tensor ``(n, height, width)`` or ``(n, channels, height, width)``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug import random
from gpuaug.arguments import check_memory, check_one_device, check_words
from gpuaug.images.levels import COLORS
from gpuaug.recipe.layout import (
    ARTICLE,
    ARTICLE_KERNEL,
    BLUR,
    BORDERS,
    BOXES,
    COLOR,
    CURVES,
    ERASE,
    FIELDS,
    GEOMETRY,
    IMPULSE,
    NOISE,
    SHRINK,
    WORD,
)
from gpuaug.stages import curves, noise


def augment(
    storage: Tensor,
    records: Tensor,
    table: Tensor | None,
    channels: int,
    height: int,
    width: int,
    interleaved: bool,
    stages: int,
    channels_last: bool,
    scale_shift: Tensor | None = None,
) -> Tensor:
    """The op ``gpuaug::augment``; ``gpuaug/functional.py`` says what each argument is."""
    _check_call(storage, records, table, channels, height, width, scale_shift)
    check_readable(storage.numel(), records, channels)
    field = {name: records[:, word, None, None] for name, word in WORD.items()}
    image = _geometry(storage, field, channels, height, width, interleaved, stages)
    if stages & BLUR:
        image = _choose(field, BLUR, _blur(image, field), image)
    moved = image
    if stages & COLOR:
        image = _choose(field, COLOR, _color(image, records), image)
    if stages & CURVES:
        image = _choose(field, CURVES, _curves(image, records), image)
    if stages & NOISE:
        image = _choose(field, NOISE, noise.of_levels(image, records), image)
    if stages & IMPULSE:
        image = _choose(field, IMPULSE, _impulse(image, field), image)
    if stages & ERASE:
        mask = erased(records, height, width)[:, None]
        image = torch.where(mask, field["fill"][:, None] & 0xFF, image)
    image = with_alpha(image, moved)
    if table is None:
        out = image.to(torch.uint8)
    else:
        channel = torch.arange(channels, device=image.device)[:, None, None]
        draw = torch.arange(len(image), device=image.device)[:, None, None, None]
        out = table[0 if table.shape[0] == 1 else draw, channel, image]
    return out.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def keyed_draws(index: Tensor, copy: Tensor, seed: int, epoch: int) -> Tensor:
    """The op ``gpuaug::keyed_draws``."""
    check_one_device(index=index, copy=copy)
    check_words("index", index)
    check_words("copy", copy)
    if len(index) != len(copy):
        raise RuntimeError(f"copy must have one entry for each of index, got {len(copy)} for {len(index)}")
    counter = torch.stack((index & 0xFFFFFFFF, index >> 32, copy, torch.full_like(index, epoch)), dim=-1)
    keys = random.join(random.philox(counter & 0xFFFFFFFF, torch.tensor(seed, device=index.device)))
    return torch.stack((index, copy, keys), dim=1)


def uniform(keys: Tensor, places: list[int], counts: list[int]) -> Tensor:
    """The op ``gpuaug::uniform``."""
    check_words("keys", keys)
    if len(places) != len(counts):
        raise RuntimeError(f"counts must be as many as places, got {len(counts)} and {len(places)}")
    for place, count in zip(places, counts, strict=True):
        if not 0 <= place < 1 << 32:
            raise RuntimeError(f"places must be in [0, 2**32), got {place}")
        if not 0 <= count <= 1 << 34:  # blocks of four numbers, of which a word of the counter has the number
            least = "at least 0" if count < 0 else "at most 2**34"
            raise RuntimeError(f"counts must be {least}, got {count}")
    if not any(counts):
        return keys.new_empty((0, len(keys)), dtype=torch.float64)
    words = [random.words(keys, *each) for each in zip(places, counts, strict=True)]
    return torch.cat(words, dim=1).T.contiguous().double() * 2.0**-32


def _check_call(
    storage: Tensor,
    records: Tensor,
    table: Tensor | None,
    channels: int,
    height: int,
    width: int,
    scale_shift: Tensor | None,
) -> None:
    if storage.dtype != torch.uint8 or storage.dim() != 1:
        raise RuntimeError(f"storage must be flat uint8, got {storage.dtype} {tuple(storage.shape)}")
    if records.dtype != torch.int64 or records.dim() != 2 or records.shape[1] != len(FIELDS):
        raise RuntimeError(
            f"records must be int64 (N, {len(FIELDS)}), got {records.dtype} {tuple(records.shape)}"
        )
    check_one_device(storage=storage, records=records, table=table, scale_shift=scale_shift)
    if not 1 <= channels <= 4:
        raise RuntimeError(f"channels must be in [1, 4], got {channels}")
    if height < 1 or width < 1:
        raise RuntimeError(f"the output size must be positive, got {height} x {width}")
    if len(records) * channels * height * width > 1 << 60:
        raise RuntimeError(f"the output is too large: {len(records)} x {channels} x {height} x {width}")
    rows = (1, len(records))
    if table is not None:
        if tuple(table.shape) not in {(row, channels, 256) for row in rows}:
            raise RuntimeError(f"table must be contiguous (1 or N, C, 256), got shape {tuple(table.shape)}")
        if table.dtype not in (torch.float32, torch.float16, torch.bfloat16):
            raise RuntimeError(f"table must be float32, float16 or bfloat16, got {table.dtype}")
    for name, tensor in {
        "storage": storage,
        "records": records,
        "table": table,
        "scale_shift": scale_shift,
    }.items():
        if tensor is not None:
            check_memory(name, tensor)


def check_readable(values: int, records: Tensor, channels: int) -> None:
    """Raise where a record on the host reads outside a storage of that many values.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> check_readable(192, RecipeBuilder.of_batch((1, 3, 8, 8)).recipes((8, 8)).records, channels=3)
    """
    if records.device.type != "cpu":
        return  # looking would wait for the device; the taps are clamped
    offset, height, width = (records[:, WORD[name]] for name in ("offset", "height", "width"))
    bad = (height < 1) | (width < 1) | (offset < 0)
    # By division: a product of what a record may hold would wrap.
    bad |= width > (values - offset) // height.clamp(min=1) // channels
    if bool(bad.any()):
        n = int(bad.nonzero()[0, 0])
        raise RuntimeError(
            f"recipes: draw {n} reads outside the images: offset {int(offset[n])}, "
            f"size {int(height[n])} x {int(width[n])} in {values} values"
        )


def _choose(field: dict[str, Tensor], stage: int, then: Tensor, otherwise: Tensor) -> Tensor:
    return torch.where(((field["stages"] & stage) != 0)[:, None], then, otherwise)


def with_alpha(changed: Tensor, image: Tensor) -> Tensor:
    """The changed colors, and of four channels the image's own fourth: only geometry and blur change it.

    >>> with_alpha(torch.zeros(1, 4, 1, 1), torch.ones(1, 4, 1, 1)).flatten()
    tensor([0., 0., 0., 1.])
    """
    if image.shape[1] <= COLORS:
        return changed
    return torch.cat((changed[:, :COLORS], image[:, COLORS:]), dim=1)


# Between two steps of a stage a value is kept in 1/128 of a level.

# ---- Geometry: bilinear, weights in 1/2048.


class _Source:
    """The source image of each draw, to be read at any pixel."""

    def __init__(self, storage: Tensor, field: dict[str, Tensor], channels: int, interleaved: bool) -> None:
        self._storage, self._field, self._interleaved = storage, field, interleaved
        self._channels = channels
        self._channel = torch.arange(channels, device=storage.device)[:, None, None]

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """int64 ``(n, channels, height, width)`` at columns and rows ``(n, height, width)``; -1 reads
        zero.
        """
        field = self._field
        pixel = (y.clamp(min=0) * field["width"] + x.clamp(min=0))[:, None]
        if self._interleaved:
            byte = pixel * self._channels + self._channel
        else:
            byte = pixel + (field["height"] * field["width"])[:, None] * self._channel
        byte = (byte + field["offset"][:, None]).clamp(0, max(self._storage.numel() - 1, 0))
        return torch.where(((x >= 0) & (y >= 0))[:, None], self._storage[byte].long(), 0)


def _geometry(
    storage: Tensor,
    field: dict[str, Tensor],
    channels: int,
    height: int,
    width: int,
    interleaved: bool,
    stages: int,
) -> Tensor:
    x = torch.arange(width, device=storage.device)
    y = torch.arange(height, device=storage.device)[:, None]
    moved = (field["stages"] & GEOMETRY) != 0
    column = torch.where(moved, field["xx"] * x + field["xy"] * y + field["x1"], x << 32)
    row = torch.where(moved, field["yx"] * x + field["yy"] * y + field["y1"], y << 32)
    border = torch.where(moved, field["border"], BORDERS["edge"])
    left = torch.where(moved, field["left"], 0).clamp(min=0).minimum(field["width"] - 1)
    top = torch.where(moved, field["top"], 0).clamp(min=0).minimum(field["height"] - 1)
    right = torch.where(moved, field["right"], field["width"]).maximum(left + 1).minimum(field["width"])
    bottom = torch.where(moved, field["bottom"], field["height"]).maximum(top + 1).minimum(field["height"])
    pixels = _Source(storage, field, channels, interleaved)

    (x0, wx), (y0, wy) = _tap(column), _tap(row)
    x0, x1 = _resolve(x0, left, right, border), _resolve(x0 + 1, left, right, border)
    y0, y1 = _resolve(y0, top, bottom, border), _resolve(y0 + 1, top, bottom, border)
    wx, wy = wx[:, None], wy[:, None]
    upper = _blend(pixels(x0, y0) * 128, pixels(x1, y0) * 128, wx)
    lower = _blend(pixels(x0, y1) * 128, pixels(x1, y1) * 128, wx)
    image = _level(_blend(upper, lower, wy))
    if not stages & SHRINK or len(image) == 0:
        return image

    # Every source row across, then down, each axis filtered where it shrinks and blended where it does not.
    flat = moved & ((field["stages"] & SHRINK) != 0) & (field["xy"] == 0) & (field["yx"] == 0)
    across, down = (flat & ((field[name] > 1 << 32) | (field[name] < -1 << 32)) for name in ("xx", "yy"))
    columns = torch.arange(int(field["width"].max()), device=storage.device)
    rows = torch.arange(int(field["height"].max()), device=storage.device)[:, None]
    rows = rows.expand(len(image), -1, 1).minimum(field["height"] - 1)
    whole = pixels(columns.expand(len(image), 1, -1).minimum(field["width"] - 1), rows)
    weights = _filter_weights(column[:, :1], field["xx"], left, right, len(columns))
    filtered = (_weigh(whole, weights) + (1 << 6)) >> 7
    blended = _blend(pixels(x0[:, :1], rows) * 128, pixels(x1[:, :1], rows) * 128, wx[:, :, :1])
    lines = torch.where(across[:, None], filtered, blended)
    weights = _filter_weights(row[:, :, :1].mT, field["yy"], top, bottom, rows.shape[1])
    filtered = (_weigh(lines.mT, weights).mT + (1 << 20)) >> 21
    at = (
        y0[:, None, :, :1].expand(-1, channels, -1, width),
        y1[:, None, :, :1].expand(-1, channels, -1, width),
    )
    upper, lower = (torch.where(k >= 0, lines.gather(2, k.clamp(min=0)), 0) for k in at)
    shrunk = torch.where(down[:, None], filtered, _level(_blend(upper, lower, wy)))
    return torch.where((across | down)[:, None], shrunk, image)


def _filter_weights(centre: Tensor, step: Tensor, low: Tensor, high: Tensor, length: int) -> Tensor:
    """The triangle filters ``(n, outputs, length)`` of one axis in 1/2^14, from centres ``(n, 1,
    outputs)``.
    """
    pixel = torch.arange(length, device=centre.device)
    centre = centre.maximum(low << 32).minimum((high - 1) << 32).mT
    step = step.clamp(-(1 << 48), 1 << 48)
    raw = (step.abs() - ((pixel << 32) - centre).abs()).clamp(min=0) >> 20
    raw = torch.where((pixel >= low) & (pixel < high), raw, 0)
    total = raw.sum(2, keepdim=True).clamp(min=1)
    given = ((raw.cumsum(2) << 14) + (total >> 1)) // total
    return given.diff(dim=2, prepend=torch.zeros_like(given[:, :, :1]))


def _weigh(lines: Tensor, weights: Tensor) -> Tensor:
    """Sums of ``lines (n, channels, rows, length)`` under ``weights (n, outputs, length)``: (n, channels,
    rows, outputs).
    """
    # In float64 every product and sum is exact, and every device has a matrix product for it.
    return (lines.double() @ weights.double().mT[:, None]).long()


def _blend(first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    return first + (((second - first) * weight + (1 << 10)) >> 11)


def _level(fine: Tensor) -> Tensor:
    return (fine + 64) >> 7


def _tap(coordinate: Tensor) -> tuple[Tensor, Tensor]:
    rounded = coordinate + (1 << 20)
    return rounded >> 32, (rounded >> 21) & 2047


def _resolve(index: Tensor, low: Tensor, high: Tensor, border: Tensor) -> Tensor:
    """Where a tap reads along one axis; -1: nowhere, it counts as zero."""
    inside = (index >= low) & (index < high)
    period = (2 * (high - low - 1)).clamp(min=1)
    phase = (index - low).remainder(period)
    reflected = low + torch.minimum(phase, period - phase)
    outside = torch.where(border == BORDERS["reflect"], reflected, index.maximum(low).minimum(high - 1))
    return torch.where(inside, index, torch.where(border == BORDERS["zero"], -1, outside))


# ---- Blur: a pair of neighbours pulls the centre towards its mean, across, then down; the article's kernel
# is a direct sum.


def _blur(image: Tensor, field: dict[str, Tensor]) -> Tensor:
    fine = image * 128
    outer, inner = (field[name][:, None] & 0x7FFF for name in ("outer", "inner"))
    inner = inner.minimum((1 << 15) - outer)
    for dim in (3, 2):
        before2, before1, centre, after1, after2 = _taps(fine, dim, "reflect")
        pulled = _pull(centre, before2, after2, outer) + _pull(centre, before1, after1, inner)
        fine = centre + pulled
    return torch.where((field["blur"] == ARTICLE)[:, None], _article(image), _level(fine))


def _pull(centre: Tensor, neighbour: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    return ((((neighbour + other + 1) >> 1) - centre) * weight + (1 << 14)) >> 15


def _article(image: Tensor) -> Tensor:
    total = torch.zeros_like(image)
    for row, weights in zip(_taps(image, 2, "zero"), ARTICLE_KERNEL, strict=True):
        for pixel, weight in zip(_taps(row, 3, "zero"), weights, strict=True):
            total += weight * pixel
    return total // 273


def _taps(image: Tensor, dim: int, border: str) -> list[Tensor]:
    """The image moved by -2, -1, 0, 1, 2 pixels along a dimension."""
    size = image.shape[dim]
    place = torch.arange(size, device=image.device)
    taps = []
    for step in range(-2, 3):
        at = _resolve(
            place + step, *(torch.tensor(v, device=image.device) for v in (0, size, BORDERS[border]))
        )
        shape = [1] * image.dim()
        shape[dim] = size
        taps.append(torch.where((at >= 0).view(shape), image.index_select(dim, at.clamp(min=0)), 0))
    return taps


# ---- Color: sums of red, green and blue; of fewer channels, the last one stands for the missing ones.


def _color(image: Tensor, records: Tensor) -> Tensor:
    channels = image.shape[1]
    matrix = records[:, WORD["rr"] : WORD["b1"] + 1].unflatten(1, (3, 4))[..., None, None]
    weights, added = (
        matrix[:, :, :3].clamp(-(1 << 15), (1 << 15) - 1),
        matrix[:, :, 3].clamp(-(1 << 28), 1 << 28),
    )
    rows = [
        sum(weights[:, row, k, None] * image[:, min(k, channels - 1), None] for k in range(3))
        + added[:, row, None]
        for row in range(min(channels, 3))
    ]
    mixed = ((torch.cat(rows, dim=1) + (1 << 11)) >> 12).clamp(0, 255)
    return torch.cat((mixed, image[:, COLORS:]), dim=1)


# ---- Curves: a table for each draw.


def _curves(image: Tensor, records: Tensor) -> Tensor:
    return curves.tables(records).gather(1, image.flatten(1)).view_as(image)


# ---- Noise, from the 16 bits of each pixel.


def _impulse(image: Tensor, field: dict[str, Tensor]) -> Tensor:
    bits = random.pixel_bits(field["key"].flatten(), field["place"].flatten(), *image.shape[-2:])
    value = torch.where(bits < field["pepper"], 0, -1)
    value = torch.where(bits < field["salt"], 255, value)[:, None]
    return torch.where(value < 0, image, value)


# ---- Erasing.


def erased(records: Tensor, height: int, width: int) -> Tensor:
    """The pixels that the draws erase: bool ``(n, height, width)``."""
    field = {name: records[:, word, None, None] for name, word in WORD.items()}
    x = torch.arange(width, device=records.device)
    y = torch.arange(height, device=records.device)[:, None]
    (unit_x, unit_y, hole_x, hole_y), (at_x, at_y, _, _) = (
        _quad(field[name]) for name in ("grid", "grid_at")
    )
    mask = ((x + at_x) % unit_x.clamp(min=1) < hole_x) & ((y + at_y) % unit_y.clamp(min=1) < hole_y)
    mask = mask & (unit_x > 0) & (unit_y > 0)
    for number in range(BOXES):
        left, top, right, bottom = _quad(field[f"box{number}"])
        mask = mask | ((x >= left) & (x < right) & (y >= top) & (y < bottom))
    return mask & ((field["stages"] & ERASE) != 0)


def _quad(word: Tensor) -> list[Tensor]:
    return [(word >> (16 * place)) & 0xFFFF for place in range(4)]
