"""Runs the scripts of examples/ as a reader would: in a process of their own, away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Example = Callable[..., str]

# A thread of gloo's that outlived its group, now and then, on a busy machine: see tests/leaving.py. By then
# the script has printed everything.
GLOO_END = "terminate called without an active exception"


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Example:
    """Runs ``examples/<name>.py`` with these arguments; gives what it printed."""

    def run(name: str, *arguments: object, ranks: int = 1) -> str:
        script = request.config.rootpath / "examples" / f"{name}.py"
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
        command = [sys.executable, *(torchrun if ranks > 1 else []), script, *arguments]
        # One thread a process: the ranks share the cores. The path, as the processes start outside pytest.
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": "lo",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        done = subprocess.run(
            list(map(str, command)),
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=500,
        )
        ended = done.returncode == 0 or (ranks > 1 and GLOO_END in done.stderr)
        assert ended, done.stdout + done.stderr
        return done.stdout

    return run
