"""Times whole epochs alternately, A B C A B C ..., so that a slowdown of the machine affects all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any


def alternate(runs: dict[str, Callable[[], int]], rounds: int) -> dict[str, dict[str, Any]]:
    """The images per second of each run: median and quartiles over the rounds, after one that is not timed.

    A run returns the number of its images.

    >>> sorted(alternate({"a": lambda: 3}, rounds=3)["a"])
    ['images_per_second', 'quartiles']
    """
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(1 + rounds):
        for name, run in runs.items():
            begun = time.perf_counter()
            images = run()
            taken = time.perf_counter() - begun
            if number:
                rates[name].append(images / taken)
    return {name: summary(found) for name, found in rates.items()}


def summary(rates: list[float]) -> dict[str, Any]:
    """
    >>> summary([1.0, 2.0, 3.0, 4.0, 5.0])
    {'images_per_second': 3.0, 'quartiles': [2.0, 4.0]}
    """
    lower, median, upper = statistics.quantiles(rates, n=4, method="inclusive")
    return {"images_per_second": round(median, 1), "quartiles": [round(lower, 1), round(upper, 1)]}


def count_images(batches: Iterable[Any]) -> int:
    """Counts the images. Each batch is kept while the next one is made, as in a training loop."""
    count, held = 0, None
    for held in batches:
        count += len(held[0])
    return count
