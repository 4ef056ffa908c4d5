"""A finished study, as the report takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpuaug.study.arms.arms import Arm
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.report.conclusion import conclusion
from gpuaug.study.report.divergences import Divergence, divergences, divergences_text
from gpuaug.study.report.next_step import NextStep, next_step
from gpuaug.study.search.search import Candidate
from gpuaug.study.statistics.effects import Effects
from gpuaug.study.statistics.measures import measures
from gpuaug.study.statistics.summary import Summary, summarise
from gpuaug.study.training.rows import Row
from gpuaug.study.training.training import Protocol


@dataclass(frozen=True)
class Study:
    """A finished study: what was asked for, what it was done with, and what came out.

    ``seeds`` is how many there are, from ``first_seed`` on. ``out`` is the folder. ``refused`` are arms and
    candidates of groups that do not take such images, and why each does not.
    """

    command: str
    source: str
    data: StudyData
    minority: tuple[str, ...]
    arms: dict[str, Arm]
    protocol: Protocol
    seeds: int
    first_seed: int
    rows: Sequence[Row]
    effects: Effects
    candidates: Sequence[Candidate]
    search: int | None
    refused: dict[str, str]
    out: str

    def summaries(self) -> dict[str, Summary]:
        return summarise(self.rows, self.data.classes, measures(self.data.counts(), self.minority))

    def divergences(self) -> list[Divergence]:
        return divergences(self.rows)

    def conclusion(self) -> str:
        """The answer in three sentences, and a fourth where training diverged."""
        diverged = divergences_text(self.divergences())
        return " ".join(filter(None, [conclusion(self.effects), diverged]))

    def next_step(self) -> NextStep | None:
        """None where every arm is told."""
        diverged = {run.arm for run in self.divergences()}
        return next_step(self.effects, self.command, self.out, self.first_seed, self.search, diverged)
