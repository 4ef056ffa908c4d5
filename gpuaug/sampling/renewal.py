"""The renewal: how the order of a round differs from its keyed order, so that no epoch meets a sample twice.

An epoch in which a round ends takes the old round's tail and the new round's head. Those of the head that
the keyed order would take from that tail change places with others of the new round: with the first ones
that are not in the tail, as another keyed order goes through the middle of the round, between the head and
the slots that may come to be its own tail. So the tails are those of the keyed orders alone, and no round
need be known but the one before. There are always enough to change with: a tail, a head and the next tail
have at most as many slots as the class has samples, as an epoch's share is at most half of them.

With tails as random as the keyed orders, all orders that have them are equally likely. (A tail's samples
are a little likelier in the middle of the next round than at its end, which is as it was: the price of
knowing one round alone.) What changes places is found once for an epoch, in as many steps as the class has
draws in it; then any draw of the epoch costs the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpuaug.sampling.bijection import PARTNERS, Bijections
from gpuaug.sampling.rotation import Round, Stand, after, facing

_ROUNDS = 1 << 31  # numbers of rounds that a bijection tells apart


class Moves:
    """A permutation of integers that moves only a few: ``sources[i]`` becomes ``targets[i]``."""

    def __init__(self, sources: Tensor, targets: Tensor) -> None:
        self.sources, order = sources.sort()
        self.targets = targets[order]

    def __len__(self) -> int:
        return len(self.sources)

    def __call__(self, x: Tensor) -> Tensor:
        if not len(self):
            return x
        at = torch.searchsorted(self.sources, x.contiguous()).clamp_(max=len(self) - 1)
        return torch.where(self.sources[at] == x, self.targets[at], x)


def exchange(one: Tensor, other: Tensor) -> Moves:
    """The numbers of ``one`` and ``other`` change places, pair by pair."""
    return Moves(torch.cat((one, other)), torch.cat((other, one)))


@dataclass(frozen=True)
class Rounds:
    """Rounds of some classes: what stands at a slot, as a number that tells the classes apart.

    Args:
        rounds: of each class.
        sizes: of the classes: int64 ``(classes,)``.
        bases: of the classes: a sample's number is the base plus its place, in [0, size).
        numbers: of the classes, in the keys of their orders.
        seed, purpose: of the keys.
    """

    rounds: Sequence[Round]
    sizes: Tensor
    bases: Tensor
    numbers: Tensor
    seed: int
    purpose: int

    def part(self, kept: Sequence[int], rounds: Sequence[Round]) -> Rounds:
        """Other rounds of a part of the classes."""
        at = torch.tensor(kept, dtype=torch.int64, device="cpu")
        return Rounds(rounds, self.sizes[at], self.bases[at], self.numbers[at], self.seed, self.purpose)

    def keyed(self, which: Tensor, slots: Tensor) -> Tensor:
        """What the keyed orders have at slots of the classes ``which``."""
        flipped = self._column("flipped")[which] > 0
        slots = torch.where(flipped, self.sizes[which] - 1 - slots, slots)
        rounds = self._column("number") % _ROUNDS
        order = Bijections(self.sizes, self.seed, rounds, self.purpose, self.numbers)
        return self.bases[which] + order(slots, which)

    def _column(self, name: str) -> Tensor:
        return torch.tensor([getattr(one, name) for one in self.rounds], dtype=torch.int64, device="cpu")

    def first(self, counts: Tensor) -> Tensor:
        """What stands at the first slots of each class, so many."""
        return self.exchanges()(self.keyed(*_spans(counts)))

    def exchanges(self) -> Moves:
        """What changes places in the keyed orders."""
        kept = [i for i, one in enumerate(self.rounds) if one.tail]
        if not kept:
            nothing = torch.empty(0, dtype=torch.int64, device="cpu")
            return Moves(nothing, nothing)
        return self.part(kept, [self.rounds[i] for i in kept])._exchanges()

    def _exchanges(self) -> Moves:
        # The order in which a round began, not the one that the slots may count in now.
        own = Rounds(
            [Round(one.number) for one in self.rounds],
            self.sizes,
            self.bases,
            self.numbers,
            self.seed,
            self.purpose,
        )
        tail, head, width = map(self._column, ("tail", "head", "width"))
        before = self.part(range(len(self.rounds)), [one.before or Round(0) for one in self.rounds])
        which, slots = _spans(tail)
        old = before.exchanges()(before.keyed(which, self.sizes[which] - 1 - slots))
        which, slots = _spans(head)
        new = own.keyed(which, slots)
        both = torch.isin(new, old)
        wanted = torch.bincount(which[both], minlength=len(self.rounds))
        return exchange(new[both], own._others(head, self.sizes - width - head, old, wanted))

    def _others(self, begins: Tensor, sizes: Tensor, excluded: Tensor, wanted: Tensor) -> Tensor:
        """So many of each class that are not excluded, from the slots [begins, begins + sizes)."""
        rounds = self._column("number") % _ROUNDS
        order = Bijections(sizes.clamp(min=1), self.seed, rounds, self.purpose + PARTNERS, self.numbers)
        asked = torch.where(wanted > 0, torch.minimum(sizes, 2 * wanted + 8), 0)
        while True:
            which, steps = _spans(asked)
            found = self.keyed(which, begins[which] + order(steps, which))
            good = ~torch.isin(found, excluded)
            which, found = which[good], found[good]
            count = torch.bincount(which, minlength=len(wanted))
            if bool((count >= wanted).all()):
                rank = torch.arange(len(which), device="cpu") - (count.cumsum(0) - count)[which]
                return found[rank < wanted[which]]
            asked = torch.where(count < wanted, torch.minimum(sizes, 2 * asked), asked)


def moves(rounds: Rounds, stands: Sequence[Stand], draws: Sequence[int]) -> Moves:
    """What an epoch draws in the place of what the keyed order has at its slots.

    Args:
        rounds: of the classes as they stand when the epoch begins: ``facing``.
        stands: of the classes.
        draws: of each class in the epoch.
    """
    own = rounds.exchanges()
    sizes = rounds.sizes.tolist()
    faced = [facing(*each) for each in zip(stands, sizes, draws, strict=True)]
    kept = [i for i, (stand, width) in enumerate(faced) if stand.offset + width > sizes[i]]
    if not kept:
        return own
    later = [after(stands[i], sizes[i], draws[i]) for i in kept]
    now = rounds.part(kept, [rounds.rounds[i] for i in kept])
    following = rounds.part(kept, [stand.round for stand in later])
    head = torch.tensor([stand.offset for stand in later], device="cpu")
    # The epoch's slots end with, or stop short of, as many of the old order as the new one's head has.
    begins = [
        faced[i][0].offset - stand.offset if stand.leaving else 0
        for i, stand in zip(kept, later, strict=True)
    ]
    which, slots = _spans(head)
    there = own(now.keyed(which, slots + torch.tensor(begins, device="cpu")[which]))
    heads = following.first(head)
    swaps = exchange(heads[~torch.isin(heads, there)], there[~torch.isin(there, heads)])
    sources = torch.cat((own.sources, swaps.sources)).unique()
    return Moves(sources, swaps(own(sources)))


def _spans(counts: Tensor) -> tuple[Tensor, Tensor]:
    """0, 1, ..., counts[i] - 1 for each i: which i, and the number."""
    which = torch.arange(len(counts), device="cpu").repeat_interleave(counts)
    return which, torch.arange(len(which), device="cpu") - (counts.cumsum(0) - counts)[which]
