"""A grid of cells over the images of a batch: cut apart, put together, and the sums of cells around a cell.

The pixels of a cell, or of a part of a large cell, are a matrix ``(features + 1, pixels)``. Features are the
channels of the color, then y and x; the last row is 1. Cells differ by a pixel in size: a smaller one has
columns of zeros, which add nothing to a sum.
"""

from __future__ import annotations

import torch
from torch import Tensor

NEAR = 9  # a cell and those around it, row by row
OWN = 4
_PART = 1 << 14  # so many pixels of the largest color, or of the furthest place, add up to below 2**24


class Cells:
    """The cells of images of one size.

    >>> cells = Cells(4, 6, (2, 3), reach=20.0, device=torch.device("cpu"))
    >>> pixels = cells.cut(torch.zeros(5, 1, 4, 6))
    >>> pixels.shape  # of 5 images, 6 cells of 2 x 2 pixels: the level, y, x, 1
    torch.Size([30, 4, 4])
    >>> cells.put_together(torch.full((30, 4), OWN))[0]
    tensor([[0, 0, 1, 1, 2, 2],
            [0, 0, 1, 1, 2, 2],
            [3, 3, 4, 4, 5, 5],
            [3, 3, 4, 4, 5, 5]])

    Args:
        height, width: of the images, in pixels.
        grid: cells (down, across), at most the height and the width.
        reach: the longer side of a cell in the unit of the features.
        device: of the images.
    """

    def __init__(
        self, height: int, width: int, grid: tuple[int, int], reach: float, device: torch.device
    ) -> None:
        (down, across), self.size = grid, (height, width)
        scale = reach / max(height / down, width / across)
        rows, columns = (
            _Axis(side, count, scale, device) for side, count in zip(self.size, grid, strict=True)
        )
        self.count, area = down * across, rows.longest * columns.longest
        self.parts = -(-area // _PART)
        self._room = -(-area // self.parts) * self.parts  # a cell's pixels, and what fills the last part

        # Where each pixel of a cell is in the image, and the other way round.
        inside = torch.arange(self._room, device=device)
        row, column = inside // columns.longest, inside % columns.longest
        y, x = rows.first[:-1, None] + row, columns.first[:-1, None] + column
        real = (y < rows.first[1:, None])[:, None] & (x < columns.first[1:, None])[None]
        y, x = y.clamp(max=height - 1)[:, None], x.clamp(max=width - 1)[None]
        self._pixel = (y * width + x).flatten()
        cell = rows.cell[:, None] * across + columns.cell
        self._home = (cell * self._room + rows.inside[:, None] * columns.longest + columns.inside).flatten()

        # Places, from the middle of the cell; the middles, from the corner of the image.
        middle = torch.zeros(2, down, across, device=device)
        middle[0], middle[1] = rows.middle[:, None], columns.middle
        self._middle = middle.flatten(1).mT
        away = torch.zeros(3, down, across, self._room, device=device)
        away[0] = rows.place[y] - rows.middle[:, None, None]
        away[1] = columns.place[x] - columns.middle[:, None]
        away[2] = 1
        self._real = real.reshape(self.count, self._room)
        self._place = away.flatten(1, 2) * self._real

        step = torch.arange(-1, 2, device=device)
        y = torch.arange(down, device=device)[:, None, None, None] + step[:, None]
        x = torch.arange(across, device=device)[:, None, None] + step
        self._near = (y.clamp(0, down - 1) * across + x.clamp(0, across - 1)).reshape(self.count, NEAR)
        beyond = (y < 0) | (y >= down) | (x < 0) | (x >= across)
        self.outside = beyond.reshape(self.count, NEAR)
        # What one cell gives to another that gets from it: they see each other from opposite sides.
        self._given = self._near * NEAR + torch.arange(NEAR, device=device).flip(0)

    def cut(self, colors: Tensor) -> Tensor:
        """The pixels of each part of a cell: float32 ``(m * cells * parts, C + 3, pixels)``.

        Args:
            colors: ``(m, C, H, W)``.
        """
        images, channels = colors.shape[:2]
        pixels = colors.new_empty(images, self.count, channels + 3, self._room)
        cut = colors.flatten(2).index_select(2, self._pixel).view(images, channels, self.count, self._room)
        torch.mul(cut.transpose(1, 2), self._real[:, None], out=pixels[:, :, :channels])
        pixels[:, :, channels:] = self._place.transpose(0, 1)
        pixels = pixels.unflatten(3, (self.parts, -1)).transpose(2, 3)
        parts: Tensor = pixels.reshape(-1, channels + 3, self._room // self.parts)
        return parts

    def start(self, pixels: Tensor) -> Tensor:
        """Sums as ``centres`` takes them, where each pixel belongs to its own cell."""
        sums = pixels.new_zeros(len(pixels), NEAR, pixels.shape[1])
        sums[:, OWN] = pixels.sum(2)
        return sums

    def centres(self, sums: Tensor, before: Tensor | None) -> Tensor:
        """The mean of each segment, in whole numbers: float32 ``(m, cells, C + 2)``.

        Args:
            sums: of what the pixels of each part gave to the cells around it, ``(m * cells * parts, NEAR,
                C + 3)``.
            before: the mean of a segment that now has no pixels.
        """
        whole = sums.unflatten(0, (-1, self.count, self.parts)).sum(2, dtype=torch.float64)
        whole[..., -3:-1] += self._middle[:, None] * whole[..., -1:]
        given = whole.flatten(1, 2)[:, self._given] * ~self.outside[:, :, None]
        total = given.sum(2)
        pixels = total[..., -1:]
        means = (total[..., :-1] / pixels.clamp(min=1)).round().float()
        return means if before is None else torch.where(pixels > 0, means, before)

    def near(self, centres: Tensor) -> Tensor:
        """The centres around each cell, places from its middle: ``(m, cells, NEAR, C + 2)``."""
        near = centres[:, self._near]
        near[..., -2:] -= self._middle[:, None]
        return near

    def of_parts(self, values: Tensor) -> Tensor:
        """What holds for a cell ``(m, cells, ...)``, for each of its parts ``(m * cells * parts, ...)``."""
        values = values.flatten(0, 1)
        return values if self.parts == 1 else values.repeat_interleave(self.parts, 0)

    def put_together(self, which: Tensor) -> Tensor:
        """The cell of which of the nine that a pixel chose, as images: int64 ``(m, H, W)``.

        Args:
            which: ``(m * cells * parts, pixels)``, in [0, NEAR).
        """
        which = which.view(-1, self.count, self._room)
        near = self._near.expand(len(which), -1, -1)
        images: Tensor = near.gather(2, which.long()).flatten(1)[:, self._home].unflatten(1, self.size)
        return images


class _Axis:
    """One side of the images, cut into cells.

    Attributes:
        longest: pixels of the longest cell.
        first: int64 ``(count + 1,)``, the first pixel of each cell, and the side.
        cell, inside: int64 ``(side,)``, the cell of a pixel, and how far in it is.
        place: ``(side,)``, where a pixel is, and middle ``(count,)``, where that of a cell is: whole numbers.
    """

    def __init__(self, side: int, count: int, scale: float, device: torch.device) -> None:
        pixel = torch.arange(side, device=device)
        self.longest = -(-side // count)
        self.first = -(-torch.arange(count + 1, device=device) * side // count)
        self.cell = pixel * count // side
        self.inside = pixel - self.first[self.cell]
        self.place = (pixel * scale).round()
        self.middle = ((self.first[:-1] + self.first[1:] - 1) * (scale / 2)).round()
