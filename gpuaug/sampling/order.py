"""The order of an epoch: from a position to its draw, at random access, with no table of the epoch.

position -> (keyed bijection over the epoch) -> class and number within the class
         -> copy and slot -> (keyed bijection over the class) -> sample -> key
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gpuaug.random import ORDER, draw_keys, philox, signed
from gpuaug.sampling.plan import Plan
from gpuaug.sampling.table import LabelTable

# What a bijection is for: word 2 of its counter, so that no two share a stream.
POSITIONS = 0
MEMBERS = 1
SUBSET = 2

_ROUNDS = 8
_SWAPS = 4
_BLOCKS = (_ROUNDS + 2 * _SWAPS) // 4
_WORD = 0xFFFFFFFF


class Bijections:
    """Keyed bijections, one over each of [0, sizes[0]), [0, sizes[1]), ...

    >>> shuffle = Bijections([5, 3], seed=0, epoch=0, purpose=MEMBERS)
    >>> sorted(shuffle(torch.arange(5), torch.tensor(0)).tolist())
    [0, 1, 2, 3, 4]

    First a Feistel network on a grid of a x b cells, a * b barely above the size: the two coordinates are
    shifted in turn, each by a hash of the other and a round key, and a result outside the size walks on. The
    walk is rare, as at most sqrt(size) cells are outside. (Black and Rogaway, "Ciphers with arbitrary finite
    domains", CT-RSA 2002: generalised Feistel, cycle walking.) Then rounds of swap-or-not, which exchange x
    and pivot - x on a hashed bit, for the grids of a few cells where a Feistel network has too few round
    functions to reach all permutations alike (Hoang, Morris and Rogaway, "An enciphering scheme based on a
    card shuffle", CRYPTO 2012). The hash is MurmurHash3's 32-bit finaliser; its keys are Philox words.

    Args:
        sizes: each in [1, 2**62).
        seed, epoch, purpose: key and counter of the Philox words.
    """

    def __init__(self, sizes: Sequence[int], seed: int, epoch: int, purpose: int) -> None:
        rows = [math.isqrt(size - 1) + 1 for size in sizes]
        self._sizes = torch.tensor(sizes)
        self._sides = (
            torch.tensor(rows),
            torch.tensor([-(-n // a) for n, a in zip(sizes, rows, strict=True)]),
        )
        block = torch.arange(len(sizes) * _BLOCKS)
        counter = torch.stack(
            (
                block & _WORD,
                block >> 32,
                torch.full_like(block, purpose),
                torch.full_like(block, ORDER + epoch),
            ),
            dim=-1,
        )
        keys = philox(counter, signed(seed)).view(len(sizes), -1).T.contiguous()
        self._keys, self._swap_keys, low = keys.split((_ROUNDS, _SWAPS, _SWAPS))
        # 62 bits, so that the remainder is as good as uniform for any size that an epoch has.
        self._pivots = (self._swap_keys << 30 | low >> 2) % self._sizes

    def __call__(self, x: Tensor, which: Tensor) -> Tensor:
        """The image of ``x``, int64 ``(n,)``, under the bijections numbered ``which``, ``(n,)`` or ``()``."""
        sizes = self._sizes[which]
        image = self._feistel(x, which)
        outside = (image >= sizes).nonzero().squeeze(1)
        while len(outside):
            part = which if which.ndim == 0 else which[outside]
            again = self._feistel(image[outside], part)
            image[outside] = again
            outside = outside[again >= self._sizes[part]]
        for keys, pivots in zip(self._swap_keys, self._pivots, strict=True):
            partner = _wrap(pivots[which] - image, sizes)
            swap = _hash(torch.maximum(image, partner) ^ keys[which]) > _WORD >> 1
            image = torch.where(swap, partner, image)
        return image

    def _feistel(self, x: Tensor, which: Tensor) -> Tensor:
        sides = [side[which] for side in self._sides]
        row = x.div(sides[1], rounding_mode="trunc")
        cell = [row, x - row * sides[1]]
        for turn, keys in enumerate(self._keys):
            moved, other = turn % 2, 1 - turn % 2
            # A word times a side, shifted down, is a number below the side: no division.
            shift = _hash(cell[other] ^ keys[which]).mul_(sides[moved]).bitwise_right_shift_(32)
            cell[moved] = _wrap(shift.add_(cell[moved]).sub_(sides[moved]), sides[moved])
        return cell[0].mul_(sides[1]).add_(cell[1])


def _wrap(x: Tensor, size: Tensor) -> Tensor:
    """``x`` in [-size, size) modulo size, in place."""
    return x.add_((x >> 63).bitwise_and_(size))


def _hash(x: Tensor) -> Tensor:
    """MurmurHash3's 32-bit finaliser (Appleby), in place, on words held in int64."""
    x.bitwise_xor_(x >> 16).mul_(0x85EBCA6B).bitwise_and_(_WORD)
    x.bitwise_xor_(x >> 13).mul_(0xC2B2AE35).bitwise_and_(_WORD)
    return x.bitwise_xor_(x >> 16)


class Order:
    """The draws of one epoch by position: a pure function of (labels, plan, seed, epoch)."""

    def __init__(self, table: LabelTable, plan: Plan, seed: int, epoch: int) -> None:
        self.epoch = epoch
        self.total = plan.total
        self._seed = seed
        self._table = table
        self._ends = torch.tensor(plan.draws).cumsum(0)
        self._begins = self._ends - torch.tensor(plan.draws)
        self._shuffle = Bijections([plan.total], seed, epoch, POSITIONS)
        self._choose = Bijections(plan.samples, seed, epoch, MEMBERS)

    def draws(self, positions: Tensor) -> Tensor:
        """int64 ``(n, 3)``, index, copy and key, at ``positions``, int64 ``(n,)``, each in [0, total)."""
        shuffled = self._shuffle(positions, torch.tensor(0))
        number = torch.searchsorted(self._ends, shuffled, right=True)
        within = shuffled - self._begins[number]
        samples = self._table.counts[number]
        copy = within.div(samples, rounding_mode="trunc")
        slot = self._choose(within - copy * samples, number)
        index = self._table.members[self._table.starts[number] + slot].long()
        return torch.stack((index, copy, draw_keys(self._seed, self.epoch, index, copy)), dim=1)
