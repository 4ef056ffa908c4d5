"""``make gpu`` without a GPU: every step with one in name only, and how steps are kept to their time."""

from __future__ import annotations

import doctest
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks/gpu"


@pytest.fixture(autouse=True)
def _folder_on_the_path(monkeypatch):
    for folder in (FOLDER.parent, FOLDER):
        monkeypatch.syspath_prepend(folder)


@pytest.fixture
def place(tmp_path):
    """A workplace for steps that run plain Python; what it copies goes to ``copies``."""
    from steps import Workplace

    (tmp_path / "copies").mkdir()
    return Workplace(tmp_path / "results", tmp_path / "copies", [sys.executable], [], small=False)


def script(folder: Path, text: str) -> str:
    path = folder / f"script{len(list(folder.glob('script*')))}.py"
    path.write_text(text)
    return str(path)


# ---- A step


def test_a_step_says_how_it_ended(place, tmp_path):
    from steps import Step

    good = Step("good", 60, script(tmp_path, "print('one')\nprint('the last line')"))
    bad = Step("bad", 60, script(tmp_path, "print('begun')\nraise SystemExit('it broke')"))
    rows = [place.run(step, 60) for step in (good, bad)]
    assert [row["state"] for row in rows] == ["passed", "failed"]
    assert [row["headline"] for row in rows] == [["the last line"], ["it broke"]]
    log = (tmp_path / "copies/log.txt").read_text()
    assert log.index("the last line") < log.index("it broke")


def test_a_headline_comes_from_the_results(place, tmp_path):
    from steps import Step

    text = 'import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(\'{"headline": ["a", "b"]}\')'
    row = place.run(Step("one", 60, script(tmp_path, text) + " {out}", "one.json"), 60)
    assert row["headline"] == ["a", "b"]
    assert json.loads((tmp_path / "copies/one.json").read_text())["headline"] == ["a", "b"]


def test_results_of_an_earlier_run_are_not_taken_for_new_ones(place, tmp_path):
    from steps import Step

    (tmp_path / "results/one.json").write_text('{"headline": ["old"]}')
    row = place.run(Step("one", 60, script(tmp_path, "print('new')"), "one.json"), 60)
    assert row["headline"] == ["new"]


def test_a_step_that_takes_too_long_ends_with_all_it_started(place, tmp_path):
    from steps import Step

    mark = tmp_path / "alive"
    child = script(
        tmp_path, f"import time, pathlib\nwhile True: pathlib.Path({str(mark)!r}).touch(); time.sleep(0.05)"
    )
    text = f"""
import pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text('{{"headline": ["a row"]}}')
subprocess.Popen([sys.executable, {child!r}])
time.sleep(600)
"""
    step = Step("slow", 6, script(tmp_path, text) + " {out}", "slow.json")
    row = place.run(step, 60)
    assert row["state"] == "stopped"
    assert row["headline"] == ["a row"]  # what it had written counts
    mark.unlink()
    time.sleep(0.5)
    assert not mark.exists()


def test_processes_of_a_step_end_with_it(place, tmp_path):
    from steps import Step

    mark = tmp_path / "alive"
    child = script(
        tmp_path, f"import time, pathlib\nwhile True: pathlib.Path({str(mark)!r}).touch(); time.sleep(0.05)"
    )
    text = f"""
import pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, {child!r}])
while not pathlib.Path({str(mark)!r}).exists(): time.sleep(0.05)
print("done")
"""
    row = place.run(Step("one", 60, script(tmp_path, text)), 60)
    assert (row["state"], row["headline"]) == ("passed", ["done"])
    mark.unlink(missing_ok=True)
    time.sleep(0.5)
    assert not mark.exists()


def test_a_step_knows_its_time(place, tmp_path):
    from steps import MARGIN, Step

    command = script(tmp_path, "import sys; print(sys.argv[1])") + " {seconds}"
    for limit, left in ((60, 100), (100, 60)):
        assert place.run(Step("one", limit, command), left)["headline"] == [f"{60 - MARGIN:.0f}"]


def test_a_copy_that_fails_ends_nothing(place, tmp_path):
    from steps import Step

    (tmp_path / "copies").rmdir()
    (tmp_path / "copies").write_text("a file, where a folder should be")
    assert place.run(Step("one", 60, script(tmp_path, "print('done')")), 60)["state"] == "passed"


def test_a_step_is_left_out_for_want_of_a_package_a_tool_or_time(place, tmp_path):
    from steps import Step

    never = script(tmp_path, "raise SystemExit('must not run')")
    steps = [
        Step("one", 60, never, needs=("torch", "no_such_package")),
        Step("two", 60, never, tool="no-such-tool"),
    ]
    rows = [*(place.run(step, 60) for step in steps), place.run(Step("three", 60, never), 1)]
    assert [row["state"] for row in rows] == ["skipped"] * 3
    assert [row["headline"] for row in rows] == [
        ["not here: no_such_package"],
        ["not here: no-such-tool"],
        ["no time was left"],
    ]


def test_limits_leave_time_for_the_most_valuable():
    from run import MINUTES, STEPS

    assert [step.name for step in STEPS[:3]] == ["build", "smoke", "tests"]
    assert sum(step.seconds for step in STEPS[:4]) <= 60 * MINUTES
    assert (
        len({"log.txt", "summary.json", *(step.results for step in STEPS if step.results)}) <= 8
    )  # as many as are brought back


@pytest.mark.parametrize("name", ["counters", "sanitizers", "training"])
def test_examples(name):
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0


def test_sanitizers_that_hang_leave_the_others_their_verdict(tmp_path, monkeypatch):
    import sanitizers

    tool = tmp_path / "compute-sanitizer"
    tool.write_text(
        '#!/bin/sh\n[ "$2" = memcheck ] && exec sleep 600\necho "========= ERROR SUMMARY: 0 errors"\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    out = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", ["sanitizers.py", "--out", str(out), "--seconds", "3"])
    with pytest.raises(SystemExit) as ended:
        sanitizers.main()
    assert ended.value.code == 1
    memcheck, *others = json.loads(out.read_text())["headline"]
    assert memcheck == "memcheck: not through in time"
    assert others == [f"{name}: 0 errors" for name in ("racecheck", "initcheck", "synccheck")]


# ---- All of them


QUICK_STEPS = ("smoke", "kernels", "study")


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.processes
@pytest.mark.parametrize(
    "steps", [QUICK_STEPS, pytest.param((), marks=pytest.mark.thorough)], ids=["quick", "all"]
)
def test_a_rehearsal_runs_its_steps(tmp_path, steps):
    out, copies = tmp_path / "results", tmp_path / "copies"
    copies.mkdir()
    command = [sys.executable, str(FOLDER / "run.py"), "--rehearse", "--out", str(out), "--minutes", "24"]
    command += ["--only", *steps] if steps else []
    environment = {**os.environ, "OUT": str(copies), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    summary = json.loads((out / "summary.json").read_text())
    states = {row["step"]: row["state"] for row in summary["steps"]}
    assert not steps or tuple(states) == steps
    wanting = [row["step"] for row in summary["steps"] if row["headline"][0].startswith("not here: ")]
    expected = {name: "skipped" if name in wanting else "passed" for name in states}
    assert states == expected, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    assert done.returncode == 0
    files = {path.name for path in out.iterdir()}
    assert files == {path.name for path in copies.iterdir()}
    rows = json.loads((out / "kernels.json").read_text())["rows"]
    assert not any("error" in row for row in rows)
    lines = done.stdout.splitlines()[-40:]
    assert any(line.startswith("kernels    passed") for line in lines)
