"""The effect of every arm: its difference to a baseline, seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from gpuaug.study.statistics.images import draw_test_sets, on_other_images, with_other_images
from gpuaug.study.statistics.looks import Looks
from gpuaug.study.statistics.measures import RANKED, mean_recall, measures, of_class, splits
from gpuaug.study.statistics.not_defined import NotDefinedError
from gpuaug.study.statistics.paired import CONFIDENCE, Difference
from gpuaug.study.statistics.summary import Runs, by_seed, is_defined, runs_by_arm
from gpuaug.study.statistics.verdicts import MARGIN, caution, judge
from gpuaug.study.training.metrics import Score
from gpuaug.study.training.rows import Row


@dataclass(frozen=True)
class Effect:
    """The effect of one arm: its difference to the baseline, p after Holm's correction, and the verdict.

    ``classes`` are differences of recall, ``splits`` of the mean recall of classes with many, medium and few
    training images; neither is corrected. ``other_images`` is the interval over other seeds and other test
    images, None where it cannot be had.
    """

    difference: Difference
    adjusted: float | None
    verdict: str
    classes: dict[str, Difference]
    splits: dict[str, Difference]
    other_images: tuple[float, float] | None = None


@dataclass(frozen=True)
class Effects:
    """The effects of all arms but the baseline.

    ``margin`` is X of the verdict "no effect above X", and ``looks`` are those of a study that grew until it
    could tell. ``left_out`` are the arms without the metric, as AUROC after training diverged.
    """

    baseline: str
    metric: str
    margin: float
    arms: dict[str, Effect]
    caution: str
    looks: Looks | None = None
    left_out: tuple[str, ...] = ()


def effects(
    rows: Sequence[Row],
    counts: Mapping[str, int],
    minority: Collection[str],
    *,
    baseline: str,
    metric: str = "accuracy",
    margin: float = MARGIN,
    looks: Looks | None = None,
    test_labels: Tensor | None = None,
) -> Effects:
    """Every arm against the baseline by a metric: of every seed the mean of the last three epochs.

    Args:
        rows: of all arms and seeds.
        counts: training images by class.
        minority: the rare classes, for the metrics that are theirs.
        baseline: the arm that the others are compared with.
        metric: a name of ``measures`` or ``of_class``.
        margin: differences below it do not matter.
        looks: of a study that grew until it could tell; arms may then have fewer seeds than the baseline.
        test_labels: int64 ``(n,)``, for the intervals over other test images.

    Raises:
        NotDefinedError: a baseline for which the metric is not defined.
        ValueError: arms of different seeds.
    """
    classes = list(counts)
    value = (measures(counts, minority) | of_class(counts))[metric]
    runs = runs_by_arm(rows)
    left_out = tuple(arm for arm, of in runs.items() if not is_defined(of, value))
    if baseline in left_out:
        raise NotDefinedError(
            f"metric must be defined for the baseline, and {metric} is not for {baseline}: its training "
            "diverged, a class has no test image, or its runs are of an earlier version; give another "
            "--metric or --baseline with --resume"
        )
    arms = [arm for arm in runs if arm != baseline and arm not in left_out]
    check_seeds(runs, baseline, grown=looks is not None)

    def confidence(seeds: int) -> float:
        return CONFIDENCE if looks is None else 1 - looks.level(seeds)

    def difference(arm: str, value: Callable[[Score], float]) -> Difference:
        base = by_seed(runs[baseline], value)[: len(runs[arm])]
        return Difference.between(by_seed(runs[arm], value), base, confidence(len(runs[arm])))

    found = {arm: difference(arm, value) for arm in arms}
    judged = judge(found, margin, looks)
    others: dict[str, tuple[float, float]] = {}
    if test_labels is not None and metric not in RANKED:  # those are not of the predicted class alone
        others = over_images(runs, found, baseline, value, test_labels, len(classes), confidence)
    table = {
        arm: Effect(
            found[arm],
            judged[arm].adjusted,
            judged[arm].words,
            {name: difference(arm, mean_recall([number])) for number, name in enumerate(classes)},
            {name: difference(arm, mean_recall(numbers)) for name, numbers in splits(counts).items()},
            others.get(arm),
        )
        for arm in arms
    }
    said = caution(list(found.values()), margin, looks, images=bool(others))
    return Effects(baseline, metric, margin, table, said, looks, left_out)


def check_seeds(runs: Mapping[str, Runs], baseline: str, *, grown: bool) -> None:
    """Raise unless every arm has the baseline's seeds, or, in a study that has grown, the first of them."""
    base = list(runs[baseline])
    for arm, of in runs.items():
        if list(of) != (base[: len(of)] if grown else base):
            raise ValueError(
                f"rows must be of the same seeds for every arm: {baseline} has {base}, {arm} has {list(of)}"
            )


def over_images(
    runs: Mapping[str, Runs],
    differences: Mapping[str, Difference],
    baseline: str,
    value: Callable[[Score], float],
    labels: Tensor,
    classes: int,
    confidence: Callable[[int], float],
) -> dict[str, tuple[float, float]]:
    """The intervals over other test images, of the arms that have one; ``confidence`` is by seeds."""
    drawn = draw_test_sets(labels)
    base = on_other_images(runs[baseline], value, drawn, labels, classes)
    found = {}
    for arm, of in differences.items():
        arms = None if base is None else on_other_images(runs[arm], value, drawn, labels, classes)
        if arms is not None and base is not None:
            interval = with_other_images(of, arms - base[: len(arms)], confidence(len(arms)))
            if interval is not None:
                found[arm] = interval
    return found
