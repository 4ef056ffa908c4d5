"""Counts the instructions that the CUDA kernel executes for a pixel, by executing it; needs nvcc, no GPU.

    python benchmarks/kernel_instructions.py                     # fails where the results say otherwise
    python benchmarks/kernel_instructions.py --only 'A, 224 px'  # some of kernel_cases.py
    python benchmarks/kernel_instructions.py --write             # a change that is meant, as "now"

nvcc's PTX of the kernel runs on the CPU, statement by statement (``tests/ptx``), with every jump taken as on
a GPU, and the result of each case is compared with the op's. A statement counts as an instruction, even if
its predicate is false, as it takes its slot. All work of blocks is counted: staging, taps, plans, loops, and
pixels beyond the edge. ptxas later turns a statement into none, one or several machine instructions, so that
a count measures the work, and is not the machine's own count.

*Lane instructions* are those of all threads; *warp instructions* are those that the schedulers issue. Between
two barriers, a warp issues a run of statements at least as often as its busiest lane executes it; lanes that
diverge and reconverge at other times cost more.

Tiles have the size of those of a large batch on an H100. A block makes about as many pixels as in a batch of
256 images of 224 px with four blocks on each multiprocessor; in a small batch, every tile is a block. A pixel
has three channels. Counts depend on the compiler, so they are compared only if its release is that of the
results. ``instructions_table.py`` makes the tables of ``README.md`` from them.
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from cuda_cases import MANY, ONE, encode
from kernel_cases import CASES
from ptx.kernel import PRINTED, build, find_nvcc, variants_of

RESULTS = Path(__file__).with_name("results") / "kernel-instructions.json"
TOLERANCE = 0.01  # relative, of a count
SAID = {"lane": "lane instructions a pixel", "warp": "warp instructions a pixel"}
FLAGS = ("-O2", "-std=c++20", "-fno-strict-aliasing", "-pthread", "-w")
FOR_THE_COUNT = ("-DPTX_COUNT", "-DSHARED_KIB=228")


def compiler() -> str:
    """The command of a C++ compiler."""
    found = shutil.which("g++") or shutil.which("clang++")
    if found is None:
        raise RuntimeError("needs a C++ compiler: g++ or clang++")
    return found


def compile_cpp(sources: Iterable[Path], to: Path, *flags: str) -> Path:
    """Compiles a program, or with the flag -c an object file."""
    subprocess.run([compiler(), *FLAGS, *flags, *map(str, sources), "-o", str(to)], check=True, timeout=300)
    return to


def count(names: Iterable[str]) -> dict[str, dict[str, float]]:
    """By case: lane instructions and warp instructions, each for an output pixel. Of a small batch also its
    blocks and their threads, and the most that one thread executes, and comes to a read of global memory.

    Raises:
        RuntimeError: a case whose result is not the op's.
    """
    calls = {name: CASES[name].calls() for name in names}
    every = [call for found in calls.values() for call in found]
    encoded = b"".join(
        encode(call, out, MANY if CASES[name].small else ONE)
        for name, found in calls.items()
        for call, out in found
    )
    with tempfile.TemporaryDirectory() as folder:
        variants = dict.fromkeys(variant for call, _ in every for variant in variants_of(call))
        program = build(compile_cpp, Path(folder), variants, flags=FOR_THE_COUNT)
        done = subprocess.run([program], input=encoded, capture_output=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"of {list(calls)}: {done.stderr.decode()}")
    counted = iter(PRINTED.findall(done.stdout.decode()))
    rows: dict[str, dict[str, float]] = {}
    for name, found in calls.items():
        case, launches = CASES[name], zip(*(map(int, next(counted)) for _ in found), strict=True)
        lanes, warps, longest, waits, blocks, threads = launches
        rows[name] = {"lane": round(sum(lanes) / case.pixels, 1), "warp": round(sum(warps) / case.pixels, 2)}
        if case.small:
            launch = {"blocks": blocks, "threads": threads, "longest": longest, "waits": waits}
            rows[name] |= {kind: max(column) for kind, column in launch.items()}
    return rows


def nvcc_release() -> str | None:
    """The release of nvcc, such as 13.0; None without nvcc."""
    nvcc = find_nvcc()
    if nvcc is None:
        return None
    said = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"release ([\d.]+),", said)[1]


def differences(found: dict[str, dict[str, float]], pinned: dict[str, Any]) -> list[str]:
    """Describes the counts that differ from the results by more than the tolerance.

    >>> differences({"A": {"lane": 102.0}}, {"cases": {"A": {"now": {"lane": 100.0}}}})
    ['A: 102.0 lane instructions a pixel, 100.0 in the results']
    >>> differences({"A": {"lane": 101.0}}, {"cases": {"A": {"now": {"lane": 100.0}}}})
    []
    """
    lines = []
    for name, counts in found.items():
        was = pinned["cases"].get(name, {}).get("now", {})
        lines += [
            f"{name}: {value} {SAID.get(kind, kind)}, {was.get(kind)} in the results"
            for kind, value in counts.items()
            if kind not in was or abs(value - was[kind]) > TOLERANCE * was[kind]
        ]
    return lines


def written(found: dict[str, dict[str, float]], pinned: dict[str, Any], release: str) -> dict[str, Any]:
    """The results with these counts as "now"; "before" stays.

    >>> was = {"nvcc": {"before": "13.0"}, "cases": {"A": {"before": {"lane": 9.0}, "now": {"lane": 8.0}}}}
    >>> written({"A": {"lane": 7.0}}, was, "13.1")["cases"]
    {'A': {'before': {'lane': 9.0}, 'now': {'lane': 7.0}}}
    """
    cases = pinned["cases"] | {
        name: pinned["cases"].get(name, {}) | {"now": counts} for name, counts in found.items()
    }
    return {"nvcc": pinned["nvcc"] | {"now": release}, "cases": cases}


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", action="append", choices=CASES, metavar="CASE", help="; ".join(CASES))
    arguments = parser.parse_args()
    if arguments.write and arguments.only:
        parser.error("--write is for all cases: the results are of one kernel")
    release = nvcc_release()
    if release is None:
        raise SystemExit("needs nvcc, on the path or in $CUDA_HOME/bin (/usr/local/cuda/bin)")
    found = count(arguments.only or CASES)
    pinned = json.loads(RESULTS.read_text())
    print(f"{'instructions a pixel':30}{'lane':>8}{'before':>8}{'warp':>8}{'before':>8}")
    for name, counts in found.items():
        before = pinned["cases"].get(name, {}).get("before", {})
        print(f"{name:30}" + "".join(f"{counts[kind]:8}{before.get(kind, ''):8}" for kind in SAID))
    if arguments.write:
        RESULTS.write_text(json.dumps(written(found, pinned, release), indent=1) + "\n")
    elif release != pinned["nvcc"]["now"]:
        print(f"not compared: nvcc is of {release}, the results of {pinned['nvcc']['now']}")
    elif changed := differences(found, pinned):
        raise SystemExit("\n".join(["the kernel's instructions changed; --write if it is meant:", *changed]))


if __name__ == "__main__":
    main()
