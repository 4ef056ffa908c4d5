"""The parts of ``docs/results/study.md`` about samplers and losses, from the reports of their studies.

python benchmarks/balancing_table.py           # fails where the page says something else
python benchmarks/balancing_table.py --write   # writes the parts, each between its two marks
"""

from __future__ import annotations

from pathlib import Path

from long_tail_table import is_told, paired, verdicts
from marked_part import MarkedPart, run, table
from studies_table import PAGE, Report, figure, paragraph, report

# Each arm, and the same arm with every draw cropped and flipped.
ARMS = {
    "natural": ("natural: all", "the images as they are, cross-entropy"),
    "majority": ("all", "every class as often as the largest"),
    "class_weights": ("class_weights: all", "natural draws, weights inverse to the counts"),
    "focal": ("focal: all", "natural draws, focal loss"),
    "logit_adjusted": ("logit_adjusted: all", "natural draws, logit adjustment in the loss"),
}


def rows_of(found: Report) -> list[list[str]]:
    """The arms in the order of ``ARMS``: accuracy and recall of the rare class, plain and with ``all``."""
    arms, (rare,) = found["arms"], found["settings"]["minority"]
    columns = ["accuracy", f"{rare} recall", "accuracy with `all`", f"{rare} recall with `all`"]
    rows = [["arm", "training", *columns]]
    for arm, (with_all, about) in ARMS.items():
        if arm not in arms:
            continue
        cells = [
            figure(value)
            for name in (arm, with_all)
            for value in (arms[name]["accuracy"], arms[name]["classes"][rare]["recall"])
        ]
        rows.append([f"`{arm}`", about, *cells])
    return rows


def against_sampling(found: Report) -> str:
    """The losses beside balanced draws, all of them with augmentation."""
    said = []
    for arm, (with_all, _) in ARMS.items():
        if arm in found["arms"] and arm != "majority":
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


def _part(name: str, study: str) -> MarkedPart:
    begin, end = f"<!-- {name}: benchmarks/balancing_table.py -->\n", f"<!-- end of {name} -->\n"
    return MarkedPart(PAGE, begin, end, lambda: part(report(study)))


PARTS = (
    _part("samplers and losses", "catdog-balancing"),
    _part("samplers and losses on scenes", "intel-balancing"),
)


if __name__ == "__main__":
    run(PARTS, Path(__file__).name, __doc__)
