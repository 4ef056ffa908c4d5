"""Runs one step within its time limit, and copies its results while they grow."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 16 << 20  # the most bytes of a copied file
LOG = "log.txt"
LEAST_SECONDS = 5.0  # a step is not begun with less time
GRACE = 3.0  # seconds from asking a step to end to killing it
MARGIN = 6.0  # seconds between a step's own end, if it watches its time, and its limit


@dataclass(frozen=True)
class Step:
    """One step of a run.

    Attributes:
        seconds: the time limit.
        command: the arguments for Python; ``{out}`` is the path of the results, ``{seconds}`` the time in
            which the step must end by itself.
        results: the name of the JSON file. Its entry "headline", a list of lines, goes into the summary;
            without it, the last printed line does.
        tool: a program that the step needs.
        needs: packages that the step needs.
        small: options for a rehearsal.
    """

    name: str
    seconds: float
    command: str
    results: str | None = None
    tool: str | None = None
    needs: tuple[str, ...] = ()
    small: str = ""


class Workplace:
    """The folders of a run's results, and the start of its steps.

    Args:
        folder: the folder of the results.
        copies: a folder for copies of the results, or None.
        python: the command that runs Python.
        tools: folders of programs, searched before those of PATH.
        small: a rehearsal, in which a step may take all the time that is left.
    """

    def __init__(
        self, folder: Path, copies: Path | None, python: list[str], tools: list[Path], small: bool
    ) -> None:
        self.folder, self.copies, self.python, self.small = folder, copies, python, small
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOG).write_text("")
        paths = [ROOT, ROOT / "benchmarks", ROOT / "benchmarks/gpu", ROOT / "tests"]
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([*map(str, paths), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PATH": os.pathsep.join([*map(str, tools), os.environ.get("PATH", "")]),
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, step: Step, left: float) -> dict[str, Any]:
        """Runs a step and returns its row of the summary. Failures of the step raise no error."""
        limit = left if self.small else min(step.seconds, left)
        row: dict[str, Any] = {"step": step.name, "state": "skipped", "seconds": 0.0, "headline": []}
        missing = self._missing(step)
        if missing or limit < LEAST_SECONDS:
            row["headline"] = [f"not here: {', '.join(missing)}" if missing else "no time was left"]
            return row
        results = self.folder / step.results if step.results else None
        if results:
            results.unlink(missing_ok=True)  # the results of an earlier run
        own = max(1.0, limit - MARGIN)
        options = step.command.format(out=results, seconds=f"{own:.0f}").split()
        options += step.small.split() if self.small else []
        begun = time.monotonic()
        state, last_line = self._follow(step.name, [*self.python, *options], limit)
        row.update(state=state, seconds=round(time.monotonic() - begun, 1))
        row["headline"] = _headline(results) or [last_line]
        self.sync()
        return row

    def _missing(self, step: Step) -> list[str]:
        missing = [name for name in step.needs if importlib.util.find_spec(name) is None]
        if step.tool and shutil.which(step.tool, path=self.environment["PATH"]) is None:
            missing.append(step.tool)
        return missing

    def _follow(self, name: str, command: list[str], limit: float) -> tuple[str, str]:
        """Follows a step: its output goes to the log and the terminal. Returns its state and last line."""
        end = time.monotonic() + limit
        with (self.folder / LOG).open("ab") as log:
            log.write(f"\n=== {name}, at most {limit:.0f} s: {' '.join(command)}\n".encode())
            log.flush()
            begin = log.tell()
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.2)
                self.sync()
            state = "passed" if process.returncode == 0 else "failed"
            if process.returncode is None:
                state = "stopped"
                _end(process)
            _end_what_is_left(process)
        printed = (self.folder / LOG).read_bytes()[begin:].decode(errors="replace")
        sys.stdout.write(f"\n=== {name}\n{printed}")
        sys.stdout.flush()
        lines = [line for line in printed.splitlines() if line.strip()]
        return state, lines[-1].strip() if lines else "it printed nothing"

    def write(self, name: str, value: dict[str, Any]) -> None:
        (self.folder / name).write_text(json.dumps(value, indent=1) + "\n")
        self.sync()

    def sync(self) -> None:
        """Copies new results, so that they survive if the run is killed."""
        if self.copies is None:
            return
        # A failed copy, such as on a full disk, must not end the run.
        with contextlib.suppress(OSError):
            self.copies.mkdir(parents=True, exist_ok=True)
            for path in self.folder.iterdir():
                copy, now = self.copies / path.name, path.stat()
                if now.st_size > LARGEST:
                    continue
                if not copy.exists() or copy.stat().st_mtime_ns != now.st_mtime_ns:
                    shutil.copy2(path, copy)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a step and its child processes."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(GRACE)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _end_what_is_left(process: subprocess.Popen[bytes]) -> None:
    """Ends processes that a step has left behind, as they would disturb the next step."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _headline(results: Path | None) -> list[str]:
    try:
        return json.loads(results.read_text())["headline"] if results else []
    except (OSError, ValueError, KeyError):
        return []
