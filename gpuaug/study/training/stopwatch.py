"""Measures the time of an epoch, and how busy other programs kept the machine in it."""

from __future__ import annotations

import os
import time
from pathlib import Path

QUIET = 0.1  # of the machine's processors; a time beside busier programs says little


class Stopwatch:
    """Runs from its making on.

    >>> watch = Stopwatch()
    >>> watch.seconds() >= 0
    True
    """

    def __init__(self) -> None:
        self._begun, self._busy, self._own = time.perf_counter(), _busy(), _own()

    def seconds(self) -> float:
        return time.perf_counter() - self._begun

    def others(self) -> float | None:
        """The part of all processors that other programs kept busy, in [0, 1]; None where the system does not
        say. What they do on a GPU is not in it.
        """
        busy = _busy()
        if busy is None or self._busy is None:
            return None
        there = self.seconds() * (os.cpu_count() or 1)
        return min(1.0, max(0.0, (busy - self._busy) - (_own() - self._own)) / there)


def _busy(file: Path = Path("/proc/stat")) -> float | None:
    """The seconds that all processors were busy since the machine began; None without Linux's file of them.

    Its first line counts user, nice, system, idle, iowait, irq, softirq and steal in ticks.
    """
    try:
        ticks = [int(text) for text in file.read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    if len(ticks) < 8:
        return None
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
