"""The picture of the training: a line for every arm."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gpuaug.study.report.figures import wrapped
from gpuaug.study.training.rows import Row

# Lines that are told apart without color too: ten, as many as are drawn.
LOOKS: list[dict[str, Any]] = [
    {"color": f"C{n}", "marker": marker, "linestyle": style}
    for n, (marker, style) in enumerate(zip("os^Dv<>PX*", 5 * ["-", "--"], strict=True))
]


def draw_learning_curves(
    rows: Sequence[Row], classes: Sequence[str], minority: Collection[str], *, narrow: bool = False
) -> Figure:
    """Accuracy, and the minority classes' mean recall, by epoch: mean and range over the seeds.

    Side by side, or, where the page is ``narrow``, one above the other.
    """
    rare = [number for number, name in enumerate(classes) if name in minority]
    figure = Figure(figsize=(4.8, 7.5) if narrow else (11, 4.5), layout="constrained")
    left, right = figure.subplots(*((2, 1) if narrow else (1, 2)), sharex=True)
    _draw(left, rows, "accuracy", lambda row: row.epoch.score.accuracy)
    _draw(
        right,
        rows,
        f"recall of {some(classes[number] for number in rare)}",
        lambda row: float(np.mean([row.epoch.score.classes[number].recall for number in rare])),
    )
    if narrow:  # they share it
        left.set_xlabel("")
    lines, arms = right.get_legend_handles_labels()
    figure.legend(lines, arms, loc="outside lower center", ncols=2 if narrow else 5)
    return figure


def some(names: Iterable[str]) -> str:
    """The first names of many.

    >>> some("abcdefg")
    'a, b, c and 4 more'
    """
    names = list(names)
    if len(names) <= 4:
        return ", ".join(names)
    return f"{', '.join(names[:3])} and {len(names) - 3} more"


def _draw(axes: Axes, rows: Sequence[Row], name: str, value: Callable[[Row], float]) -> None:
    for arm, look in zip(dict.fromkeys(row.arm for row in rows), cycle(LOOKS)):
        by_epoch: dict[int, list[float]] = {}
        for row in rows:
            if row.arm == arm:
                by_epoch.setdefault(row.epoch.number, []).append(value(row))
        numbers, values = list(by_epoch), np.array(list(by_epoch.values()))
        (line,) = axes.plot(numbers, values.mean(axis=1), markersize=4, label=wrapped(arm), **look)
        axes.fill_between(
            numbers, values.min(axis=1), values.max(axis=1), color=line.get_color(), alpha=0.15, linewidth=0
        )
    axes.set(title=name, xlabel="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
