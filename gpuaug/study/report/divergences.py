"""The runs whose training diverged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpuaug.study.report.tables import Table
from gpuaug.study.statistics.summary import runs_by_arm
from gpuaug.study.training.rows import Row

NAMED = 3  # arms that a sentence names; the others are counted


@dataclass(frozen=True)
class Divergence:
    """A run that diverged: ``epoch``, from 1, is the first with a loss or logits that are NaN or infinite,
    and ``unpredicted`` counts the test images without a prediction after the last epoch.
    """

    arm: str
    seed: int
    epoch: int
    unpredicted: int


def divergences(rows: Sequence[Row]) -> list[Divergence]:
    """The runs that diverged, in the order of their arms and seeds."""
    found = []
    for arm, runs in runs_by_arm(rows).items():
        for seed, run in runs.items():
            epochs = [row.epoch for row in run if row.epoch.diverged]
            if epochs:
                found.append(Divergence(arm, seed, epochs[0].number, run[-1].epoch.unpredicted))
    return found


def divergences_text(found: Sequence[Divergence]) -> str:
    """The runs in one sentence; "" where there are none.

    >>> divergences_text([Divergence("focal", 0, 2, 10), Divergence("focal", 3, 1, 10)])
    'Training diverged: “focal” (seed 0 in epoch 2, seed 3 in epoch 1); test images without finite logits
    count as wrong.'
    """
    if not found:
        return ""
    of_arm: dict[str, list[str]] = {}
    for run in found:
        of_arm.setdefault(run.arm, []).append(f"seed {run.seed} in epoch {run.epoch}")
    named = [f"“{arm}” ({', '.join(runs)})" for arm, runs in list(of_arm.items())[:NAMED]]
    if len(of_arm) > NAMED:
        named.append(f"{len(of_arm) - NAMED} more")
    return f"Training diverged: {', '.join(named)}; test images without finite logits count as wrong."


def divergences_table(found: Sequence[Divergence]) -> Table:
    """A line for each run."""
    return Table(
        ("run that diverged", "seed", "first in epoch", "images without a prediction at the end"),
        tuple((of.arm, str(of.seed), str(of.epoch), f"{of.unpredicted:,}") for of in found),
    )
