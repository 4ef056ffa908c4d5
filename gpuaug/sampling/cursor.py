"""The position of a run within an epoch, and what a sampler asks of an epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Epoch(Protocol):
    """The state of an epoch: all that is known before its first item is drawn."""

    @property
    def epoch(self) -> int: ...

    @property
    def total(self) -> int: ...


class EpochOrder(Protocol):
    """The items of an epoch, at random access."""

    def draws(self, positions: Tensor) -> Tensor: ...


@dataclass
class EpochCursor:
    """The position within an epoch. Each iteration has a cursor of its own; so does a loaded state."""

    start: int = 0  # the global position at which the iteration begins
    total: int = 0  # items of the epoch
    ranks: int = 1
    share: int = 0  # items that this rank gets from start on
    state: Epoch | None = None  # the epoch's state, once an iteration was made
    taken: int = 0  # items that this rank has taken since start
    started: bool = False  # an item was asked for
    said: bool = False  # set_epoch was called with this epoch
    again: bool = False  # the next iteration repeats this epoch, even if this one was finished
    ended: int | None = None  # the epoch before this one, where the loaded state was of its end
    over: bool = False  # the loaded state was of the epoch's end: one empty iteration is left

    @property
    def finished(self) -> bool:
        return self.started and self.taken >= self.share

    @property
    def position(self) -> int:
        """The global position that all ranks together have reached."""
        # The last step may pass the end of the epoch, into the items that ranks repeat.
        return min(self.start + self.taken * self.ranks, self.total) if self.taken else self.start
