"""What the tests of frameworks share: a training script in several processes, and what each process drew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Scripts, not tests: they import a framework that may be absent.
collect_ignore = ["evaluate_lightning.py", "train_accelerate.py", "train_lightning.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:  # of all folders
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("frameworks")


Run = Callable[..., list[Any]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs ``script`` with a folder and more arguments; gives what its ranks wrote there, by rank."""

    def run(script: str, *arguments: object, launcher: tuple[str, ...] = ()) -> list[Any]:
        folder = tmp_path / "-".join(map(str, arguments)).replace("/", "_")
        folder.mkdir()
        command = [sys.executable, *launcher, str(Path(__file__).with_name(script)), folder, *arguments]
        # One thread a process: the ranks share the cores. The path, as the processes start outside pytest.
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        done = subprocess.run(
            list(map(str, command)),
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(path.read_text()) for path in sorted(folder.glob("rank*.json"))]

    return run
