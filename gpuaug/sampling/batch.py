"""The batch sampler: k classes x m samples in every batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpuaug.sampling.base import KeyedSampler, check_epoch, checked
from gpuaug.sampling.class_batches import Cells, ClassBatches
from gpuaug.sampling.draw import Draw, make_draws
from gpuaug.sampling.labels.read import check_labels, read_labels
from gpuaug.sampling.labels.table import Class, LabelTable, build_table
from gpuaug.sampling.plan import align, shares_of


@dataclass(frozen=True)
class _Window:
    """An epoch: a window of the endless sequence of batches."""

    epoch: int
    total: int


class BalancedBatchSampler(KeyedSampler[list[Draw]]):
    """Draws batches of k classes with m samples each, for metric and contrastive learning.

    >>> labels = ["cat"] * 6 + ["dog"] * 3 + ["fox"] * 3
    >>> batches = BalancedBatchSampler(labels, classes_per_batch=2, samples_per_class=3)
    >>> print(batches)
    BalancedBatchSampler: 2 batches of 2 x 3 an epoch, 2 on rank 0 of 1, seed 0, epoch 0
    class  samples  draws
      cat        6      3
      dog        3      6
      fox        3      3
    >>> [[labels[draw] for draw in batch] for batch in batches]
    [['cat', 'cat', 'cat', 'dog', 'dog', 'dog'], ['dog', 'dog', 'dog', 'fox', 'fox', 'fox']]

    ``counts_`` is the number of samples of each class, and ``plan_`` the draws of each class in the current
    epoch over all ranks: dictionaries in the sorted order of the classes. ``batch_size`` is k * m.

    Give it to ``DataLoader(dataset, batch_sampler=batches)``. It yields lists of :class:`Draw`, class after
    class; every batch has k x m draws.

    The classes of a batch differ, and all classes appear equally often: each appears once, in a random order,
    before any appears again. The next round has another order.

    The samples of a class are drawn equally often too. A round of the class draws each of its samples once, m
    at a time and across epochs. If m does not divide the class's count, a round leaves out the rest: fewer
    than m samples, others in each round. A class of fewer than m samples gives each of them, and some again
    as copies. The copy of a draw counts the rounds of its class since the epoch began, so that within an
    epoch no two draws have the same key.

    The sequence of batches is endless, a pure function of (labels, groups, k, m, seed). An epoch is a window
    of it. Rank r of R takes the batches r, r + R, r + 2R, ... ``set_epoch``, ``state_dict`` and resuming work
    as in :class:`BalancedSampler`, with batches in place of draws: ``len`` counts the batches of this rank,
    and positions count batches.

    Args:
        labels: the class of every sample; see :class:`BalancedSampler`.
        classes_per_batch: k, in [1, number of classes].
        samples_per_class: m, in [1, 2**31).
        groups: the group of every sample, such as its patient, camera or video; in the same forms as
            ``labels``. The m samples of a class in a batch come from different groups, as far as the class
            has enough of them, and each group is drawn equally often, whatever its number of samples.
        batches: the number of batches in an epoch over all ranks, in [1, 2**31). None means one draw for each
            sample: ``max(1, samples // (k * m))``.
        seed: the seed of the order and of the keys, in [0, 2**64).
        num_replicas: the number of ranks, at least 1. None takes it from ``torch.distributed`` where a
            process group is initialized; else it is 1.
        rank: the number of this rank, in [0, num_replicas). None takes it from ``torch.distributed``.
        drop_last: if True, drop the last batches where they are too few for all ranks; if False, repeat the
            first batches of the epoch.

    Raises:
        TypeError: ``labels``, ``groups`` or a number is of another type.
        ValueError: labels are invalid or of one class only, ``groups`` has another length than ``labels``, or
            a number is out of its range.
    """

    def __init__(
        self,
        labels: Any,
        classes_per_batch: int,
        samples_per_class: int,
        *,
        groups: Any = None,
        batches: int | None = None,
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
        drop_last: bool = False,
    ) -> None:
        table = read_labels(labels)
        count, samples = len(table.classes), len(table.members)
        if count == 1:
            raise ValueError(f"labels hold one class only, {table.classes[0]!r}: there is nothing to balance")
        self.classes_per_batch = checked("classes_per_batch", classes_per_batch, count + 1, least=1)
        self.samples_per_class = checked("samples_per_class", samples_per_class, 1 << 31, least=1)
        self.batch_size = self.classes_per_batch * self.samples_per_class
        default = max(1, samples // self.batch_size)
        self._batches = default if batches is None else checked("batches", batches, 1 << 31, least=1)
        self.counts_: dict[Class, int] = dict(zip(table.classes, table.counts.tolist(), strict=True))
        self._cells = _by_class(table) if groups is None else _by_group(table, groups)
        digest = blake2b(repr((self.counts_, self._batches)).encode(), digest_size=8)
        digest.update(repr((self.classes_per_batch, self.samples_per_class)).encode())
        for part in (self._cells.members, self._cells.starts):
            digest.update(part.numpy().data)
        self._digest = digest.hexdigest()
        self._chunk = max(1, self._chunk // self.batch_size)
        super().__init__(samples, seed=seed, num_replicas=num_replicas, rank=rank, drop_last=drop_last)

    @property
    def sampler(self) -> BalancedBatchSampler:
        """This object itself: Lightning and Accelerate call ``batch_sampler.sampler.set_epoch``."""
        return self

    @property
    def plan_(self) -> dict[Class, int]:
        """The draws of each class in the current epoch over all ranks, in the sorted order of the classes."""
        return dict(zip(self.counts_, self._plan_at(self.epoch), strict=True))

    def priors(self, epoch: int | None = None) -> Tensor:
        """The classes' shares of an epoch's draws; see :meth:`BalancedSampler.priors`.

        >>> BalancedBatchSampler([0, 0, 0, 1, 2], 2, 1).priors(0)
        tensor([0.2500, 0.5000, 0.2500], dtype=torch.float64)

        Args:
            epoch: in [0, 2**31). None means the current epoch.

        Returns:
            float64 ``(C,)`` on the host, in the sorted order of the classes.

        Raises:
            TypeError: ``epoch`` is not an int.
            ValueError: ``epoch`` is out of its range.
        """
        return shares_of(self._plan_at(self.epoch if epoch is None else check_epoch(epoch)))

    def _plan_at(self, epoch: int) -> list[int]:
        """The number of draws of each class in an epoch, over all ranks."""
        first, order = epoch * self._batches, self._order_of(self._state_at(epoch))
        visits = order.visits_before(first + self._batches) - order.visits_before(first)
        draws: list[int] = (visits * self.samples_per_class).tolist()
        return draws

    def draws(self, start: int = 0, stop: int | None = None) -> Tensor:
        """The batches at the global positions [start, stop) of the current epoch, the same on every rank.

        >>> BalancedBatchSampler([0, 0, 1, 1], 2, 1).draws(1, 2).shape
        torch.Size([1, 2, 3])

        Args:
            start: the first batch, in [0, stop].
            stop: the batch after the last, in [start, ``sampler.total``]. None means ``sampler.total``, the
                number of batches in an epoch.

        Returns:
            int64 ``(stop - start, k * m, 3)`` on the host: index, copy, and the key's 64 bits as a signed
            integer.

        Raises:
            TypeError: ``start`` or ``stop`` is not an int.
            ValueError: ``start`` or ``stop`` is out of its range.
        """
        return self._part(start, stop)

    _order: ClassBatches

    def _state_at(self, epoch: int) -> _Window:
        return _Window(epoch, self._batches)

    def _order_of(self, window: _Window) -> ClassBatches:
        k, m = self.classes_per_batch, self.samples_per_class
        return ClassBatches(
            self._cells, k, m, self.seed, window.epoch, window.epoch * window.total, window.total
        )

    def _fingerprint(self, window: _Window) -> str:
        """A digest of labels, groups, k, m and the number of batches in an epoch."""
        return self._digest

    def _items(self, draws: Tensor) -> Iterator[list[Draw]]:
        every = make_draws(draws.flatten(0, 1))
        return (list(islice(every, self.batch_size)) for _ in range(len(draws)))

    def __repr__(self) -> str:
        k, m = self.classes_per_batch, self.samples_per_class
        rows = [
            (str(name), str(samples), str(draws))
            for (name, samples), draws in zip(self.counts_.items(), self.plan_.values(), strict=True)
        ]
        return (
            f"{type(self).__name__}: {self.total} batches of {k} x {m} an epoch, {len(self)} on rank "
            f"{self.rank} of {self.num_replicas}, seed {self.seed}, epoch {self.epoch}\n"
            f"{align(('class', 'samples', 'draws'), rows)}"
        )


def _by_class(table: LabelTable) -> Cells:
    samples = torch.arange(len(table.members), device="cpu")
    return Cells(table.members, samples, torch.ones_like(samples), table.starts, table.counts)


def _by_group(table: LabelTable, groups: Any) -> Cells:
    try:
        checked_groups = check_labels(groups)
    except (TypeError, ValueError) as error:
        raise type(error)(f"groups are read in the forms of labels: {error}") from None
    numbers = np.unique(checked_groups.numbers, return_inverse=True)[1]
    if len(numbers) != len(table.members):
        raise ValueError(
            f"groups must have one entry for each of the {len(table.members)} labels, got {len(numbers)}"
        )
    count = int(numbers.max()) + 1
    both = np.empty(len(numbers), np.int64)
    both[table.members.numpy()] = np.repeat(np.arange(len(table.classes)) * count, table.counts.numpy())
    cells = build_table(both + numbers)
    units = torch.bincount(torch.tensor(cells.classes, device="cpu") // count)
    return Cells(cells.members, cells.starts, cells.counts, units.cumsum(0) - units, units)
