"""Batches of k classes x m samples: an endless keyed sequence, of which an epoch is a window.

batch -> (round, place in it) -> (keyed bijection over the round's classes) -> class and its turn
      -> pass and slot -> (keyed bijection over the class) -> sample -> key

A round takes every class once, but for the C mod k that would not fill a batch: those are the next ones of a
cycle over all classes, so that each is left out equally often. A pass takes every sample of a class once, m
at a time, but for the n mod m that would not fill a turn, which are others in each pass. With groups it is
the groups of a class that a pass takes, and a group gives another of its samples each time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gpuaug.random import keyed_draws
from gpuaug.sampling.bijection import CELLS, CLASSES, ROUNDS, UNITS, Bijections

_TURNS = 1 << 31


@dataclass(frozen=True)
class Cells:
    """The samples of every class and group, class after class; without groups each sample is its own."""

    members: Tensor  # the samples' indices
    starts: Tensor  # int64 (cells,): where a cell begins in members
    sizes: Tensor  # int64 (cells,): how many samples it has
    firsts: Tensor  # int64 (classes,): the first cell of a class
    units: Tensor  # int64 (classes,): how many cells it has


class ClassBatches:
    """The batches [first, first + total) of the sequence, by position."""

    def __init__(self, cells: Cells, k: int, m: int, seed: int, epoch: int, first: int, total: int) -> None:
        self.epoch = epoch
        self.total = total
        self._cells, self._k, self._m, self._seed, self._first = cells, k, m, seed, first
        count = len(cells.units)
        self._per_round = count // k
        self._left_out = count % k
        self._cycle = Bijections([count], seed, [0], CLASSES)(
            torch.arange(count, device="cpu"), torch.tensor(0, device="cpu")
        )
        self._place = torch.empty_like(self._cycle)
        self._place[self._cycle] = torch.arange(count, device="cpu")
        self._turns = (cells.units // m).clamp(min=1)  # of a class in a pass
        self._levels = (m + cells.units - 1) // cells.units  # draws of a unit in a pass, at most
        self._first_pass = self.turns_before(first) // self._turns

    def draws(self, positions: Tensor) -> Tensor:
        """int64 ``(n, k * m, 3)``: the batches at ``positions``, ``(n,)``, each in [0, total)."""
        batches = positions + self._first
        rounds = batches // self._per_round
        place = (batches % self._per_round * self._k)[:, None] + torch.arange(self._k, device="cpu")
        number = self._classes(rounds[:, None].expand_as(place), place)
        turn = self._turns_at(rounds[:, None], number)
        number, turn = (part[..., None].expand(-1, -1, self._m).flatten() for part in (number, turn))
        index, copy = self._samples(
            number, turn, torch.arange(self._m, device="cpu").repeat(len(positions) * self._k)
        )
        draws = keyed_draws(self._seed, self.epoch, index, copy)
        return draws.view(len(positions), self._k * self._m, 3)

    def turns_before(self, batch: int) -> Tensor:
        """int64 ``(classes,)``: in how many of the sequence's first ``batch`` batches each class is."""
        round_, past = divmod(batch, self._per_round)
        turns = self._turns_at(
            torch.tensor(round_, device="cpu"), torch.arange(len(self._cycle), device="cpu")
        )
        place = torch.arange(past * self._k, device="cpu")
        turns[self._classes(torch.full_like(place, round_), place)] += 1
        return turns

    def _classes(self, rounds: Tensor, place: Tensor) -> Tensor:
        """The classes at a place in [0, C - C mod k) of a round."""
        some, which = rounds.unique(return_inverse=True)
        size = len(self._cycle) - self._left_out
        shuffle = Bijections(
            torch.full_like(some, size), self._seed, some % _TURNS, ROUNDS, torch.zeros_like(some)
        )
        x = shuffle(place.flatten(), which.flatten()).view_as(place)
        begin = rounds % len(self._cycle) * self._left_out  # where the round's left-out classes begin
        return self._cycle[(begin + self._left_out + x) % len(self._cycle)]

    def _turns_at(self, rounds: Tensor, number: Tensor) -> Tensor:
        """In how many of the rounds before ``rounds`` the class is."""
        # As many rounds as there are classes leave each out equally often.
        count, left_out = len(self._cycle), self._left_out
        whole, rest = rounds // count, rounds % count
        missed = whole * left_out + (rest * left_out - self._place[number] + count - 1) // count
        return rounds - missed

    def _samples(self, number: Tensor, turn: Tensor, i: Tensor) -> tuple[Tensor, Tensor]:
        """Index and copy of the i-th of the m draws of a class in its turn."""
        cells = self._cells
        units = cells.units[number]
        round_ = turn // self._turns[number]
        slot = turn % self._turns[number] * self._m + i
        cell = cells.firsts[number] + self._shuffled(UNITS, number, round_, units, slot % units)
        drawn = round_ * self._levels[number] + slot // units
        size = cells.sizes[cell]
        within = self._shuffled(CELLS, cell, drawn // size, size, drawn % size)
        copy = drawn - self._first_pass[number] * self._levels[number]
        return cells.members[cells.starts[cell] + within].long(), copy

    def _shuffled(self, purpose: int, number: Tensor, turn: Tensor, size: Tensor, x: Tensor) -> Tensor:
        """``x`` in [0, size) under the bijection of (purpose, number, turn)."""
        if bool((size == 1).all()):
            return x
        pairs, which = torch.stack((number, turn, size), dim=1).unique(dim=0, return_inverse=True)
        some, turns, sizes = pairs.unbind(1)
        return Bijections(sizes, self._seed, turns % _TURNS, purpose, some)(x, which)
