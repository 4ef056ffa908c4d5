"""The files of a study: where those of a run or an arm lie, and how a file is replaced."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any


def run_folder(root: Path, arm: str, seed: int) -> Path:
    """The folder of a run's files.

    >>> run_folder(Path("runs"), "natural: crop + hflip", 3).as_posix()
    'runs/natural_crop_hflip-753295f7-3'
    """
    return root / f"{file_stem(arm)}-{seed}"


def file_stem(arm: str) -> str:
    """The beginning of the names of an arm's files: the arm, readable, then a digest that tells it from arms
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
