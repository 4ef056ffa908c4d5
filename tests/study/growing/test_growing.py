"""A study that grows: which arms get more seeds, when it ends, and that a stop changes nothing."""

import json
from contextlib import suppress

import pytest
import torch

from gpuaug.__main__ import main
from gpuaug.study.arms.arms import read_arms
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.growing import growing
from gpuaug.study.growing.growing import Goal, grow
from gpuaug.study.statistics.looks import Looks
from gpuaug.study.training.metrics import ClassScore, Score
from gpuaug.study.training.rows import Epoch, Row
from gpuaug.study.training.training import Protocol, Training

LOOKS = Looks.up_to(9)  # 3, 4, 6, 9
NOISE = [0.001, -0.002, 0.002, -0.001, 0.0015, -0.0015, 0.001, -0.001, 0.0]
# Accuracy above the baseline: far, nearly nothing, and all over the place.
PLANTED = {"crop": lambda s: 0.2 + NOISE[s], "hflip": lambda s: NOISE[s], "vflip": lambda s: 90 * NOISE[s]}


@pytest.fixture
def data():
    labels = torch.tensor([0, 0, 1])
    images = torch.zeros(3, 1, 16, 16, dtype=torch.uint8)
    return StudyData(("cat", "dog"), images, labels, images, labels)


@pytest.fixture
def asked(monkeypatch):
    """What was asked of training, in the place of training."""
    asked = []

    def planted(data, arms, protocol, folder, *, seeds, finished, **rest):
        asked.append((list(arms), list(seeds)))
        rows = [
            Row(
                arm, seed, Epoch(1, 1.0, Score(0.5 + PLANTED.get(arm, lambda s: 0.0)(seed), CLASSES), 4, 30.0)
            )
            for seed in seeds
            for arm in arms
        ]
        finished(rows)
        return rows

    monkeypatch.setattr(growing, "compare", planted)
    return asked


CLASSES = (ClassScore(1, 0.5, 0.5, 0.5),) * 2
ARMS = read_arms(["natural", *PLANTED])


def grown(data, tmp_path, told=lambda rows: None, said=lambda text: None, **goal):
    goal = Goal(**{"until": 0.02, "looks": LOOKS, **goal})
    return grow(
        data, ARMS, Protocol(1), tmp_path, goal=goal, baseline="natural", minority=["dog"],
        finished=told, said=said,
    )  # fmt: skip


def test_arms_that_are_told_get_no_more_seeds(data, asked, tmp_path):
    counts, words = [], []
    rows = grown(data, tmp_path, lambda rows: counts.append(len(rows)), words.append)
    seeds = {arm: sorted(row.seed for row in rows if row.arm == arm) for arm in ARMS}
    assert [seeds for _, seeds in asked] == [[0, 1, 2], [3], [4, 5], [6, 7, 8]]
    assert asked[0][0] == list(ARMS)
    assert asked[-1][0] == ["natural", "vflip"]  # which never becomes clear
    assert len(seeds["crop"]) < 9
    assert len(seeds["hflip"]) < 9
    assert seeds["natural"] == seeds["vflip"] == list(range(9))
    assert counts[-1] == len(rows)  # all so far, not those of the last look
    assert [text.partition(",")[0] for text in words] == ["3 seeds", "4 seeds", "6 seeds", "9 seeds"]
    assert "2 of 3 arms told. With 9 seeds this study can tell differences of" in words[-1]


def test_a_study_ends_when_all_arms_are_told(data, asked, tmp_path, monkeypatch):
    monkeypatch.setitem(PLANTED, "vflip", lambda s: -0.2 + NOISE[s])
    words = []
    rows = grown(data, tmp_path, said=words.append)
    assert max(row.seed for row in rows) < 8
    assert words[-1].endswith("3 of 3 arms told.")


def test_a_study_ends_before_its_minutes_do(data, asked, tmp_path):
    # Half a minute a run: 6 for the first look, 2 for one more seed of four arms.
    words = []
    rows = grown(data, tmp_path, said=words.append, max_minutes=8)
    assert sum(row.epoch.seconds for row in rows) / 60 <= 8
    assert max(row.seed for row in rows) == 3
    assert words[-1] == "4 seeds are all that 8 minutes allow"
    assert max(row.seed for row in grown(data, tmp_path, max_minutes=1)) == 2  # the first look is always had


def test_a_run_that_two_arms_share_counts_once(data, asked, tmp_path, monkeypatch):
    arms = read_arms(["natural", "vflip", "post_hoc"])
    assert arms["post_hoc"].run == "natural"
    monkeypatch.setitem(PLANTED, "post_hoc", PLANTED["vflip"])
    goal = Goal(0.02, LOOKS, max_minutes=4)  # two runs of half a minute a seed: 4 seeds, not 3
    rows = grow(data, arms, Protocol(1), tmp_path, goal=goal, baseline="natural", minority=["dog"])
    assert max(row.seed for row in rows) == 3


OPTIONS = [
    *("study", "--majority-count", "48", "--ratio", "4", "--epochs", "2", "--device", "cpu"),
    *("--arms", "duplicates", "hflip", "undersampled", "--until", "0.02", "--seeds", "2", "--max-seeds", "4"),
]


def numbers(folder):
    """The report, without what depends on the clock or names the folder."""
    report = json.loads((folder / "report.json").read_text())
    for arm in report["arms"].values():
        arm["seconds"] = None
    return {**report, "command": None, "next": None}


@pytest.mark.slow
def test_a_study_that_is_stopped_again_and_again_gives_the_same_report(tmp_path, monkeypatch, capsys):
    main([*OPTIONS, "--out", str(tmp_path / "whole")])
    whole = numbers(tmp_path / "whole")
    assert whole["effects"]["looks"] == {"seeds": [2, 3, 4]}
    assert whole["settings"]["seeds"] <= 4
    train, left = Training.epoch, []

    def stopping(training):
        done = train(training)
        left.append(done)
        if len(left) % 6 == 0:
            raise KeyboardInterrupt
        return done

    out, times = str(tmp_path / "out"), 0
    monkeypatch.setattr(Training, "epoch", stopping)
    while not (tmp_path / "out" / "report.json").exists():
        with suppress(SystemExit):
            main([*OPTIONS, "--out", out, "--resume"])
        times += 1
    assert times >= 3
    assert numbers(tmp_path / "out") == whole
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main([*OPTIONS[:-2], "--max-seeds", "5", "--out", out, "--resume"])
    assert "own looks: it was begun with [2, 3, 4], and is now given [2, 3, 5]" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*OPTIONS[:-6], "--seeds", "4", "--out", out, "--resume"])
    assert "own looks: it was begun with [2, 3, 4], and is now given None" in capsys.readouterr().err
