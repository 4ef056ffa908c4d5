"""A search over techniques and strengths: successive halving on images held out of the training part."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from gpuaug.study.arms.arms import Arm
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.statistics.measures import mean_recall
from gpuaug.study.statistics.summary import Runs, by_seed, runs_by_arm
from gpuaug.study.training.comparison import compare
from gpuaug.study.training.files import replace_file
from gpuaug.study.training.logs import EpochLog
from gpuaug.study.training.metrics import Score
from gpuaug.study.training.settings import keep_settings, run_settings
from gpuaug.study.training.training import Protocol
from gpuaug.study.training.workers import ALONE, Workers

HELD_OUT = 5  # one of so many training images of each class


@dataclass(frozen=True)
class Rung:
    """A round: so many candidates, each under every seed, trained until that epoch."""

    candidates: int
    until: int


@dataclass(frozen=True)
class Candidate:
    """One candidate: its last round, from 1, its epochs, and its mean recall on held-out images."""

    arm: str
    rung: int
    epochs: int
    score: float


def ladder(candidates: int, seeds: int, budget: int, *, eta: int = 3) -> list[Rung]:
    """The rounds that spend at most ``budget`` epochs, over all candidates and seeds.

    >>> ladder(9, 1, 60)
    [Rung(candidates=9, until=3), Rung(candidates=3, until=13)]

    Each round has an equal part of the budget, and one candidate of ``eta`` goes on from it, until one is
    left; that one is not trained further, for nothing is left to choose. (Jamieson and Talwalkar,
    "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016.)

    Raises:
        ValueError: a budget that does not give every candidate an epoch.
    """
    sizes = [candidates]
    while (fewer := math.ceil(sizes[-1] / eta)) > 1:
        sizes.append(fewer)
    part = budget // len(sizes)
    if part < candidates * seeds:
        raise ValueError(
            f"search must have at least {len(sizes) * candidates * seeds} epochs for {candidates} candidates "
            f"and {seeds} seeds, got {budget}"
        )
    rungs, until = [], 0
    for size in sizes:
        until += part // (size * seeds)
        rungs.append(Rung(size, until))
    return rungs


def hold_out(data: StudyData) -> StudyData:
    """The training images alone: the last fifth of every class, at least one, is the test part.

    Raises:
        ValueError: a class of one image.
    """
    kept = torch.ones(len(data.train_labels), dtype=torch.bool)
    for label, (name, count) in enumerate(data.counts().items()):
        if count < 2:
            raise ValueError(f"search must hold out an image of every class, and {name} has {count}")
        of_class = (data.train_labels == label).nonzero().flatten()
        kept[of_class[-max(1, count // HELD_OUT) :]] = False
    return replace(
        data,
        train_images=data.train_images[kept],
        train_labels=data.train_labels[kept],
        test_images=data.train_images[~kept],
        test_labels=data.train_labels[~kept],
    )


def keep_search_settings(
    folder: Path,
    data: StudyData,
    arms: Mapping[str, Arm],
    protocol: Protocol,
    seeds: Sequence[int],
    budget: int,
) -> None:
    """Write the settings of a search; for one process of several. The arguments are those of ``search``.

    Raises:
        ValueError: the folder has another search.
    """
    settings = {"candidates": list(arms), "seeds": len(seeds), "first_seed": seeds[0], "search": budget}
    whole = whole_runs(protocol, ladder(len(arms), len(seeds), budget))
    keep_settings(folder, {**settings, **run_settings(hold_out(data), whole)})


def whole_runs(protocol: Protocol, rungs: Sequence[Rung]) -> Protocol:
    """The protocol of the candidates' runs, which end with the last round."""
    return replace(protocol, epochs=rungs[-1].until)


def search(
    data: StudyData,
    arms: Mapping[str, Arm],
    protocol: Protocol,
    folder: Path,
    *,
    seeds: Sequence[int],
    budget: int,
    log: EpochLog | None = None,
    said: Callable[[str], None] = print,
    workers: Workers = ALONE,
) -> list[Candidate]:
    """The candidates, the best first; those that came further stand before the others.

    Args:
        data: of the study; its test images are not looked at.
        arms: the candidates.
        folder: where the runs are kept while the search lasts, and then the result; a search that was stopped
            goes on.
        seeds: each candidate is judged by its mean over them.
        budget: epochs, over all candidates and seeds.

    Raises:
        ValueError: the folder has another search.
    """
    rungs = ladder(len(arms), len(seeds), budget)
    if workers.first:
        keep_search_settings(folder, data, arms, protocol, seeds, budget)
    workers.wait()
    result = folder / "result.json"
    if result.exists():
        return [Candidate(**of) for of in json.loads(result.read_text(encoding="utf-8"))]
    held = hold_out(data)
    whole = whole_runs(protocol, rungs)
    value = mean_recall(range(len(data.classes)))
    left = dict(arms)
    out: list[Candidate] = []
    for number, rung in enumerate(rungs, start=1):
        rows = compare(held, left, whole, folder, seeds=seeds, until=rung.until, log=log, workers=workers)
        runs = runs_by_arm(rows)
        ranked = sorted(
            (judge(runs[arm], arm, number, rung, value) for arm in left), key=lambda of: -of.score
        )
        last = number == len(rungs)
        stay = 0 if last else rungs[number].candidates
        out = ranked[stay:] + out
        left = {of.arm: arms[of.arm] for of in ranked[:stay]}
        if workers.first:
            said(f"search, round {number}: {ranked[0].arm} leads with a mean recall of {ranked[0].score:.3f}")
        workers.wait()
    if workers.first:
        replace_file(result, lambda path: path.write_text(json.dumps([asdict(of) for of in out])))
        for run in folder.glob("*/run.*"):  # weights that nothing goes on from
            run.unlink()
    workers.wait()
    return out


def judge(runs: Runs, arm: str, number: int, rung: Rung, value: Callable[[Score], float]) -> Candidate:
    scores = by_seed(runs, value)
    return Candidate(arm, number, rung.until, sum(scores) / len(scores))
