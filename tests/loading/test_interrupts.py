"""Ctrl-C while workers start: it reaches the loop alone, as what it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from shown_indices import make, no_children
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

pytestmark = [pytest.mark.slow, pytest.mark.processes]

SCRIPT = Path(__file__).with_name("interrupted_starts.py")
ROUNDS = {"fork": 20, "spawn": 10, "forkserver": 10}  # the last two import torch in every worker
FEW = {**ROUNDS, "spawn": 3, "forkserver": 3}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("method", ROUNDS)
def test_an_interrupt_at_any_moment(method, tmp_path, thorough):
    rounds = (ROUNDS if thorough else FEW)[method]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), method, str(rounds)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=880,
        start_new_session=True,  # its own group of processes, as in a terminal
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == [], done.stderr[-3000:]
    assert "Traceback" not in done.stderr, done.stderr[-3000:]


def test_an_interrupt_when_nothing_but_the_mark_of_the_end_is_set(monkeypatch):
    whole = _MultiProcessingDataLoaderIter._shutdown_workers
    interrupts = [KeyboardInterrupt]

    def end(iterator):
        if not iterator._shutdown and interrupts:
            iterator._shutdown = True
            raise interrupts.pop()
        whole(iterator)

    monkeypatch.setattr(_MultiProcessingDataLoaderIter, "_shutdown_workers", end)
    with pytest.raises(KeyboardInterrupt):
        list(make(num_workers=2, multiprocessing_context="fork"))
    assert not interrupts
    assert no_children()
