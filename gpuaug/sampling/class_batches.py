"""Batches of k classes x m samples: an endless keyed sequence, of which an epoch is a window.

batch -> position in the rotation of the classes -> (keyed bijection over the classes)
      -> classes, and the number of each class's visit: its m draws in a batch
      -> round and slot -> (keyed bijection over the class) -> sample -> key

The classes of a batch are drawn as an epoch draws the samples of a class: see ``rotation`` and ``renewal``.
A round of a class takes each of its n samples once, m in a visit, except n mod m samples that would not fill
a visit; other samples are left out in each round. With groups, a round takes each group of the class once,
and a group gives another of its samples each time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gpuaug.random import keyed_draws
from gpuaug.sampling.bijection import CELLS, ROUNDS, UNITS, Bijections
from gpuaug.sampling.renewal import Rounds, moves
from gpuaug.sampling.rotation import Round, Stand, first_slot, stand_at

_ROUNDS = 1 << 31  # a bijection takes the number of its round modulo this


@dataclass(frozen=True)
class Cells:
    """The samples by cell, class after class. A cell is a group of a class; without groups, one sample."""

    members: Tensor  # the samples' indices
    starts: Tensor  # int64 (cells,): the position in members at which a cell begins
    sizes: Tensor  # int64 (cells,): the number of samples in a cell
    firsts: Tensor  # int64 (classes,): the first cell of a class
    units: Tensor  # int64 (classes,): the number of cells of a class


class ClassBatches:
    """The batches [first, first + total) of the sequence, by position."""

    def __init__(self, cells: Cells, k: int, m: int, seed: int, epoch: int, first: int, total: int) -> None:
        self.epoch = epoch
        self.total = total
        self._cells, self._k, self._m, self._seed, self._first = cells, k, m, seed, first
        self._visits_per_round = (cells.units // m).clamp(min=1)
        self._levels = (m + cells.units - 1) // cells.units  # draws of a unit in a round, at most
        self._first_round = self.visits_before(first) // self._visits_per_round

    def draws(self, positions: Tensor) -> Tensor:
        """int64 ``(n, k * m, 3)``: the batches at ``positions``, ``(n,)``, each in [0, total)."""
        number, visit = self._classes([self._first + position for position in positions.tolist()])
        number, visit = (part[..., None].expand(-1, -1, self._m).flatten() for part in (number, visit))
        index, copy = self._samples(
            number, visit, torch.arange(self._m, device="cpu").repeat(len(positions) * self._k)
        )
        draws = keyed_draws(self._seed, self.epoch, index, copy)
        return draws.view(len(positions), self._k * self._m, 3)

    def visits_before(self, batch: int) -> Tensor:
        """int64 ``(classes,)``: how many of the sequence's first ``batch`` batches each class is in."""
        stand = self._stand(batch)
        ahead = self._rounds([stand]).first(torch.tensor([stand.offset], device="cpu"))
        visits = torch.full_like(self._cells.units, stand.round.number)
        visits[ahead] += 1
        return batch - visits if stand.leaving else visits

    def _stand(self, batch: int) -> Stand:
        count = len(self._cells.units)
        # Where each batch has all classes, each batch is a round of its own, in another order.
        return Stand(Round(batch), 0) if self._k == count else stand_at(count, self._k, batch)

    def _rounds(self, stands: list[Stand]) -> Rounds:
        count = torch.full((len(stands),), len(self._cells.units), device="cpu")
        bases = count.cumsum(0) - count
        return Rounds(
            [stand.round for stand in stands], count, bases, torch.zeros_like(count), self._seed, ROUNDS
        )

    def _classes(self, batches: list[int]) -> tuple[Tensor, Tensor]:
        """The classes of batches, and the number of earlier batches with each; both int64 ``(n, k)``."""
        count, k = len(self._cells.units), self._k
        stands = [self._stand(batch) for batch in batches]
        rows = [
            (batch, first_slot(stand, count, k), stand.round.number, stand.offset, stand.leaving)
            for batch, stand in zip(batches, stands, strict=True)
        ]
        columns = torch.tensor(rows, dtype=torch.int64, device="cpu").view(-1, 5, 1).unbind(1)
        before, begin, number, offset, leaving = columns
        slots = (begin + torch.arange(k, device="cpu")) % count
        which = torch.arange(len(stands), device="cpu")[:, None].expand_as(slots)
        rounds = self._rounds(stands)
        moved = moves(rounds, stands, [k] * len(stands))
        classes = moved(rounds.keyed(which.flatten(), slots.flatten())).view_as(slots) % count
        # How often the rotation has drawn each class (or left it out): once in each earlier round, and once
        # more where it has passed the class's slot in this round.
        visit = number + (slots < offset)
        return classes, torch.where(leaving > 0, before - visit, visit)

    def _samples(self, number: Tensor, visit: Tensor, i: Tensor) -> tuple[Tensor, Tensor]:
        """Index and copy of the i-th of the m draws of a class in a visit."""
        cells = self._cells
        units = cells.units[number]
        round_ = visit // self._visits_per_round[number]
        slot = visit % self._visits_per_round[number] * self._m + i
        cell = cells.firsts[number] + self._shuffled(UNITS, number, round_, units, slot % units)
        drawn = round_ * self._levels[number] + slot // units
        size = cells.sizes[cell]
        within = self._shuffled(CELLS, cell, drawn // size, size, drawn % size)
        copy = drawn - self._first_round[number] * self._levels[number]
        return cells.members[cells.starts[cell] + within].long(), copy

    def _shuffled(self, purpose: int, number: Tensor, round_: Tensor, size: Tensor, x: Tensor) -> Tensor:
        """``x`` in [0, size) under the bijection of (purpose, number, round)."""
        if bool((size == 1).all()):
            return x
        pairs, which = torch.stack((number, round_, size), dim=1).unique(dim=0, return_inverse=True)
        some, rounds, sizes = pairs.unbind(1)
        return Bijections(sizes, self._seed, rounds % _ROUNDS, purpose, some)(x, which)
