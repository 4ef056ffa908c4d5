"""What moved since the committed results: ratios between libraries of one run, by more than a fifth.

python benchmarks/moved.py                        # results/*.json as they are now, beside those of HEAD
python benchmarks/moved.py --committed COMMIT     # beside those of another commit

It prints a table, and its exit status is 0 whatever moved: a person decides whether a change is meant.
Times are not compared, because they say more about the machine. A ratio is one of two libraries that took
turns in one run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
FIFTH = 1.2
Ratios = Iterator[tuple[str, float]]


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--committed", metavar="COMMIT", default="HEAD")
    commit = parser.parse_args().committed
    for name, ratios in RATIOS.items():
        now, before = RESULTS / name, committed(name, commit)
        if before is None or not now.exists():
            print(f"{name}: nothing to compare: {'not in ' + commit if before is None else 'not measured'}")
            continue
        measured = json.loads(now.read_text())
        print(f"{name}:", *lines(dict(ratios(before)), dict(ratios(measured))), sep="\n")


def committed(name: str, commit: str) -> dict[str, Any] | None:
    """A file of results as it was committed, or None where it was not."""
    command = ["git", "show", f"{commit}:./{name}"]
    try:
        done = subprocess.run(command, cwd=RESULTS, capture_output=True, text=True)
    except FileNotFoundError:  # no git
        return None
    return json.loads(done.stdout) if done.returncode == 0 else None


def lines(before: dict[str, float], now: dict[str, float]) -> list[str]:
    """
    >>> before = {"kornia": 10.0, "dali": 8.0, "old": 2.0}
    >>> print(*lines(before, {"kornia": 13.0, "dali": 9.0, "new": 1.0}), sep="\\n")
      3 ratios then, 3 now; 1 of 2 moved by more than a fifth
      kornia  10.00 -> 13.00  x 1.30
      no longer measured: old
      new: new
    """
    both = [name for name in before if name in now]
    found = [name for name in both if has_moved(before[name], now[name])]
    width = max(map(len, found), default=0)
    said = f"{len(found)} of {len(both)} moved by more than a fifth"
    table = [f"  {len(before)} ratios then, {len(now)} now; {said}"]
    for name in found:
        change = f"x {now[name] / before[name]:.2f}" if before[name] else ""
        table.append(f"  {name:{width}}  {before[name]:.2f} -> {now[name]:.2f}  {change}".rstrip())
    gone, new = ([name for name in one if name not in other] for one, other in ((before, now), (now, before)))
    table += [f"  no longer measured: {name}" for name in gone]
    table += [f"  new: {name}" for name in new]
    return table


def has_moved(before: float, now: float) -> bool:
    """By more than a fifth of the smaller of the two, so that halving and doubling are alike.

    >>> has_moved(10, 12), has_moved(10, 12.01), has_moved(12.01, 10), has_moved(0, 0), has_moved(0, 1)
    (False, True, True, False, True)
    """
    return max(before, now) > FIFTH * min(before, now)


# ---- The ratios of each file


def of_chains(report: dict[str, Any]) -> Ratios:
    """Each library's time as a multiple of gpuaug's: ``chains.json`` and ``policies.json``."""
    for section, found in report.items():
        if not isinstance(found, dict) or "cases" not in found:
            continue
        for case, result in found["cases"].items():
            for name, row in result["libraries"].items():
                if name != "gpuaug":
                    yield f"{section}: {case}: time of {name} / gpuaug", row["times_gpuaug"]


def of_files(report: dict[str, Any]) -> Ratios:
    """Each loader's images a second as a share of gpuaug's; gpuaug's as a share of the fastest decoder's."""
    for size, found in report["sets"].items():
        ours = found["loaders"]["gpuaug"]["images_per_second"]
        for name, row in found["loaders"].items():
            if name != "gpuaug":
                yield f"{size}: images/s of {name} / gpuaug", row["images_per_second"] / ours
        yield f"{size}: images/s of gpuaug / the fastest decoder", ours / found["limits"]["gpuaug"]
    arrays = report.get("arrays", {"rows": {}})["rows"]
    for workers in ("0 workers", "2 workers"):
        rates = [arrays.get(f"{name}, {workers}") for name in ("gpuaug", "only fetches")]
        if rates[0] and rates[1]:
            share = rates[0]["images_per_second"] / rates[1]["images_per_second"]
            yield f"arrays, {workers}: images/s of gpuaug / only fetches", share


def of_samplers(report: dict[str, Any]) -> Ratios:
    """Each sampler's seconds and peak memory as a multiple of gpuaug's."""
    for size, found in report["sizes"].items():
        for name, row in found.items():
            if name == "gpuaug":
                continue
            for unit in ("epoch_s", "peak_mib"):
                if unit in row:
                    yield f"{size}: {unit} of {name} / gpuaug", row[unit] / found["gpuaug"][unit]


RATIOS: dict[str, Callable[[dict[str, Any]], Ratios]] = {
    "chains.json": of_chains,
    "policies.json": of_chains,
    "files.json": of_files,
    "sampler.json": of_samplers,
}

if __name__ == "__main__":
    main()
