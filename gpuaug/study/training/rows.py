"""What a run leaves: a row for each epoch, with its score on the test images."""

from __future__ import annotations

from dataclasses import dataclass, field

from gpuaug.study.training.metrics import Score

LAST_EPOCHS = 3  # a run's result is the mean of so many


@dataclass(frozen=True)
class Epoch:
    """What an epoch of a run gave.

    ``number`` counts from 1; ``loss`` is the training batches' mean; ``score`` is of the test images;
    ``draws`` are the images trained on, and ``seconds`` what that took; ``others`` is the part of the machine
    that other programs kept busy meanwhile, None where it is not known.
    """

    number: int
    loss: float
    score: Score
    draws: int = 0
    seconds: float = field(default=0.0, compare=False)
    others: float | None = field(default=None, compare=False, kw_only=True)


@dataclass(frozen=True)
class Row:
    """One epoch of one arm under one seed."""

    arm: str
    seed: int
    epoch: Epoch
