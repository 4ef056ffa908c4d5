"""Libraries timed in turns: A B C A B C ..., so that a machine that slows down slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Run:
    """One library, ready to make batches of one case."""

    batch: Callable[[], object]  # what is timed
    result: Callable[[], Tensor] | None = None  # the same, with the result brought to this process
    works_ahead: bool = False  # it goes on with the next batch in the background when it has given one

    def images(self) -> Tensor:
        return (self.result or self.batch)()


def take_turns(
    runs: dict[str, Run], rounds: int, seconds: float, device: str = "cpu"
) -> dict[str, list[float]]:
    """Seconds per batch of every run: for each round the mean over a turn of about ``seconds``."""
    counts = {}
    for name, run in runs.items():
        run.batch()  # memory, tables, compiled code
        one = turn(run, 1, device)
        counts[name] = max(1, round(seconds / turn(run, max(1, round(seconds / 4 / one)), device)))
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(turn(run, counts[name], device))
    return taken


def turn(run: Run, count: int, device: str) -> float:
    """Seconds per batch of ``count`` batches, after one that is not timed: it takes what was made ahead."""
    run.batch()
    per_batch = _elapsed(run.batch, count, device) / count
    if run.works_ahead:
        time.sleep(2 * per_batch)  # or it would take of the next turn, and find a batch made in its own
    return per_batch


def _elapsed(batch: Callable[[], object], count: int, device: str) -> float:
    if device == "cpu":
        start = time.perf_counter()
        _make(batch, count)
        return time.perf_counter() - start
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    first.record()
    _make(batch, count)
    last.record()
    last.synchronize()
    return first.elapsed_time(last) / 1e3


def _make(batch: Callable[[], object], count: int) -> object:
    """The last of ``count`` batches. Each is held while the next is made, as a training loop does."""
    held = None
    for _ in range(count):
        held = batch()
    return held


def summary(taken: list[float]) -> dict[str, float | list[float]]:
    """Median and quartiles, in microseconds.

    >>> summary([1e-6, 2e-6, 3e-6, 4e-6, 5e-6])
    {'us': 3.0, 'us_quartiles': [2.0, 4.0]}
    """
    lower, median, upper = statistics.quantiles(taken, n=4, method="inclusive")
    return {"us": round(1e6 * median, 2), "us_quartiles": [round(1e6 * lower, 2), round(1e6 * upper, 2)]}
