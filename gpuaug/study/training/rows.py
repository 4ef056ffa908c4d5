"""The rows of a run: one for each epoch, with its score on the test images."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gpuaug.study.arms.objective import AS_TRAINED
from gpuaug.study.training.evaluation import Calibrations, Evaluation
from gpuaug.study.training.metrics import Score

LAST_EPOCHS = 3  # a run's result is the mean of so many


def last_epochs_text(epochs: int) -> str:
    """The last epochs of a run of so many, in words.

    >>> last_epochs_text(1), last_epochs_text(10)
    ('last epoch', 'last 3 epochs')
    """
    last = min(LAST_EPOCHS, epochs)
    return "last epoch" if last == 1 else f"last {last} epochs"


@dataclass(frozen=True)
class Epoch:
    """The results of one epoch of a run.

    ``number`` counts from 1. ``loss`` is the training batches' mean, None where that is NaN or infinite.
    ``score`` and ``calibration`` are of the test images; ``unpredicted`` counts those with NaN or infinite
    logits. ``draws`` are the images trained on, and ``seconds`` the time for it; ``others`` is the part of
    the machine that other programs kept busy in that time, None where it is not known. ``readings`` are the
    evaluations of logits that were moved after training, by name.
    """

    number: int
    loss: float | None
    score: Score
    draws: int = 0
    seconds: float = field(default=0.0, compare=False)
    others: float | None = field(default=None, compare=False, kw_only=True)
    calibration: Calibrations | None = None
    readings: dict[str, Evaluation] = field(default_factory=dict)
    unpredicted: int = 0

    @property
    def diverged(self) -> bool:
        """True where the loss or a logit is NaN or infinite."""
        return self.loss is None or self.unpredicted > 0

    def read_as(self, reading: str) -> Epoch:
        """The same epoch with the score and calibration of a reading.

        Raises:
            ValueError: the run was trained before there were readings.
        """
        if reading == AS_TRAINED:
            return self
        if reading not in self.readings:
            raise ValueError(
                f"runs must be of this version for {reading}: those on the disk have no such evaluation; "
                "--overwrite trains them anew"
            )
        of = self.readings[reading]
        return replace(self, score=of.score, calibration=of.calibration)


@dataclass(frozen=True)
class Row:
    """One epoch of one arm under one seed."""

    arm: str
    seed: int
    epoch: Epoch
