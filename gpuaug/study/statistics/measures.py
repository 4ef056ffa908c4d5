"""The measures that arms may be compared by: a number in [0, 1] of a score, the larger the better."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from gpuaug.study.statistics.not_defined import NotDefinedError
from gpuaug.study.training.metrics import Score

MANY, FEW = 100, 20  # training images
OF_CLASS = ("recall", "precision", "f1")
RANKED = ("auroc", "minority-average-precision")  # by probabilities, not by the predicted class alone

Measure = Callable[[Score], float]


def measures(counts: Mapping[str, int], minority: Collection[str]) -> dict[str, Measure]:
    """The measures of a data set by name: of all classes, of the rare ones, of many, medium and few images.

    >>> list(measures({"cat": 500, "dog": 50}, ["dog"]))[-2:]
    ['many-recall', 'medium-recall']

    ``of_class`` has those of one class. On a score of arrays (``statistics.images``) each gives an array.

    Args:
        counts: training images by class.
        minority: the rare classes.
    """
    every = range(len(counts))
    rare = [number for number, name in enumerate(counts) if name in minority]
    return {
        "accuracy": lambda score: score.accuracy,
        "balanced-accuracy": mean_recall(every),
        "macro-f1": mean("f1", every),
        "worst-recall": worst_recall,
        "auroc": mean("auroc", every),
        "minority-recall": mean_recall(rare),
        "minority-precision": mean("precision", rare),
        "minority-f1": mean("f1", rare),
        "minority-average-precision": mean("average_precision", rare),
        **{f"{name}-recall": mean_recall(numbers) for name, numbers in splits(counts).items()},
    }


def of_class(counts: Mapping[str, int]) -> dict[str, Measure]:
    """Recall, precision and F1 of each class.

    >>> list(of_class({"cat": 500}))
    ['recall:cat', 'precision:cat', 'f1:cat']
    """
    return {f"{rate}:{name}": mean(rate, [number]) for number, name in enumerate(counts) for rate in OF_CLASS}


def splits(counts: Mapping[str, int]) -> dict[str, list[int]]:
    """The classes' numbers by their training images: many (above 100), medium, few (below 20).

    >>> splits({"cat": 5000, "dog": 60, "eel": 3, "fox": 20})
    {'many': [0], 'medium': [1, 3], 'few': [2]}

    Source: Liu et al., "Large-scale long-tailed recognition in an open world", CVPR 2019.
    """
    found: dict[str, list[int]] = {"many": [], "medium": [], "few": []}
    for number, count in enumerate(counts.values()):
        found["many" if count > MANY else "few" if count < FEW else "medium"].append(number)
    return {name: numbers for name, numbers in found.items() if numbers}


def mean_recall(classes: Collection[int]) -> Measure:
    """The mean recall of some classes, by number."""
    return mean("recall", classes)


def mean(rate: str, classes: Collection[int]) -> Measure:
    """The mean of a rate over some classes, by number.

    The measure raises NotDefinedError where a class has no such rate: training diverged, the class has no
    test image, or the run is of a version that did not measure it.
    """

    def of(score: Score) -> float:
        rates: Sequence[Any] = [getattr(score.classes[number], rate) for number in classes]
        if any(of is None for of in rates):
            raise NotDefinedError(f"{rate} is not defined for these runs")
        total: float = sum(rates) / len(rates)
        return total

    return of


def worst_recall(score: Score) -> float:
    """The recall of the class that has the least."""
    least: Any = np.min([of.recall for of in score.classes], axis=0)
    return least if np.ndim(least) else float(least)
