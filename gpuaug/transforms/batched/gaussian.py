"""Gaussians of any size, across and then down: exact for bytes, differentiable for floats.

Bytes are multiplied by matrices of whole numbers below 2**53, in float64. These products are exact, so
neither the batch nor the device decides a level. Results are rounded once, half to even.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gpuaug import lazy_kornia as kornia

UNIT = 2**22  # sum of the weights: 8 bits of a level and twice 22 stay below 53
_BLOCK = 32  # fewest pixels of a row in one matrix product


def gaussian_taps(sigma: Tensor, size: int) -> Tensor:
    """Weights of ``size`` pixels in a row, whole numbers that add up to ``UNIT``: float64 ``(n, size)``.

    >>> (gaussian_taps(torch.tensor([0.0, 0.5], dtype=torch.float64), 3) / UNIT).round(decimals=4).tolist()
    [[0.0, 1.0, 0.0], [0.1065, 0.787, 0.1065]]

    Args:
        sigma: float64 ``(n,)``, in pixels.
        size: an odd number.
    """
    reach = size // 2
    away = torch.arange(-reach, reach + 1, dtype=torch.float64, device=sigma.device)
    line = torch.exp(-0.5 * (away / sigma.clamp(min=1e-3)[:, None]).square())
    taps = (line / line.sum(1, keepdim=True) * UNIT).round()
    taps[:, reach] += UNIT - taps.sum(1)
    return taps


def blurred_levels(levels: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Blur bytes ``(m, C, H, W)``; the border is reflected without repeating the edge.

    >>> row = torch.tensor([[[[0, 0, 100]]]], dtype=torch.uint8)
    >>> blurred_levels(row, torch.tensor([[0.25, 0.5, 0.25]]) * UNIT, torch.tensor([[1.0]]) * UNIT)
    tensor([[[[ 0, 25, 50]]]], dtype=torch.uint8)

    Args:
        across, down: weights from ``gaussian_taps``, ``(m, odd)``.
    """
    wide = _along_rows(_along_rows(levels, across).mT, down).mT
    return (wide / (UNIT * UNIT)).round().to(torch.uint8)


def blurred_shares(images: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Blur floating images in the same way, neither rounded nor exact."""
    taps = [(weights / UNIT).to(images.dtype) for weights in (across, down)]
    blurred: Tensor = kornia.filters.filter2d_separable(images, *taps, border_type="reflect")
    return blurred


def _along_rows(images: Tensor, taps: Tensor) -> Tensor:
    """Weighted sums of ``(m, C, H, W)`` along each row, float64.

    A row is cut into blocks that overlap as far as the taps reach. One product with a band of taps computes
    all pixels of a block.
    """
    count, channels, height, width = images.shape
    reach = taps.shape[1] // 2
    block = min(width, max(_BLOCK, 2 * reach))
    blocks = -(-width // block)
    first = torch.arange(blocks, device=images.device)[:, None] * block
    pixel = (first + torch.arange(-reach, block + reach, device=images.device)).abs()
    # Pixels that the last block computes beyond the row are cut off.
    pixel = (width - 1 - (width - 1 - pixel).abs()).clamp(min=0)
    cut = images.index_select(3, pixel.flatten()).double()
    sums = cut.reshape(count, channels * height * blocks, -1) @ _band(taps.double(), block)
    return sums.view(count, channels, height, blocks * block)[..., :width]


def _band(taps: Tensor, columns: int) -> Tensor:
    """Columns that hold the taps, each one row lower than the last: ``(m, taps + columns - 1, columns)``.

    >>> _band(torch.tensor([[1, 2, 1]]), 2)
    tensor([[[1, 0],
             [2, 1],
             [1, 2],
             [0, 1]]])
    """
    count, size = taps.shape
    rows = size + columns - 1
    # The taps are repeated with a gap, and read in rows shorter by one: they shift by one in each row.
    line = F.pad(taps, (0, columns)).repeat(1, columns)
    return line[:, : columns * rows].view(count, columns, rows).mT
