"""The sampler of draws: each class as often as the plan says."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from gpuaug.sampling.base import DrawSampler, check_epoch
from gpuaug.sampling.labels.read import read_labels
from gpuaug.sampling.labels.table import Class
from gpuaug.sampling.order import Order
from gpuaug.sampling.partners import Partners
from gpuaug.sampling.plan import Plan, shares_of
from gpuaug.sampling.rotation import EpochState, Rotation
from gpuaug.sampling.schedules import Schedule
from gpuaug.sampling.targets import Target


class BalancedSampler(DrawSampler):
    """Draws each class as often as ``target`` says, shuffled; a replacement for ``WeightedRandomSampler``.

    >>> sampler = BalancedSampler([0, 0, 0, 0, 1], target="majority")
    >>> print(sampler)
    BalancedSampler: 8 draws an epoch, 8 on rank 0 of 1, seed 0, epoch 0
    class  samples  draws  copies per sample
        0        4      4                  0
        1        1      4                  3
    total        5      8
    >>> sorted((int(draw), draw.copy) for draw in sampler)
    [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2), (4, 3)]

    The sampler yields :class:`Draw` objects: integers that carry a copy and a key. Any map-style data set
    takes them as indices, and ``DataLoader(dataset, sampler=sampler)`` works unchanged.

    Within an epoch, each sample of a class is drawn equally often, up to one draw: no sample gets copy 2
    before all samples of its class get copy 1. A target below a class's count draws without replacement. The
    next epoch continues through each class where this one stopped, so that the samples of a class are drawn
    equally often across epochs too, up to one draw. After a class was drawn once through, its order changes.
    Copies are shuffled with the originals: copy 1 of a sample may come before its copy 0.

    The order is a pure function of (labels, plan, seed, epoch); with a schedule, also of the plans of earlier
    epochs. Rank r of R takes the positions r, r + R, r + 2R, ... without communication. If the number of
    draws is not a multiple of R, ``drop_last=False`` repeats the first draws of the epoch, so that every rank
    makes the same number of draws; ``drop_last=True`` drops the tail.

    Each complete iteration is followed by the next epoch; ``set_epoch`` chooses another. An iteration that
    was left early begins again at the start of the same epoch. (A ``DataLoader`` with workers fetches draws
    ahead. The sampler counts an epoch as finished when its last draw was fetched.)

    ``counts_`` is the number of samples of each class, and ``plan_`` the draws of each class in the current
    epoch: dictionaries in the sorted order of the classes.

    ``state_dict`` holds the version, seed, epoch, global position, and a fingerprint of labels and plan. A
    run resumes in the middle of an epoch with any number of ranks, workers or batch size. ``len`` is always
    that of a whole epoch.

    Args:
        labels: the class of every sample: non-negative integers, strings, or booleans (the classes 0 and 1).
            A tensor, an array or memory map, a sequence, or a pandas, Polars or Arrow column.
            :func:`labels_of` reads them from a data set.
        target: the number of draws of each class in an epoch:

            - "majority": the count of the largest class; "minority": of the smallest; "mean" or "median": of
              all classes, rounded to the nearest integer (a half to the even one);
            - "natural": the class's own count;
            - an int: this number for every class;
            - a float in (0, 1]: at least this ratio to the largest class. Rarer classes are raised to it, and
              no class is lowered; 1.0 equals "majority";
            - a mapping from class to positive int; a class that is left out keeps its own count;
            - :func:`~gpuaug.sampling.power`, :func:`~gpuaug.sampling.effective_number`, or any function that
              takes the counts as a dictionary by class and returns one of the above;
            - a schedule (:func:`~gpuaug.sampling.deferred`, :func:`~gpuaug.sampling.progressive` or
              :class:`~gpuaug.sampling.Schedule`): one of the above for each epoch. ``len`` follows it.
        seed: the seed of the order and of the keys, in [0, 2**64).
        num_replicas: the number of ranks, at least 1. None takes it from ``torch.distributed`` where a
            process group is initialized; else it is 1.
        rank: the number of this rank, in [0, num_replicas). None takes it from ``torch.distributed``.
        drop_last: if True, drop the last draws where they are too few for all ranks; if False, repeat the
            first draws of the epoch.

    Raises:
        TypeError: ``labels``, ``target`` or a number is of another type.
        ValueError: labels are missing or negative or of one class only, ``target`` is unknown or names a
            class without samples, or a number is out of its range.
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
        self._table = read_labels(labels)
        # The members, class after class, determine the label of every sample; the plan holds the class names.
        self._labels_digest = blake2b(self._table.members.numpy().data, digest_size=8).digest()
        self._rotation = Rotation(self._table.classes, tuple(self._table.counts.tolist()), target)
        super().__init__(
            len(self._table.members), seed=seed, num_replicas=num_replicas, rank=rank, drop_last=drop_last
        )

    _epoch_state: EpochState

    def _state_at(self, epoch: int) -> EpochState:
        return self._rotation.at(epoch)

    def _order_of(self, state: EpochState) -> Order:
        return Order(self._table, state, self.seed)

    def _fingerprint(self, state: EpochState) -> str:
        """A digest of labels and plan; with a schedule, of all plans so far."""
        return blake2b(state.digest + self._labels_digest, digest_size=8).hexdigest()

    @property
    def _plan(self) -> Plan:
        return self._epoch_state.plan

    @property
    def counts_(self) -> dict[Class, int]:
        """The number of samples of each class, in the sorted order of the classes."""
        return dict(zip(self._plan.classes, self._plan.samples, strict=True))

    @property
    def plan_(self) -> dict[Class, int]:
        """The number of draws of each class in the current epoch, in the sorted order of the classes."""
        return dict(zip(self._plan.classes, self._plan.draws, strict=True))

    def priors(self, epoch: int | None = None) -> Tensor:
        """The classes' shares of an epoch's draws, for :func:`gpuaug.prior_correction`.

        >>> BalancedSampler(["cat"] * 4 + ["dog"] * 2, {"dog": 4}).priors(0)
        tensor([0.5000, 0.5000], dtype=torch.float64)

        Args:
            epoch: in [0, 2**31); shares differ by epoch with a schedule only. None means the current epoch.

        Returns:
            float64 ``(C,)`` on the host, in the sorted order of the classes: the draws of each class in the
            plan, divided by all draws. Draws that ranks repeat or drop at the end of an epoch do not count.

        Raises:
            TypeError: ``epoch`` is not an int.
            ValueError: ``epoch`` is out of its range.
        """
        plan = self._plan if epoch is None else self._state_at(check_epoch(epoch)).plan
        return shares_of(plan.draws)

    def partners(self, weigh: Callable[[Tensor, Tensor], Tensor]) -> Partners:
        """Returns an object that draws a partner for each draw of the current epoch, for a mix of two images.

        >>> sampler = BalancedSampler([0, 0, 0, 1], "natural")
        >>> sampler.partners(lambda samples, draws: 1 / samples).of(sampler.draws()).shape
        torch.Size([4, 3])

        Args:
            weigh: a function ``(samples, draws) -> weights`` of the classes, in their sorted order; each is
                float64 ``(C,)``. A partner is of a class with a probability in proportion to its weight.

        Raises:
            ValueError: weights of another shape, a weight that is negative or not finite, or no weight above
                0.
        """
        columns = (self._plan.samples, self._plan.draws)
        samples, draws = (torch.tensor(c, dtype=torch.float64, device="cpu") for c in columns)
        return Partners(self._table, weigh(samples, draws))

    def __repr__(self) -> str:
        return f"{self._summary()}\n{self._plan}"
