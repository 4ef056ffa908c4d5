"""The order of an epoch: from a position to its draw, at random access, with no table of the epoch.

position -> (keyed bijection over the epoch) -> class and number within the class
         -> copy and slot, offset by the rotation -> (keyed bijection over the class) -> sample -> key

Where a class begins a new round, a few of its samples change places: see ``renewal``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.arguments import check_memory, check_one_device, check_words
from gpuaug.ops import backends
from gpuaug.random import keyed_draws, signed
from gpuaug.sampling.bijection import MEMBERS, POSITIONS, Bijections, permute
from gpuaug.sampling.labels.table import LabelTable
from gpuaug.sampling.renewal import Moves, Rounds, moves
from gpuaug.sampling.rotation import EpochState, facing, first_slot

_WORD = 0xFFFFFFFF
_BIJECTION = 19  # rows of the table of a bijection
# The grid of a bijection has up to sqrt(size) cells more than its size; these too must be below 2**31.
_MOST_NARROW = (1 << 31) - (1 << 16)


class Order:
    """The draws of one epoch by position: a pure function of (labels, plan, seed, epoch)."""

    def __init__(self, table: LabelTable, state: EpochState, seed: int) -> None:
        self.epoch = state.epoch
        self.total = state.plan.total
        self._members = table.members
        self._seed = int(signed(seed))  # an op takes signed integers
        ends = torch.tensor(state.plan.draws, device="cpu").cumsum(0)
        begins = ends - torch.tensor(state.plan.draws, device="cpu")
        every = zip(state.stands, state.plan.samples, state.plan.draws, strict=True)
        offsets = torch.tensor([first_slot(*of_class) for of_class in every], device="cpu")
        classes = torch.stack((begins, ends, table.counts, table.starts, offsets))
        positions = Bijections([self.total], seed, [state.epoch], POSITIONS)
        members = Bijections(
            state.plan.samples, seed, [stand.round.number for stand in state.stands], MEMBERS
        )
        # SIMD is twice as fast with 32-bit numbers, where they fit. Keys keep their bits.
        narrow = max(self.total, len(table.members)) <= _MOST_NARROW
        dtype = torch.int32 if narrow else torch.int64
        self._classes = classes.to(dtype)
        self._bijections = torch.cat((positions.table, members.table), dim=1).to(dtype)
        self._moves = _moves(table, state, seed)
        if self._moves is not None:
            self._moved = torch.zeros(len(table.members), dtype=torch.bool, device="cpu")
            self._moved[self._moves.sources] = True

    def draws(self, positions: Tensor) -> Tensor:
        """The draws at ``positions``, int64 ``(n,)`` in [0, total): int64 ``(n, 3)``, index, copy and key."""
        draws: Tensor = torch.ops.gpuaug.order(
            self._members, self._classes, self._bijections, positions, self._seed, self.epoch
        )
        if self._moves is not None:
            rows = self._moved[draws[:, 0]].nonzero().squeeze(1)
            index, copy, _ = draws[rows].unbind(1)
            draws[rows] = keyed_draws(self._seed % (1 << 64), self.epoch, self._moves(index), copy)
        return draws


def _moves(table: LabelTable, state: EpochState, seed: int) -> Moves | None:
    """The samples, by index, that change places in this epoch; None if there are none."""
    every = zip(state.stands, state.plan.samples, state.plan.draws, strict=True)
    faced = [(*facing(*of_class), *of_class) for of_class in every]
    # A class whose samples are all drawn equally often needs no moves.
    kept = [
        i
        for i, (stand, width, _, size, _) in enumerate(faced)
        if width and (stand.round.tail or stand.offset + width > size)
    ]
    if not kept:
        return None
    numbers = torch.tensor(kept, device="cpu")
    rounds = Rounds(
        [faced[i][0].round for i in kept],
        table.counts[numbers],
        table.starts[numbers],
        numbers,
        seed,
        MEMBERS,
    )
    found = moves(rounds, [faced[i][2] for i in kept], [faced[i][4] for i in kept])
    return Moves(table.members[found.sources].long(), table.members[found.targets].long()) if found else None


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
        classes: int32 or int64 ``(5, classes)``: the begin and the end of each class among the draws before
            they are shuffled; its number of samples; their begin in ``members``; its first slot.
        bijections: of the type of ``classes``, ``(19, 1 + classes)``: the tables of ``Bijections``, over the
            epoch and over each class.
        positions: int64 ``(n,)``, each in [0, end of the last class).
        seed: 64 bits as a signed integer.
        epoch: in [0, 2**31).

    Returns:
        int64 ``(n, 3)``: index, copy, and the key's 64 bits as a signed integer.
    """
    _check_tensors(members, classes, bijections, positions)
    begins, ends, samples, starts, offsets = classes.long()
    if len(positions) and not (positions.min() >= 0 and positions.max() < ends[-1]):
        wrong = positions[(positions < 0) | (positions >= ends[-1])][0]
        raise RuntimeError(f"positions must be in [0, {ends[-1]}), got {wrong}")
    _check_tables(len(members), classes.long(), bijections.long())
    table = bijections.to(torch.int64, copy=True)
    table[3:15] &= _WORD  # keys are unsigned, but int32 may hold them as negative numbers
    x = permute(table, positions, torch.tensor(0, device="cpu"))
    number = torch.searchsorted(ends, x, right=True)
    within = x - begins[number]
    copy = within.div(samples[number], rounding_mode="trunc")
    slot = (within + offsets[number]) % samples[number]
    index = members[starts[number] + permute(table, slot, number + 1)].long()
    return keyed_draws(seed % (1 << 64), epoch, index, copy)


def _check_tensors(members: Tensor, classes: Tensor, bijections: Tensor, positions: Tensor) -> None:
    whole = (torch.int32, torch.int64)
    if members.dtype not in whole or members.dim() != 1:
        raise RuntimeError(f"members must be int32 or int64 (samples), got {tuple(members.shape)}")
    if classes.dtype not in whole or classes.dim() != 2 or classes.shape[0] != 5 or not classes.shape[1]:
        raise RuntimeError(f"classes must be int32 or int64 (5, classes), got {tuple(classes.shape)}")
    if bijections.dtype != classes.dtype or bijections.shape != (_BIJECTION, 1 + classes.shape[1]):
        raise RuntimeError(
            f"bijections must be ({_BIJECTION}, 1 + classes), of the type of classes, "
            f"got {tuple(bijections.shape)}"
        )
    check_words("positions", positions)
    for name, tensor in {"members": members, "classes": classes, "bijections": bijections}.items():
        check_memory(name, tensor)


def _check_tables(members: int, classes: Tensor, bijections: Tensor) -> None:
    """Checks, as ``csrc/host/epoch_order_tables.h``, that every walk ends and every draw is a member."""
    begins, ends, samples, starts, offsets = classes
    before = torch.cat((ends.new_zeros(1), ends[:-1]))
    sound = (begins == before) & (before >= 0) & (ends >= before)
    sound &= (samples > 0) & (samples <= members) & (offsets >= 0) & (offsets < samples)
    sound &= (starts >= 0) & (starts <= members - samples.clamp(0, members))
    for number in (~sound).nonzero().flatten()[:1].tolist():
        raise RuntimeError(
            f"classes must follow one another, each with samples among the {members} members and an offset "
            f"among its samples; class {number} begins at {begins[number]} and ends at {ends[number]}, has "
            f"{samples[number]} samples from {starts[number]} on, and the offset {offsets[number]}"
        )
    sizes = torch.cat((ends[-1:], samples))
    (size, rows, columns), pivots = bijections[:3], bijections[-4:]
    sound = (size == sizes) & (sizes > 0) & (rows > 0) & (rows <= 1 << 31) & (columns > 0) & (columns <= rows)
    sound &= (rows * columns >= size) & (rows * columns - rows < size) & ((rows - 1) ** 2 < size)
    sound &= ((pivots >= 0) & (pivots < size)).all(0)
    for number in (~sound).nonzero().flatten()[:1].tolist():
        if number == 0:
            raise RuntimeError(f"bijections must begin with one over the positions, which are {sizes[0]}")
        raise RuntimeError(
            "bijections must have one over the samples of each class; "
            f"that of class {number - 1} is none over {sizes[number]}"
        )


if not backends.has_cpu:
    torch.library.impl("gpuaug::order", "CPU", reference)


@torch.library.register_fake("gpuaug::order")
def _(members: Tensor, classes: Tensor, bijections: Tensor, positions: Tensor, *_: object) -> Tensor:
    check_one_device(members=members, classes=classes, bijections=bijections, positions=positions)
    return positions.new_empty((positions.shape[0], 3))
