"""Draws the README's chart from the committed figures: ``benchmarks/results/chains.json`` to ``chains.svg``.

    python benchmarks/chart.py

Greys and colors have a medium lightness and the background is transparent, so that the chart is readable on
white and on black.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

RESULTS = Path(__file__).with_name("results") / "chains.json"
CHART = RESULTS.with_suffix(".svg")
INK = "#768390"
LIBRARIES = {  # name in the figures: name to show, color
    "gpuaug": ("gpuaug", "#d9480f"),
    "dali": ("DALI (CPU)", "#5c940d"),
    "albumentations": ("Albumentations", "#1c7ed6"),
    "kornia": ("kornia", "#9c36b5"),
    "torchvision": ("torchvision v2", "#0c8599"),
    "copy, warm": ("copy to float32", INK),
}
STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",  # text stays text: a small file, and searchable
    "svg.hashsalt": "gpuaug",  # the same figures give the same file
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "grid.color": INK,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--figures", type=Path, default=RESULTS)
    parser.add_argument("--out", type=Path, default=CHART)
    arguments = parser.parse_args()
    draw(arguments.figures, arguments.out)
    print(f"written: {arguments.out}")


def draw(figures: Path, out: Path) -> None:
    text = figures.read_text()
    report = json.loads(text)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 3.4), layout="constrained")
        chains, batches, sides = figure.subplots(1, 3, width_ratios=(1.25, 1, 1))
        draw_chains(chains, report["chains"]["cases"].values())
        growth = list(report["growth"]["cases"].values())
        small = min(case["side"] for case in growth)
        at_one_side = [case for case in growth if case["side"] == small]
        at_one_batch = [case for case in growth if case["side"] > small]
        draw_growth(batches, at_one_side, "batch")
        draw_growth(sides, at_one_batch, "side")
        batches.set_title(f"megapixels/s, {small} px")
        sides.set_title(f"megapixels/s, batch {at_one_batch[0]['batch']}")
        figure.savefig(
            out, format="svg", transparent=True, metadata={"Date": None, "Description": digest(text)}
        )


def digest(text: str) -> str:
    """The digest in a chart that identifies its figures."""
    return "sha256 of the figures: " + hashlib.sha256(text.encode()).hexdigest()


def draw_chains(axes: Axes, cases: list[dict]) -> None:
    """Draws a row for every size of the full chain, with a dot for every library."""
    full = [case for case in cases if case["chain"] == "full"]
    for row, case in enumerate(full):
        rates = {
            name: value["images_per_second"] for name, value in case["libraries"].items() if name in LIBRARIES
        }
        axes.plot([min(rates.values()), max(rates.values())], [row, row], color=INK, alpha=0.4, linewidth=1)
        for name, rate in rates.items():
            label, color = LIBRARIES[name]
            axes.plot(rate, row, "o", color=color, markersize=7, label=label if row == 0 else None)
    threads = full[0]["threads"]
    axes.set(title=f"full chain, images/s, {threads} threads", xscale="log", ylim=(len(full) - 0.4, -0.9))
    axes.set_yticks(range(len(full)), [f"{case['side']} px\nbatch {case['batch']}" for case in full])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.minorticks_off()
    axes.grid(axis="x")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.1), ncols=2, frameon=False, handletextpad=0.2)


def draw_growth(axes: Axes, cases: list[dict], by: str) -> None:
    """Draws the rate by the size of the batch or image: a line for every library and number of threads."""
    for name, (_, color) in LIBRARIES.items():
        for threads in sorted({case["threads"] for case in cases}):
            chosen = [case for case in cases if case["threads"] == threads and name in case["libraries"]]
            style = "--" if threads == 1 else "-"
            sizes, rates = [case[by] for case in chosen], [megapixels(case, name) for case in chosen]
            axes.plot(sizes, rates, style, color=color, linewidth=1.4)
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel({"batch": "images in a batch", "side": "side, pixels"}[by] + " (dashed: one thread)")
    values = sorted({case[by] for case in cases})
    axes.set_xticks(values, [str(value) for value in values])
    axes.minorticks_off()
    axes.grid()


def megapixels(case: dict, name: str) -> float:
    return case["libraries"][name]["images_per_second"] * case["side"] ** 2 / 1e6


if __name__ == "__main__":
    main()
