"""Logs that grow while a study runs: a CSV file of finished runs, and TensorBoard's where it is there."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from gpuaug.study.training.files import replace_file, run_folder
from gpuaug.study.training.rows import Epoch, Row

COLUMNS = ("arm", "seed", "epoch", "loss", "accuracy", "class", "support", "recall", "precision", "f1")
RANKS = ("auroc", "average_precision")
COST = ("draws", "seconds")


class EpochLog(Protocol):
    """Whatever is told of every epoch."""

    def add(self, arm: str, seed: int, epoch: Epoch) -> None: ...


def write_metrics(path: Path, rows: Sequence[Row], classes: Sequence[str]) -> None:
    """``metrics.csv``: a line for each arm, seed, epoch and class."""

    def write(part: Path) -> None:
        with open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow((*COLUMNS, *RANKS, *COST))
            writer.writerows(line for row in rows for line in as_lines(row, classes))

    replace_file(path, write)


def as_lines(row: Row, classes: Sequence[str]) -> list[tuple[Any, ...]]:
    """One line for each class."""
    epoch = row.epoch
    run = (row.arm, row.seed, epoch.number, epoch.loss, epoch.score.accuracy)
    return [
        (
            *(*run, name, of.support, of.recall, of.precision, of.f1, of.auroc, of.average_precision),
            *(epoch.draws, round(epoch.seconds, 4)),
        )
        for name, of in zip(classes, epoch.score.classes, strict=True)
    ]


def why_no_tensorboard() -> str:
    """The reason why no TensorBoard log is written; "" where one is."""
    if find_spec("tensorboard") is None:
        return "no TensorBoard log: the package tensorboard is not installed"
    return ""


class TensorBoardLog:
    """A folder of TensorBoard's for every run, with loss and scores by epoch.

    A run is told from its first epoch on, also where that lies on the disk; its folder then begins anew, so
    that a study which was stopped leaves no epoch twice.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self.folder, self.classes = folder, classes
        self.writer: Any = None

    def add(self, arm: str, seed: int, epoch: Epoch) -> None:
        from torch.utils.tensorboard import SummaryWriter

        if epoch.number == 1:
            self.close()
            folder = run_folder(self.folder, arm, seed)
            shutil.rmtree(folder, ignore_errors=True)
            self.writer = SummaryWriter(str(folder))
        scalars: dict[str, float | None] = {
            "loss": epoch.loss,
            "accuracy": epoch.score.accuracy,
            "seconds": epoch.seconds,
        }
        for name, of in zip(self.classes, epoch.score.classes, strict=True):
            scalars |= {f"recall/{name}": of.recall, f"f1/{name}": of.f1}
        for name, value in scalars.items():
            if value is not None:  # the loss, after training diverged
                self.writer.add_scalar(name, value, epoch.number)
        self.writer.flush()

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
