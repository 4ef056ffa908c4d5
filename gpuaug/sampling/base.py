"""A sampler's part that knows nothing of labels: epochs at random access, ranks, and where a run stands."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist
from torch.utils.data import DistributedSampler

from gpuaug.random import check_seed
from gpuaug.sampling.draw import Draw, make_draws

_VERSION = 3
_STATE = ("version", "seed", "epoch", "position", "fingerprint")
_EPOCHS = 1 << 31
_CHUNK = 1 << 15

Item = TypeVar("Item", covariant=True)


class Epoch(Protocol):
    """What is settled about an epoch before any of it is drawn."""

    @property
    def epoch(self) -> int: ...

    @property
    def total(self) -> int: ...


class EpochOrder(Protocol):
    """An epoch's items at random access."""

    def draws(self, positions: Tensor) -> Tensor: ...


@dataclass
class EpochCursor:
    """Where an epoch's iteration stands. Each iteration has its own, and so has a state that was loaded."""

    start: int = 0  # a global position
    total: int = 0  # items of the epoch
    ranks: int = 1
    share: int = 0  # items that this rank gets
    state: Epoch | None = None  # of an iteration
    taken: int = 0  # items that this rank has taken since
    started: bool = False  # an item was asked for
    said: bool = False  # set_epoch said this epoch
    again: bool = False  # the next iteration is of the same epoch, even if this one was finished
    ended: int | None = None  # the epoch whose end was loaded; this one follows it
    over: bool = False  # a loader took up the end of its epoch: nothing is left of it but an empty iteration

    @property
    def finished(self) -> bool:
        return self.started and self.taken >= self.share

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

    An iteration is of one epoch. The next one is of the next epoch where the last item was taken, else of the
    same epoch, from its start. ``epoch``, ``total`` and ``len`` are those of the newest iteration until the
    next one begins, or ``set_epoch`` says another.

    A subclass says what an epoch is: ``_state_at``, ``_order_of``, ``_fingerprint`` and ``_items``.
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
        self._cursor = EpochCursor()
        self._order_cache: tuple[int, EpochOrder] | None = None

    @abstractmethod
    def _state_at(self, epoch: int) -> Epoch:
        """What is settled about an epoch. Changes nothing."""

    @abstractmethod
    def _order_of(self, state: Any) -> EpochOrder:
        """The items of an epoch by position."""

    @abstractmethod
    def _fingerprint(self, state: Any) -> str:
        """Of all that the order of the epoch follows from, but for the seed."""

    @abstractmethod
    def _items(self, draws: Tensor) -> Iterator[Item]:
        """What the sampler yields, from what the order gives."""

    def _enter(self, epoch: int) -> None:
        self._epoch_state = self._state_at(epoch)  # first: a schedule may give a target that is refused
        self.epoch = epoch
        # The base class counts samples; here an epoch's length is not the data set's.
        self.num_samples = self._share(self.total)
        self.total_size = self.num_samples * self.num_replicas

    @property
    def cursor(self) -> EpochCursor:
        """Where the newest iteration stands: another object for each iteration, epoch and loaded state."""
        return self._cursor

    @property
    def left(self) -> int:
        """How many items of the current epoch this rank has not taken."""
        cursor = self._cursor
        return cursor.share - cursor.taken if cursor.started else self._share(self.total - cursor.start)

    @property
    def total(self) -> int:
        """The items of the current epoch, of all ranks together, before any are repeated or dropped."""
        return self._epoch_state.total

    def __iter__(self) -> Iterator[Item]:
        # No generator itself: who asks for the state right after iter() must see where this iteration begins.
        return self._walk(self._begin())

    def _begin(self) -> EpochCursor:
        """The cursor of a new iteration."""
        before = self._cursor
        if (before.finished and not before.again) or (before.over and before.state is not None):
            self._enter(check_epoch(self.epoch + 1))
            before = EpochCursor()
        if before.started:
            before = EpochCursor()
        # What was loaded or set lasts until an item is asked for: DataLoader may call iter() twice an epoch.
        self._cursor = self._made(before)
        return self._cursor

    def _made(self, cursor: EpochCursor) -> EpochCursor:
        """A cursor for an iteration of the current epoch from where ``cursor`` stands."""
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
        """What the order gives for the items of an iteration, ``size`` items at a time."""
        cursor.started = True
        order = self._ordered(cursor.state)
        for begin in range(0, cursor.share, size):
            steps = torch.arange(begin, min(begin + size, cursor.share), device="cpu")
            yield order.draws((cursor.start + self.rank + steps * self.num_replicas) % cursor.total)

    def _share(self, left: int) -> int:
        """How many items each rank gets where ``left`` are left of the epoch."""
        return left // self.num_replicas if self.drop_last else -(-left // self.num_replicas)

    def set_epoch(self, epoch: int) -> None:
        """Says which epoch the next iteration is of, in [0, 2**31).

        It need not be called: iterations go on from epoch to epoch. Called before each with the epoch that
        comes next, it changes nothing. Another epoch begins at its start. The same epoch is left as it is in
        its middle, and begins again after its end.

        Where epochs differ in length, ``len`` and the shares of the ranks follow.
        """
        epoch = check_epoch(epoch)
        cursor = self._cursor
        if epoch == self.epoch and cursor.over:
            self._cursor = EpochCursor(self.total, said=True)  # what is left of it: nothing
        elif epoch == self.epoch:
            # The same cursor: a loader may have taken items ahead that it has yet to hand out.
            cursor.said = True
            cursor.again = cursor.finished or (cursor.again and not cursor.started)
        else:
            self._enter(epoch)
            # The end of this epoch was loaded, and nothing is left of it.
            at_end = not cursor.started and cursor.ended == epoch
            self._cursor = EpochCursor(self.total if at_end else 0, said=True)
            if cursor.state is not None and not cursor.started:
                # An iteration was made, but not begun: it is of this epoch. Lightning sets the epoch then.
                vars(cursor).update(vars(self._made(self._cursor)))
                self._cursor = cursor

    def skip_rest(self) -> None:
        """Ends the current epoch: the next iteration is of the next one."""
        ended = self.epoch
        self._enter(check_epoch(ended + 1))
        self._cursor = EpochCursor(ended=ended)

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
        return self._ordered(self._epoch_state)

    def _ordered(self, state: Any) -> EpochOrder:
        if self._order_cache is None or self._order_cache[0] != state.epoch:
            self._order_cache = state.epoch, self._order_of(state)
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
            "fingerprint": self._fingerprint(self._epoch_state),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes up the epoch and position of a state: the next iteration begins there, later ones at 0.

        A state from the end of an epoch begins the next one, so that a loop over the remaining epochs that
        starts at ``sampler.epoch`` is right for every state. (``set_epoch`` with the epoch that ended gives
        what is left of it, an empty iteration.)

        Raises:
            ValueError: a state of another version, seed, labels or plan; something missing or out of range.
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
        # torchdata's StatefulDataLoader loads a state between two calls of iter(). A state of the loop's last
        # batch is an iteration with nothing left. For one of after the loop it then makes another iterator.
        within = before.state is not None and not before.started
        if not within or (before.said and stood == epoch + 1):
            self.skip_rest()
            self._cursor.again = within
        else:
            self._cursor.over = True


class DrawSampler(KeyedSampler[Draw]):
    """A sampler whose items are draws, one by one: what a ``BalancedLoader`` takes."""

    def rows(self, size: int) -> Iterator[np.ndarray]:
        """Iterates as ``iter`` does, over ``size`` draws at a time: arrays int64 ``(size, 3)`` of index, copy
        and key, of which the last may be shorter.

        >>> from gpuaug import BalancedSampler
        >>> [rows.shape for rows in BalancedSampler([0, 0, 1]).rows(3)]
        [(3, 3), (1, 3)]
        """
        # No generator itself, as __iter__.
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


def check_epoch(epoch: Any) -> int:
    """The number of an epoch, in [0, 2**31)."""
    return checked("epoch", epoch, _EPOCHS)


def checked(name: str, value: Any, limit: int, least: int = 0) -> int:
    """``value`` as an int where it is an integer, Python's or NumPy's, in [least, limit)."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    number: int = operator.index(value)
    if not least <= number < limit:
        raise ValueError(f"{name} must be in [{least}, {limit}), got {number}")
    return number
