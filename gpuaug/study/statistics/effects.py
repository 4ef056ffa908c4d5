"""Which arms help: every arm against a baseline, seed by seed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from gpuaug.study.statistics.paired import Difference
from gpuaug.study.statistics.summary import by_seed, runs_by_arm
from gpuaug.study.statistics.verdicts import MARGIN, caution, judge
from gpuaug.study.training.metrics import Score
from gpuaug.study.training.rows import Row

MANY, FEW = 100, 20  # training images


@dataclass(frozen=True)
class Effect:
    """Of one arm: its difference to the baseline, what Holm's correction makes of it, and where it lies.

    ``classes`` are differences of recall, ``splits`` of the mean recall of classes with many, medium and few
    training images; neither is corrected.
    """

    difference: Difference
    adjusted: float | None
    verdict: str
    classes: dict[str, Difference]
    splits: dict[str, Difference]


@dataclass(frozen=True)
class Effects:
    """Of all arms but the baseline; ``margin`` is X of the verdict "no effect above X"."""

    baseline: str
    metric: str
    margin: float
    arms: dict[str, Effect]
    caution: str


def mean_recall(classes: Collection[int]) -> Callable[[Score], float]:
    """The mean recall of some classes, by number."""
    return lambda score: statistics.fmean(score.classes[number].recall for number in classes)


def metrics(classes: Sequence[str], minority: Collection[str]) -> dict[str, Callable[[Score], float]]:
    """What arms may be compared by."""
    rare = [number for number, name in enumerate(classes) if name in minority]
    return {
        "accuracy": lambda score: score.accuracy,
        "mean-recall": mean_recall(range(len(classes))),
        "minority-recall": mean_recall(rare),
        "minority-f1": lambda score: statistics.fmean(score.classes[number].f1 for number in rare),
    }


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


def effects(
    rows: Sequence[Row],
    counts: Mapping[str, int],
    minority: Collection[str],
    *,
    baseline: str,
    metric: str = "accuracy",
    margin: float = MARGIN,
) -> Effects:
    """Every arm against the baseline by a metric: of every seed the mean of the last three epochs.

    Args:
        rows: of all arms and seeds.
        counts: training images by class.
        minority: the rare classes, for the metrics that are theirs.
        baseline: the arm that the others are compared with.
        metric: a name of ``metrics``.
        margin: differences below it do not matter.

    Raises:
        ValueError: arms of different seeds.
    """
    classes = list(counts)
    value = metrics(classes, minority)[metric]
    runs = runs_by_arm(rows)
    arms = [arm for arm in runs if arm != baseline]
    for arm in arms:
        if list(runs[arm]) != list(runs[baseline]):
            raise ValueError(
                f"rows must be of the same seeds for every arm: {baseline} has {list(runs[baseline])}, "
                f"{arm} has {list(runs[arm])}"
            )

    def difference(arm: str, value: Callable[[Score], float]) -> Difference:
        return Difference.between(by_seed(runs[arm], value), by_seed(runs[baseline], value))

    found = {arm: difference(arm, value) for arm in arms}
    judged = judge(found, margin)
    table = {
        arm: Effect(
            found[arm],
            judged[arm].adjusted,
            judged[arm].words,
            {name: difference(arm, mean_recall([number])) for number, name in enumerate(classes)},
            {name: difference(arm, mean_recall(numbers)) for name, numbers in splits(counts).items()},
        )
        for arm in arms
    }
    return Effects(baseline, metric, margin, table, caution(list(found.values()), margin))
