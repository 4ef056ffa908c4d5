"""A finished study, as the report takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpuaug.study.arms.arms import Arm
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.report.conclusion import conclusion, next_command
from gpuaug.study.search.search import Candidate
from gpuaug.study.statistics.effects import Effects
from gpuaug.study.statistics.measures import RANKED, has_ranks, measures
from gpuaug.study.statistics.summary import Summary, summarise
from gpuaug.study.training.rows import Row
from gpuaug.study.training.training import Protocol


@dataclass(frozen=True)
class Study:
    """A finished study: what was asked for, what it was done with, and what came out.

    ``out`` is its folder; ``refused`` are arms and candidates of groups that do not take such images, and why
    each does not.
    """

    command: str
    source: str
    data: StudyData
    minority: tuple[str, ...]
    arms: dict[str, Arm]
    protocol: Protocol
    seeds: int
    rows: Sequence[Row]
    effects: Effects
    candidates: Sequence[Candidate]
    search: int | None
    refused: dict[str, str]
    out: str

    def summaries(self) -> dict[str, Summary]:
        known = measures(self.data.counts(), self.minority)
        if not all(has_ranks(row.epoch.score) for row in self.rows):  # of a version that had none
            known = {name: of for name, of in known.items() if name not in RANKED}
        return summarise(self.rows, self.data.classes, known)

    def conclusion(self) -> str:
        """What a reader should take from it: three sentences."""
        return conclusion(self.effects)

    def next_command(self) -> str:
        """What to type next; "" where all is told."""
        return next_command(self.effects, self.command, self.out)
