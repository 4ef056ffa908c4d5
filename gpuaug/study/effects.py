"""Which arms help: every arm against a baseline, seed by seed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from gpuaug.study.comparison import Row
from gpuaug.study.metrics import Score
from gpuaug.study.paired import CONFIDENCE, NOTHING, Difference, holm, least_shown
from gpuaug.study.summary import by_seed, runs_by_arm

EFFECTIVE, HARMFUL, INEFFECTIVE, UNKNOWN = "effective", "harmful", "ineffective", "cannot tell"
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
    """Of all arms but the baseline."""

    baseline: str
    metric: str
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
) -> Effects:
    """Every arm against the baseline by a metric: of every seed the mean of the last three epochs.

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
    # An arm without a p is compared all the same: the others' p-values are adjusted for it too.
    corrected = holm([1.0 if found[arm].p is None else found[arm].p for arm in arms])
    adjusted = {arm: p for arm, p in zip(arms, corrected, strict=True) if found[arm].p is not None}
    table = {
        arm: Effect(
            found[arm],
            adjusted.get(arm),
            verdict(found[arm].mean, adjusted.get(arm)),
            {name: difference(arm, mean_recall([number])) for number, name in enumerate(classes)},
            {name: difference(arm, mean_recall(numbers)) for name, numbers in splits(counts).items()},
        )
        for arm in arms
    }
    return Effects(baseline, metric, table, caution(list(found.values())))


def verdict(mean: float, adjusted: float | None) -> str:
    """
    >>> verdict(0.1, 0.01), verdict(-0.1, 0.01), verdict(0.1, 0.2), verdict(0.1, None)
    ('effective', 'harmful', 'ineffective', 'cannot tell')
    """
    if adjusted is None:
        return UNKNOWN
    if adjusted > 1 - CONFIDENCE:
        return INEFFECTIVE
    return EFFECTIVE if mean > 0 else HARMFUL


def caution(differences: Sequence[Difference]) -> str:
    """What these seeds can show, and what they cannot."""
    if not differences:
        return "There is one arm, so nothing to compare."
    seeds, count = len(differences[0].by_seed), len(differences)
    if seeds == 1:
        return (
            "One seed shows no chance at work, so no difference can be told from it: "
            "take three seeds at the least, better five or more."
        )
    spread = statistics.median(statistics.stdev(of.by_seed) for of in differences)
    first, last = least_shown(spread, seeds, count), least_shown(spread, seeds, 1)
    least = f"above {last:.4f} to be significant"
    if count > 1:
        least += f" at all, and above {first:.4f} to be so whatever the other arms do"
    shown = (
        f"Where a pair of arms differs from seed to seed as much as the middle one here (standard deviation "
        f"{spread:.4f}), a mean difference must be {least}. "
    )
    return (
        f"{seeds} seeds, {count} comparison{'s' * (count > 1)}. {shown if spread > NOTHING else ''}"
        f"“{INEFFECTIVE}” means that no effect was shown, not that there is none. The seeds change the "
        "initial weights, the order and the draws; the training and test images are the same throughout, so "
        "the intervals do not say how another sample of images would do."
    )
