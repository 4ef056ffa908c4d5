"""Benchmarks policies, measured curves and clips beside torchvision v2 and kornia: ``make bench``.

Three sections, as ``policy_cases.py`` has them: ``policies`` (after a crop and a flip), ``alone`` (one
transform and nothing else) and ``clips``.

    python benchmarks/policies.py                                # all of it, in a few minutes
    python benchmarks/policies.py --only clips                   # one section anew; the others stay
    python benchmarks/policies.py --small --out /tmp/smoke.json  # a few small images, to test that it runs

The output of a library is checked before it is timed. One that fails is left out, and the run ends with
status 1. Libraries are timed alternately, as in ``chains.py``. ``benchmarks/results/policies.json`` is
written after every case.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from chains import describe, write
from policy_cases import ALONE, POLICIES, SECTIONS, PolicyCase, sections
from policy_peers import OURS, PEERS, Library, gpuaug_batch
from policy_targets import targets
from statistics_of_policies import check
from timing import summary, take_turns

from gpuaug.ops import backends

RESULTS = Path(__file__).with_name("results") / "policies.json"
THREADS = 2
WRONG: list[str] = []  # libraries that failed a check


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--small", action="store_true", help="use a few small images, to test that it runs")
    parser.add_argument("--rounds", type=int, default=9, help="how often each library is timed")
    parser.add_argument("--seconds", type=float, default=0.5, help="of one turn")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if not backends.has_cpu:
        raise SystemExit(f"the compiled library of gpuaug is not here\n{backends.info()}")
    torch.set_num_threads(THREADS)
    begun, environment = time.perf_counter(), describe("cpu", ["torchvision", "kornia"])
    for name, cases in sections(THREADS, small=arguments.small).items():
        if name in arguments.only:
            found: dict[str, dict[str, Any]] = {}
            for case in cases:
                found[str(case)] = measure(case, arguments.rounds, arguments.seconds)
                write(arguments.out, name, {"environment": environment, "cases": found})
    aims = targets(json.loads(arguments.out.read_text()))
    write(arguments.out, "targets", aims)
    for row in aims:
        met = "met   " if row["met"] else "NOT met"
        print(f"{met} {row['what']}: {row['value']:,} (at least {row['at_least']})")
    print(f"written: {arguments.out}, after {time.perf_counter() - begun:.0f} s")
    sys.exit(bool(WRONG))


def measure(case: PolicyCase, rounds: int, seconds: float) -> dict[str, Any]:
    """The microseconds per batch of every library (median and quartiles of the rounds), beside gpuaug's."""
    chosen = {OURS: gpuaug_batch, **PEERS[case.chain]}
    libraries = {name: library for name, library in chosen.items() if is_right(case, name, library)}
    images = case.images()
    with ExitStack() as opened:
        runs = {name: opened.enter_context(library(case, images)) for name, library in libraries.items()}
        rows = {name: summary(taken) for name, taken in take_turns(runs, rounds, seconds).items()}
    print(f"\n{case}")
    for name, row in rows.items():
        row["images_per_second"] = round(1e6 * case.batch * max(1, case.frames) / row["us"])
        row["times_gpuaug"] = round(row["us"] / rows[OURS]["us"], 3)
        lower, upper = row["us_quartiles"]
        said = f"{row['us']:12,.1f} us [{lower:,.1f}, {upper:,.1f}]"
        print(f"  {name:20} {said:40} {row['times_gpuaug']:7.2f} x gpuaug's time", flush=True)
    return {**asdict(case), "rounds": rounds, "seconds": seconds, "libraries": rows}


def is_right(case: PolicyCase, name: str, library: Library) -> bool:
    """Whether a library's output is that of the case. If gpuaug's is not, the run ends."""
    judged = replace(case, side=224, batch=16) if case.chain in ALONE else replace(case, side=32, batch=128)
    judged = replace(judged, frames=min(case.frames, 2))
    own_ops = name == "kornia" and case.chain in POLICIES
    with ExitStack() as opened:
        try:
            check(
                judged,
                lambda probe: opened.enter_context(library(judged, probe)).images,
                as_torchvision=not own_ops,
            )
        except (AssertionError, RuntimeError) as error:
            said = f"{name} does not give what is asked for in '{case}': {type(error).__name__}: {error}"
            if name == OURS:
                raise SystemExit(said) from error
            print(f"{said}\nIt is left out.", flush=True)
            WRONG.append(name)
            return False
    return True


if __name__ == "__main__":
    main()
