"""A grid of cells over the images of a batch: cut apart, put together, and summed around each cell.

The pixels of a cell are dealt out to several hands, like cards: of four hands the first holds every second
pixel of every second row. The pixels of a cell in a hand are a matrix ``(features + 1, pixels)``. Features
are the channels of the color, then y and x; the last row is 1. A cell with a row or column of pixels fewer
than others has columns of zeros, which add nothing to a sum.
"""

from __future__ import annotations

import torch
from torch import Tensor

NEAR = 9  # a cell and those around it, row by row
OWN = 4
_LONGEST = 128  # pixels on a side in a hand: its square times the largest feature is at most 2**24
_DEALT = 8  # from this many pixels on a side on, a cell is dealt out


class Cells:
    """The cells of images of one size.

    >>> cells = Cells(4, 6, (2, 3), reach=20.0, device=torch.device("cpu"))
    >>> pixels = cells.cut(torch.zeros(5, 1, 4, 6))
    >>> pixels.shape  # in one hand, of 5 images, 6 cells of 2 x 2 pixels: the level, y, x, 1
    torch.Size([1, 30, 4, 4])
    >>> cells.put_together([torch.full((30, 4), OWN)])[0]
    tensor([[0, 0, 1, 1, 2, 2],
            [0, 0, 1, 1, 2, 2],
            [3, 3, 4, 4, 5, 5],
            [3, 3, 4, 4, 5, 5]])

    Args:
        height, width: size of the images in pixels.
        grid: number of cells (down, across), at most the height and the width.
        reach: the longer side of a cell, in the unit of the features.
        device: device of the images.
    """

    def __init__(
        self, height: int, width: int, grid: tuple[int, int], reach: float, device: torch.device
    ) -> None:
        (down, across), self.size = grid, (height, width)
        scale = reach / max(height / down, width / across)
        rows, columns = (
            _Axis(side, count, scale, device) for side, count in zip(self.size, grid, strict=True)
        )
        self.count, self.hands = down * across, rows.hands * columns.hands
        self._held = rows.held * columns.held

        # The pixel at (hand, cell, place in the hand), and the inverse.
        shape = (rows.hands, columns.hands, down, across, rows.held, columns.held)
        y, x = rows.pixel[:, None, :, None, :, None], columns.pixel[None, :, None, :, None, :]
        self._real = (rows.real[:, None, :, None, :, None] & columns.real[None, :, None, :, None, :]).reshape(
            self.hands, 1, self.count, 1, self._held
        )
        self._pixel = (y * width + x).flatten()
        cell = rows.cell[:, None] * across + columns.cell
        hand = rows.hand[:, None] * columns.hands + columns.hand
        place = rows.at[:, None] * columns.held + columns.at
        self._home = ((hand * self.count + cell) * self._held + place).flatten()
        self._first = (cell * NEAR).flatten()

        # The place of a pixel from its cell's middle, and a 1; then the middles, from the image's corner.
        away = torch.ones(3, *shape, dtype=torch.float32, device=device)
        away[0] = rows.away[:, None, :, None, :, None]
        away[1] = columns.away[None, :, None, :, None, :]
        self._away = away.reshape(3, self.hands, self.count, self._held).permute(1, 2, 0, 3)[:, None]
        middle = torch.empty(2, down, across, dtype=torch.float32, device=device)
        middle[0], middle[1] = rows.middle[:, None], columns.middle
        self._middle = middle.flatten(1).mT

        step = torch.arange(-1, 2, device=device)
        y = torch.arange(down, device=device)[:, None, None, None] + step[:, None]
        x = torch.arange(across, device=device)[:, None, None] + step
        self._near = (y.clamp(0, down - 1) * across + x.clamp(0, across - 1)).reshape(self.count, NEAR)
        self.outside = ((y < 0) | (y >= down) | (x < 0) | (x >= across)).reshape(self.count, NEAR)
        # A cell that gives to a neighbour lies on the neighbour's opposite side.
        self._given = self._near * NEAR + torch.arange(NEAR, device=device).flip(0)

    def cut(self, colors: Tensor) -> Tensor:
        """Cut out the pixels of each cell: float32 ``(hands, m * cells, C + 3, pixels)``.

        Args:
            colors: ``(m, C, H, W)``.
        """
        images, channels = colors.shape[:2]
        cut = colors.flatten(2).index_select(2, self._pixel)
        cut = cut.view(images, channels, self.hands, self.count, self._held).permute(2, 0, 3, 1, 4)
        away = (self._away * self._real).expand(-1, images, -1, -1, -1)
        return torch.cat((cut * self._real, away), dim=3).flatten(1, 2)

    def start(self, pixels: Tensor) -> Tensor:
        """Sums for ``centres`` where each pixel of a hand belongs to its own cell."""
        sums = pixels.new_zeros(len(pixels), NEAR, pixels.shape[1])
        sums[:, OWN] = pixels.sum(2)
        return sums

    def centres(self, sums: Tensor, before: Tensor | None) -> Tensor:
        """The mean of each segment, in whole numbers: float32 ``(m, cells, C + 2)``.

        Args:
            sums: contributions of each cell's pixels to the cells around it, ``(m * cells, NEAR, C + 3)``.
            before: the previous mean, for a segment that now has no pixels.
        """
        whole = sums.double().unflatten(0, (-1, self.count))
        whole[..., -3:-1] += self._middle[:, None] * whole[..., -1:]
        total = (whole.flatten(1, 2)[:, self._given] * ~self.outside[:, :, None]).sum(2)
        pixels = total[..., -1:]
        means = (total[..., :-1] / pixels.clamp(min=1)).round().float()
        return means if before is None else torch.where(pixels > 0, means, before)

    def near(self, centres: Tensor) -> Tensor:
        """The centres around each cell, with places counted from its middle: ``(m, cells, NEAR, C + 2)``."""
        near = centres[:, self._near]
        near[..., -2:] -= self._middle[:, None]
        return near

    def put_together(self, which: list[Tensor]) -> Tensor:
        """The cell that each pixel chose, as images: int64 ``(m, H, W)``.

        Args:
            which: the chosen one of the nine cells, for each hand whole numbers ``(m * cells, pixels)``.
        """
        dealt = torch.stack([hand.view(-1, self.count * self._held) for hand in which], dim=1).flatten(1)
        entry = dealt.index_select(1, self._home) + self._first
        images: Tensor = self._near.flatten()[entry].unflatten(1, self.size)
        return images


class _Axis:
    """One side of the images: cut into cells, whose pixels are dealt out to hands.

    Attributes:
        hands, held: the number of hands, and of a cell's pixels that each holds.
        pixel, real, away: ``(hands, cells, held)``: the pixel, whether it is inside the cell, and its
            distance from the cell's middle, in whole numbers.
        middle: ``(cells,)``, the middle of each cell in whole numbers.
        cell, hand, at: int64 ``(side,)``, the cell, hand and position of each pixel.
    """

    def __init__(self, side: int, count: int, scale: float, device: torch.device) -> None:
        longest = -(-side // count)
        self.hands = max(1 if longest < _DEALT else 2, -(-longest // _LONGEST))
        self.held = -(-longest // self.hands)
        first = -(-torch.arange(count + 1, device=device) * side // count)
        inside = torch.arange(self.held * self.hands, device=device).view(-1, self.hands).mT[:, None]
        pixel = first[:-1, None] + inside
        self.real = pixel < first[1:, None]
        self.pixel = pixel.clamp(max=side - 1)
        self.middle = ((first[:-1] + first[1:] - 1).float() * (scale / 2)).round()
        self.away = (self.pixel.float() * scale).round() - self.middle[:, None]
        pixel = torch.arange(side, device=device)
        self.cell = pixel * count // side
        inside = pixel - first[self.cell]
        self.hand, self.at = inside % self.hands, inside // self.hands
