"""The part of ``docs/results/study.md`` about samplers and losses, from the report of its study.

python benchmarks/balancing_table.py           # fails where the page says something else
python benchmarks/balancing_table.py --write   # writes the part between its two marks
"""

from __future__ import annotations

from pathlib import Path

from long_tail_table import is_told, paired, verdicts
from marked_part import MarkedPart, run, table
from studies_table import PAGE, Report, figure, paragraph, report

STUDY = "catdog-balancing"
# Each arm, and the same arm with every draw cropped and flipped.
ARMS = {
    "natural": ("natural: all", "the images as they are, cross-entropy"),
    "majority": ("all", "every class as often as the largest"),
    "class_weights": ("class_weights: all", "natural draws, weights inverse to the counts"),
    "focal": ("focal: all", "natural draws, focal loss"),
    "logit_adjusted": ("logit_adjusted: all", "natural draws, logit adjustment in the loss"),
}


def rows_of(found: Report) -> list[list[str]]:
    """The arms in the order of ``ARMS``: accuracy and recall of dogs, without and with augmentation."""
    arms = found["arms"]
    rows = [["arm", "training", "accuracy", "dog recall", "accuracy with `all`", "dog recall with `all`"]]
    for arm, (with_all, about) in ARMS.items():
        cells = [
            figure(value)
            for name in (arm, with_all)
            for value in (arms[name]["accuracy"], arms[name]["classes"]["dog"]["recall"])
        ]
        rows.append([f"`{arm}`", about, *cells])
    return rows


def against_sampling(found: Report) -> str:
    """The losses beside balanced draws, all of them with augmentation."""
    said = []
    for arm, (with_all, _) in ARMS.items():
        if arm != "majority":
            differs = paired(found, with_all, "all")
            told = "" if is_told(differs) else ", not told from 0"
            said.append(f"`{with_all}` {differs}{told}")
    return paragraph(f"Against `all`, which is `majority` with it, accuracy differs by: {'; '.join(said)}.")


def part(found: Report) -> str:
    lines = [
        "",
        *table(rows_of(found), "---"),
        "",
        paragraph(verdicts(found)),
        "",
        against_sampling(found),
        "",
    ]
    return "\n".join(lines)


PARTS = (
    MarkedPart(
        PAGE,
        "<!-- samplers and losses: benchmarks/balancing_table.py -->\n",
        "<!-- end of samplers and losses -->\n",
        lambda: part(report(STUDY)),
    ),
)


if __name__ == "__main__":
    run(PARTS, Path(__file__).name, __doc__)
