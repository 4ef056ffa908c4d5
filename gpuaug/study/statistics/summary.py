"""From rows to summaries: means over each run's last epochs, and their spread over the seeds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gpuaug.study.training.metrics import Score
from gpuaug.study.training.rows import LAST_EPOCHS, Row

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
    """Of one arm. ``classes`` goes by name of the class, then "recall", "precision" and "f1".

    ``best`` is the best epoch's accuracy, as articles quote it: chosen on the test images, so too high.
    ``seconds`` is the middle epoch's training time, ``draws`` the mean of the images that one trains on.
    """

    accuracy: Spread
    classes: dict[str, dict[str, Spread]]
    best: Spread
    seconds: float
    draws: int


# By seed, the rows of an arm, epoch by epoch.
Runs = Mapping[int, Sequence[Row]]


def runs_by_arm(rows: Sequence[Row]) -> dict[str, Runs]:
    """The runs of every arm: arms in the order of their rows, seeds in that of their numbers."""
    arms: dict[str, dict[int, list[Row]]] = {}
    for row in rows:
        arms.setdefault(row.arm, {}).setdefault(row.seed, []).append(row)
    return {arm: dict(sorted(runs.items())) for arm, runs in arms.items()}


def last_epochs(runs: Runs) -> dict[int, Sequence[Row]]:
    """Of every seed the epochs that its result is the mean of."""
    return {seed: run[-LAST_EPOCHS:] for seed, run in runs.items()}


def by_seed(runs: Runs, value: Callable[[Score], float]) -> list[float]:
    """The mean of a value over the last three epochs, for each seed."""
    return [statistics.fmean(value(row.epoch.score) for row in run) for run in last_epochs(runs).values()]


def summarise(rows: Sequence[Row], classes: Sequence[str]) -> dict[str, Summary]:
    """The arms in the order of their rows; of every seed the mean over its last three epochs counts."""
    return {arm: _summary(runs, classes) for arm, runs in runs_by_arm(rows).items()}


def _summary(runs: Runs, classes: Sequence[str]) -> Summary:
    def spread(value: Callable[[Score], float]) -> Spread:
        return Spread.over(by_seed(runs, value))

    epochs = [row.epoch for run in runs.values() for row in run]
    return Summary(
        accuracy=spread(lambda score: score.accuracy),
        classes={
            name: {rate: spread(_rate(number, rate)) for rate in RATES} for number, name in enumerate(classes)
        },
        best=Spread.over([max(row.epoch.score.accuracy for row in run) for run in runs.values()]),
        seconds=statistics.median(epoch.seconds for epoch in epochs),
        draws=round(statistics.fmean(epoch.draws for epoch in epochs)),
    )


def _rate(number: int, rate: str) -> Callable[[Score], float]:
    return lambda score: getattr(score.classes[number], rate)
