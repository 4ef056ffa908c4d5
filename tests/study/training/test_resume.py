"""A study that a real signal stops, in a real process, and that then goes on."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from PIL import Image

from gpuaug.__main__ import main
from gpuaug.study.cli import command

pytestmark = pytest.mark.slow

OPTIONS = [
    *("--threads", "1", "--device", "cpu", "--epochs", "40", "--seeds", "2"),
    *("--arms", "duplicates", "hflip @ copies"),
]
RUNS, EPOCHS = 4, 40


@pytest.fixture(autouse=True, scope="module")
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def rows(folder):
    """The lines of metrics.csv, without what depends on the clock."""
    with open(folder / "metrics.csv", newline="") as file:
        return [{**line, "seconds": None} for line in csv.DictReader(file)]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The words of a study of a few small images."""
    folder = tmp_path_factory.mktemp("data")
    for name, count in [("train/dark", 32), ("train/bright", 8), ("test/dark", 8), ("test/bright", 8)]:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            noise = Image.effect_noise((16, 16), 60)
            level = 0.6 if name.endswith("dark") else 1.0
            noise.point(lambda value, level=level: value * level).save(folder / name / f"{number}.png")
    return ["study", "--data", str(folder), *OPTIONS]


@pytest.fixture(scope="module")
def whole(study, tmp_path_factory):
    """The numbers of a study that nobody stopped."""
    out = tmp_path_factory.mktemp("whole") / "out"
    main([*study, "--out", str(out)])
    return rows(out)


def finished(out):
    return sorted(out.glob("runs/*/run.json"))


def stop(study, out):
    """Begin a study in a process of its own, and stop it in the midst of a run; its status and last words."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gpuaug", *study, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    # Until one run is over, and another has begun.
    while not finished(out) or sum(path.is_dir() for path in out.glob("runs/*")) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_stopped_study_goes_on_with_the_same_numbers(study, whole, tmp_path, capsys):
    out = tmp_path / "out"
    status, said = stop(study, out)
    assert status == 130
    assert said.endswith(f"stopped; the same command with --resume continues {out}\n")
    assert "Traceback" not in said
    done = finished(out)
    assert 1 <= len(done) < RUNS
    when = [path.stat().st_mtime_ns for path in done]

    main([*study, "--out", str(out), "--resume"])
    assert rows(out) == whole
    assert len(whole) == RUNS * EPOCHS * 2
    assert [path.stat().st_mtime_ns for path in done] == when  # what was finished was not trained again
    assert len(finished(out)) == RUNS
    assert not list(out.glob("runs/*/run.pt"))
    assert "--resume" not in (out / "report.md").read_text()
    assert "report.html" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_sigterm_stops_a_study_as_ctrl_c_does(study, tmp_path, monkeypatch, capsys):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(command, "run", lambda prepared: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit) as exit_:
        main([*study, "--out", str(tmp_path / "out")])
    assert exit_.value.code == 130
    assert "stopped; the same command with --resume" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_resumed_study_takes_more_arms_and_seeds_but_nothing_else(study, tmp_path, capsys):
    out, more = str(tmp_path / "out"), ["--epochs", "1", "--seeds", "1", "--arms", "duplicates"]
    main([*study, *more, "--out", out])
    first = rows(tmp_path / "out")
    with pytest.raises(SystemExit):
        main([*study, *more, "--ratio", "8", "--out", out, "--resume"])
    assert "resume needs the study's own data" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*study, *more, "--epochs", "2", "--out", out, "--resume"])
    assert (
        "resume needs the study's own epochs: it was begun with 1, and is now given 2"
        in capsys.readouterr().err
    )
    main([*study, *more, "--seeds", "2", "--arms", "duplicates", "natural", "--out", out, "--resume"])
    again = rows(tmp_path / "out")
    assert len(again) == 4 * len(first)
    assert again[: len(first)] == first


def test_a_search_goes_on_with_its_own_seeds_and_budget_alone(study, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    main([*study, "--epochs", "1", "--seeds", "1", "--search", "4", "--candidates", "crop", "vflip", *out])
    for more, said in [
        (["--search", "8"], "own search: it was begun with 4, and is now given 8"),
        (["--search", "8", "--seeds", "2"], "own seeds: it was begun with 1, and is now given 2"),
    ]:
        words = ["--epochs", "1", "--seeds", "1", "--candidates", "crop", "vflip", *more, *out, "--resume"]
        with pytest.raises(SystemExit) as exit_:
            main([*study, *words])
        assert exit_.value.code == 2
        assert said in capsys.readouterr().err
