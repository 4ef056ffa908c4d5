"""Draws the chart of ``benchmarks/results/files.json``: ``files.svg`` beside it.

    python benchmarks/files_chart.py

It has a row for each size of file, a dot for each library, and a line at the limit of the decoder.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib as mpl
from chart import INK, LIBRARIES, STYLE, digest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

RESULTS = Path(__file__).with_name("results") / "files.json"
ROWS = {  # name in the figures: name to show, color, marker
    "gpuaug": ("gpuaug", LIBRARIES["gpuaug"][1], "o"),
    "gpuaug, full scale": ("gpuaug, full scale", LIBRARIES["gpuaug"][1], "s"),
    "gpuaug, processes": ("gpuaug, a data set that decodes", LIBRARIES["gpuaug"][1], "x"),
    "dali": (*LIBRARIES["dali"], "o"),
    "torchvision, pillow": ("torchvision v2, Pillow", LIBRARIES["torchvision"][1], "o"),
    "torchvision, decode_image": ("torchvision v2, decode_image", LIBRARIES["torchvision"][1], "s"),
    "spdl": ("SPDL", LIBRARIES["albumentations"][1], "o"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--figures", type=Path, default=RESULTS)
    parser.add_argument("--out", type=Path, help="by default beside the figures")
    arguments = parser.parse_args()
    out = arguments.out or arguments.figures.with_suffix(".svg")
    draw(arguments.figures, out)
    print(f"written: {out}")


def draw(figures: Path, out: Path) -> None:
    text = figures.read_text()
    sets = json.loads(text)["sets"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 1.3 + 0.75 * len(sets)), layout="constrained")
        draw_sets(figure.subplots(), sets)
        description = {"Date": None, "Description": digest(text)}
        figure.savefig(out, format="svg", transparent=True, metadata=description)


def draw_sets(axes: Axes, sets: dict[str, dict]) -> None:
    seen: set[str] = set()
    for row, measured in enumerate(sets.values()):
        rates = {name: value["images_per_second"] for name, value in measured["loaders"].items()}
        axes.plot([min(rates.values()), max(rates.values())], [row, row], color=INK, alpha=0.4, linewidth=1)
        for name, rate in rates.items():
            label, color, marker = ROWS[name]
            once = None if name in seen else label  # one entry in the legend
            axes.plot(rate, row, marker, color=color, markersize=7, label=once, linestyle="none")
            seen.add(name)
        limit = None if row else "the decoder alone"
        axes.plot(measured["limits"]["gpuaug"], row, "|", color=INK, markersize=16, label=limit)
    threads = {measured["threads"] for measured in sets.values()}
    title = f"from JPEG files to batches of 224 px, images/s, {max(threads)} threads"
    axes.set(title=title, xscale="log", ylim=(len(sets) - 0.4, -0.6))
    axes.set_yticks(range(len(sets)), [f"{name}\n{one['kilobytes']:.0f} kB" for name, one in sets.items()])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.15), ncols=4, frameon=False, handletextpad=0.2)


if __name__ == "__main__":
    main()
