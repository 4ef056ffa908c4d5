"""Runs on disk, so that a study that was stopped goes on where it was: of it only the epoch in progress is
lost, or, where the process was killed outright, ten seconds more.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from gpuaug.study.training.calibration import Calibration
from gpuaug.study.training.evaluation import Calibrations, Evaluation
from gpuaug.study.training.files import replace_file
from gpuaug.study.training.metrics import ClassScore, Score
from gpuaug.study.training.rows import LAST_EPOCHS, Epoch
from gpuaug.study.training.training import Training

SECONDS_BETWEEN_SAVES = 10.0  # short epochs would else wait for the disk


def advance(
    folder: Path, begin: Callable[[], Training], until: int, *, final: bool = True
) -> Iterator[Epoch]:
    """The epochs 1 to ``until`` of a run: first what the folder has, then what is trained now.

    Args:
        folder: the run's own. While it trains, it holds ``run.pt`` (all epochs so far, weights, optimiser),
            written every ten seconds at most, and when the run is interrupted; once a final run is over,
            ``run.json`` alone.
        begin: makes the run's training; called only where there is something left to train.
        until: the last epoch.
        final: whether nothing comes after ``until``. Otherwise the weights stay, for a later call.
    """
    finished, state = folder / "run.json", folder / "run.pt"
    if finished.exists():
        yield from _epochs(json.loads(finished.read_text(encoding="utf-8")))[:until]
        return
    saved = torch.load(state, weights_only=True) if state.exists() else None
    epochs = _epochs(json.loads(saved["epochs"])) if saved else []
    if final and len(epochs) >= until:
        _finish(folder, epochs)
    yield from epochs[:until]
    if len(epochs) >= until:
        return
    training = begin()
    if saved:
        training.load_state_dict(saved["training"])
    folder.mkdir(parents=True, exist_ok=True)
    unsaved, when = None, time.monotonic()
    try:
        while len(epochs) < until:
            epochs.append(training.epoch())
            _forget_images(epochs)
            if final and len(epochs) == until:
                unsaved = None
                _finish(folder, epochs)
            else:
                # A copy: an interrupt comes when the next epoch has already changed the weights.
                unsaved = copy.deepcopy({"epochs": _as_json(epochs), "training": training.state_dict()})
                if time.monotonic() - when >= SECONDS_BETWEEN_SAVES:
                    _save(state, unsaved)
                    unsaved, when = None, time.monotonic()
            yield epochs[-1]
    finally:
        if unsaved is not None:
            _save(state, unsaved)


def _save(path: Path, state: dict[str, Any]) -> None:
    replace_file(path, lambda part: torch.save(state, part))


def _finish(folder: Path, epochs: list[Epoch]) -> None:
    """The epochs alone, in the place of the state."""
    replace_file(folder / "run.json", lambda part: part.write_text(_as_json(epochs), encoding="utf-8"))
    (folder / "run.pt").unlink(missing_ok=True)


def _as_json(epochs: list[Epoch]) -> str:
    return json.dumps([asdict(epoch) for epoch in epochs], allow_nan=False)


def _forget_images(epochs: list[Epoch]) -> None:
    """Keep confusion and predictions of the last epochs alone: they would be most of the file."""
    if len(epochs) > LAST_EPOCHS:
        old = epochs[-1 - LAST_EPOCHS]
        readings = {name: replace(of, score=_plain(of.score)) for name, of in old.readings.items()}
        epochs[-1 - LAST_EPOCHS] = replace(old, score=_plain(old.score), readings=readings)


def _plain(score: Score) -> Score:
    return replace(score, confusion=(), predicted="")


def _epochs(saved: list[dict[str, Any]]) -> list[Epoch]:
    return [_epoch(epoch) for epoch in saved]


def _epoch(saved: dict[str, Any]) -> Epoch:
    readings = {
        name: Evaluation(_score(of["score"]), _calibrations(of["calibration"]))
        for name, of in saved.get("readings", {}).items()
    }
    read = {
        "score": _score(saved["score"]),
        "calibration": _calibrations(saved.get("calibration")),  # runs of earlier versions have none
        "readings": readings,
    }
    return Epoch(**{**saved, **read})


def _calibrations(saved: dict[str, Any] | None) -> Calibrations | None:
    if saved is None:
        return None
    return Calibrations(**{name: Calibration(**of) for name, of in saved.items()})


def _score(saved: dict[str, Any]) -> Score:
    return Score(
        saved["accuracy"],
        tuple(ClassScore(**row) for row in saved["classes"]),
        tuple(map(tuple, saved["confusion"])),
        saved.get("predicted", ""),  # studies of earlier versions have none
    )
