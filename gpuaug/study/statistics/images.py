"""Intervals for other test images: every run's predictions are scored on test sets that are drawn anew."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from gpuaug.study.statistics.paired import CONFIDENCE, Difference
from gpuaug.study.statistics.summary import Runs, last_epochs
from gpuaug.study.training.metrics import ClassScore, Score
from gpuaug.study.training.predictions import unpack

SETS = 1000  # test sets that are drawn


def draw_test_sets(labels: Tensor, count: int = SETS, seed: int = 0) -> Tensor:
    """The number of times that each test image is in each of ``count`` test sets: float32 ``(count, n)``.

    >>> drawn = draw_test_sets(torch.tensor([0, 0, 0, 1]), 2)
    >>> drawn[:, :3].sum(dim=1).tolist(), drawn[:, 3].tolist()
    ([3.0, 3.0], [1.0, 1.0])

    Each set has as many images of a class as the true one, drawn from that class with replacement (Efron and
    Tibshirani, "An introduction to the bootstrap", 1993), so that no class is ever empty.
    """
    random = np.random.default_rng(seed)
    drawn = torch.zeros(count, len(labels))
    for label in labels.unique():
        of_class = (labels == label).nonzero().flatten()
        size = len(of_class)
        times = random.multinomial(size, np.full(size, 1 / size), size=count)
        drawn[:, of_class] = torch.from_numpy(times).float()
    return drawn


def score_on(drawn: Tensor, predicted: Tensor, labels: Tensor, classes: int) -> Score:
    """The score of predicted labels on each test set: arrays ``(sets,)`` in the place of numbers. A label of
    ``classes`` is an image without a prediction.
    """

    def count(chosen: Tensor, by: Tensor) -> np.ndarray:
        table = torch.zeros(len(drawn), classes + 1).index_add_(1, by[chosen], drawn[:, chosen])
        return table[:, :classes].double().numpy()

    every = torch.ones_like(labels, dtype=torch.bool)
    right, taken, there = (
        count(predicted == labels, labels),
        count(every, predicted),
        count(every, labels),
    )
    recall, precision, f1 = (
        2 * right / np.maximum(a + b, 1) for a, b in ((there, there), (taken, taken), (there, taken))
    )
    of_class = [
        ClassScore(int(there[0, n]), *(cast(Any, rate[:, n]) for rate in (recall, precision, f1)))
        for n in range(classes)
    ]
    return Score(cast(Any, right.sum(axis=1) / len(labels)), tuple(of_class))


def on_other_images(
    runs: Runs, value: Callable[[Score], Any], drawn: Tensor, labels: Tensor, classes: int
) -> np.ndarray | None:
    """The results of the runs by seed and test set, ``(seeds, sets)``; None where the runs are of a version
    that kept no predictions.
    """
    found = []
    for run in last_epochs(runs).values():
        kept = [row.epoch.score.predicted for row in run]
        if not all(kept):
            return None
        scores = [score_on(drawn, torch.from_numpy(unpack(text)), labels, classes) for text in kept]
        found.append(np.mean([value(score) for score in scores], axis=0))
    return np.stack(found)


def with_other_images(
    difference: Difference, resampled: np.ndarray, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The interval of a difference over other seeds and other test images; None where one over seeds alone
    cannot be had.

    >>> difference = Difference.between([0.7, 0.8, 0.9], [0.6, 0.6, 0.6])
    >>> low, high = with_other_images(difference, np.full((3, 10), 0.2))  # all test sets agree
    >>> (round(low, 3), round(high, 3)) == (round(difference.low, 3), round(difference.high, 3))
    True

    Args:
        resampled: the differences by seed and test set.

    Two variances are added: that of the mean over seeds, and that which the test sets give to this mean. A
    bootstrap over three or five seeds would be too narrow; Student's t is not, with degrees of freedom by
    Satterthwaite (Biometrics Bulletin 2, 1946), for only the seeds are few. What images do to one seed alone
    is in both variances, so the interval is rather too wide.
    """
    if difference.low is None:
        return None
    seeds = len(difference.by_seed)
    of_seeds = statistics.variance(difference.by_seed) / seeds
    whole = of_seeds + float(np.var(resampled.mean(axis=0)))
    freedom = (seeds - 1) * (whole / of_seeds) ** 2
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(whole)
    own = float(stats.t.ppf((1 + confidence) / 2, seeds - 1)) * math.sqrt(of_seeds)
    half = max(half, own)  # to know less of the images makes nothing surer
    return max(-1.0, difference.mean - half), min(1.0, difference.mean + half)
