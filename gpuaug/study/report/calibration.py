"""The table of calibration."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from gpuaug.study.report.tables import NOT_DEFINED, Table
from gpuaug.study.statistics.summary import last_epochs, runs_by_arm
from gpuaug.study.training.rows import Row

# Test images as they are, or weighted to the training set's shares; probabilities as they come, or corrected.
SETS = {"test": "test images", "natural": "training shares"}
MEASURES = {"ece": "calibration error", "brier": "Brier"}


def calibration_table(rows: Sequence[Row]) -> Table | None:
    """Expected calibration error and Brier score, as they are → corrected, over the last epochs of all seeds.

    An arm whose training diverged has neither. None where no run has any.
    """
    if all(row.epoch.calibration is None for row in rows):
        return None
    header = tuple(f"{what}, {where}" for where in SETS.values() for what in MEASURES.values())
    lines = []
    for arm, runs in runs_by_arm(rows).items():
        last = list(last_epochs(runs).values())
        if any(row.epoch.calibration is None for run in last for row in run):
            lines.append((arm, *[NOT_DEFINED] * len(header)))
            continue
        cells = tuple(
            f"{_mean(last, place, measure)} → {_mean(last, f'{place}_corrected', measure)}"
            for place in SETS
            for measure in MEASURES
        )
        lines.append((arm, *cells))
    return Table(("arm", *header), tuple(lines))


def _mean(runs: Sequence[Sequence[Row]], place: str, measure: str) -> str:
    by_seed = [fmean(getattr(getattr(row.epoch.calibration, place), measure) for row in run) for run in runs]
    return f"{fmean(by_seed):.3f}"
