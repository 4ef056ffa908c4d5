"""Benchmarks gpuaug's sampler beside samplers in common use: building, an epoch, memory.

The labels are int64 in a NumPy array, of two classes at 4:1. An epoch draws the rare class as often as the
common one: 1.6 draws for each label. The draws of a sampler are checked before it is timed: the share of the
rare class, and that no sample of it is preferred. Each sampler runs in a process of its own, on one thread;
times are CPU seconds of that process, and memory is its peak beyond the labels. The results are written to
``benchmarks/results/sampler.json``.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import multiprocessing
import platform
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch

RESULTS = Path(__file__).with_name("results") / "sampler.json"
SIZES = (10**6, 10**7, 10**8)
RATIO = 4  # samples of the common class for each of the rare one
MIB = 1 << 20


def balanced_sampler(labels: np.ndarray) -> Iterable[int]:
    import gpuaug

    return gpuaug.BalancedSampler(labels, "majority")


def weighted_random_sampler(labels: np.ndarray) -> Iterable[int]:
    from torch.utils.data import WeightedRandomSampler

    counts = np.bincount(labels)
    return WeightedRandomSampler(torch.from_numpy(1 / counts).double()[labels], 2 * int(counts.max()))


def torchsampler(labels: np.ndarray) -> Iterable[int]:
    from torchsampler import ImbalancedDatasetSampler

    draws = 2 * int(np.bincount(labels).max())
    return ImbalancedDatasetSampler(labels, labels=labels, num_samples=draws)


class RandomOverSampled:
    """imbalanced-learn's resampling as a sampler: its indices, shuffled for every epoch."""

    def __init__(self, labels: np.ndarray) -> None:
        from imblearn.over_sampling import RandomOverSampler

        sampler = RandomOverSampler(random_state=0)
        sampler.fit_resample(np.arange(len(labels))[:, None], labels)
        self._indices = sampler.sample_indices_

    def __iter__(self) -> Iterator[int]:
        return iter(np.random.permutation(self._indices).tolist())


@dataclass(frozen=True)
class Peer:
    make: Callable[[np.ndarray], Iterable[int]]
    distribution: str
    most: int  # the most labels: more would take too long, or too much memory
    exact: bool  # whether an epoch has exactly the draws of a class, or only on average


PEERS = {
    "gpuaug": Peer(balanced_sampler, "gpuaug", 10**8, True),
    "WeightedRandomSampler": Peer(weighted_random_sampler, "torch", 10**8, False),
    "torchsampler": Peer(torchsampler, "torchsampler", 10**7, False),
    "RandomOverSampler": Peer(RandomOverSampled, "imbalanced-learn", 10**7, True),
}


def make_labels(size: int) -> np.ndarray:
    """Labels 0 and 1 at 4:1, in random order."""
    labels = np.zeros(size, np.int64)
    random = np.random.default_rng(0)
    for begin in range(0, size, 1 << 20):
        part = labels[begin : begin + (1 << 20)]
        part[random.integers(0, 1 + RATIO, len(part), np.uint8) == 0] = 1
    return labels


def check(peer: Peer) -> None:
    """Checks an epoch of a small data set."""
    labels = make_labels(20_000)
    counts = np.bincount(labels)
    drawn = np.fromiter(iter(peer.make(labels)), np.int64)
    total, rare = len(drawn), int((labels[drawn] == 1).sum())
    assert total == 2 * counts[0], (total, counts)
    # Half of the draws; within five standard deviations if they are random.
    assert abs(rare - total / 2) <= (0 if peer.exact else 2.5 * total**0.5), (rare, total)
    times = np.bincount(drawn, minlength=len(labels))[labels == 1]
    mean = counts[0] / counts[1]
    # At most the chi-square of independent draws, with five standard deviations.
    statistic = float(((times - mean) ** 2 / mean).sum())
    assert statistic < counts[1] + 5 * (2 * counts[1]) ** 0.5, statistic


def resident() -> int:
    """The resident memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def go_through(sampler: Iterable[int]) -> int:
    draws = 0
    for _ in sampler:
        draws += 1
    return draws


def measure(name: str, size: int, answer: Connection) -> None:
    torch.set_num_threads(1)
    peer = PEERS[name]
    check(peer)
    labels = make_labels(size)
    before = resident()
    try:
        build, sampler = seconds(lambda: peer.make(labels))
        built = peak() - before
        epoch, draws = seconds(lambda: go_through(sampler))
    except RuntimeError as error:
        answer.send({"refused": str(error).splitlines()[0]})
        return
    row = {
        "build_s": round(build, 3),
        "epoch_s": round(epoch, 3),
        "draws": draws,
        "million_draws_per_s": round(draws / epoch / 1e6, 3),
        "built_bytes_per_label": round(built / size, 2),
        "peak_mib": round((peak() - before) / MIB, 1),
        "peak_bytes_per_label": round((peak() - before) / size, 2),
    }
    answer.send(row | (random_access(sampler) if name == "gpuaug" else {}))


def random_access(sampler: Any) -> dict[str, float]:
    """Times draws as tensors from any position, which only gpuaug's sampler has."""
    total = sum(sampler.plan_.values())
    sampler.set_epoch(1)
    start, _ = seconds(lambda: sampler.draws(total // 2, total // 2 + 1))
    state, _ = seconds(lambda: sampler.load_state_dict(sampler.state_dict() | {"position": total // 3}))
    first, _ = seconds(lambda: next(iter(sampler)))
    part = 1 << 20
    rates = []
    for begin in range(0, total - part, max(part, (total - part) // 20)):
        taken, _ = seconds(lambda begin=begin: sampler.draws(begin, begin + part))
        rates.append(part / taken / 1e6)
    return {
        "million_draws_per_s_as_tensors": round(float(np.median(rates)), 1),
        "first_draw_of_another_epoch_ms": round(1e3 * start, 2),
        "load_a_state_and_draw_ms": round(1e3 * (state + first), 2),
    }


def run(name: str, size: int) -> dict[str, Any]:
    fresh = multiprocessing.get_context("spawn")
    receive, send = fresh.Pipe(duplex=False)
    process = fresh.Process(target=measure, args=(name, size, send))
    process.start()
    send.close()
    try:
        return receive.recv()
    except EOFError:
        process.join()
        raise SystemExit(f"{name} at {size} labels ended with exit code {process.exitcode}") from None
    finally:
        process.join()


def version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    sizes: dict[str, dict[str, Any]] = {}
    for size in arguments.sizes:
        rows = sizes[f"{size} labels"] = {}
        for name in arguments.peers:
            peer = PEERS[name]
            if version(peer.distribution) is None:
                rows[name] = {"left_out": f"{peer.distribution} is not installed"}
            elif size > peer.most:
                rows[name] = {"left_out": "it would take too long, or too much memory"}
            else:
                rows[name] = run(name, size)
            print(f"{size:>11,} {name:22} {json.dumps(rows[name])}", flush=True)
    report = {
        "threads": 1,
        "python": platform.python_version(),
        "versions": {
            d: version(d) for d in ("numpy", *(PEERS[name].distribution for name in arguments.peers))
        },
        "sizes": sizes,
    }
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"written: {arguments.out}")


if __name__ == "__main__":
    main()
