"""Several processes, started by torchrun: the same numbers as one."""

import csv
import subprocess
import sys

import pytest

from gpuaug.__main__ import main
from gpuaug.study.training.workers import ALONE, Workers

pytestmark = pytest.mark.slow

STUDY = [
    *("study", "--majority-count", "64", "--ratio", "4", "--epochs", "2", "--seeds", "1", "--device", "cpu"),
    *("--arms", "duplicates", "hflip", "crop", "--threads", "1"),
    *("--search", "8", "--candidates", "hflip", "vflip", "--keep", "2"),
]


def rows(folder):
    with open(folder / "metrics.csv", newline="") as file:
        return [{**line, "seconds": None} for line in csv.DictReader(file)]


@pytest.mark.slow
def test_two_processes_share_the_runs(tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    main([*STUDY, "--out", "one"])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, "-m", "gpuaug", *STUDY, "--out", "two"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path / "two") == rows(tmp_path / "one")
    assert done.stdout.count("duplicates, seed 0: accuracy") == 1
    assert done.stdout.count("search, round 1: ") == 1
    assert done.stdout.count("In two: report.html") == 1


def test_shares_of_workers_are_all_of_the_runs():
    runs = list(range(11))
    shares = [Workers(rank, 4).share(runs) for rank in range(4)]
    assert sorted(run for share in shares for run in share) == runs
    assert ALONE.share(runs) == runs
    assert ALONE.first
    ALONE.wait()
