"""Keyed bijections over any number of elements, in PyTorch: the same bits as ``csrc/host/epoch_order.h``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gpuaug.random import ORDER, philox, signed

# The purpose of a bijection or of another part of an order. It is word 2 of the Philox counter, so that no
# two purposes share a stream.
POSITIONS = 0
MEMBERS = 1
SUBSET = 2
ROUNDING = 3
ROUNDS = 5
UNITS = 6
CELLS = 7
PARTNERS = 8  # added to another purpose

_FEISTEL_STEPS = 8
_SWAPS = 4
_BLOCKS = (_FEISTEL_STEPS + 2 * _SWAPS) // 4
_WORD = 0xFFFFFFFF


class Bijections:
    """Keyed bijections, one over each of [0, sizes[0]), [0, sizes[1]), ...

    >>> shuffle = Bijections([5, 3], seed=0, rounds=[0, 0], purpose=MEMBERS)
    >>> sorted(shuffle(torch.arange(5), torch.tensor(0)).tolist())
    [0, 1, 2, 3, 4]

    First a Feistel network on a grid of a x b cells, a * b barely above the size: the two coordinates are
    shifted alternately, each by a hash of the other and the step's key, and a result outside the size walks
    on. The walk is rare, as at most sqrt(size) cells are outside. (Black and Rogaway, "Ciphers with arbitrary
    finite domains", CT-RSA 2002: generalised Feistel, cycle walking.) Then steps of swap-or-not, which
    exchange x and pivot - x on a hashed bit, for the grids of a few cells where a Feistel network has too few
    functions to reach all permutations alike (Hoang, Morris and Rogaway, "An enciphering scheme based on a
    card shuffle", CRYPTO 2012). The hash is MurmurHash3's 32-bit finaliser; its keys are Philox words.

    Args:
        sizes: each in [1, 2**62).
        seed, purpose: in the key and the counter of the Philox words.
        rounds: which order of each, in [0, 2**31): an epoch, or a round of the rotation.
        numbers: which bijections these are, for a few of many; by default 0, 1, 2, ...

    Attributes:
        table: int64 ``(19, len(sizes))``: size, the grid's rows and columns, keys of the Feistel steps, and
            keys and pivots of the swaps.
    """

    def __init__(
        self,
        sizes: Sequence[int] | Tensor,
        seed: int,
        rounds: Sequence[int] | Tensor,
        purpose: int,
        numbers: Tensor | None = None,
    ) -> None:
        size = sizes if isinstance(sizes, Tensor) else torch.from_numpy(np.array(sizes, np.int64))
        rows = _root(size - 1) + 1
        columns = (size + rows - 1).div(rows, rounding_mode="trunc")
        numbers = torch.arange(len(sizes), device="cpu") if numbers is None else numbers
        block = (numbers[:, None] * _BLOCKS + torch.arange(_BLOCKS, device="cpu")).flatten()
        each = torch.as_tensor(rounds, device=getattr(rounds, "device", "cpu")).repeat_interleave(_BLOCKS)
        words = order_words(seed, block, purpose, each)
        keys = words.view(len(sizes), 4 * _BLOCKS).T
        high, low = keys[_FEISTEL_STEPS : _FEISTEL_STEPS + _SWAPS], keys[_FEISTEL_STEPS + _SWAPS :]
        # 62 bits, so that the remainder is as good as uniform for any size that an epoch has.
        pivots = (high << 30 | low >> 2) % size
        self.table = torch.cat((torch.stack((size, rows, columns)), keys[: _FEISTEL_STEPS + _SWAPS], pivots))

    def __call__(self, x: Tensor, which: Tensor) -> Tensor:
        """The image of ``x``, int64 ``(n,)``, under the bijections numbered ``which``, ``(n,)`` or ``()``."""
        return permute(self.table, x, which)


def order_words(seed: int, block: Tensor, purpose: int, round_: Tensor) -> Tensor:
    """Philox words of an order, int64 ``(n, 4)``; block is int64 ``(n,)``, round_ ``(n,)`` or ``()``."""
    counter = torch.broadcast_tensors(
        block & _WORD, block >> 32, torch.tensor(purpose, device="cpu"), round_ + ORDER
    )
    return philox(torch.stack(counter, dim=-1), signed(seed))


def permute(table: Tensor, x: Tensor, which: Tensor) -> Tensor:
    """The image of ``x`` under the columns ``which`` of a table that ``Bijections`` made."""
    sizes = table[0][which]
    image = _feistel(table, x, which)
    outside = (image >= sizes).nonzero().squeeze(1)
    while len(outside):
        part = which if which.ndim == 0 else which[outside]
        again = _feistel(table, image[outside], part)
        image[outside] = again
        outside = outside[again >= table[0][part]]
    for keys, pivots in zip(*table[3 + _FEISTEL_STEPS :].split(_SWAPS), strict=True):
        partner = _wrap(pivots[which] - image, sizes)
        swap = _hash(torch.maximum(image, partner) ^ keys[which]) > _WORD >> 1
        image = torch.where(swap, partner, image)
    return image


def _root(x: Tensor) -> Tensor:
    """The whole square root of ``x``, int64 in [0, 2**62)."""
    root = x.double().sqrt().long()
    root -= (root * root > x).long()  # by rounding it may be one too large, or too small
    return root + ((root + 1) ** 2 <= x)


def _feistel(table: Tensor, x: Tensor, which: Tensor) -> Tensor:
    sides = [side[which] for side in table[1:3]]
    row = x.div(sides[1], rounding_mode="trunc")
    cell = [row, x - row * sides[1]]
    for step, keys in enumerate(table[3 : 3 + _FEISTEL_STEPS]):
        moved, other = step % 2, 1 - step % 2
        # A word times a side, shifted down, is a number below the side: no division.
        shift = _hash(cell[other] ^ keys[which]).mul_(sides[moved]).bitwise_right_shift_(32)
        cell[moved] = _wrap(shift.add_(cell[moved]).sub_(sides[moved]), sides[moved])
    out: Tensor = cell[0].mul_(sides[1]).add_(cell[1])
    return out


def _wrap(x: Tensor, size: Tensor) -> Tensor:
    """``x`` in [-size, size) modulo size, in place."""
    return x.add_((x >> 63).bitwise_and_(size))


def _hash(x: Tensor) -> Tensor:
    """MurmurHash3's 32-bit finaliser (Appleby), in place, on words held in int64."""
    x.bitwise_xor_(x >> 16).mul_(0x85EBCA6B).bitwise_and_(_WORD)
    x.bitwise_xor_(x >> 13).mul_(0xC2B2AE35).bitwise_and_(_WORD)
    return x.bitwise_xor_(x >> 16)
