"""A study that is killed outright, again and again, gives the report of one that nobody killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SEED = 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_study_killed_at_random_moments_gives_the_same_report(tmp_path, thorough):
    kills = 20 if thorough else 4
    script = Path(__file__).with_name("killed_study.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(kills), str(SEED)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == kills
    assert found["studies"] >= 1
    assert found["differ"] == []
