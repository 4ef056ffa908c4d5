"""How busy other programs are, by the system's own count."""

import pytest

from gpuaug.study.training import stopwatch
from gpuaug.study.training.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    """Seconds on the wall, of all processors and of this process, set by hand; on four processors."""
    now = {"wall": 100.0, "busy": 1000.0, "own": 10.0}
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: now["wall"])
    monkeypatch.setattr(stopwatch, "_busy", lambda: now["busy"])
    monkeypatch.setattr(stopwatch, "_own", lambda: now["own"])
    monkeypatch.setattr(stopwatch.os, "cpu_count", lambda: 4)
    return now


@pytest.mark.parametrize(
    ("busy", "own", "others"),
    [(6.0, 6.0, 0.0), (8.0, 6.0, 0.25), (8.0, 0.0, 1.0), (5.9, 6.0, 0.0)],
)
def test_the_busy_part_is_that_of_other_processes(clock, busy, own, others):
    watch = Stopwatch()
    clock["wall"] += 2
    clock["busy"] += busy
    clock["own"] += own
    assert watch.seconds() == 2
    assert watch.others() == pytest.approx(others)


def test_the_ticks_of_linux(tmp_path, monkeypatch):
    monkeypatch.setattr(stopwatch.os, "sysconf", lambda name: 100)
    file = tmp_path / "stat"
    file.write_text("cpu  100 200 300 5000 6000 10 20 70 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    assert stopwatch._busy(file) == 7.0
    file.write_text("something else\n")
    assert stopwatch._busy(file) is None
    assert stopwatch._busy(tmp_path / "none") is None


def test_the_busy_part_is_not_known_where_the_system_does_not_say(clock):
    clock["busy"] = None
    assert Stopwatch().others() is None
