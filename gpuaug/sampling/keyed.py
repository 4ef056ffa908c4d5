"""A sampler's part that knows nothing of labels: epochs at random access, ranks, and where a run stands."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist
from torch.utils.data import DistributedSampler

from gpuaug.random import check_seed
from gpuaug.sampling.draw import Draw, make_draws

_VERSION = 2
_STATE = ("version", "seed", "epoch", "position", "fingerprint")
_CHUNK = 1 << 15

Item = TypeVar("Item", covariant=True)


class Epoch(Protocol):
    """What is settled about an epoch before any of it is drawn."""

    epoch: int

    @property
    def total(self) -> int: ...


class EpochOrder(Protocol):
    """An epoch's items at random access."""

    def draws(self, positions: Tensor) -> Tensor: ...


@dataclass
class Cursor:
    """Where an epoch's iteration stands. Each iteration has its own, and so has a state that was loaded."""

    start: int = 0  # a global position
    total: int = 0  # items of the epoch
    ranks: int = 1
    taken: int = 0  # items that this rank has taken since
    started: bool = False

    @property
    def position(self) -> int:
        """The global position that all ranks together have come to."""
        # The last step may pass the end of the epoch, into the repeated items.
        return min(self.start + self.taken * self.ranks, self.total) if self.taken else self.start


class KeyedSampler(DistributedSampler[Item]):
    """What :class:`BalancedSampler` and its siblings share.

    An epoch is one global sequence of items (draws, or batches of them), a pure function of the epoch's
    number. Rank r of R takes the positions r, r + R, r + 2R, ... of it, without any communication. Where the
    items do not divide by R, either the last ranks go on with the first positions of the epoch, so that all
    ranks take equally many (``drop_last=False``), or the tail is dropped.

    A subclass says what an epoch is: ``_turn_at``, ``_order_of``, ``_fingerprint`` and ``_items``.
    """

    # The items that are made at once.
    _chunk = _CHUNK

    def __init__(
        self, samples: int, *, seed: int, num_replicas: int | None, rank: int | None, drop_last: bool
    ) -> None:
        num_replicas, rank = _place(num_replicas, rank)
        if not isinstance(drop_last, bool):
            raise TypeError(f"drop_last must be a bool, got {type(drop_last).__name__}")
        super().__init__(
            range(samples),  # type: ignore[arg-type]  # only its length is asked for
            num_replicas=num_replicas,
            rank=rank,
            seed=check_seed(seed),
            drop_last=drop_last,
        )
        self._enter(0)
        self._cursor = Cursor()
        self._order_cache: tuple[int, EpochOrder] | None = None

    @abstractmethod
    def _turn_at(self, epoch: int) -> Epoch:
        """What is settled about an epoch. Changes nothing."""

    @abstractmethod
    def _order_of(self, turn: Any) -> EpochOrder:
        """The items of an epoch by position."""

    @abstractmethod
    def _fingerprint(self, turn: Any) -> str:
        """Of all that the order of the epoch follows from, but for the seed."""

    @abstractmethod
    def _items(self, draws: Tensor) -> Iterator[Item]:
        """What the sampler yields, from what the order gives."""

    def _enter(self, epoch: int) -> None:
        self._turn = self._turn_at(epoch)  # first: a schedule may give a target that is refused
        self.epoch = epoch
        # The base class counts samples; here an epoch's length is not the data set's.
        self.num_samples = self._share(self.total)
        self.total_size = self.num_samples * self.num_replicas

    @property
    def cursor(self) -> Cursor:
        """Where the newest iteration stands: another object for each iteration, epoch and loaded state."""
        return self._cursor

    @property
    def total(self) -> int:
        """The items of the current epoch, of all ranks together, before any are repeated or dropped."""
        return self._turn.total

    def __iter__(self) -> Iterator[Item]:
        # No generator itself: who asks for the state right after iter() must see where this iteration begins.
        # A loaded position lasts until an item is asked for: DataLoader may call iter() twice for one epoch.
        start = 0 if self._cursor.started else self._cursor.position
        self._cursor = Cursor(start, self.total, self.num_replicas)
        return self._walk(self._cursor, self._order)

    def _walk(self, cursor: Cursor, order: EpochOrder) -> Iterator[Item]:
        cursor.started = True
        start, total = cursor.start, cursor.total
        share = self._share(total - start)
        for begin in range(0, share, self._chunk):
            steps = torch.arange(begin, min(begin + self._chunk, share), device="cpu")
            positions = (start + self.rank + steps * self.num_replicas) % total
            for item in self._items(order.draws(positions)):
                cursor.taken += 1
                yield item

    def _share(self, left: int) -> int:
        """How many items each rank gets where ``left`` are left of the epoch."""
        return left // self.num_replicas if self.drop_last else -(-left // self.num_replicas)

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, in [0, 2**31). Another epoch begins at its start; the same one changes nothing.

        Where epochs differ in length, ``len`` and the shares of the ranks follow.
        """
        epoch = checked("epoch", epoch, 1 << 31)
        if epoch != self.epoch:
            self._enter(epoch)
            self._cursor = Cursor()

    def _part(self, start: int, stop: int | None) -> Tensor:
        """What the order gives at the global positions [start, stop) of the current epoch."""
        stop = checked("stop", self.total if stop is None else stop, self.total + 1)
        start = checked("start", start, stop + 1)
        shape = self._order.draws(torch.arange(0, device="cpu")).shape[1:]
        # NumPy asks for large pages; fresh memory in small ones costs as much as the draws.
        draws = torch.from_numpy(np.empty((stop - start, *shape), np.int64))
        for part in draws.split(self._chunk):
            part.copy_(self._order.draws(torch.arange(start, start + len(part), device="cpu")))
            start += len(part)
        return draws

    @property
    def _order(self) -> EpochOrder:
        if self._order_cache is None or self._order_cache[0] != self.epoch:
            self._order_cache = self.epoch, self._order_of(self._turn)
        return self._order_cache[1]

    def state_dict(self) -> dict[str, Any]:
        """Where the run stands: plain ints and strings, the same on every rank.

        ``position`` counts the items that the ranks together have taken from the newest iteration. A loader
        that fetches ahead has taken more than it has handed out: it must put its own count in.
        """
        return {
            "version": _VERSION,
            "seed": self.seed,
            "epoch": self.epoch,
            "position": self._cursor.position,
            "fingerprint": self._fingerprint(self._turn),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes up the epoch and position of a state: the next iteration begins there, later ones at 0.

        A state from the end of an epoch gives one empty iteration, so that a loop over the remaining epochs
        that starts at ``sampler.epoch`` is right for every state.

        Raises:
            ValueError: a state of another version, seed, labels or plan; something missing or out of range.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"state_dict must be a mapping, got {type(state_dict).__name__}")
        for name in _STATE:
            if name not in state_dict:
                raise ValueError(f"state_dict must hold {', '.join(_STATE)}; {name} is missing")
        epoch = checked("epoch", state_dict["epoch"], 1 << 31)
        turn = self._turn_at(epoch)
        own = {"version": _VERSION, "seed": self.seed, "fingerprint": self._fingerprint(turn)}
        if any(state_dict[name] != value for name, value in own.items()):
            saved, here = (", ".join(f"{n} {state[n]}" for n in own) for state in (state_dict, own))
            raise ValueError(
                "state_dict must be of the same labels, plan, seed and version: "
                f"it has {saved}; the sampler has {here}"
            )
        position = checked("position", state_dict["position"], turn.total + 1)
        self._enter(epoch)
        self._cursor = Cursor(position)


class DrawSampler(KeyedSampler[Draw]):
    """A sampler whose items are draws, one by one: what a ``BalancedLoader`` takes."""

    def _items(self, draws: Tensor) -> Iterator[Draw]:
        return make_draws(draws)

    def _summary(self) -> str:
        return (
            f"{type(self).__name__}: {self.total} draws an epoch, {len(self)} on rank {self.rank} of "
            f"{self.num_replicas}, seed {self.seed}, epoch {self.epoch}"
        )

    def draws(self, start: int = 0, stop: int | None = None) -> Tensor:
        """The draws at the global positions [start, stop) of the current epoch, the same on every rank.

        >>> from gpuaug import BalancedSampler
        >>> BalancedSampler([0, 0, 1]).draws(1, 3).shape
        torch.Size([2, 3])

        Args:
            start, stop: 0 <= start <= stop <= ``sampler.total``, where None stops.

        Returns:
            int64 ``(stop - start, 3)`` on the host: index, copy, and the key's 64 bits as a signed integer.
            Any part costs the same, wherever it begins.
        """
        return self._part(start, stop)


def _place(num_replicas: int | None, rank: int | None) -> tuple[int, int]:
    group = dist.is_available() and dist.is_initialized()
    if num_replicas is None:
        num_replicas = dist.get_world_size() if group else 1
    num_replicas = checked("num_replicas", num_replicas, 1 << 31, least=1)
    if rank is None:
        if not group and num_replicas > 1:
            raise ValueError(
                f"rank must be given with num_replicas={num_replicas}, as no process group is initialised"
            )
        rank = dist.get_rank() if group else 0
    return num_replicas, checked("rank", rank, num_replicas)


def checked(name: str, value: int, limit: int, least: int = 0) -> int:
    """``value`` where it is an int in [least, limit)."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    if not least <= value < limit:
        raise ValueError(f"{name} must be in [{least}, {limit}), got {value}")
    return value
