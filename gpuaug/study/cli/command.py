"""Runs a prepared study: search, train, report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpuaug.study.cli.prepared import PreparedStudy

if TYPE_CHECKING:
    from gpuaug.study.training.rows import Row


def seeds_words(prepared: PreparedStudy) -> str:
    if prepared.goal is None:
        return str(prepared.seeds)
    return f"{prepared.seeds} to {prepared.goal.looks.seeds[-1]}"


def run(prepared: PreparedStudy) -> None:
    """Train, print the tables, write the report."""
    # Only now: these need packages that ``prepare`` has asked for.
    from gpuaug.study.growing.growing import grow
    from gpuaug.study.report.report import write_report
    from gpuaug.study.report.study import Study
    from gpuaug.study.report.tables import as_text, effects_table, summary_table
    from gpuaug.study.search.search import search
    from gpuaug.study.statistics.effects import effects
    from gpuaug.study.training.comparison import compare
    from gpuaug.study.training.logs import TensorBoardLog, why_no_tensorboard, write_metrics
    from gpuaug.study.training.rows import last_epochs_text

    say = print if prepared.workers.first else lambda *words, **options: None
    counts = ", ".join(f"{count:,} {name}" for name, count in prepared.data.counts().items())
    epochs, missing = prepared.protocol.epochs, why_no_tensorboard()
    say(f"{counts}; arms: {len(prepared.arms)}, seeds: {seeds_words(prepared)}, epochs: {epochs}", flush=True)
    if prepared.data.holdout is not None:
        say(prepared.data.holdout, flush=True)
    for name, reason in prepared.refused.items():
        say(f"left out, {name}: {reason}", flush=True)
    if missing:
        say(missing, flush=True)

    def log(folder: str) -> TensorBoardLog | None:
        if missing:
            return None
        return TensorBoardLog(prepared.out / "tensorboard" / folder, prepared.data.classes)

    runs, arms, first = prepared.out / "runs", dict(prepared.arms), prepared.first_seed
    seeds = range(first, first + prepared.seeds)
    found = []
    if prepared.search is not None:
        found = search(
            prepared.data,
            prepared.candidates,
            prepared.protocol,
            runs / "search",
            seeds=seeds,
            budget=prepared.search,
            log=log("search"),
            said=say,
            workers=prepared.workers,
        )
        arms |= {of.arm: prepared.candidates[of.arm] for of in found[: prepared.keep]}
    baseline = prepared.baseline or next(iter(arms))

    def finished(rows: Sequence[Row]) -> None:
        write_metrics(prepared.out / "metrics.csv", rows, prepared.data.classes)

    if prepared.goal is None:
        rows = compare(
            prepared.data,
            arms,
            prepared.protocol,
            runs,
            seeds=seeds,
            log=log("study"),
            finished=finished,
            workers=prepared.workers,
        )
    else:
        rows = grow(
            prepared.data,
            arms,
            prepared.protocol,
            runs,
            goal=prepared.goal,
            first_seed=first,
            baseline=baseline,
            minority=prepared.minority,
            metric=prepared.metric,
            log=log("study"),
            finished=finished,
            said=say,
            workers=prepared.workers,
        )
    if not prepared.workers.first:
        return
    study = Study(
        command=prepared.command,
        source=prepared.source,
        data=prepared.data,
        minority=prepared.minority,
        arms=arms,
        protocol=prepared.protocol,
        seeds=len({row.seed for row in rows}),
        first_seed=first,
        rows=rows,
        effects=effects(
            rows,
            prepared.data.counts(),
            prepared.minority,
            baseline=baseline,
            metric=prepared.metric,
            margin=prepared.margin,
            looks=None if prepared.goal is None else prepared.goal.looks,
            test_labels=prepared.data.test_labels,
        ),
        candidates=found,
        search=prepared.search,
        refused=prepared.refused,
        out=str(prepared.out),
    )
    files = write_report(prepared.out, study)
    print(f"\nMean of the {last_epochs_text(epochs)} ± standard deviation over the seeds:\n")
    print(as_text(summary_table(study.summaries(), prepared.minority)))
    if study.effects.arms:
        print(f"\n{prepared.metric} against {study.effects.baseline}, difference [95 % interval]:\n")
        print(as_text(effects_table(study.effects)))
        print(f"\n{study.effects.caution}")
    print(f"\n{study.conclusion()}")
    step = study.next_step()
    if step is not None:
        print("\n".join(filter(None, [f"\nNext: {step.why}", step.command])))
    print(f"\nIn {prepared.out}: {', '.join(files)}")
