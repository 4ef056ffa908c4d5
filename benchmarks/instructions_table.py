"""The page's tables of the kernel's instructions, from ``results/kernel-instructions.json``.

python benchmarks/instructions_table.py           # fails where README.md, beside this file, says otherwise
python benchmarks/instructions_table.py --write   # writes them, between their two marks

The prediction is for a kernel that only issuing or memory can limit: its time is the longer of the two.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel_cases import CASES
from marked_part import MarkedPart, table

RESULTS = Path(__file__).with_name("results") / "kernel-instructions.json"
LANES = 32  # the threads of a warp
# Lane instructions a pixel, at most: a number, or so many times those of another case.
AIMS: dict[str, float | tuple[float, str]] = {
    "A, 224 px": 52,
    "A, 224 px, from HWC": (1.3, "A, 224 px"),
    "A, 224 px, to channels_last": (1.3, "A, 224 px"),
    "A, 225 px": (1.3, "A, 224 px"),
    "A, 32 px": (1.5, "A, 224 px"),
    "B, 224 px": 130,
    "B, 224 px, to channels_last": (1.3, "B, 224 px"),
    "B, 32 px": (1.5, "B, 224 px"),
}
MULTIPROCESSORS, CLOCK = 132, 1.98e9
SLOTS = MULTIPROCESSORS * 4 * CLOCK * 0.85  # warp instructions a second: four schedulers, slots filled
# Cycles until an instruction's result, and a read from the second-level cache, can be used.
DEPENDENT, REPLY = 4, 200
COPIES = {"H100": 3.0e12, "H200": 4.3e12}  # bytes a second, read and written


@dataclass(frozen=True)
class Prediction:
    """The seconds per pixel of a case: for issuing its instructions, and for a copy of the same bytes.

    >>> Prediction(issuing=2.0, copy=1.0).share_of_copy, Prediction(issuing=0.5, copy=1.0).share_of_copy
    (0.5, 1.0)
    """

    issuing: float
    copy: float

    @property
    def share_of_copy(self) -> float:
        return self.copy / max(self.copy, self.issuing)


def predict(name: str, warp: float, gpu: str) -> Prediction:
    """Predicts a case from the warp instructions of a pixel."""
    return Prediction(issuing=warp / SLOTS, copy=CASES[name].least_bytes / COPIES[gpu])


def tables(results: dict[str, Any]) -> str:
    """The text between the marks."""
    parts = [counts(results), predictions(results), small_batches(results)]
    return "\n\n".join(["", *("\n".join(lines) for lines in parts), ""]).removeprefix("\n")


def counts(results: dict[str, Any]) -> list[str]:
    """The table of counts before and now, and of the aims."""
    cases = results["cases"]
    rows = [["lane instructions a pixel", "before", "now", "at most", "met"]]
    for name, case in cases.items():
        now, aim = case["now"]["lane"], AIMS.get(name)
        before = f"{case['before']['lane']:.1f}" if "before" in case else ""
        if aim is None:
            rows.append([name, before, f"{now:.1f}", "", ""])
            continue
        most, said = (aim, f"{aim}") if not isinstance(aim, tuple) else _times(cases, *aim)
        rows.append([name, before, f"{now:.1f}", said, "yes" if now <= most else "**no**"])
    return table(rows)


def _times(cases: dict[str, Any], factor: float, other: str) -> tuple[float, str]:
    most = factor * cases[other]["now"]["lane"]
    return most, f"{most:.1f}: {factor} × {other}"


def predictions(results: dict[str, Any]) -> list[str]:
    """The table of predictions for a GPU that only issuing and memory limit."""
    head = ["now", "bytes a pixel, least", "warp instructions a pixel", "lanes at work"]
    rows = [[*head, *(f"{gpu}: share of a copy ({rate / 1e12} TB/s)" for gpu, rate in COPIES.items())]]
    for name, case in results["cases"].items():
        if CASES[name].small:  # neither limits it
            continue
        lane, warp = case["now"]["lane"], case["now"]["warp"]
        cells = [name, f"{CASES[name].least_bytes:.2f}", f"{warp:.2f}", f"{lane / warp / LANES:.0%}"]
        rows.append([*cells, *(f"{predict(name, warp, gpu).share_of_copy:.2f}" for gpu in COPIES)])
    return table(rows)


def latency(longest: int, waits: int) -> float:
    """The microseconds of a block whose warps hardly share a scheduler, so that nothing hides latencies.

    >>> round(latency(longest=1000, waits=20), 1)
    4.0
    """
    return (longest * DEPENDENT + waits * REPLY) / CLOCK * 1e6


def small_batches(results: dict[str, Any]) -> list[str]:
    """The table of batches that leave most of a GPU's slots empty: the time of a block matters."""
    head = ["alone on a GPU", "", "blocks", "warps a multiprocessor", "instructions of a thread", "its waits"]
    rows = [[*head, "issuing, µs", "a block, µs"]]
    for name, case in results["cases"].items():
        for when, found in case.items():
            if CASES[name].small is None:
                continue
            blocks, warps = found["blocks"], found["blocks"] * found["threads"] / LANES / MULTIPROCESSORS
            issuing = found["warp"] * CASES[name].draws * CASES[name].side ** 2 / SLOTS * 1e6
            cells = [name, when, f"{blocks}", f"{warps:.1f}", f"{found['longest']}", f"{found['waits']}"]
            rows.append([*cells, f"{issuing:.1f}", f"{latency(found['longest'], found['waits']):.1f}"])
    return table(rows)


PART = MarkedPart(
    Path(__file__).with_name("README.md"),
    "<!-- instructions: benchmarks/instructions_table.py -->\n",
    "<!-- end of instructions -->\n",
    expected=lambda: tables(json.loads(RESULTS.read_text())),
)


if __name__ == "__main__":
    PART.run(Path(__file__).name, __doc__)
