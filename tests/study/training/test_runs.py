"""Runs on disk: what is kept, what is trained again (nothing), and what is refused."""

from dataclasses import replace

import pytest
import torch

from gpuaug.study.arms.arms import ARMS
from gpuaug.study.data.imbalance import imbalance
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load
from gpuaug.study.training import runs
from gpuaug.study.training.runs import advance, file_stem, keep_plan, run_folder
from gpuaug.study.training.training import Protocol, Training

PROTOCOL = Protocol(4, 32)


@pytest.fixture(scope="module")
def data():
    data = imbalance(load(Request("embedded")), ["shirt"], majority_count=32, minority_count=8)
    return replace(data, test_images=data.test_images[::60], test_labels=data.test_labels[::60])


@pytest.fixture
def begin(data):
    return lambda: Training(data, ARMS["all"], 0, PROTOCOL)


def plain(epochs):
    """The epochs without the confusion of all but the last three, which is not kept."""
    return [replace(of, score=replace(of.score, confusion=())) for of in epochs[:-3]] + epochs[-3:]


def never():
    raise AssertionError("there is nothing to train")


def test_a_run_that_stops_goes_on_as_if_it_had_not(begin, tmp_path):
    whole = plain(list(advance(tmp_path / "whole", begin, 4)))
    stopped = advance(tmp_path / "stopped", begin, 4)
    next(stopped), next(stopped)
    stopped.close()
    assert [path.name for path in (tmp_path / "stopped").iterdir()] == ["run.pt"]
    trained = []

    def again():
        training = begin()
        train = training.epoch
        training.epoch = lambda: trained.append(training.done) or train()
        return training

    assert plain(list(advance(tmp_path / "stopped", again, 4))) == whole
    assert trained == [2, 3]
    assert [path.name for path in (tmp_path / "stopped").iterdir()] == ["run.json"]
    assert list(advance(tmp_path / "stopped", never, 4)) == whole


def test_an_interrupt_in_the_midst_of_an_epoch_loses_that_epoch_alone(begin, tmp_path):
    whole = plain(list(advance(tmp_path / "whole", begin, 4)))

    def interrupted():
        training = begin()
        train = training.epoch

        def epoch():
            done = train()
            if done.number == 3:  # the weights have changed, and nobody hears of it
                raise KeyboardInterrupt
            return done

        training.epoch = epoch
        return training

    with pytest.raises(KeyboardInterrupt):
        list(advance(tmp_path / "run", interrupted, 4))
    assert plain(list(advance(tmp_path / "run", begin, 4))) == whole


@pytest.mark.parametrize(("seconds", "saved"), [(0.0, [True, True, True]), (1e9, [False, False, False])])
def test_states_are_written_now_and_then(begin, tmp_path, monkeypatch, seconds, saved):
    monkeypatch.setattr(runs, "SECONDS_BETWEEN_SAVES", seconds)
    there = [(tmp_path / "run.pt").exists() for _ in advance(tmp_path, begin, 4)]
    assert there == [*saved, False]  # the last epoch is the end of the run


def test_a_run_may_be_asked_for_more_later(begin, tmp_path):
    first = list(advance(tmp_path, begin, 1, final=False))
    assert list(advance(tmp_path, never, 1, final=False)) == first
    more = list(advance(tmp_path, begin, 3, final=False))
    assert more[:1] == first
    assert list(advance(tmp_path, never, 2, final=False)) == more[:2]


def test_a_run_that_died_between_its_last_epoch_and_its_end(begin, tmp_path):
    whole = plain(list(advance(tmp_path, begin, 4, final=False)))  # leaves run.pt, as death would
    assert list(advance(tmp_path, never, 4)) == whole
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_the_confusion_of_the_last_epochs_alone_is_kept(begin, tmp_path):
    kept = [bool(epoch.score.confusion) for epoch in [*advance(tmp_path, begin, 4)]]
    assert kept[-3:] == [True] * 3
    again = [bool(epoch.score.confusion) for epoch in advance(tmp_path, never, 4)]
    assert again == [False, True, True, True]


def test_a_file_half_written_is_never_read(begin, tmp_path):
    whole = list(advance(tmp_path / "whole", begin, 4))
    run = advance(tmp_path / "killed", begin, 4)
    next(run)
    run.close()
    (tmp_path / "killed" / "run.pt.part").write_bytes(b"half")
    assert list(advance(tmp_path / "killed", begin, 4)) == whole


def test_folders_of_arms_that_read_alike_differ(tmp_path):
    names = {run_folder(tmp_path, arm, seed) for arm in ("a + b", "a: b", "a @ b") for seed in (0, 1)}
    assert len(names) == 6
    assert len(file_stem(" + ".join(["RandomRotation((-10, 0))"] * 20))) < 50


def test_runs_of_earlier_studies_are_found(tmp_path):
    assert run_folder(tmp_path, "natural: crop + hflip", 3) == tmp_path / "natural_crop_hflip-753295f7-3"
    long = "RandomResizedCrop(32, scale=(0.6, 1.0)) @ copies"
    assert run_folder(tmp_path, long, 0).name == "RandomResizedCrop_32_scale_0.6_1.0_copie-b44915ff-0"


def test_a_study_goes_on_with_its_own_plan_alone(tmp_path):
    plan = {"epochs": 3, "versions": {"torch": torch.__version__}}
    keep_plan(tmp_path / "runs" / "plan.json", plan)
    keep_plan(tmp_path / "runs" / "plan.json", plan)
    with pytest.raises(ValueError, match="the study's own epochs: it was begun with 3, and is now given 4"):
        keep_plan(tmp_path / "runs" / "plan.json", {**plan, "epochs": 4})
