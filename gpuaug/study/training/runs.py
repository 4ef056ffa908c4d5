"""Runs on disk, so that a study that was stopped goes on where it was: of it only the epoch in progress is
lost, or, where the process was killed outright, ten seconds more.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from gpuaug.study.training.metrics import ClassScore, Score
from gpuaug.study.training.training import Epoch, Training

SECONDS_BETWEEN_SAVES = 10.0  # short epochs would else wait for the disk
# A result is their mean. Their confusion alone is kept: a study of a hundred classes would else be all that.
LAST_EPOCHS = 3


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
            _forget_confusion(epochs)
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


def run_folder(root: Path, arm: str, seed: int) -> Path:
    """Where a run's files lie.

    >>> run_folder(Path("runs"), "natural: crop + hflip", 3).as_posix()
    'runs/natural_crop_hflip-753295f7-3'
    """
    return root / f"{file_stem(arm)}-{seed}"


def file_stem(arm: str) -> str:
    """What the names of an arm's files begin with: the arm, readable, then a digest that tells it from arms
    that read alike.

    >>> file_stem("RandomRotation((-10, 0))"), file_stem("RandomRotation((10, 0))")
    ('RandomRotation_10_0_-65a43393', 'RandomRotation_10_0_-233c478d')
    """
    readable = re.sub(r"[^\w.]+", "_", arm)[:40]
    return f"{readable}-{hashlib.sha256(arm.encode()).hexdigest()[:8]}"


def replace_file(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file so that it is there as a whole, or as it was before."""
    part = path.with_name(f"{path.name}.part")
    write(part)
    os.replace(part, path)


def keep_plan(path: Path, plan: dict[str, Any]) -> None:
    """Write what all runs of a study depend on, or raise where what is there differs.

    Raises:
        ValueError: naming what differs, with both values.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, lambda part: part.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8"))
        return
    there = json.loads(path.read_text(encoding="utf-8"))
    wanted = json.loads(json.dumps(plan))
    for name in wanted:
        if there.get(name) != wanted[name]:
            raise ValueError(
                f"resume needs the study's own {name}: it was begun with {there.get(name)}, and is now given "
                f"{wanted[name]}"
            )


def _save(path: Path, state: dict[str, Any]) -> None:
    replace_file(path, lambda part: torch.save(state, part))


def _finish(folder: Path, epochs: list[Epoch]) -> None:
    """The epochs alone, in the place of the state."""
    replace_file(folder / "run.json", lambda part: part.write_text(_as_json(epochs), encoding="utf-8"))
    (folder / "run.pt").unlink(missing_ok=True)


def _as_json(epochs: list[Epoch]) -> str:
    return json.dumps([asdict(epoch) for epoch in epochs])


def _forget_confusion(epochs: list[Epoch]) -> None:
    if len(epochs) > LAST_EPOCHS:
        old = epochs[-1 - LAST_EPOCHS]
        epochs[-1 - LAST_EPOCHS] = replace(old, score=replace(old.score, confusion=()))


def _epochs(saved: list[dict[str, Any]]) -> list[Epoch]:
    return [Epoch(**{**epoch, "score": _score(epoch["score"])}) for epoch in saved]


def _score(saved: dict[str, Any]) -> Score:
    return Score(
        saved["accuracy"],
        tuple(ClassScore(**row) for row in saved["classes"]),
        tuple(map(tuple, saved["confusion"])),
    )
