"""From rows to summaries: means over each run's last epochs, and their spread over the seeds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gpuaug.study.statistics.not_defined import NotDefinedError
from gpuaug.study.training.metrics import Score
from gpuaug.study.training.rows import LAST_EPOCHS, Epoch, Row
from gpuaug.study.training.stopwatch import QUIET

RATES = ("recall", "precision", "f1")


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over the seeds, None for one seed.

    >>> print(Spread.over([0.5, 0.6]))
    0.550 ± 0.071
    """

    mean: float
    sd: float | None
    by_seed: tuple[float, ...]

    @classmethod
    def over(cls, values: Sequence[float]) -> Spread:
        return cls(
            statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, tuple(values)
        )

    def __str__(self) -> str:
        return f"{self.mean:.3f}" if self.sd is None else f"{self.mean:.3f} ± {self.sd:.3f}"


@dataclass(frozen=True)
class Summary:
    """The summary of one arm. ``classes`` goes by the name of the class, then "recall", "precision" and "f1".

    ``best`` is the best epoch's accuracy, as articles quote it: chosen on the test images, so too high.
    ``seconds`` is the training time of the middle one of the epochs that had the machine for themselves, None
    where fewer than half of them had; ``draws`` the mean of the images that an epoch trains on. ``measures``
    go by name, and are None where they are not defined, as AUROC after training diverged.
    """

    accuracy: Spread
    classes: dict[str, dict[str, Spread]]
    best: Spread
    seconds: float | None
    draws: int
    measures: dict[str, Spread | None] = field(default_factory=dict)


# By seed, the rows of an arm, epoch by epoch.
Runs = Mapping[int, Sequence[Row]]


def runs_by_arm(rows: Sequence[Row]) -> dict[str, Runs]:
    """The runs of every arm: arms in the order of their rows, seeds in that of their numbers."""
    arms: dict[str, dict[int, list[Row]]] = {}
    for row in rows:
        arms.setdefault(row.arm, {}).setdefault(row.seed, []).append(row)
    return {arm: dict(sorted(runs.items())) for arm, runs in arms.items()}


def last_epochs(runs: Runs) -> dict[int, Sequence[Row]]:
    """The last epochs of every seed: their mean is its result."""
    return {seed: run[-LAST_EPOCHS:] for seed, run in runs.items()}


def by_seed(runs: Runs, value: Callable[[Score], float]) -> list[float]:
    """The mean of a value over the last three epochs, for each seed."""
    return [statistics.fmean(value(row.epoch.score) for row in run) for run in last_epochs(runs).values()]


def is_defined(runs: Runs, value: Callable[[Score], float]) -> bool:
    """True where every seed has the value in each of its last epochs."""
    try:
        by_seed(runs, value)
    except NotDefinedError:
        return False
    return True


def summarise(
    rows: Sequence[Row],
    classes: Sequence[str],
    measures: Mapping[str, Callable[[Score], float]] | None = None,
) -> dict[str, Summary]:
    """The arms in the order of their rows; of every seed the mean over its last three epochs counts."""
    return {arm: _summary(runs, classes, measures or {}) for arm, runs in runs_by_arm(rows).items()}


def _summary(runs: Runs, classes: Sequence[str], measures: Mapping[str, Callable[[Score], float]]) -> Summary:
    def spread(value: Callable[[Score], float]) -> Spread:
        return Spread.over(by_seed(runs, value))

    epochs = [row.epoch for run in runs.values() for row in run]
    return Summary(
        accuracy=spread(lambda score: score.accuracy),
        classes={
            name: {rate: spread(_rate(number, rate)) for rate in RATES} for number, name in enumerate(classes)
        },
        best=Spread.over([max(row.epoch.score.accuracy for row in run) for run in runs.values()]),
        seconds=quiet_seconds(epochs),
        draws=round(statistics.fmean(epoch.draws for epoch in epochs)),
        measures={
            name: spread(value) if is_defined(runs, value) else None for name, value in measures.items()
        },
    )


def quiet_seconds(epochs: Sequence[Epoch]) -> float | None:
    """The middle one of the times that were taken on a quiet machine; None where most were not.

    >>> from gpuaug.study.training.rows import Epoch
    >>> from gpuaug.study.training.metrics import Score
    >>> alone, beside = (Epoch(1, 0.5, Score(0.5, ()), 40, 2.0, others=of) for of in (0.01, 0.8))
    >>> quiet_seconds([alone, alone, beside]), quiet_seconds([alone, beside, beside])
    (2.0, None)
    """
    quiet = [epoch.seconds for epoch in epochs if epoch.others is not None and epoch.others <= QUIET]
    return statistics.median(quiet) if 2 * len(quiet) >= len(epochs) else None


def _rate(number: int, rate: str) -> Callable[[Score], float]:
    return lambda score: getattr(score.classes[number], rate)
