"""From rows to summaries: means over each run's last epochs, and their spread over the seeds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpuaug.study.comparison import Row

LAST_EPOCHS = 3
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


def summarise(rows: Sequence[Row], classes: Sequence[str]) -> dict[str, Summary]:
    """The arms in the order of their rows; of every seed the mean over its last three epochs counts."""
    summaries = {}
    for arm in dict.fromkeys(row.arm for row in rows):
        runs: dict[int, list[Row]] = {}
        for row in rows:
            if row.arm == arm:
                runs.setdefault(row.seed, []).append(row)
        summaries[arm] = Summary(
            accuracy=_over_seeds(runs, lambda row: row.epoch.score.accuracy),
            classes={
                name: {rate: _over_seeds(runs, _rate(number, rate)) for rate in RATES}
                for number, name in enumerate(classes)
            },
            best=Spread.over([max(row.epoch.score.accuracy for row in run) for run in runs.values()]),
            seconds=statistics.median(row.epoch.seconds for run in runs.values() for row in run),
            draws=round(statistics.fmean(row.epoch.draws for run in runs.values() for row in run)),
        )
    return summaries


def _over_seeds(runs: dict[int, list[Row]], value: Callable[[Row], float]) -> Spread:
    return Spread.over([statistics.fmean(map(value, run[-LAST_EPOCHS:])) for run in runs.values()])


def _rate(number: int, rate: str) -> Callable[[Row], float]:
    return lambda row: getattr(row.epoch.score.classes[number], rate)
