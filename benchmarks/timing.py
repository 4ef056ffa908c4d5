"""Times libraries alternately, A B C A B C ..., so that a slowdown of the machine affects all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Run:
    """A library that is ready to make batches of one case."""

    batch: Callable[[], object]  # the timed call
    result: Callable[[], Tensor] | None = None  # the same call, with the result in this process
    works_ahead: bool = False  # it makes the next batch in the background after each call

    def images(self) -> Tensor:
        return (self.result or self.batch)()


def take_turns(
    runs: dict[str, Run], rounds: int, seconds: float, device: str = "cpu"
) -> dict[str, list[float]]:
    """The seconds per batch of every run: for each round, the mean over about ``seconds``."""
    counts = {}
    for name, run in runs.items():
        run.batch()  # allocates memory, makes tables, compiles code
        one = turn(run, 1, device)
        counts[name] = max(1, round(seconds / turn(run, max(1, round(seconds / 4 / one)), device)))
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(turn(run, counts[name], device))
    return taken


def turn(run: Run, count: int, device: str) -> float:
    """The seconds per batch over ``count`` batches, after an untimed one that takes the batch made ahead."""
    run.batch()
    per_batch = _elapsed(run.batch, count, device) / count
    if run.works_ahead:
        time.sleep(2 * per_batch)  # else it would work during the next run
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
    """Makes ``count`` batches, returns the last. Each is kept while the next is made, as in training."""
    held = None
    for _ in range(count):
        held = batch()
    return held


def summary(taken: list[float]) -> dict[str, float | list[float]]:
    """The median and quartiles, in microseconds.

    >>> summary([1e-6, 2e-6, 3e-6, 4e-6, 5e-6])
    {'us': 3.0, 'us_quartiles': [2.0, 4.0]}
    """
    lower, median, upper = statistics.quantiles(taken, n=4, method="inclusive")
    return {"us": round(1e6 * median, 2), "us_quartiles": [round(1e6 * lower, 2), round(1e6 * upper, 2)]}
