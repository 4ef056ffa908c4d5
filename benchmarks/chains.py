"""Benchmarks gpuaug beside the libraries in common use: ``make bench``.

Three sections, each a list of cases: ``chains`` (whole batches), ``calls`` (one small image, one thread) and
``growth`` (from one image to 4096, from 32 to 1024 pixels, with one thread and with all).

    python benchmarks/chains.py                                # all of it, on the CPU
    python benchmarks/chains.py --only growth                  # one section anew; the others stay in the file
    python benchmarks/chains.py --missing                      # continues an interrupted run
    python benchmarks/chains.py --device cuda                  # on the GPU
    python benchmarks/chains.py --only chains --chains full --batches 32x64
    python benchmarks/chains.py --rounds 3 --seconds 0.05 --out /tmp/smoke.json

The output of a library is checked before it is timed (on a GPU at 32 pixels, as the host checks it). A
library that fails is left out, and the run ends with status 1. Libraries are timed alternately, together with
a bare copy from uint8 to float32, which no chain can beat. ``benchmarks/results/chains.json`` is written
after every case.
"""

from __future__ import annotations

import argparse
import functools
import importlib.metadata
import json
import os
import platform
import re
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from case import CHAINS, Case
from copies import COPIES
from peers import OURS, PEERS, PEERS_ON_GPU, Library
from statistics_of_chain import check
from timing import summary, take_turns

from gpuaug.ops import backends

WRONG: list[str] = []  # libraries that failed a check
RESULTS = Path(__file__).with_name("results")
DISTRIBUTIONS = {"dali": "nvidia-dali-cuda130"}
BATCHES = {"cpu": ((32, 512), (224, 64)), "cuda": ((224, 256), (32, 512), (32, 64))}  # sides, images
GROWING_BATCHES = tuple((32, 4**power) for power in range(7))
GROWING_SIDES = tuple((side, 16) for side in (64, 128, 256, 512, 1024))


@dataclass(frozen=True)
class Section:
    cases: list[Case]
    libraries: dict[str, Library]
    checked: bool  # sections with the same functions need only one check
    effort: float  # the share of the rounds and of the seconds of a timing


def sections(
    device: str,
    threads: int,
    peers: list[str],
    chains: tuple[str, ...] = CHAINS,
    batches: tuple[tuple[int, int], ...] | None = None,
) -> dict[str, Section]:
    chosen = {name: PEERS[name] for name in peers}
    strongest = {name: library for name, library in chosen.items() if name == "dali"}
    several = sorted({1, threads}) if device == "cpu" else [threads]
    growing = [("full", *size) for size in (*GROWING_BATCHES, *GROWING_SIDES)]
    return {
        "chains": Section(
            [Case(chain, *size, threads, device) for chain in chains for size in batches or BATCHES[device]],
            {**OURS, **COPIES, **chosen},
            checked=True,
            effort=1,
        ),
        "calls": Section(
            [Case(chain, 32, 1, 1, device) for chain in chains],
            {**OURS, **chosen},
            checked=True,
            effort=0.5,
        ),
        "growth": Section(
            [Case(*case, count, device) for count in several for case in growing],
            {**OURS, **COPIES, **strongest},
            checked=False,
            effort=0.5,
        ),
    }


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--only", nargs="+", choices=("chains", "calls", "growth"), help="sections")
    parser.add_argument("--missing", action="store_true", help="measure only cases that are not in the file")
    parser.add_argument("--chains", nargs="+", choices=CHAINS, default=CHAINS, help="not of growth")
    parser.add_argument(
        "--batches", nargs="+", type=side_and_batch, metavar="SIDExIMAGES", help="of the section chains"
    )
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--device", choices=BATCHES, default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9, help="how often each library is timed")
    parser.add_argument("--seconds", type=float, default=0.25, help="of one turn")
    parser.add_argument("--out", type=Path, help="by default benchmarks/results/chains[-<GPU>].json")
    arguments = parser.parse_args()
    device = arguments.device
    if not (backends.has_cpu if device == "cpu" else backends.has_cuda):
        raise SystemExit(f"the compiled {device} library of gpuaug is missing\n{backends.info()}")
    possible = [name for name in arguments.peers if device == "cpu" or name in PEERS_ON_GPU]
    peers = [name for name in possible if is_installed(name)]
    environment = describe(device, peers)
    out = arguments.out or RESULTS / f"chains{file_suffix(device)}.json"
    begun, ratios = time.perf_counter(), []
    chosen = sections(device, arguments.threads, peers, tuple(arguments.chains), arguments.batches)
    for name, section in chosen.items():
        if arguments.only and name not in arguments.only:
            continue
        done = stored(out, name, environment) if arguments.missing else {}
        for case in section.cases:
            if str(case) not in done:
                done[str(case)] = measure(case, section, arguments.rounds, arguments.seconds)
                write(out, name, {"environment": environment, "cases": done})
                ratios.append(ratio(case, done[str(case)]["libraries"]))
                print("; ".join(ratios), flush=True)  # all so far, as a run may be stopped
    print(f"\nwritten: {out}, after {time.perf_counter() - begun:.0f} s")
    print("; ".join(ratios))
    sys.exit(bool(WRONG))


# ---- One case


def measure(case: Case, section: Section, rounds: int, seconds: float) -> dict:
    """The microseconds per batch of every library (median and quartiles), and figures derived from them."""
    torch.set_num_threads(case.threads)
    rounds, seconds = max(3, round(rounds * section.effort)), seconds * section.effort
    judged = case if case.device == "cpu" else replace(case, side=32, batch=512)
    libraries = {
        name: library
        for name, library in section.libraries.items()
        if name in COPIES or not section.checked or is_right(judged, name, library)
    }
    images = case.images()
    with ExitStack() as opened:
        runs = {name: opened.enter_context(library(case, images)) for name, library in libraries.items()}
        taken = take_turns(runs, rounds, seconds, case.device)
    rows = {name: summary(of_library) for name, of_library in taken.items()}
    for name, row in rows.items():
        row["MB"] = round((5 * images.numel() if name in COPIES else case.least_bytes()) / 1e6, 3)
        row["images_per_second"] = round(1e6 * case.batch / row["us"])
        row["GB_per_s"] = round(row["MB"] / row["us"] * 1e3, 3)
        row["times_gpuaug"] = round(row["us"] / rows["gpuaug"]["us"], 3)
        for copy in COPIES.keys() & rows.keys():
            row[f"share_of_{copy}"] = round(rows[copy]["us"] / row["us"], 3)
    command = " ".join(["python", "benchmarks/chains.py", *sys.argv[1:]])
    result = {
        **asdict(case),
        "rounds": rounds,
        "seconds": seconds,
        "command": command,
        "libraries": rows,
    }
    show(case, rows)
    return result


def ratio(case: Case, rows: dict[str, dict]) -> str:
    """The number of images that gpuaug makes while another library makes one.

    >>> ratio(Case("full", 32, 64, 2), {"gpuaug": {"times_gpuaug": 1.0}, "kornia": {"times_gpuaug": 22.4}})
    "full, 32 px, batch 64, 2 threads: 22.4 x kornia's speed"
    """
    found = [f"{row['times_gpuaug']:.1f} x {name}'s" for name, row in rows.items() if name in PEERS]
    return f"{case}: {', '.join(found)} speed"


@functools.cache
def is_right(case: Case, name: str, library: Library) -> bool:
    """Whether a library's output is that of the chain. If gpuaug's is not, the run ends."""
    with ExitStack() as opened:
        try:
            check(case, lambda probe: opened.enter_context(library(case, probe)).images)
        except (AssertionError, RuntimeError) as error:
            said = f"{name} does not give the chain of '{case}': {type(error).__name__}: {error}"
            if name in OURS:
                raise SystemExit(said) from error
            print(f"{said}\nIt is left out.", flush=True)
            WRONG.append(name)
            return False
    return True


def show(case: Case, rows: dict[str, dict]) -> None:
    print(f"\n{case}: {case.least_bytes() / 1e6:.3f} MB must be read and written")
    for name, row in rows.items():
        lower, upper = row["us_quartiles"]
        time_taken = f"{row['us']:12,.1f} us [{lower:,.1f}, {upper:,.1f}]"
        rate = f"{row['images_per_second']:9,} images/s {row['GB_per_s']:7.2f} GB/s"
        shares = [f"{row[key]:.2f} of {key[9:]}" for key in sorted(row) if key.startswith("share_of_")]
        ratio = f"{row['times_gpuaug']:7.2f} x gpuaug's time"
        print(f"  {name:20} {time_taken:40} {rate} {ratio}  {'; '.join(shares)}", flush=True)


# ---- The file


def describe(device: str, peers: list[str]) -> dict:
    """The environment that the numbers depend on, besides the case."""
    return {
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ["gpuaug", "torch", "numpy", *peers]},
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        **({"gpu": torch.cuda.get_device_name()} if device == "cuda" else {}),
    }


def version(name: str) -> str:
    if name == "gpuaug":  # it may be built in place, and is then no distribution
        return backends.__version__
    return importlib.metadata.version(DISTRIBUTIONS.get(name, name))


def is_installed(name: str) -> bool:
    try:
        version(name)
    except importlib.metadata.PackageNotFoundError:
        print(f"{name} is not installed: left out")
        return False
    return True


def side_and_batch(text: str) -> tuple[int, int]:
    """
    >>> side_and_batch("224x256")
    (224, 256)
    """
    side, batch = text.split("x")
    return int(side), int(batch)


def file_suffix(device: str) -> str:
    if device == "cpu":
        return ""
    return "-" + re.sub("[^a-z0-9]+", "-", torch.cuda.get_device_name().lower())


def stored(out: Path, section: str, environment: dict) -> dict[str, dict]:
    """The cases that an earlier run has measured."""
    found = json.loads(out.read_text()).get(section) if out.exists() else None
    if found is None:
        return {}
    if found["environment"] != environment:
        raise SystemExit(
            f"{out}: its {section} were measured with {found['environment']}, and this would go on "
            f"with {environment}; leave --missing out to measure all of them anew"
        )
    return found["cases"]


def write(out: Path, section: str, value: dict) -> None:
    out.parent.mkdir(exist_ok=True)
    report = json.loads(out.read_text()) if out.exists() else {}
    out.write_text(json.dumps({**report, section: value}, indent=1) + "\n")


if __name__ == "__main__":
    main()
