"""gpuaug side by side with the libraries that people use now, on the CPU: ``make bench``.

Every library's result is checked before it is timed. The libraries take turns, so that a machine that slows
down slows all of them; the times are medians. Writes ``benchmarks/results/chains.json``.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import torch
from peers import PEERS, Case, Run
from statistics_of_chain import check

RESULTS = Path(__file__).with_name("results") / "chains.json"
CASES = ((32, 512), (224, 64))
DISTRIBUTIONS = {"dali": "nvidia-dali-cuda130"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15, help="how often each library has its turn")
    parser.add_argument("--seconds", type=float, default=0.5, help="of one turn")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    peers = [name for name in arguments.peers if is_installed(name)]
    cases = {}
    for side, batch in CASES:
        case = Case(side, batch, arguments.threads)
        cases[str(case)] = compare(case, peers, arguments.rounds, arguments.seconds)
        show(case, cases[str(case)])
    report = {
        "threads": arguments.threads,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ["torch", "numpy", *peers]},
        "cases": cases,
    }
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"written: {arguments.out}")


def version(name: str) -> str:
    return importlib.metadata.version(DISTRIBUTIONS.get(name, name))


def is_installed(name: str) -> bool:
    try:
        version(name)
    except importlib.metadata.PackageNotFoundError:
        print(f"{name} is not installed: left out")
        return False
    return True


def compare(case: Case, peers: list[str], rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Every peer's milliseconds per batch (median, quartiles), images per second, and how gpuaug compares."""
    images = torch.randint(256, (case.batch, 3, case.side, case.side), dtype=torch.uint8)
    for name in peers:
        with ExitStack() as opened:

            def results(probe: torch.Tensor, name: str = name, opened: ExitStack = opened) -> Run:
                run = opened.enter_context(PEERS[name](case, probe))
                return getattr(run, "result", run)

            check(case, results)
    times: dict[str, list[float]] = {name: [] for name in peers}
    with ExitStack() as opened:
        runs = {name: opened.enter_context(PEERS[name](case, images)) for name in peers}
        for run in runs.values():
            turn(run, seconds)
        for _ in range(rounds):
            for name, run in runs.items():
                times[name].append(turn(run, seconds))
    return {name: summary(case, taken, times.get("gpuaug")) for name, taken in times.items()}


def turn(run: Run, seconds: float) -> float:
    """Seconds per batch, the median of the batches of one turn."""
    taken = []
    while sum(taken) < seconds:
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def summary(case: Case, taken: list[float], ours: list[float] | None) -> dict[str, float]:
    lower, median, upper = statistics.quantiles(taken, n=4)
    row = {
        "ms_per_batch": round(1e3 * median, 3),
        "ms_quartiles": [round(1e3 * lower, 3), round(1e3 * upper, 3)],
        "images_per_second": round(case.batch / median),
    }
    if ours:
        row["times_gpuaug"] = round(median / statistics.median(ours), 2)
    return row


def show(case: Case, rows: dict[str, dict[str, float]]) -> None:
    print(f"\n{case}, {case.threads} threads")
    for name, row in rows.items():
        ratio = f"{row['times_gpuaug']:8.2f} x" if "times_gpuaug" in row else ""
        print(f"  {name:15} {row['ms_per_batch']:10.2f} ms {row['images_per_second']:9,} images/s{ratio}")


if __name__ == "__main__":
    main()
