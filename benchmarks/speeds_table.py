"""The tables of speeds of ``docs/results/benchmarks.md``, from ``benchmarks/results/chains.json``.

python benchmarks/speeds_table.py           # fails where the page says something else
python benchmarks/speeds_table.py --write   # writes them, between their two marks
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from marked_part import MarkedPart, table

RESULTS = Path(__file__).with_name("results") / "chains.json"
PEERS = {
    "torchvision": "torchvision v2",
    "kornia": "kornia",
    "albumentations": "Albumentations",
    "dali": "DALI (CPU)",
}
SHARES = "share of a copy: new memory / same memory"
CHAINS = {
    "full": "window, flip, blur, noise",
    "resize": "window, flip",
    "one of": "one of window, flip, noise",
    "turn": "rotate, scale, flip, colors, cut-out",
}


def tables(report: dict) -> str:
    """What stands between the marks."""
    lines = speeds("batches", report["chains"]["cases"].values(), rate, copies=True)
    lines += ["", *speeds("one call", report["calls"]["cases"].values(), duration, copies=False)]
    return "\n".join(["", *lines, "", ""])


def speeds(what: str, cases: Iterable[dict], ours: Callable[[dict], str], *, copies: bool) -> list[str]:
    header = [what, "gpuaug", *PEERS.values(), *([SHARES] if copies else [])]
    rows = [header]
    for case in cases:
        libraries = case["libraries"]
        ratios = [ratio(libraries[name]["times_gpuaug"]) if name in libraries else "" for name in PEERS]
        own = ours(libraries["gpuaug"])
        rows.append([name_of(case), own, *ratios, *([shares(libraries)] if copies else [])])
    return table(rows, numbers="---")


def name_of(case: dict) -> str:
    """
    >>> name_of({"chain": "resize", "side": 32, "batch": 1, "threads": 1})
    'window, flip; 32 px, batch 1, 1 thread'
    """
    threads = f"{case['threads']} thread{'s' * (case['threads'] > 1)}"
    return f"{CHAINS[case['chain']]}; {case['side']} px, batch {case['batch']}, {threads}"


def rate(row: dict) -> str:
    return f"{row['images_per_second']:,} images/s"


def duration(row: dict) -> str:
    return f"{row['us']:.0f} µs"


def ratio(times: float) -> str:
    """A peer's speed as a share of gpuaug's.

    >>> ratio(33.07), ratio(4.05), ratio(0.8)
    ('1/33', '1/4.0', '1.2')
    """
    if times < 1:
        return f"{1 / times:.1f}"
    return f"1/{times:.0f}" if times >= 9.95 else f"1/{times:.1f}"


def shares(libraries: dict) -> str:
    row = libraries["gpuaug"]
    return f"{row['share_of_copy, fresh']:.2f} / {row['share_of_copy, warm']:.2f}"


PART = MarkedPart(
    Path(__file__).parents[1] / "docs/results/benchmarks.md",
    "<!-- speeds: benchmarks/speeds_table.py -->\n",
    "<!-- end of speeds -->\n",
    expected=lambda: tables(json.loads(RESULTS.read_text())),
)


if __name__ == "__main__":
    PART.run(Path(__file__).name, __doc__)
