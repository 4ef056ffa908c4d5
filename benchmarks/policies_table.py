"""The page's tables of policies, measured curves and clips, from ``results/policies.json``.

python benchmarks/policies_table.py           # fails where README.md, beside this file, says something else
python benchmarks/policies_table.py --write   # writes them, between their two marks
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from marked_part import MarkedPart, table
from policy_cases import SECTIONS

RESULTS = Path(__file__).with_name("results") / "policies.json"
PEERS = {"torchvision": "torchvision v2", "torchvision, threads": "the same, by threads", "kornia": "kornia"}


def tables(report: dict[str, Any]) -> str:
    """The text between the marks, with the sections that the report has."""
    found = [speeds(name, report[name]["cases"]) for name in SECTIONS if name in report]
    if "targets" in report:
        found.append(aims(report["targets"]))
    return "\n\n".join(["", *("\n".join(lines) for lines in found), ""])


def speeds(section: str, cases: dict[str, Any]) -> list[str]:
    """The images or frames per second of gpuaug, and the time of each peer as a multiple of gpuaug's."""
    peers = [peer for peer in PEERS if any(peer in case["libraries"] for case in cases.values())]
    rows = [[section, "gpuaug", *(PEERS[peer] for peer in peers)]]
    for name, case in cases.items():
        libraries = case["libraries"]
        what = "frames" if case["frames"] else "images"
        times = [f"{libraries[peer]['times_gpuaug']:.1f} ×" if peer in libraries else "" for peer in peers]
        rows.append([name, f"{libraries['gpuaug']['images_per_second']:,} {what}/s", *times])
    return table(rows)


def aims(targets: list[dict[str, Any]]) -> list[str]:
    rows = [["aim", "measured", "met"]]
    for row in targets:
        aim = f"{row['what']}: at least {row['at_least']}"
        rows.append([aim, f"{row['value']}", "yes" if row["met"] else "**no**"])
    return table(rows)


PART = MarkedPart(
    Path(__file__).with_name("README.md"),
    "<!-- policies: benchmarks/policies_table.py -->\n",
    "<!-- end of policies -->\n",
    expected=lambda: tables(json.loads(RESULTS.read_text()) if RESULTS.exists() else {}),
)


if __name__ == "__main__":
    PART.run(Path(__file__).name, __doc__)
