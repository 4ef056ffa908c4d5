"""The sampler: each class as often as its plan says."""

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
    were drawn equally often, or some once more. Each time it has gone round, the order is another one.

    The order is a pure function of (labels, plan, seed, epoch), and with a schedule of the plans of the
    epochs before. Rank r of R takes the positions r, r + R, r + 2R, ... of it, without any communication.
    Where the draws do not divide by R, either the last ranks go on with the first positions of the epoch, so
    that all ranks draw equally many (``drop_last=False``), or the tail is dropped.

    Iterations go on from epoch to epoch by themselves; ``set_epoch`` says another. An iteration that was left
    early begins again at the start of the same epoch. (A ``DataLoader`` with workers takes draws ahead: to
    the sampler, an epoch is finished when its last draw was taken.)

    ``state_dict`` is (version, seed, epoch, global position, fingerprint of labels and plan), so that a run
    resumes in the middle of an epoch with any number of ranks, workers or batch size. ``len`` is always that
    of a whole epoch.

    Args:
        labels: the class of every sample, non-negative integers or strings, or booleans, which are 0 and 1: a
            tensor, an array or memory map, a sequence, a pandas, Polars or Arrow column. ``labels_of`` gets
            them from a data set.
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
        self._table = read_labels(labels)
        # The members, class after class, say the label of every sample; the plan has the classes' names.
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
        """Of labels and plan, with a schedule of all plans so far."""
        return blake2b(state.digest + self._labels_digest, digest_size=8).hexdigest()

    @property
    def _plan(self) -> Plan:
        return self._epoch_state.plan

    @property
    def counts_(self) -> dict[Class, int]:
        return dict(zip(self._plan.classes, self._plan.samples, strict=True))

    @property
    def plan_(self) -> dict[Class, int]:
        return dict(zip(self._plan.classes, self._plan.draws, strict=True))

    def priors(self, epoch: int | None = None) -> Tensor:
        """The classes' shares of an epoch's draws: what ``gpuaug.prior_correction`` takes back.

        >>> BalancedSampler(["cat"] * 4 + ["dog"] * 2, {"dog": 4}).priors(0)
        tensor([0.5000, 0.5000], dtype=torch.float64)

        Args:
            epoch: in [0, 2**31), of a schedule; by default the current one.

        Returns:
            float64 ``(C,)`` on the host, in the sorted order of the classes: the plan's draws of each over
            all of them. (Draws that ranks repeat or drop at an epoch's end are not counted.)

        Raises:
            TypeError, ValueError: epoch of another type, or out of its range.
        """
        plan = self._plan if epoch is None else self._state_at(check_epoch(epoch)).plan
        return shares_of(plan.draws)

    def partners(self, weigh: Callable[[Tensor, Tensor], Tensor]) -> Partners:
        """What draws a partner for each draw of the current epoch, for a mix of two.

        >>> sampler = BalancedSampler([0, 0, 0, 1], "natural")
        >>> sampler.partners(lambda samples, draws: 1 / samples).of(sampler.draws()).shape
        torch.Size([4, 3])

        Args:
            weigh: from the samples and the draws of each class, float64 ``(C,)`` in the sorted order of the
                classes, to their weights ``(C,)``.

        Raises:
            ValueError: weights of another number, or that are not finite, at least 0, and one above 0.
        """
        columns = (self._plan.samples, self._plan.draws)
        samples, draws = (torch.tensor(c, dtype=torch.float64, device="cpu") for c in columns)
        return Partners(self._table, weigh(samples, draws))

    def __repr__(self) -> str:
        return f"{self._summary()}\n{self._plan}"
