"""Runs on disk: what is kept, what is trained again (nothing), and what is refused."""

import json
from dataclasses import replace

import pytest
import torch

from gpuaug.study.arms.arms import ARMS
from gpuaug.study.data.imbalance import imbalance
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load
from gpuaug.study.training import runs
from gpuaug.study.training.metrics import ClassScore, Score
from gpuaug.study.training.rows import Epoch
from gpuaug.study.training.runs import advance
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

    def bare(of):
        return replace(of, score=replace(of.score, confusion=(), predicted=""))

    return [
        replace(bare(of), readings={name: bare(read) for name, read in of.readings.items()})
        for of in epochs[:-3]
    ] + epochs[-3:]


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
    for reading in ("as_trained", "post_hoc", "prior_corrected"):
        again = [bool(epoch.read_as(reading).score.confusion) for epoch in advance(tmp_path, never, 4)]
        assert again == [False, True, True, True]


def test_a_file_half_written_is_never_read(begin, tmp_path):
    whole = list(advance(tmp_path / "whole", begin, 4))
    run = advance(tmp_path / "killed", begin, 4)
    next(run)
    run.close()
    (tmp_path / "killed" / "run.pt.part").write_bytes(b"half")
    assert list(advance(tmp_path / "killed", begin, 4)) == whole


def test_a_finished_run_of_an_earlier_study_is_read(tmp_path):
    classes = '[{"support": 4, "recall": 0.75, "precision": 1.0, "f1": 0.875}]'
    score = f'{{"accuracy": 0.75, "classes": {classes}, "confusion": [[3, 1]]}}'
    epoch = f'{{"number": 1, "loss": 0.5, "score": {score}, "draws": 40, "seconds": 1.5}}'
    (tmp_path / "run.json").write_text(f"[{epoch}]")
    (found,) = advance(tmp_path, never, 1)
    assert found == Epoch(1, 0.5, Score(0.75, (ClassScore(4, 0.75, 1.0, 0.875),), ((3, 1),)), 40)
    assert found.seconds == 1.5
    assert found.read_as("as_trained") is found
    with pytest.raises(ValueError, match=r"runs must be of this version for post_hoc: .*; --overwrite"):
        found.read_as("post_hoc")


def test_a_finished_run_has_its_calibration_as_it_is_and_corrected(begin, tmp_path):
    epochs = list(advance(tmp_path, begin, 1))
    (saved,) = json.loads((tmp_path / "run.json").read_text())
    assert set(saved["calibration"]) == {"test", "test_corrected", "natural", "natural_corrected"}
    assert set(saved["calibration"]["test"]) == {"ece", "brier"}
    for name, reading in saved["readings"].items():
        read = epochs[0].read_as(name)
        assert reading["score"]["accuracy"] == read.score.accuracy
        assert reading["calibration"]["natural"]["brier"] == read.calibration.natural.brier
    assert list(advance(tmp_path, never, 1)) == epochs


def test_the_state_of_an_unfinished_run_has_the_parts_that_it_always_had(begin, tmp_path):
    epochs = list(advance(tmp_path, begin, 1, final=False))
    state = torch.load(tmp_path / "run.pt", weights_only=True)
    assert set(state) == {"epochs", "training"}
    assert [of["number"] for of in json.loads(state["epochs"])] == [of.number for of in epochs]
    assert set(state["training"]) == {"done", "model", "optimizer"}
