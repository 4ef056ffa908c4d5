"""The tables of a report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gpuaug.study.search.search import Candidate
from gpuaug.study.statistics.effects import Effect, Effects
from gpuaug.study.statistics.summary import Summary

MOST_COLUMNS = 4  # recalls, where they stand beside others
MOST_CLASSES = 12  # columns of a table of classes alone
NOT_MEASURED = "not measured"  # on a machine that was busy otherwise
MEASURED = {
    "balanced-accuracy": "balanced accuracy",
    "macro-f1": "macro F1",
    "worst-recall": "worst class's recall",
    "auroc": "AUROC",
    "minority-average-precision": "average precision of the minority",
}
NOT_DEFINED = "not defined"  # of an arm whose training diverged
NO_P = "none"  # one seed, or no spread over the seeds


@dataclass(frozen=True)
class Table:
    """A header, and rows of as many cells."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def as_text(table: Table) -> str:
    """The table in Markdown, its columns aligned.

    >>> print(as_text(Table(("arm", "accuracy"), (("all", "0.8"), ("copies", "0.7")))))
    | arm    | accuracy |
    | ------ | -------- |
    | all    | 0.8      |
    | copies | 0.7      |
    """
    lines = [[cell.replace("|", "\\|") for cell in line] for line in (table.header, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)


def summary_table(summaries: Mapping[str, Summary], minority: Collection[str]) -> Table:
    """Accuracy, recall by class, F1 of the minority. Of many classes, as many of the minority as fit."""
    classes = list(next(iter(summaries.values())).classes)
    rare = [name for name in classes if name in minority][:MOST_COLUMNS]
    recalled = classes if len(classes) <= MOST_COLUMNS else rare
    columns = [(name, "recall") for name in recalled] + [(name, "f1") for name in rare]
    return Table(
        ("arm", "accuracy", *(f"{name} {rate.replace('f1', 'F1')}" for name, rate in columns)),
        tuple(
            (arm, str(of.accuracy), *(str(of.classes[name][rate]) for name, rate in columns))
            for arm, of in summaries.items()
        ),
    )


def effects_table(effects: Effects) -> Table:
    """The arms from the most helpful to the most harmful, with the verdict on each."""
    ranked = sorted(effects.arms.items(), key=lambda item: -item[1].difference.mean)
    images = any(of.other_images for of in effects.arms.values())

    def more(of: Effect) -> tuple[str, ...]:
        seeds = () if effects.looks is None else (str(len(of.difference.by_seed)),)
        interval = "none" if of.other_images is None else "[{:+.3f}, {:+.3f}]".format(*of.other_images)
        return ((interval,) if images else ()) + seeds

    return Table(
        (
            *("arm", "verdict", "difference [95 %]"),
            *(("other test images",) if images else ()),
            *(() if effects.looks is None else ("seeds",)),
            *("p", "p (Holm)"),
        ),
        tuple(
            (arm, of.verdict, str(of.difference), *more(of), _p(of.difference.p), _p(of.adjusted))
            for arm, of in ranked
        ),
    )


def measures_table(summaries: Mapping[str, Summary]) -> Table:
    """The measures of each arm over all classes, and over the rare ones, besides ``summary_table``."""
    names = [name for name in MEASURED if any(of.measures.get(name) for of in summaries.values())]
    return Table(
        ("arm", *(MEASURED[name] for name in names)),
        tuple(
            (arm, *(str(of.measures[name] or NOT_DEFINED) for name in names)) for arm, of in summaries.items()
        ),
    )


def classes_table(summaries: Mapping[str, Summary], rate: str) -> Table:
    """A rate ("recall", "precision" or "f1") of every class: means over the seeds."""
    return Table(
        ("arm", *next(iter(summaries.values())).classes),
        tuple(
            (arm, *(f"{rates[rate].mean:.3f}" for rates in of.classes.values()))
            for arm, of in summaries.items()
        ),
    )


def in_parts(table: Table, most: int = 7) -> list[Table]:
    """The table as several of so many columns at the most, the first column in each: a page has no more room.

    >>> [part.header for part in in_parts(Table(tuple("abcdef"), ()), most=4)]
    [('a', 'b', 'c', 'd'), ('a', 'e', 'f')]
    """
    if len(table.header) <= most:
        return [table]
    starts = range(1, len(table.header), most - 1)
    return [
        Table(*_columns(table, [0, *range(start, min(start + most - 1, len(table.header)))]))
        for start in starts
    ]


def _columns(table: Table, places: Sequence[int]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    header, *rows = [tuple(line[place] for place in places) for line in (table.header, *table.rows)]
    return header, tuple(rows)


def where_table(effects: Effects) -> Table:
    """The differences of recall by split, and by class where the classes are not too many."""
    first = next(iter(effects.arms.values()))
    splits = list(first.splits) if len(first.splits) > 1 else []
    classes = list(first.classes) if len(first.classes) <= MOST_CLASSES else []
    return Table(
        ("arm", *splits, *classes),
        tuple(
            (arm, *(str(of.splits[name]) for name in splits), *(str(of.classes[name]) for name in classes))
            for arm, of in effects.arms.items()
        ),
    )


def cost_table(summaries: Mapping[str, Summary], baseline: str) -> Table:
    """The cost of an epoch, and the accuracy of the best epoch, which articles quote."""
    base = summaries[baseline].seconds

    def times(of: Summary) -> tuple[str, str]:
        if of.seconds is None:
            return NOT_MEASURED, NOT_MEASURED
        return f"{of.seconds:.2f}", f"{of.seconds / base:.2f}" if base else NOT_MEASURED

    return Table(
        ("arm", "images an epoch", "seconds an epoch", "times the baseline", "best epoch's accuracy"),
        tuple((arm, f"{of.draws:,}", *times(of), str(of.best)) for arm, of in summaries.items()),
    )


def search_table(candidates: Sequence[Candidate]) -> Table:
    """The last round, epochs and score of each candidate."""
    return Table(
        ("candidate", "round", "epochs", "mean recall, held out"),
        tuple((of.arm, str(of.rung), str(of.epochs), f"{of.score:.3f}") for of in candidates),
    )


def _p(value: float | None) -> str:
    return NO_P if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"
