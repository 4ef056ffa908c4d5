"""SLIC for a batch: images in segments of pixels that are near one another and of similar colors.

Achanta et al., "SLIC superpixels compared to state-of-the-art superpixel methods", TPAMI 2012, seen from the
pixels, as gSLIC (Ren and Reid, 2011) has it. A grid cuts the image into cells, and each cell has a segment. A
pixel compares with the centres of the segments of its own cell and of the eight around. All pixels of a cell
compare with the same nine centres, so distances are products of small matrices. Where cells have eight pixels
on a side, a quarter of the pixels moves the centres in each round, another one in the next.

Colors and places are whole numbers, in eighths of a step of CIELAB: few enough bits for float32 to hold every
sum exactly. So segments depend on the image alone: not on the order of additions, batch-mates or the device.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.transforms.batched.cells import NEAR, Cells
from gpuaug.transforms.batched.lab import lab

ITERATIONS = 10  # scikit-image's number
UNIT = 8  # parts of a step of CIELAB
MOST_COMPACT = 100  # the square of two cells of so many steps, in units, stays below FAR
FAR = 2.0**24  # beyond every distance; float32 holds the whole numbers up to here


def slic(levels: Tensor, grid: tuple[int, int], compactness: float) -> Tensor:
    """The segment of every pixel: int64 ``(m, H, W)``, in [0, down * across).

    >>> levels = torch.tensor([0.0, 0, 0, 255, 255, 255, 255, 255]).expand(1, 1, 8, 8)
    >>> slic(levels, (1, 2), 10.0)[0, 0]
    tensor([0, 0, 0, 1, 1, 1, 1, 1])

    A segment need not hang together, and one may be empty.

    Args:
        levels: floating ``(m, C, H, W)``, whole numbers in [0, 255]. Three channels are sRGB and compare in
            CIELAB; of others, the lightness of each compares.
        grid: cells (down, across), at most the height and the width.
        compactness: the distance of colors, in steps of CIELAB, that counts as much as the longer side of a
            cell; in [1, 100].
    """
    height, width = levels.shape[2:]
    cells = Cells(height, width, grid, UNIT * compactness, levels.device)
    hands = cells.cut(lab(levels).mul(UNIT).round())
    centres = cells.centres(cells.start(hands[0]), None)
    scores = hands.new_empty(hands.shape[1], NEAR, hands.shape[3])
    for step in range(ITERATIONS - 1):
        pixels = hands[step % len(hands)]
        nearest = _nearest(scores.baddbmm_(_weights(cells, centres), pixels, beta=0))
        # A pixel between two counts for both.
        centres = cells.centres(torch.bmm(nearest, pixels.mT), centres)
    weights = _weights(cells, centres)
    return cells.put_together([_first(scores.baddbmm_(weights, pixels, beta=0)) for pixels in hands])


def _weights(cells: Cells, centres: Tensor) -> Tensor:
    """What a pixel's row is multiplied with, ``(n, NEAR, F + 1)``: the square of its distance from each
    centre, less its own square, which does not change which is the nearest.
    """
    near = cells.near(centres)
    square = near.square().sum(3, keepdim=True)
    outside = cells.outside[:, :, None]
    weights = torch.cat((torch.where(outside, 0, -2 * near), torch.where(outside, FAR, square)), dim=3)
    return weights.flatten(0, 1)


def _nearest(scores: Tensor) -> Tensor:
    """In place of ``(n, NEAR, pixels)``: 1 for the least of each nine and its equals, 0 for the rest."""
    least = torch.minimum(scores[:, 0], scores[:, 1])
    for number in range(2, NEAR):  # on a CPU four times as fast as ``amin``
        torch.minimum(least, scores[:, number], out=least)
    return scores.eq_(least[:, None])


def _first(scores: Tensor) -> Tensor:
    """The number of the first of the nine that is least: int32 ``(n, pixels)``."""
    # As bits of one number, the first in front: its exponent says which bit is set first.
    bits = (1 << torch.arange(NEAR, device=scores.device).flip(0)).float()
    return NEAR - torch.frexp(torch.matmul(bits, _nearest(scores))).exponent
