"""The sampler: the order of an epoch, this rank's share of it, and the place where a run stands in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist
from torch.utils.data import DistributedSampler

from gpuaug.random import check_seed
from gpuaug.sampling.draw import Draw, make_draws
from gpuaug.sampling.labels import read_labels
from gpuaug.sampling.order import Order
from gpuaug.sampling.plan import Plan
from gpuaug.sampling.rotation import Rotation, Turn
from gpuaug.sampling.schedules import Schedule
from gpuaug.sampling.table import Class
from gpuaug.sampling.targets import Target

_VERSION = 2
_STATE = ("version", "seed", "epoch", "position", "fingerprint")
_CHUNK = 1 << 15


@dataclass
class _Cursor:
    """Where an epoch's iteration stands. Each iteration has its own."""

    start: int = 0  # a global position
    total: int = 0  # draws of the epoch
    ranks: int = 1
    taken: int = 0  # draws that this rank has taken since
    started: bool = False

    @property
    def position(self) -> int:
        """The global position that all ranks together have come to."""
        # The last step may pass the end of the epoch, into the repeated draws.
        return min(self.start + self.taken * self.ranks, self.total) if self.taken else self.start


class BalancedSampler(DistributedSampler[Draw]):
    """Draws each class as often as the plan says, shuffled; a replacement for ``WeightedRandomSampler``.

    >>> sampler = BalancedSampler([0, 0, 0, 0, 1], target="majority")
    >>> print(sampler)
    BalancedSampler: 8 draws an epoch, 8 on rank 0 of 1, seed 0, epoch 0
    class  samples  draws  copies per sample
        0        4      4                  0
        1        1      4                  3
    total        5      8
    >>> sorted((int(draw), draw.copy) for draw in sampler)
    [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2), (4, 3)]

    It yields ``Draw`` objects: integers, so any map-style data set and ``DataLoader(dataset,
    sampler=sampler)`` take them, that carry the copy and the key.

    Within an epoch the samples of a class are drawn equally often, or some once more: none gets copy 2 unless
    all of its class get copy 1. Copies fall anywhere in the epoch's order; copy 1 of a sample may come before
    its copy 0. A target below a class's count draws without replacement. Who is drawn, or drawn once more,
    goes round: the next epoch goes on where this one ended, so that after any epoch all samples of a class
    were drawn equally often, or some once more.

    The order is a pure function of (labels, plan, seed, epoch), and with a schedule of the plans of the
    epochs before. Rank r of R takes the positions r, r + R, r +
    2R, ... of it, without any communication. Where the draws do not divide by R, either the last ranks go on
    with the first positions of the epoch, so that all ranks draw equally many (``drop_last=False``), or the
    tail is dropped.

    ``state_dict`` is (version, seed, epoch, global position, fingerprint of labels and plan), so that a run
    resumes in the middle of an epoch with any number of ranks, workers or batch size. ``len`` is always that
    of a whole epoch.

    Args:
        labels: the class of every sample, non-negative integers or strings; a tensor, an array or a sequence.
        target: the draws of every class in an epoch:

            - "majority": as many as the largest class has samples; "minority": as the smallest; "mean" or
              "median": of the classes, rounded to the nearest (a half to the even number);
            - "natural": each class its own count;
            - an int: that many draws of every class;
            - a float in (0, 1]: at least that ratio to the largest class. Rarer classes are raised to it, and
              no class is lowered; 1.0 is "majority";
            - a mapping from class to positive int; a class that it leaves out keeps its own count;
            - ``power(alpha)``, ``effective_number(beta)``, or any function that takes the counts, a
              dictionary by class, and gives one of the above;
            - a schedule, ``deferred``, ``progressive`` or ``Schedule``: one of the above by epoch, which
              ``len`` follows.
        seed: in [0, 2**64).
        num_replicas, rank: the number of ranks and this one's number, in [0, num_replicas). None takes them
            from ``torch.distributed`` where a process group is initialised, else there is one rank.
        drop_last: drop the tail rather than repeat the first draws.

    Attributes:
        counts_: samples by class. plan_: draws by class in the current epoch. Both in the sorted order of the
            classes.

    Raises:
        TypeError, ValueError: see ``read_labels`` and ``draws_of``; a number out of its range.
    """

    def __init__(
        self,
        labels: Any,
        target: Target | Schedule = "majority",
        *,
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
        drop_last: bool = False,
    ) -> None:
        num_replicas, rank = _place(num_replicas, rank)
        if not isinstance(drop_last, bool):
            raise TypeError(f"drop_last must be a bool, got {type(drop_last).__name__}")
        self._table = read_labels(labels)
        # The members, class after class, say the label of every sample; the plan has the classes' names.
        self._labels_digest = blake2b(self._table.members.numpy().data, digest_size=8).digest()
        self._rotation = Rotation(self._table.classes, tuple(self._table.counts.tolist()), target)
        self._turn = self._rotation.at(0)
        super().__init__(
            range(len(self._table.members)),  # type: ignore[arg-type]  # only its length is asked for
            num_replicas=num_replicas,
            rank=rank,
            seed=check_seed(seed),
            drop_last=drop_last,
        )
        self._enter(0)
        self._cursor = _Cursor()
        self._order_cache: Order | None = None

    def _enter(self, epoch: int) -> None:
        self._turn = self._rotation.at(epoch)  # first: a schedule may give a target that is refused
        self.epoch = epoch
        # The base class counts samples; an epoch has the plan's draws.
        self.num_samples = self._share(self._plan.total)
        self.total_size = self.num_samples * self.num_replicas

    @property
    def _plan(self) -> Plan:
        return self._turn.plan

    @property
    def counts_(self) -> dict[Class, int]:
        return dict(zip(self._plan.classes, self._plan.samples, strict=True))

    @property
    def plan_(self) -> dict[Class, int]:
        return dict(zip(self._plan.classes, self._plan.draws, strict=True))

    def __iter__(self) -> Iterator[Draw]:
        # No generator itself: who asks for the state right after iter() must see where this iteration begins.
        # A loaded position lasts until a draw is asked for: DataLoader may call iter() twice for one epoch.
        self._cursor = _Cursor(0 if self._cursor.started else self._cursor.position)
        return self._walk(self._cursor, self._order)

    def _walk(self, cursor: _Cursor, order: Order) -> Iterator[Draw]:
        cursor.started, cursor.total, cursor.ranks = True, order.total, self.num_replicas
        start = cursor.start
        share = self._share(order.total - start)
        for begin in range(0, share, _CHUNK):
            steps = torch.arange(begin, min(begin + _CHUNK, share))
            positions = (start + self.rank + steps * self.num_replicas) % order.total
            for draw in make_draws(order.draws(positions)):
                cursor.taken += 1
                yield draw

    def _share(self, left: int) -> int:
        """How many draws each rank gets where ``left`` are left of the epoch."""
        return left // self.num_replicas if self.drop_last else -(-left // self.num_replicas)

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, in [0, 2**31). Another epoch begins at its start; the same one changes nothing.

        With a schedule, ``len``, ``plan_`` and the shares of the ranks follow.
        """
        epoch = _checked("epoch", epoch, 1 << 31)
        if epoch != self.epoch:
            self._enter(epoch)
            self._cursor = _Cursor()

    def draws(self, start: int = 0, stop: int | None = None) -> Tensor:
        """The draws at the global positions [start, stop) of the current epoch, the same on every rank.

        >>> BalancedSampler([0, 0, 1]).draws(1, 3).shape
        torch.Size([2, 3])

        Args:
            start, stop: 0 <= start <= stop <= the plan's draws, ``sum(sampler.plan_.values())``, where None
                stops.

        Returns:
            int64 ``(stop - start, 3)`` on the host: index, copy, and the key's 64 bits as a signed integer.
            Any part costs the same, wherever it begins.
        """
        total = self._plan.total
        stop = _checked("stop", total if stop is None else stop, total + 1)
        start = _checked("start", start, stop + 1)
        # NumPy asks for large pages; fresh memory in small ones costs as much as the draws.
        draws = torch.from_numpy(np.empty((stop - start, 3), np.int64))
        for part in draws.split(_CHUNK):
            part.copy_(self._order.draws(torch.arange(start, start + len(part))))
            start += len(part)
        return draws

    @property
    def _order(self) -> Order:
        if self._order_cache is None or self._order_cache.epoch != self.epoch:
            self._order_cache = Order(self._table, self._turn, self.seed)
        return self._order_cache

    def state_dict(self) -> dict[str, Any]:
        """Where the run stands: plain ints and strings, the same on every rank.

        ``position`` counts the draws that the ranks together have taken from the newest iteration. A loader
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
        epoch = _checked("epoch", state_dict["epoch"], 1 << 31)
        turn = self._rotation.at(epoch)
        own = {"version": _VERSION, "seed": self.seed, "fingerprint": self._fingerprint(turn)}
        if any(state_dict[name] != value for name, value in own.items()):
            saved, here = (", ".join(f"{n} {state[n]}" for n in own) for state in (state_dict, own))
            raise ValueError(
                "state_dict must be of the same labels, plan, seed and version: "
                f"it has {saved}; the sampler has {here}"
            )
        position = _checked("position", state_dict["position"], turn.plan.total + 1)
        self._enter(epoch)
        self._cursor = _Cursor(position)

    def _fingerprint(self, turn: Turn) -> str:
        """Of labels and plan, with a schedule of all plans so far."""
        return blake2b(turn.digest + self._labels_digest, digest_size=8).hexdigest()

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}: {self._plan.total} draws an epoch, {len(self)} on rank {self.rank} of "
            f"{self.num_replicas}, seed {self.seed}, epoch {self.epoch}\n{self._plan}"
        )


def _place(num_replicas: int | None, rank: int | None) -> tuple[int, int]:
    group = dist.is_available() and dist.is_initialized()
    if num_replicas is None:
        num_replicas = dist.get_world_size() if group else 1
    num_replicas = _checked("num_replicas", num_replicas, 1 << 31, least=1)
    if rank is None:
        if not group and num_replicas > 1:
            raise ValueError(
                f"rank must be given with num_replicas={num_replicas}, as no process group is initialised"
            )
        rank = dist.get_rank() if group else 0
    return num_replicas, _checked("rank", rank, num_replicas)


def _checked(name: str, value: int, limit: int, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    if not least <= value < limit:
        raise ValueError(f"{name} must be in [{least}, {limit}), got {value}")
    return value
