"""SLIC for a batch: divides images into segments of nearby pixels of similar color.

Achanta et al., "SLIC superpixels compared to state-of-the-art superpixel methods", TPAMI 2012, computed from
the pixels' side, as in gSLIC (Ren and Reid, 2011). A grid cuts the image into cells, and each cell has a
segment. A pixel compares with the centres of its own cell's segment and of the eight around it. All pixels of
a cell compare with the same nine centres, so distances are products of small matrices. Where cells have eight
or more pixels on a side, each round moves the centres by another quarter of the pixels.

Colors and places are whole numbers, in eighths of a CIELAB unit: few enough bits for float32 to hold every
sum exactly. Segments therefore depend on the image alone, not on the order of additions, on batch-mates or on
the device.
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

    A segment may be in several pieces, or empty.

    Args:
        levels: floating ``(m, C, H, W)``, whole numbers in [0, 255]. Three channels are sRGB and are compared
            in CIELAB. With another number of channels the lightness of each is compared.
        grid: number of cells (down, across), at most the height and the width.
        compactness: distance of colors, in CIELAB units, that counts as much as the longer side of a cell; in
            [1, 100].
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
    """Weights that a pixel's row is multiplied with, ``(n, NEAR, F + 1)``.

    The product is the squared distance from each centre less the pixel's own square, which does not change
    which centre is nearest.
    """
    near = cells.near(centres)
    square = near.square().sum(3, keepdim=True)
    outside = cells.outside[:, :, None]
    weights = torch.cat((torch.where(outside, 0, -2 * near), torch.where(outside, FAR, square)), dim=3)
    return weights.flatten(0, 1)


def _nearest(scores: Tensor) -> Tensor:
    """Set ``(n, NEAR, pixels)`` in place: 1 for the least of each nine and its equals, 0 for the rest."""
    least = torch.minimum(scores[:, 0], scores[:, 1])
    for number in range(2, NEAR):  # on a CPU four times as fast as ``amin``
        torch.minimum(least, scores[:, number], out=least)
    return scores.eq_(least[:, None])


def _first(scores: Tensor) -> Tensor:
    """The position of the first of the nine that is least: int32 ``(n, pixels)``."""
    # The nine are bits of one number, the first in front; its exponent is the first bit that is set.
    bits = (1 << torch.arange(NEAR, device=scores.device).flip(0)).float()
    return NEAR - torch.frexp(torch.matmul(bits, _nearest(scores))).exponent
