"""What a study leaves in its folder."""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gpuaug import _native
from gpuaug.study.arms import ARMS
from gpuaug.study.comparison import Row
from gpuaug.study.curves import draw_curves
from gpuaug.study.data import StudyData
from gpuaug.study.sheet import draw_sheet
from gpuaug.study.summary import LAST_EPOCHS, Summary, summarise

COLUMNS = ("arm", "seed", "epoch", "loss", "accuracy", "class", "support", "recall", "precision", "f1")


@dataclass(frozen=True)
class Study:
    """A finished study: what was asked for, what it was done with, and what came out."""

    command: str
    settings: dict[str, Any]
    data: StudyData
    minority: tuple[str, ...]
    rows: Sequence[Row]

    def summaries(self) -> dict[str, Summary]:
        return summarise(self.rows, self.data.classes)


def check_out(out: Path, overwrite: bool) -> None:
    """Raise where a report would replace something unasked."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"out must be a folder, and {out} is a file")
    if out.is_dir() and any(out.iterdir()) and not overwrite:
        raise ValueError(
            f"out must be a new or empty folder, and {out} is not; --overwrite replaces the study in it"
        )


def write_report(out: Path, study: Study) -> None:
    """``report.json``, ``metrics.csv``, ``curves.png`` and ``draws.png``."""
    (out / "report.json").write_text(
        json.dumps(as_json(study), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    with open(out / "metrics.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(line for row in study.rows for line in as_lines(row, study.data.classes))
    draw_curves(study.rows, study.data.classes, study.minority).savefig(out / "curves.png", dpi=120)
    draw_sheet(study.data, study.minority).savefig(out / "draws.png", dpi=120)


def as_json(study: Study) -> dict[str, Any]:
    data, summaries = study.data, study.summaries()
    test_counts = data.test_labels.bincount(minlength=len(data.classes)).tolist()
    return {
        "command": study.command,
        "settings": {
            **study.settings,
            "image_shape": data.image_shape,
            "train_images": data.counts(),
            "test_images": dict(zip(data.classes, test_counts, strict=True)),
            "minority": study.minority,
        },
        "versions": versions(),
        "arms": {arm: {"about": ARMS[arm].about, **asdict(summary)} for arm, summary in summaries.items()},
        "arms_are": f"of each seed the mean of the last {LAST_EPOCHS} epochs; mean and sd over seeds",
    }


def versions() -> dict[str, str]:
    return {
        "gpuaug": _native.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "torchmetrics")},
    }


def as_lines(row: Row, classes: Sequence[str]) -> list[tuple[Any, ...]]:
    """One line for each class."""
    epoch = row.epoch
    run = (row.arm, row.seed, epoch.number, epoch.loss, epoch.score.accuracy)
    return [
        (*run, name, of.support, of.recall, of.precision, of.f1)
        for name, of in zip(classes, epoch.score.classes, strict=True)
    ]
