"""Benchmarks loading JPEG files beside the libraries in common use: ``make bench``.

The chain is RandomResizedCrop(224), a flip with probability 0.5 and normalization, in batches of 64, with two
threads or processes, over whole epochs of two folders, of 500 x 375 and 2048 x 1536 pixels. There are four
sections: ``sets`` (the loaders, and the decoders alone), ``memory``, ``arrays`` (nothing to decode) and
``gaps`` (the effect of decoding at a smaller scale).

    python benchmarks/files.py                                 # all of it
    python benchmarks/files.py --only sets --peers dali        # one section anew; the others stay in the file
    python benchmarks/files.py --small --out /tmp/smoke.json   # a handful of tiny files

The batches of a library are checked before it is timed. One that fails or is not installed is left out, and
the file says why. ``benchmarks/results/files.json`` is written after every section.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from alternate import alternate, count_images
from array_loaders import measure_arrays
from chains import write
from file_checks import check
from file_decoders import best_rates, loops
from file_loaders import OURS, PEERS, FileCase, Library
from file_targets import limit, targets
from image_files import SCENES, Size, megabytes, paths_of, write_photographs, write_ramps
from reducing_gaps import measure_gaps
from resident_memory import resident_memory
from sampler import version

RESULTS = Path(__file__).with_name("results") / "files.json"
SECTIONS = ("sets", "memory", "arrays", "gaps")
THREADS = 2
DISTRIBUTIONS = ("torch", "torchvision", "pillow", "numpy", "nvidia-dali-cuda130", "spdl-io", "simplejpeg")
DISTRIBUTIONS += ("opencv-python-headless",)


@dataclass(frozen=True)
class Sizes:
    """The amount of measurement."""

    sets: dict[Size, int]  # the number of files of each size
    probes: int  # files of each probe
    batch: int
    arrays: int
    rounds: int

    @property
    def largest(self) -> Size:
        return max(self.sets)


WHOLE = Sizes({(500, 375): 2048, (2048, 1536): 256}, probes=16, batch=64, arrays=51_200, rounds=5)
SMALL = Sizes({(250, 188): 16, (512, 384): 16}, probes=16, batch=8, arrays=1024, rounds=2)


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--small", action="store_true", help="use a few tiny files, to test that it runs")
    parser.add_argument("--rounds", type=int, help="how often each library is timed")
    parser.add_argument("--files", type=Path, help="the folder of the files; by default a temporary one")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    sizes = SMALL if arguments.small else WHOLE
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.files or Path(made)
        rounds = arguments.rounds or sizes.rounds
        measure(sizes, folder, arguments.only, arguments.peers, rounds, arguments.out)
    print(f"written: {arguments.out}")


def measure(sizes: Sizes, folder: Path, only: list[str], peers: list[str], rounds: int, out: Path) -> None:
    torch.set_num_threads(THREADS)
    # Arrays first: their workers are forks, which would lack the threads of the other libraries.
    work: dict[str, Callable[[], dict[str, Any]]] = {
        "arrays": lambda: measure_arrays(sizes.arrays, THREADS, rounds),
        "memory": lambda: {
            name: resident_memory(library, _case(folder, sizes, sizes.largest))
            for name, library in OURS.items()
            if name != "gpuaug, processes"
        },
        "gaps": lambda: measure_gaps(_case(folder, sizes, sizes.largest), rounds),
        "sets": lambda: {_name(size): measure_set(folder, sizes, size, peers, rounds) for size in sizes.sets},
    }
    write(out, "environment", environment())
    for name, section in work.items():
        if name in only:
            write(out, name, section())
            show(name, json.loads(out.read_text())[name])
    found = targets(json.loads(out.read_text()))
    write(out, "targets", found)
    for row in found:
        aim = f"at least {row['at_least']}" if "at_least" in row else f"at most {row['at_most']}"
        print(f"{'met   ' if row['met'] else 'NOT met'} {row['what']}: {row['value']:,} ({aim})")


def measure_set(folder: Path, sizes: Sizes, size: Size, peers: list[str], rounds: int) -> dict[str, Any]:
    """Times the correct loaders and the decoders alternately."""
    case = _case(folder, sizes, size)
    probes = (
        write_photographs(folder / f"probes-{_name(size)}", size, sizes.probes),
        write_ramps(folder / f"ramps-{_name(size)}", size, sizes.probes),
    )
    chosen = {**OURS, **{name: PEERS[name] for name in peers}}
    reasons = {name: why_not(name, library, *probes, size) for name, library in chosen.items()}
    left_out = {name: why for name, why in reasons.items() if why}
    decoders = loops(case.root, size, case.workers)
    with ExitStack() as opened:
        runs: dict[str, Callable[[], int]] = {}
        for name, library in chosen.items():
            if name not in left_out:
                runs[name] = partial(_one_epoch, opened.enter_context(library(case)))
        for which, found in decoders.items():
            runs.update({f"{which}: {name}": run for name, run in found.items()})
        rates = alternate(runs, rounds)
    alone = {which: {name: rates[f"{which}: {name}"] for name in found} for which, found in decoders.items()}
    best = best_rates(alone)
    gap = _default_gap(case)
    return {
        "files": len(paths_of(case.root)),
        "kilobytes": round(1e3 * megabytes(case.root) / len(paths_of(case.root)), 1),
        "batch": case.batch,
        "threads": case.workers,
        "rounds": rounds,
        "loaders": {name: rates[name] for name in chosen if name in rates},
        "left_out": left_out,
        "decoders": alone,
        "reducing_gap": gap,
        "limits": {
            "gpuaug": round(limit(best, size, gap), 1),
            "gpuaug, full scale": round(limit(best, size, None), 1),
        },
    }


def why_not(name: str, library: Library, photographs: Path, ramps: Path, size: Size) -> str | None:
    """The reason why a library fails the check, or None. If gpuaug fails, the run ends."""
    try:
        check(library, photographs, ramps, size)
    except (AssertionError, ImportError, RuntimeError) as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        if name in OURS:
            raise
        print(f"{name} is left out: {why}", flush=True)
        return why
    return None


def write_set(folder: Path, sizes: Sizes, size: Size) -> Path:
    return write_photographs(folder / _name(size), size, sizes.sets[size])


def show(name: str, section: dict[str, Any], depth: int = 0) -> None:
    """Prints each row on a line, indented as in the file."""
    flat = not any(isinstance(value, dict) for value in section.values())
    print("  " * depth + f"{name:{36 - 2 * depth}}" + (json.dumps(section) if flat else ""), flush=True)
    for key, value in () if flat else section.items():
        show(key, value if isinstance(value, dict) else {"": value}, depth + 1)


def environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "versions": {name: version(name) for name in DISTRIBUTIONS},
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "photographs": "scenes, enlarged, with grain" if SCENES.exists() else "noise of 1/f",
    }


def _case(folder: Path, sizes: Sizes, size: Size) -> FileCase:
    return FileCase(write_set(folder, sizes, size), batch=sizes.batch, workers=THREADS)


def _name(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _one_epoch(epoch: Callable[[], Any]) -> int:
    return count_images(epoch())


def _default_gap(case: FileCase) -> float | None:
    import gpuaug

    return gpuaug.ImageFiles.from_folder(case.root).reducing_gap


if __name__ == "__main__":
    main()
