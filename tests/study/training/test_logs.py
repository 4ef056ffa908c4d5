"""Logs: the CSV file, and TensorBoard's."""

import csv

import pytest

from gpuaug.study.training import logs
from gpuaug.study.training.files import run_folder
from gpuaug.study.training.logs import TensorBoardLog, why_no_tensorboard, write_metrics
from gpuaug.study.training.metrics import ClassScore, Score
from gpuaug.study.training.rows import Epoch, Row


def epoch(number, accuracy):
    return Epoch(number, 0.5, Score(accuracy, (ClassScore(3, 0.25, 0.5, 0.75),)), 40, 1.23456)


def test_a_line_for_each_class(tmp_path):
    write_metrics(tmp_path / "metrics.csv", [Row("hflip, all", 1, epoch(2, 0.625))], ["cat"])
    with open(tmp_path / "metrics.csv", newline="") as file:
        header, *lines = csv.reader(file)
    names = (
        "arm seed epoch loss accuracy class support recall precision f1 auroc average_precision draws seconds"
    )
    assert header == names.split()
    assert lines == [
        ["hflip, all", "1", "2", "0.5", "0.625", "cat", "3", "0.25", "0.5", "0.75", "", "", "40", "1.2346"]
    ]


def test_why_there_is_no_tensorboard_log(monkeypatch):
    monkeypatch.setattr(logs, "find_spec", lambda name: None)
    assert why_no_tensorboard() == "no TensorBoard log: the package tensorboard is not installed"


def test_tensorboard_has_every_epoch_once(tmp_path):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard"
    )
    for last in (2, 3):  # a study that stopped after two epochs, and then went on
        log = TensorBoardLog(tmp_path, ["cat"])
        for number in range(1, last + 1):
            log.add("hflip", 0, epoch(number, number / 8))
        log.close()
    events = accumulator.EventAccumulator(str(run_folder(tmp_path, "hflip", 0))).Reload()
    assert [(of.step, of.value) for of in events.Scalars("accuracy")] == [(1, 0.125), (2, 0.25), (3, 0.375)]
    assert [of.value for of in events.Scalars("recall/cat")] == [0.25] * 3
