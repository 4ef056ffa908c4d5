"""The renewal: how a round's order differs from its keyed order, so that no epoch draws a sample twice.

An epoch in which a round ends takes the tail of the old round and the head of the new one. A sample of the
old tail that the keyed order would put into the new head changes places with another sample of the new
round. The other sample comes from the middle of the new round: from the slots between its head and the slots
that may become its own tail. Another keyed order goes through them, and the first samples that are not in the
old tail are taken. So the tail of every round is that of its keyed order, and only the round before must be
known. The middle always has enough samples: a tail, a head and the next tail have together at most as many
slots as the class has samples, as an epoch takes at most half of them.

Given the tails, all orders are equally likely. (A sample of the old tail is slightly likelier in the middle
of the new round than at its end: the price of knowing only one earlier round.) The exchanges of an epoch are
found once, in as many steps as the class has draws in it; each draw then costs the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpuaug.sampling.bijection import PARTNERS, Bijections
from gpuaug.sampling.rotation import Round, Stand, after, facing

_ROUNDS = 1 << 31  # a bijection takes the number of its round modulo this


class Moves:
    """A permutation of integers that moves only a few of them: ``sources[i]`` becomes ``targets[i]``."""

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
    """The permutation that exchanges ``one[i]`` and ``other[i]``, for every i."""
    return Moves(torch.cat((one, other)), torch.cat((other, one)))


@dataclass(frozen=True)
class Rounds:
    """The rounds of some classes. Samples are numbers that are unique over all classes.

    Args:
        rounds: one round for each class.
        sizes: int64 ``(classes,)``: the number of samples of each class.
        bases: int64 ``(classes,)``: a sample's number is the base of its class plus its place in the class.
        numbers: int64 ``(classes,)``: the numbers of the classes in the keys of their orders.
        seed: the seed of the keys.
        purpose: the purpose in the keys; see ``bijection``.
    """

    rounds: Sequence[Round]
    sizes: Tensor
    bases: Tensor
    numbers: Tensor
    seed: int
    purpose: int

    def part(self, kept: Sequence[int], rounds: Sequence[Round]) -> Rounds:
        """The given rounds of the classes at ``kept``."""
        at = torch.tensor(kept, dtype=torch.int64, device="cpu")
        return Rounds(rounds, self.sizes[at], self.bases[at], self.numbers[at], self.seed, self.purpose)

    def keyed(self, which: Tensor, slots: Tensor) -> Tensor:
        """The samples of the keyed orders at slots of the classes ``which``."""
        flipped = self._column("flipped")[which] > 0
        slots = torch.where(flipped, self.sizes[which] - 1 - slots, slots)
        rounds = self._column("number") % _ROUNDS
        order = Bijections(self.sizes, self.seed, rounds, self.purpose, self.numbers)
        return self.bases[which] + order(slots, which)

    def _column(self, name: str) -> Tensor:
        return torch.tensor([getattr(one, name) for one in self.rounds], dtype=torch.int64, device="cpu")

    def first(self, counts: Tensor) -> Tensor:
        """The samples at the first ``counts[i]`` slots of each class."""
        return self.exchanges()(self.keyed(*_spans(counts)))

    def exchanges(self) -> Moves:
        """The exchanges that turn the keyed orders into the orders of the rounds."""
        kept = [i for i, one in enumerate(self.rounds) if one.tail]
        if not kept:
            nothing = torch.empty(0, dtype=torch.int64, device="cpu")
            return Moves(nothing, nothing)
        return self.part(kept, [self.rounds[i] for i in kept])._exchanges()

    def _exchanges(self) -> Moves:
        # The rounds in their first direction: by now their slots may count from the other end.
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
        """``wanted[i]`` samples of each class, none excluded, from the slots [begins, begins + sizes)."""
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
    """The exchanges that turn the keyed order of an epoch's slots into the samples that it draws.

    Args:
        rounds: the rounds of the classes at the start of the epoch, as ``facing`` gives them.
        stands: the positions of the classes in their rotations at the start of the epoch.
        draws: the number of draws of each class in the epoch.
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
    # As many slots of the old order as the new head has: those that end the epoch's slots or follow them.
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
    """For each i the numbers 0, 1, ..., counts[i] - 1: the i of each, and the numbers."""
    which = torch.arange(len(counts), device="cpu").repeat_interleave(counts)
    return which, torch.arange(len(which), device="cpu") - (counts.cumsum(0) - counts)[which]
