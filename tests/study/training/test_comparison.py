"""All arms and seeds: what shares a run is trained once, by one process or several."""

import json
from dataclasses import replace

import pytest

import gpuaug
from gpuaug.losses import FocalLoss
from gpuaug.sampling import deferred
from gpuaug.study.arms.arms import Arm, read_arms
from gpuaug.study.arms.objective import Objective
from gpuaug.study.data.imbalance import imbalance
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load
from gpuaug.study.training import comparison
from gpuaug.study.training.comparison import compare
from gpuaug.study.training.files import run_folder
from gpuaug.study.training.training import Protocol, Training
from gpuaug.study.training.workers import ALONE, Workers


@pytest.fixture(scope="module")
def data():
    data = imbalance(load(Request("embedded")), ["shirt"], majority_count=32, minority_count=8)
    return replace(data, test_images=data.test_images[::60], test_labels=data.test_labels[::60])


class Watched(Workers):
    """As if there were more of them, who do nothing."""

    def wait(self):
        pass


@pytest.mark.parametrize("workers", [ALONE, Watched(0, 1), Watched(0, 2)], ids=["alone", "one", "two"])
def test_arms_of_one_training_share_its_run(data, tmp_path, monkeypatch, workers):
    begun = []

    class Counted(Training):
        def __init__(self, data, arm, seed, protocol):
            begun.append((arm.target, seed))
            super().__init__(data, arm, seed, protocol)

    monkeypatch.setattr(comparison, "Training", Counted)
    texts = ["imbalanced", "post_hoc", "natural", "majority + prior_corrected", "natural + prior_corrected"]
    arms = read_arms([*texts, "duplicates"])
    rows = compare(data, arms, Protocol(2, 16), tmp_path, seeds=[0, 1], workers=workers)
    assert sorted((arms["natural"].target if of == {} else of, seed) for of, seed in begun) == [
        *(("majority", seed) for seed in (0, 1)),
        *(("natural", seed) for seed in (0, 1)),
    ]
    assert [(row.arm, row.seed) for row in rows[::2]] == [(arm, seed) for seed in (0, 1) for arm in arms]
    folders = {run_folder(tmp_path, arm, seed).name for arm in ("natural", "majority") for seed in (0, 1)}
    assert {path.name for path in tmp_path.iterdir()} == {*folders, "plan.json"}
    saved = json.loads((run_folder(tmp_path, "natural", 1) / "run.json").read_text())
    for row in rows:
        if row.seed == 1 and row.arm in ("imbalanced", "post_hoc", "natural", "natural + prior_corrected"):
            of = saved[row.epoch.number - 1]
            reading = arms[row.arm].objective.reading
            wanted = of if reading == "as_trained" else of["readings"][reading]
            assert row.epoch.score.accuracy == wanted["score"]["accuracy"]
            assert row.epoch.calibration.test.brier == wanted["calibration"]["test"]["brier"]
    again = compare(data, arms, Protocol(2, 16), tmp_path, seeds=[0, 1])
    assert again == rows
    assert len(begun) == 4


def test_two_workers_never_train_the_same_run(data, tmp_path, monkeypatch):
    arms = read_arms(["natural", "post_hoc", "natural + prior_corrected", "majority", "majority + post_hoc"])
    runs = []
    for rank in (0, 1):
        shares = []
        monkeypatch.setattr(Watched, "share", lambda self, runs, s=shares: s.extend(runs) or [])
        compare(data, arms, Protocol(1, 16), tmp_path / str(rank), seeds=[0], workers=Watched(rank, 2))
        runs.append(shares)
    assert runs == [[("natural", 0), ("majority", 0)]] * 2


def test_finished_runs_are_not_read_as_those_of_other_images_or_another_protocol(data, tmp_path):
    arms, protocol = read_arms(["natural"]), Protocol(1, 16)
    rows = compare(data, arms, protocol, tmp_path, seeds=[0])
    assert compare(data, arms, protocol, tmp_path, seeds=[0]) == rows
    other = replace(data, train_images=255 - data.train_images)
    with pytest.raises(ValueError, match="resume needs the study's own data"):
        compare(other, arms, protocol, tmp_path, seeds=[0])
    for changed in (Protocol(2, 16), Protocol(1, 8), Protocol(1, 16, "resnet32")):
        with pytest.raises(ValueError, match=r"resume needs the study's own (model|epochs|batch_size): "):
            compare(data, arms, changed, tmp_path, seeds=[0])


def other_loss(samples, drawn, **options):
    return FocalLoss(3.0, **options)


OTHERS = {
    "target": {"target": "majority"},
    "function": {"target": lambda counts: {0: 32, 1: 9}},
    "schedule": {"target": deferred(1)},
    "transforms": {"transforms": lambda height, width: [gpuaug.RandomHorizontalFlip(0.25)]},
    "apply_to": {"apply_to": "copies"},
    "curriculum": {"curriculum": True},
    "mix": {"mix": gpuaug.CMO},
    "loss": {"objective": Objective(loss=other_loss)},
    "scale": {"objective": Objective(scale=2.0)},
    "retrained": {"objective": Objective(retrained=1)},
}


@pytest.mark.parametrize("settings", OTHERS.values(), ids=list(OTHERS))
def test_another_arm_of_the_same_name_is_refused(data, tmp_path, settings):
    """Its runs would be taken for those of the first one."""
    protocol = Protocol(2, 16)
    mine = Arm("", "natural", lambda height, width: [gpuaug.RandomHorizontalFlip()])
    first = compare(data, {"mine": mine}, protocol, tmp_path, seeds=[0])
    with pytest.raises(ValueError, match=r"'mine' is another: .* another name, or another folder"):
        compare(data, {"mine": replace(mine, **settings)}, protocol, tmp_path, seeds=[0, 1])
    assert not run_folder(tmp_path, "mine", 1).exists()
    told = replace(mine, about="in other words", objective=Objective(reading="post_hoc"))
    again = compare(data, {"mine": mine, "told": replace(told, run="mine")}, protocol, tmp_path, seeds=[0])
    assert [row for row in again if row.arm == "mine"] == first
    assert len(again) == 2 * len(first)


def test_two_arms_of_one_call_cannot_share_runs_of_different_training(data, tmp_path):
    arms = read_arms(["imbalanced", "natural: hflip"])
    arms["natural: hflip"] = replace(arms["natural: hflip"], run="natural")
    with pytest.raises(ValueError, match="'natural' is another"):
        compare(data, arms, Protocol(1, 16), tmp_path, seeds=[0])


def test_runs_of_earlier_versions_are_read(data, tmp_path):
    arms = read_arms(["imbalanced"])
    first = compare(data, arms, Protocol(1, 16), tmp_path, seeds=[0])
    plan = tmp_path / "plan.json"
    settings = json.loads(plan.read_text())
    digests = settings.pop("arms")
    plan.write_text(json.dumps(settings))
    assert compare(data, arms, Protocol(1, 16), tmp_path, seeds=[0]) == first
    assert json.loads(plan.read_text())["arms"] == digests == {"natural": digests["natural"]}
