"""The order of an epoch: from a position to its draw, at random access, with no table of the epoch.

position -> (keyed bijection over the epoch) -> class and number within the class
         -> copy and slot, which the rotation moves on -> (keyed bijection over the class) -> sample -> key
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug import _native
from gpuaug.random import keyed_draws, signed
from gpuaug.sampling.bijection import MEMBERS, POSITIONS, Bijections, permute
from gpuaug.sampling.rotation import Turn
from gpuaug.sampling.table import LabelTable

_WORD = 0xFFFFFFFF
# The grid of a bijection has up to sqrt(size) cells more than its size: they too must be below 2**31.
_MOST_NARROW = (1 << 31) - (1 << 16)


class Order:
    """The draws of one epoch by position: a pure function of (labels, plan, seed, epoch)."""

    def __init__(self, table: LabelTable, turn: Turn, seed: int) -> None:
        self.epoch = turn.epoch
        self.total = turn.plan.total
        self._members = table.members
        self._seed = int(signed(seed))  # as an op takes it
        ends = torch.tensor(turn.plan.draws, device="cpu").cumsum(0)
        begins = ends - torch.tensor(turn.plan.draws, device="cpu")
        classes = torch.stack((begins, ends, table.counts, table.starts, turn.offsets))
        positions = Bijections([self.total], seed, [turn.epoch], POSITIONS)
        members = Bijections(turn.plan.samples, seed, turn.rounds, MEMBERS)
        # Numbers of 32 bits, where they fit, go twice as fast through vectors; keys keep their bits.
        narrow = max(self.total, len(table.members)) <= _MOST_NARROW
        dtype = torch.int32 if narrow else torch.int64
        self._classes = classes.to(dtype)
        self._bijections = torch.cat((positions.table, members.table), dim=1).to(dtype)

    def draws(self, positions: Tensor) -> Tensor:
        """int64 ``(n, 3)``, index, copy and key, at ``positions``, int64 ``(n,)``, each in [0, total)."""
        return torch.ops.gpuaug.order(
            self._members, self._classes, self._bijections, positions, self._seed, self.epoch
        )


# ---- The op: its reference and fake kernel


def reference(
    members: Tensor,
    classes: Tensor,
    bijections: Tensor,
    positions: Tensor,
    seed: int,
    epoch: int,
) -> Tensor:
    """``torch.ops.gpuaug.order`` in PyTorch.

    Args:
        members: int32 or int64 ``(samples,)``: the samples, class after class.
        classes: int32 or int64 ``(5, classes)``: where a class begins and ends before the draws are shuffled;
            how many samples it has, where they begin in members, and the slot at which its rotation stands.
        bijections: of the type of classes, ``(19, 1 + classes)``: tables of ``Bijections``, over the epoch
            and over each class.
        positions: int64 ``(n,)``, each in [0, the last class's end).
        seed: its 64 bits as a signed integer.
        epoch: in [0, 2**31).

    Returns:
        int64 ``(n, 3)``: index, copy, and the key's 64 bits as a signed integer.
    """
    begins, ends, samples, starts, offsets = classes.long()
    if len(positions) and not (positions.min() >= 0 and positions.max() < ends[-1]):
        wrong = positions[(positions < 0) | (positions >= ends[-1])][0]
        raise RuntimeError(f"positions must be in [0, {ends[-1]}), got {wrong}")
    table = bijections.to(torch.int64, copy=True)
    table[3:15] &= _WORD  # keys in int32 may have come out negative
    x = permute(table, positions, torch.tensor(0, device="cpu"))
    number = torch.searchsorted(ends, x, right=True)
    within = x - begins[number]
    copy = within.div(samples[number], rounding_mode="trunc")
    slot = (within + offsets[number]) % samples[number]
    index = members[starts[number] + permute(table, slot, number + 1)].long()
    return keyed_draws(seed % (1 << 64), epoch, index, copy)


if not _native.has_cpu:
    torch.library.impl("gpuaug::order", "CPU", reference)


@torch.library.register_fake("gpuaug::order")
def _(members: Tensor, classes: Tensor, bijections: Tensor, positions: Tensor, *_: object) -> Tensor:
    return positions.new_empty((positions.shape[0], 3))
