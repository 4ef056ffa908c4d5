"""The settings that a study shares with its continuation: the runs on disk are of them, and of no others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from gpuaug.ops import backends
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.training.files import replace_file
from gpuaug.study.training.training import Protocol

FILE = "plan.json"  # the name that it had in the studies of earlier versions


def looks_options(there: dict[str, Any]) -> str:
    """The options that give a study its looks.

    >>> looks_options({"looks": [3, 4, 6], "until": 0.02}), looks_options({"looks": None})
    ('--until 0.02 --seeds 3 --max-seeds 6', 'no --until')
    """
    looks = there.get("looks")
    if looks is None:
        return "no --until"
    return f"--until {there.get('until')} --seeds {looks[0]} --max-seeds {looks[-1]}"


# What to give, from the settings that a study was begun with.
OPTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "data": lambda there: "the same --data and --classes, and the same options of data and imbalance",
    "model": lambda there: f"--model {there.get('model')}",
    "epochs": lambda there: f"--epochs {there.get('epochs')}",
    "batch_size": lambda there: f"--batch-size {there.get('batch_size')}",
    "device": lambda there: f"--device {there.get('device')}",
    "threads": lambda there: f"--threads {there.get('threads')}",
    "first_seed": lambda there: f"--first-seed {there.get('first_seed')}",
    "looks": looks_options,
    "until": looks_options,
    "candidates": lambda there: "the same --candidates",
    "seeds": lambda there: f"--seeds {there.get('seeds')}",
    "search": lambda there: f"--search {there.get('search')}",
    "versions": lambda there: "those packages, or --overwrite in the place of --resume",
}


def run_settings(data: StudyData, protocol: Protocol) -> dict[str, Any]:
    """The settings that the result of a run depends on, besides its arm and seed."""
    return {
        "data": data.fingerprint(),
        "model": protocol.network,
        "epochs": protocol.epochs,
        "batch_size": protocol.batch_size,
        "device": torch.device(protocol.device).type,
        "threads": torch.get_num_threads(),
        "versions": {"gpuaug": backends.__version__, "torch": version("torch")},
    }


def keep_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Write the settings that all runs in a folder share; raise where the folder has other ones.

    Settings that the folder has besides are left as they are.

    Raises:
        ValueError: naming the setting that differs, with both values and the options to give.
    """
    file = folder / FILE
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(settings, indent=1) + "\n"
        replace_file(file, lambda part: part.write_text(text, encoding="utf-8"))
        return
    there = json.loads(file.read_text(encoding="utf-8"))
    wanted = json.loads(json.dumps(settings))
    for name in wanted:
        if there.get(name) != wanted[name]:
            raise ValueError(
                f"resume needs the study's own {name}: it was begun with {there.get(name)}, and is now given "
                f"{wanted[name]}; give {OPTIONS[name](there)}"
            )


def keep_arms(folder: Path, digests: Iterable[tuple[str, str]]) -> None:
    """Write the digests of arms beside the settings; raise where a run's name is that of another arm.

    Args:
        folder: has the settings already.
        digests: the name of each arm's runs, and its digest.

    Raises:
        ValueError: naming the first arm that differs.
    """
    file = folder / FILE
    there = json.loads(file.read_text(encoding="utf-8"))
    arms = dict(there.get("arms", {}))  # studies of earlier versions have none
    for name, digest in digests:
        if arms.setdefault(name, digest) != digest:
            raise ValueError(
                f"arms must be those of the runs in {folder}, and {name!r} is another: its draws, "
                "transforms, mix or loss differ; give it another name, or another folder"
            )
    if arms != there.get("arms", {}):
        text = json.dumps({**there, "arms": arms}, indent=1) + "\n"
        replace_file(file, lambda part: part.write_text(text, encoding="utf-8"))
