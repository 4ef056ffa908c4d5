"""The base of all samplers: epochs, ranks, and the position of a run. It knows nothing of labels."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist
from torch.utils.data import DistributedSampler

from gpuaug.random import check_seed
from gpuaug.sampling.cursor import Epoch, EpochCursor, EpochOrder
from gpuaug.sampling.draw import Draw, make_draws

_VERSION = 3
_STATE = ("version", "seed", "epoch", "position", "fingerprint")
_EPOCHS = 1 << 31
_CHUNK = 1 << 15

Item = TypeVar("Item", covariant=True)


class KeyedSampler(DistributedSampler[Item]):
    """Base class of :class:`BalancedSampler` and the other samplers: epochs, ranks and resuming.

    >>> from gpuaug import BalancedSampler
    >>> sampler = BalancedSampler([0, 0, 1], num_replicas=2, rank=0)
    >>> isinstance(sampler, KeyedSampler), sampler.total, len(sampler)
    (True, 4, 2)

    An epoch is one global sequence of items (draws, or batches of draws), a pure function of the epoch's
    number. Rank r of R takes the positions r, r + R, r + 2R, ... without communication. If the number of
    items is not a multiple of R, ``drop_last=False`` repeats the first positions of the epoch, so that every
    rank takes the same number of items; ``drop_last=True`` drops the tail.

    Each iteration covers one epoch. After a complete iteration the next one covers the next epoch; after an
    incomplete one, the same epoch from its start. ``epoch``, ``total`` and ``len`` describe the newest
    iteration until the next one begins or ``set_epoch`` is called.

    A subclass defines an epoch by ``_state_at``, ``_order_of``, ``_fingerprint`` and ``_items``.

    Args:
        samples: the number of samples in the data set.
        seed: the seed of the order and of the keys, in [0, 2**64).
        num_replicas: the number of ranks, at least 1. None takes it from ``torch.distributed`` where a
            process group is initialized; else it is 1.
        rank: the number of this rank, in [0, num_replicas). None takes it from ``torch.distributed``.
        drop_last: if True, drop the last items where they are too few for all ranks; if False, repeat the
            first items of the epoch.

    Raises:
        TypeError: ``seed``, ``num_replicas`` or ``rank`` is not an int, or ``drop_last`` is not a bool.
        ValueError: a number is out of its range, or ``rank`` is missing beside ``num_replicas``.
    """

    # The number of items that are made at a time.
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
        self._cursor = EpochCursor()
        self._order_cache: tuple[int, EpochOrder] | None = None

    @abstractmethod
    def _state_at(self, epoch: int) -> Epoch:
        """The state of an epoch. Changes nothing in the sampler."""

    @abstractmethod
    def _order_of(self, state: Any) -> EpochOrder:
        """The order of an epoch: its items by position."""

    @abstractmethod
    def _fingerprint(self, state: Any) -> str:
        """A digest of everything but the seed that determines the order of the epoch."""

    @abstractmethod
    def _items(self, draws: Tensor) -> Iterator[Item]:
        """The items that the sampler yields, from the draws that the order gives."""

    def _enter(self, epoch: int) -> None:
        self._epoch_state = self._state_at(epoch)  # first: it raises where a schedule gives an invalid target
        self.epoch = epoch
        # The base class counts samples; here an epoch's length is not the data set's.
        self.num_samples = self._share(self.total)
        self.total_size = self.num_samples * self.num_replicas

    @property
    def cursor(self) -> EpochCursor:
        """The position of the newest iteration: a new object for each iteration, epoch and loaded state."""
        return self._cursor

    @property
    def left(self) -> int:
        """The number of items of the current epoch that this rank has not taken yet."""
        cursor = self._cursor
        return cursor.share - cursor.taken if cursor.started else self._share(self.total - cursor.start)

    @property
    def total(self) -> int:
        """The number of items of the current epoch over all ranks, before any are repeated or dropped."""
        return self._epoch_state.total

    def __iter__(self) -> Iterator[Item]:
        # Not a generator itself: right after iter(), the sampler's state must be the start of this iteration.
        return self._walk(self._begin())

    def _begin(self) -> EpochCursor:
        """Begins an iteration and returns its cursor."""
        before = self._cursor
        if (before.finished and not before.again) or (before.over and before.state is not None):
            self._enter(check_epoch(self.epoch + 1))
            before = EpochCursor()
        if before.started:
            before = EpochCursor()
        # A loaded or set position lasts until the first item is taken, as DataLoader may call iter() twice.
        self._cursor = self._made(before)
        return self._cursor

    def _made(self, cursor: EpochCursor) -> EpochCursor:
        """A cursor for an iteration of the current epoch that begins at the position of ``cursor``."""
        start = cursor.position
        return replace(
            cursor,
            start=start,
            total=self.total,
            ranks=self.num_replicas,
            share=self._share(self.total - start),
            state=self._epoch_state,
        )

    def _walk(self, cursor: EpochCursor) -> Iterator[Item]:
        for chunk in self._in_chunks(cursor, self._chunk):
            for item in self._items(chunk):
                cursor.taken += 1
                yield item

    def _in_chunks(self, cursor: EpochCursor, size: int) -> Iterator[Tensor]:
        """The draws of an iteration's items, ``size`` items at a time."""
        cursor.started = True
        order = self._ordered(cursor.state)
        for begin in range(0, cursor.share, size):
            steps = torch.arange(begin, min(begin + size, cursor.share), device="cpu")
            yield order.draws((cursor.start + self.rank + steps * self.num_replicas) % cursor.total)

    def _share(self, left: int) -> int:
        """The number of items for each rank where ``left`` items of the epoch remain."""
        return left // self.num_replicas if self.drop_last else -(-left // self.num_replicas)

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the next iteration.

        The call is optional: without it, each complete iteration is followed by the next epoch. With the
        epoch that would come next, the call changes nothing. With another epoch, that epoch begins at its
        start. With the current epoch, an iteration in its middle keeps its position, and a finished epoch
        begins again.

        Where epochs differ in length, ``len`` and the items of each rank follow the new epoch.

        Args:
            epoch: in [0, 2**31).

        Raises:
            TypeError: ``epoch`` is not an int.
            ValueError: ``epoch`` is out of its range.
        """
        epoch = check_epoch(epoch)
        cursor = self._cursor
        if epoch == self.epoch and cursor.over:
            self._cursor = EpochCursor(self.total, said=True)  # nothing of the epoch is left
        elif epoch == self.epoch:
            # The cursor stays: a loader may have taken items from it that it has yet to hand out.
            cursor.said = True
            cursor.again = cursor.finished or (cursor.again and not cursor.started)
        else:
            self._enter(epoch)
            # The loaded state was of the end of this epoch: nothing of it is left.
            at_end = not cursor.started and cursor.ended == epoch
            self._cursor = EpochCursor(self.total if at_end else 0, said=True)
            if cursor.state is not None and not cursor.started:
                # Lightning sets the epoch of an iteration that was made, but not begun.
                vars(cursor).update(vars(self._made(self._cursor)))
                self._cursor = cursor

    def skip_rest(self) -> None:
        """Ends the current epoch. The next iteration covers the next one."""
        ended = self.epoch
        self._enter(check_epoch(ended + 1))
        self._cursor = EpochCursor(ended=ended)

    def _part(self, start: int, stop: int | None) -> Tensor:
        """The draws at the global positions [start, stop) of the current epoch."""
        stop = checked("stop", self.total if stop is None else stop, self.total + 1)
        start = checked("start", start, stop + 1)
        shape = self._order.draws(torch.arange(0, device="cpu")).shape[1:]
        # NumPy asks the system for large pages. Small ones would cost as much time as the draws themselves.
        draws = torch.from_numpy(np.empty((stop - start, *shape), np.int64))
        for part in draws.split(self._chunk):
            part.copy_(self._order.draws(torch.arange(start, start + len(part), device="cpu")))
            start += len(part)
        return draws

    @property
    def _order(self) -> EpochOrder:
        return self._ordered(self._epoch_state)

    def _ordered(self, state: Any) -> EpochOrder:
        if self._order_cache is None or self._order_cache[0] != state.epoch:
            self._order_cache = state.epoch, self._order_of(state)
        return self._order_cache[1]

    def state_dict(self) -> dict[str, Any]:
        """Returns the position of the run, as plain ints and strings; the same on every rank.

        ``position`` counts the items that all ranks together have taken from the newest iteration. A loader
        that fetches ahead has taken more items than it has handed out, and must put in its own count.
        """
        return {
            "version": _VERSION,
            "seed": self.seed,
            "epoch": self.epoch,
            "position": self._cursor.position,
            "fingerprint": self._fingerprint(self._epoch_state),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restores a state, also one saved with another number of ranks.

        The next iteration begins at the saved epoch and position; later ones begin at position 0. A state
        from the end of an epoch begins the next epoch, so that ``for epoch in range(sampler.epoch, epochs)``
        covers the remaining epochs for every state. (``set_epoch`` with the epoch that ended gives an empty
        iteration: nothing of that epoch is left.)

        Args:
            state_dict: a state that :meth:`state_dict` returned.

        Raises:
            TypeError: ``state_dict`` is not a mapping, or a number in it is not an int.
            ValueError: the state is of another version, seed, labels or plan; an entry is missing or out of
                its range.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"state_dict must be a mapping, got {type(state_dict).__name__}")
        for name in _STATE:
            if name not in state_dict:
                raise ValueError(f"state_dict must hold {', '.join(_STATE)}; {name} is missing")
        epoch = check_epoch(state_dict["epoch"])
        state = self._state_at(epoch)
        own = {"version": _VERSION, "seed": self.seed, "fingerprint": self._fingerprint(state)}
        if any(state_dict[name] != value for name, value in own.items()):
            saved, here = (", ".join(f"{n} {given[n]}" for n in own) for given in (state_dict, own))
            raise ValueError(
                "state_dict must be of the same labels, plan, seed and version: "
                f"it has {saved}; the sampler has {here}"
            )
        position = checked("position", state_dict["position"], state.total + 1)
        before, stood = self._cursor, self.epoch
        self._enter(epoch)
        self._cursor = EpochCursor(position)
        if not position or self.left:
            return
        # torchdata's StatefulDataLoader loads a state between two calls of iter(). A state saved at the last
        # batch of a loop gives an iteration with nothing left. For a state saved after the loop, the loader
        # then makes another iterator.
        within = before.state is not None and not before.started
        if not within or (before.said and stood == epoch + 1):
            self.skip_rest()
            self._cursor.again = within
        else:
            self._cursor.over = True


class DrawSampler(KeyedSampler[Draw]):
    """Base class of the samplers that yield single draws, as :class:`BalancedLoader` takes them.

    >>> from gpuaug import BalancedBatchSampler, BalancedSampler
    >>> isinstance(BalancedSampler([0, 0, 1]), DrawSampler)
    True
    >>> isinstance(BalancedBatchSampler([0, 0, 1], 2, 1), DrawSampler)
    False

    Args:
        samples: the number of samples in the data set.
        seed: the seed of the order and of the keys, in [0, 2**64).
        num_replicas: the number of ranks, at least 1. None takes it from ``torch.distributed`` where a
            process group is initialized; else it is 1.
        rank: the number of this rank, in [0, num_replicas). None takes it from ``torch.distributed``.
        drop_last: if True, drop the last draws where they are too few for all ranks; if False, repeat the
            first draws of the epoch.

    Raises:
        TypeError: ``seed``, ``num_replicas`` or ``rank`` is not an int, or ``drop_last`` is not a bool.
        ValueError: a number is out of its range, or ``rank`` is missing beside ``num_replicas``.
    """

    def rows(self, size: int) -> Iterator[np.ndarray]:
        """Iterates as ``iter`` does, with ``size`` draws at a time as one array.

        >>> from gpuaug import BalancedSampler
        >>> [rows.shape for rows in BalancedSampler([0, 0, 1]).rows(3)]
        [(3, 3), (1, 3)]

        Args:
            size: the number of draws in an array, at least 1. The last array may be shorter.

        Returns:
            an iterator of int64 arrays ``(size, 3)``: index, copy, and the key's 64 bits as a signed integer.
        """
        # Not a generator itself, for the same reason as __iter__.
        return self._walk_rows(self._begin(), size)

    def _walk_rows(self, cursor: EpochCursor, size: int) -> Iterator[np.ndarray]:
        for chunk in self._in_chunks(cursor, max(1, self._chunk // size) * size):
            for rows in chunk.split(size):
                cursor.taken += len(rows)
                yield rows.numpy()

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
            start: the first position, in [0, stop].
            stop: the position after the last, in [start, ``sampler.total``]. None means ``sampler.total``.

        Returns:
            int64 ``(stop - start, 3)`` on the host: index, copy, and the key's 64 bits as a signed integer.
            The cost does not depend on ``start``.

        Raises:
            TypeError: ``start`` or ``stop`` is not an int.
            ValueError: ``start`` or ``stop`` is out of its range.
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
                f"rank must be given with num_replicas={num_replicas}, as no process group is initialized"
            )
        rank = dist.get_rank() if group else 0
    return num_replicas, checked("rank", rank, num_replicas)


def check_epoch(epoch: Any) -> int:
    """``epoch`` as an int, checked to be in [0, 2**31)."""
    return checked("epoch", epoch, _EPOCHS)


def checked(name: str, value: Any, limit: int, least: int = 0) -> int:
    """``value`` as an int, checked to be an integer (Python's or NumPy's) in [least, limit)."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    number: int = operator.index(value)
    if not least <= number < limit:
        raise ValueError(f"{name} must be in [{least}, {limit}), got {number}")
    return number
