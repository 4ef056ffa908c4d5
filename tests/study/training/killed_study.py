"""Kills a small study by SIGKILL at random moments, and resumes it each time: FOLDER KILLS SEED.

Prints one line of JSON: the number of kills, of studies that came to their end, and the files in which one of
these differs from a study that was never killed, times left out.

A study runs in a process that is forked from this one, which has imported all that it needs: the moments then
fall into the study rather than into imports. A study that ends before it is killed is compared, and another
begins. Half of the processes write the state of a run after every epoch, so that kills fall into that too.
"""

import csv
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

# Before the first fork: all that a study imports late.
import matplotlib.backends.backend_agg
import matplotlib.backends.backend_svg
import torch
import torchmetrics.functional.classification

from gpuaug.__main__ import main
from gpuaug.study.growing import growing
from gpuaug.study.report import report
from gpuaug.study.search import search
from gpuaug.study.training import runs

IMPORTED = (growing, report, search, torchmetrics, matplotlib)
STUDY = [
    *("study", "--majority-count", "96", "--ratio", "4", "--epochs", "2", "--seeds", "2", "--device", "cpu"),
    *("--threads", "1", "--arms", "imbalanced", "post_hoc", "hflip", "ldam_drw(1): all", "--out", "out"),
]


def run_study(folder, every_epoch):
    """Begin a study in ``folder``, or go on with it, in a process of its own; its number."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        os.chdir(folder)
        with open("said.txt", "a") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            runs.SECONDS_BETWEEN_SAVES = 0.0 if every_epoch else 1e9
            main([*STUDY, *(["--resume"] if Path("out").exists() else [])])
        status = 0
    finally:
        os._exit(status)


def ended(process, seconds):
    """Whether the process ends by itself within so many seconds; raises where it failed."""
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            if status:
                raise RuntimeError(f"the study ended with status {status}: see said.txt")
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)


def results(folder):
    """The text of each result, without times."""
    whole = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))
    for arm in whole["arms"].values():
        arm["seconds"] = None
    with open(folder / "out" / "metrics.csv", newline="") as file:
        rows = [{**line, "seconds": None} for line in csv.DictReader(file)]
    return {"report.json": json.dumps(whole, indent=1), "metrics.csv": json.dumps(rows)}


def differing(folder, expected):
    found = results(folder)
    return [f"{folder.name}/{name}" for name in expected if found[name] != expected[name]]


def kill_studies(root, kills, seed):
    """All the kills, and the end of the last study."""
    chance = random.Random(seed)
    untouched = root / "untouched"
    untouched.mkdir()
    began = time.monotonic()
    ended(run_study(untouched, every_epoch=False), 3600)
    span = time.monotonic() - began
    expected = results(untouched)
    done, studies, wrong, when = 0, 0, [], []
    folder = root / "0"
    folder.mkdir()
    while True:
        process = run_study(folder, every_epoch=chance.random() < 0.5)
        # The end too, once all kills are over.
        patience = 3600 if done == kills else chance.random() * span
        if ended(process, patience):
            studies += 1
            wrong += differing(folder, expected)
            if done == kills:
                return {"kills": done, "studies": studies, "differ": wrong, "seconds": when}
            folder = root / str(studies)
            folder.mkdir()
            continue
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        done += 1
        when.append(round(patience, 2))


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(kill_studies(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
