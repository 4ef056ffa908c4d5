"""The pictures of a comparison: differences with their intervals, and which class was taken for which."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gpuaug.study.report.tables import MOST_CLASSES
from gpuaug.study.statistics.effects import Effects
from gpuaug.study.statistics.summary import Runs, last_epochs, runs_by_arm
from gpuaug.study.statistics.verdicts import EFFECTIVE, HARMFUL, no_effect
from gpuaug.study.training.rows import Row

COLORS = {EFFECTIVE: "#2e9e5b", HARMFUL: "#d6453d"}
SMALL, OTHER = "#3b78c2", "#8a8a8a"
MARKERS = {COLORS[EFFECTIVE]: "^", COLORS[HARMFUL]: "v", SMALL: "s", OTHER: "o"}  # more than color
LABEL = 24  # letters of an arm's name in a line
SHOWN = 10  # arms in the curves; of more, the best and the worst
NUMBERED = 6  # classes, up to which the cells of a confusion matrix hold numbers
COLUMNS = 2


def draw_differences(effects: Effects) -> Figure:
    """A line for every arm: its mean difference to the baseline, and the 95 % interval where there is one.

    A thin line is the interval for other test images. An arrow says that an interval goes on beyond the
    picture. The band is that of the verdict "no effect".
    """
    ranked = sorted(effects.arms.items(), key=lambda item: -item[1].difference.mean)[::-1]  # the best on top
    limit = limit_of(effects)
    colors = {**COLORS, no_effect(effects.margin): SMALL}
    labels = [wrapped(name) for name, _ in ranked]
    lines = sum(label.count("\n") + 1 for label in labels)
    figure = Figure(figsize=(4.8, 1.0 + 0.15 * len(ranked) + 0.2 * lines), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(-effects.margin, effects.margin, color=OTHER, alpha=0.15, linewidth=0)
    axes.axvline(0, color=OTHER, linewidth=1)
    for place, (_, effect) in enumerate(ranked):
        color, of = colors.get(effect.verdict, OTHER), effect.difference
        for interval, width in ((effect.other_images, 0.8), ((of.low, of.high), 2.5)):
            low, high = interval or (None, None)
            if low is None or high is None:
                continue
            ends = [max(low, -limit), min(high, limit)]
            axes.plot(ends, [place, place], color=color, linewidth=width)
            for end, cut, arrow in ((ends[0], low < -limit, "<"), (ends[1], high > limit, ">")):
                if cut:
                    axes.plot(end, place, arrow, color=color, markersize=7, clip_on=False)
        axes.plot(of.by_seed, [place - 0.28] * len(of.by_seed), "|", color=color, markersize=6)
        axes.plot(of.mean, place, MARKERS[color], color=color, markersize=8)
    axes.set_yticks(range(len(ranked)), labels, fontsize=9)
    axes.set(xlabel=wrapped(f"{effects.metric} minus that of {effects.baseline}", 32), xlim=(-limit, limit))
    axes.set_ylim(-0.6, max(1, len(ranked)) - 0.4)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="x", alpha=0.3)
    return figure


def wrapped(name: str, width: int = LABEL) -> str:
    """A name in lines, so that a long one leaves room for the picture; beyond three lines it is cut.

    >>> print(wrapped("deferred(8): crop(0.8) + hflip + GaussianBlur(sigma=(0.1, 2.0)) + hue + sepia"))
    deferred(8): crop(0.8) +
    hflip +
    GaussianBlur(sigma=(0.1…
    """
    lines = textwrap.wrap(name, width, break_on_hyphens=False)
    if len(lines) > 3:
        lines = [*lines[:2], f"{lines[2][: width - 1]}…"]
    return "\n".join(lines)


def limit_of(effects: Effects) -> float:
    """The limit of the axis either way. The seeds' differences set it: intervals of two seeds are so wide
    that nothing else would be seen.
    """
    values = [abs(value) for effect in effects.arms.values() for value in effect.difference.by_seed]
    return min(1.0, 1.3 * max([effects.margin, *values]) + 0.01)


def draw_confusions(rows: Sequence[Row], classes: Sequence[str]) -> Figure:
    """For every arm, of each class the share that was taken for each; last epochs of all seeds together."""
    arms = runs_by_arm(rows)
    columns = min(COLUMNS, len(arms))
    lines = math.ceil(len(arms) / columns)
    figure = Figure(figsize=(2.7 * columns, 2.5 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat[len(arms) :]:
        axes.set_axis_off()
    for axes, (arm, runs) in zip(grid.flat, arms.items(), strict=False):
        shares = confusion(runs)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_title(wrapped(arm), fontsize=9)
        if len(classes) <= NUMBERED:
            axes.set_xticks(range(len(classes)), classes, fontsize=8, rotation=30)
            axes.set_yticks(range(len(classes)), classes, fontsize=8)
            for (true, taken), share in np.ndenumerate(shares):
                ink = "white" if share > 0.6 else "black"
                axes.text(taken, true, f"{share:.2f}", ha="center", va="center", fontsize=9, color=ink)
        elif len(classes) <= MOST_CLASSES:
            places = range(len(classes))
            axes.set_xticks(places, [str(place + 1) for place in places], fontsize=8)
            axes.set_yticks(places, [str(place + 1) for place in places], fontsize=8)
        else:
            axes.set_xticks([])
            axes.set_yticks([])
        axes.set(xlabel="taken for", ylabel="is")
    return figure


def confusion(runs: Runs) -> np.ndarray:
    """The shares of an arm: a line for each true class, which sums to 1; to less where training diverged, for
    an image without a prediction is taken for no class.
    """
    scores = [row.epoch.score for run in last_epochs(runs).values() for row in run]
    counts: np.ndarray = np.sum([score.confusion for score in scores], axis=0)
    images = np.sum([[of.support for of in score.classes] for score in scores], axis=0)
    shares: np.ndarray = counts / images[:, None].clip(1)
    return shares


def arms_shown(rows: Sequence[Row], effects: Effects) -> list[str]:
    """The arms that curves are drawn of: all, or the baseline, the five best and the four worst."""
    arms = list(dict.fromkeys(row.arm for row in rows))
    if len(arms) <= SHOWN:
        return arms
    ranked = sorted(effects.arms, key=lambda arm: -effects.arms[arm].difference.mean)
    return [effects.baseline, *ranked[:5], *ranked[-4:]]
