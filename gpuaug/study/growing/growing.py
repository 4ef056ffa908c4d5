"""A study that grows: more seeds for the arms that cannot be told yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gpuaug.study.arms.arms import Arm
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.statistics.effects import Effects, effects
from gpuaug.study.statistics.looks import Looks
from gpuaug.study.statistics.verdicts import INCONCLUSIVE, can_tell
from gpuaug.study.training.comparison import compare
from gpuaug.study.training.logs import EpochLog
from gpuaug.study.training.rows import Row
from gpuaug.study.training.training import Protocol
from gpuaug.study.training.workers import ALONE, Workers


@dataclass(frozen=True)
class Goal:
    """The end of a study that grows.

    It ends when every arm is effective, harmful or within ``until`` of the baseline; after the last look; or
    before a look that would take all training together beyond ``max_minutes``.
    """

    until: float
    looks: Looks
    max_minutes: float | None = None


def grow(
    data: StudyData,
    arms: Mapping[str, Arm],
    protocol: Protocol,
    folder: Path,
    *,
    goal: Goal,
    baseline: str,
    minority: Collection[str],
    first_seed: int = 0,
    metric: str = "accuracy",
    log: EpochLog | None = None,
    finished: Callable[[Sequence[Row]], None] = lambda rows: None,
    said: Callable[[str], None] = print,
    workers: Workers = ALONE,
) -> list[Row]:
    """Train every arm under the seeds of the first look, and those that cannot be told under more.

    >>> from tempfile import mkdtemp
    >>> from gpuaug.study.arms.arms import read_arms
    >>> from gpuaug.study.data.imbalance import imbalance
    >>> from gpuaug.study.data.request import Request
    >>> from gpuaug.study.data.sources import load
    >>> data = imbalance(load(Request("embedded")), ["shirt"], majority_count=64, minority_count=16)
    >>> goal = Goal(until=0.02, looks=Looks.up_to(3, first=2))
    >>> arms, folder = read_arms(["imbalanced", "hflip"]), Path(mkdtemp())
    >>> rows = grow(
    ...     data, arms, Protocol(epochs=1), folder, goal=goal, baseline="imbalanced", minority=["shirt"]
    ... )
    imbalanced, seed 0: accuracy ...
    2 seeds, ...
    >>> max(row.seed for row in rows) in (1, 2)
    True

    Decisions depend on the rows alone, and the rows are on the disk: a study that was stopped goes on to the
    same end. The first seed is ``first_seed``. The other arguments are those of ``compare`` and ``effects``.

    Returns:
        The rows of all arms; an arm that was told has the seeds of fewer looks.
    """
    rows: list[Row] = []
    left, done = [arm for arm in arms if arm != baseline], 0
    for seeds in goal.looks.seeds:
        before = tuple(rows)
        if done and _beyond(goal, before, arms, [baseline, *left], seeds - done):
            if workers.first:
                said(f"{done} seeds are all that {goal.max_minutes:g} minutes allow")
            break
        now = {arm: of for arm, of in arms.items() if arm == baseline or arm in left}
        rows += compare(
            data,
            now,
            protocol,
            folder,
            seeds=range(first_seed + done, first_seed + seeds),
            log=log,
            finished=partial(_told, finished, before),
            workers=workers,
        )
        done = seeds
        found = effects(
            rows,
            data.counts(),
            minority,
            baseline=baseline,
            metric=metric,
            margin=goal.until,
            looks=goal.looks,
        )
        left = [arm for arm, of in found.arms.items() if of.verdict == INCONCLUSIVE]
        if workers.first:
            said(_look(found, seeds, left))
        if not left:
            break
    return rows


def _told(finished: Callable[[Sequence[Row]], None], before: Sequence[Row], more: Sequence[Row]) -> None:
    finished([*before, *more])


def _beyond(
    goal: Goal, rows: Sequence[Row], arms: Mapping[str, Arm], left: Sequence[str], seeds: int
) -> bool:
    """True where ``seeds`` more seeds of the arms in ``left`` would take all training beyond the goal's
    minutes. A run that several arms share counts once.
    """
    if goal.max_minutes is None:
        return False
    run_of = {arm: of.run or arm for arm, of in arms.items()}
    spent = sum({(run_of[row.arm], row.seed, row.epoch.number): row.epoch.seconds for row in rows}.values())
    ahead = 0.0
    for arm in {run_of[arm]: arm for arm in left}.values():
        of_arm = [row for row in rows if row.arm == arm]
        runs = len({row.seed for row in of_arm})
        ahead += sum(row.epoch.seconds for row in of_arm) / runs * seeds
    return spent + ahead > 60 * goal.max_minutes


def _look(found: Effects, seeds: int, left: Sequence[str]) -> str:
    told = len(found.arms) - len(left)
    open_ = [found.arms[arm].difference for arm in left]
    ahead = can_tell(open_, found.margin, found.looks) if open_ else ""
    return f"{seeds} seeds, {told} of {len(found.arms)} arms told. {ahead}".rstrip()
