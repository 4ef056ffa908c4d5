"""Repeat-factor sampling, for samples with several labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpuaug.sampling.base import DrawSampler, check_epoch
from gpuaug.sampling.bijection import ROUNDING, order_words
from gpuaug.sampling.labels.sets import LabelSets, read_label_sets
from gpuaug.sampling.labels.table import Class, LabelTable, build_table
from gpuaug.sampling.order import Order
from gpuaug.sampling.plan import Plan, align, shares_of
from gpuaug.sampling.rotation import EpochState, Round, Stand

_CHUNK = 1 << 18


@dataclass(frozen=True)
class _Repeats:
    """An epoch: each sample has a whole number of draws, and samples with the same number form a class."""

    epoch: int
    table: LabelTable
    state: EpochState

    @property
    def total(self) -> int:
        return self.state.total


class RepeatFactorSampler(DrawSampler):
    """Draws each sample as often as its rarest label asks for; balances samples with several labels.

    >>> labels = [["cat"], ["cat", "dog"], ["cat"], []]
    >>> sampler = RepeatFactorSampler(labels, threshold=1.0)
    >>> print(sampler)
    RepeatFactorSampler: 5 draws an epoch, 5 on rank 0 of 1, seed 0, epoch 0
    class  samples  repeat factor
      cat        3           1.15
      dog        1           2.00
    >>> [round(factor, 2) for factor in sampler.factors_.tolist()]
    [1.15, 2.0, 1.15, 1.0]

    Let f(c) be the fraction of the samples that have class c, and t the threshold. The repeat factor of a
    class is r(c) = max(1, sqrt(t / f(c))); that of a sample is the largest of its classes, or 1 for a sample
    without classes (Gupta, Dollár and Girshick, "LVIS: a dataset for large vocabulary instance segmentation",
    CVPR 2019; Detectron2's ``RepeatFactorTrainingSampler``). If a sample's r is not an integer, an epoch
    draws it floor(r) or floor(r) + 1 times, so that the mean over the epochs is r. Which of the two depends
    on (seed, epoch, index) alone. Epochs therefore differ in length; ``len`` is that of the current epoch.

    ``factors_`` is r of each sample, float64 ``(samples,)``; ``class_factors_`` is r of each class, and
    ``counts_`` its number of samples: dictionaries in the sorted order of the classes.

    Everything else works as in :class:`BalancedSampler`: :class:`Draw` objects with copy and key, ranks,
    ``set_epoch``, ``state_dict`` and resuming.

    Args:
        labels: the classes of every sample: a matrix ``(samples, classes)`` of 0 and 1 or of booleans (a
            tensor, an array or a SciPy sparse matrix; a tensor may be sparse), or a list, tuple, set or array
            of classes for each sample, non-negative integers or strings. A sample may have no class. One
            class per sample, as for :class:`BalancedSampler`, is accepted too.
        threshold: t, in (0, 1]: the frequency below which a class is repeated. LVIS uses 0.001.
        seed: the seed of the order and of the keys, in [0, 2**64).
        num_replicas: the number of ranks, at least 1. None takes it from ``torch.distributed`` where a
            process group is initialized; else it is 1.
        rank: the number of this rank, in [0, num_replicas). None takes it from ``torch.distributed``.
        drop_last: if True, drop the last draws where they are too few for all ranks; if False, repeat the
            first draws of the epoch.

    Raises:
        TypeError: ``labels`` or a number is of another type.
        ValueError: a label is invalid, a class has no sample, no sample has a class, or a number is out of
            its range.
    """

    def __init__(
        self,
        labels: Any,
        threshold: float,
        *,
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
        drop_last: bool = False,
    ) -> None:
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float)):
            raise TypeError(f"threshold must be a number, got {type(threshold).__name__}")
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1], got {threshold}")
        sets = read_label_sets(labels)
        counts = sets.counts.tolist()
        samples = len(sets.starts) - 1
        factors = [max(1.0, math.sqrt(threshold / (count / samples))) for count in counts]
        self.counts_: dict[Class, int] = dict(zip(sets.classes, counts, strict=True))
        self.class_factors_: dict[Class, float] = dict(zip(sets.classes, factors, strict=True))
        self.factors_ = torch.from_numpy(_largest(np.array(factors), sets))
        self._sets = sets
        digest = blake2b(repr((sets.classes, float(threshold))).encode(), digest_size=8)
        digest.update(sets.starts.data)
        digest.update(np.ascontiguousarray(sets.numbers, np.int64).data)
        self._digest = digest.hexdigest()
        super().__init__(samples, seed=seed, num_replicas=num_replicas, rank=rank, drop_last=drop_last)

    def _state_at(self, epoch: int) -> _Repeats:
        repeats = stochastic_round(self.factors_.numpy(), self.seed, epoch)
        table = build_table(repeats)
        samples = tuple(table.counts.tolist())
        draws = tuple(count * times for count, times in zip(samples, table.classes, strict=True))
        stands = (Stand(Round(epoch), 0),) * len(samples)
        return _Repeats(epoch, table, EpochState(epoch, Plan(table.classes, samples, draws), stands, b""))

    def _order_of(self, repeats: _Repeats) -> Order:
        return Order(repeats.table, repeats.state, self.seed)

    def _fingerprint(self, repeats: _Repeats) -> str:
        """A digest of labels and threshold."""
        return self._digest

    def priors(self, epoch: int | None = None) -> Tensor:
        """The classes' shares of an epoch's draws, where every sample has one class: what
        ``gpuaug.prior_correction`` takes back.

        >>> RepeatFactorSampler(["cat"] * 8 + ["dog"] * 2, threshold=0.8).priors(0)
        tensor([0.6667, 0.3333], dtype=torch.float64)

        Where samples have several classes or none, the classes do not exclude one another: their shares do
        not sum to 1, and no softmax has them for its prior.

        Args:
            epoch: in [0, 2**31); by default the current one.

        Returns:
            float64 ``(C,)`` on the host, in the order of ``counts_``.

        Raises:
            ValueError: a sample with no class or several; epoch out of its range.
            TypeError: epoch of another type.
        """
        epoch = self.epoch if epoch is None else check_epoch(epoch)
        each = np.diff(self._sets.starts)
        for sample in (each != 1).nonzero()[0][:1].tolist():
            raise ValueError(
                "priors need one class for every sample, for only then the shares of the classes sum to 1; "
                f"sample {sample} has {each[sample]}"
            )
        repeats = stochastic_round(self.factors_.numpy(), self.seed, epoch)
        draws = np.zeros(len(self.counts_), np.int64)
        np.add.at(draws, self._sets.numbers, repeats)
        return shares_of(draws.tolist())

    def __repr__(self) -> str:
        rows = [
            (str(name), str(count), f"{factor:.2f}")
            for (name, count), factor in zip(self.counts_.items(), self.class_factors_.values(), strict=True)
        ]
        return f"{self._summary()}\n{align(('class', 'samples', 'repeat factor'), rows)}"


def _largest(factors: np.ndarray, sets: LabelSets) -> np.ndarray:
    """float64 ``(samples,)``: the largest of the factors of each sample's classes."""
    largest = np.ones(len(sets.starts) - 1)
    begins = sets.starts[:-1]
    some = np.diff(sets.starts) > 0
    largest[some] = np.maximum.reduceat(factors[sets.numbers], begins[some])
    return largest


def stochastic_round(values: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Rounds each value down or up at random, so that the mean over the epochs is the value.

    >>> [stochastic_round(np.array([1.5, 2.0, 7.01]), 0, epoch).tolist() for epoch in range(3)]
    [[2, 2, 7], [1, 2, 7], [1, 2, 7]]

    Args:
        values: float64 ``(n,)``, each in [0, 2**31).
        seed: in [0, 2**64).
        epoch: in [0, 2**31). Seed, epoch and position decide the rounding; its odds have steps of 2**-32.

    Returns:
        int64 ``(n,)``.
    """
    rounded = np.empty(len(values), np.int64)
    for start in range(0, len(values), _CHUNK):
        part = values[start : start + _CHUNK]
        # One Philox block has the words for four values.
        block = torch.arange(start // 4, -(-(start + len(part)) // 4), device="cpu")
        words = order_words(seed, block, ROUNDING, torch.tensor(epoch, device="cpu"))
        chance = words.flatten()[: len(part)].numpy() * 2.0**-32
        whole = np.floor(part)
        rounded[start : start + len(part)] = whole + (chance < part - whole)
    return rounded
