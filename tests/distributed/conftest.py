"""Training runs in processes of their own, their pipes, and what an undisturbed run would be."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_training
import torch

import gpuaug

SCRIPT = Path(tiny_training.__file__)
PATIENCE = 240  # seconds for anything at all: far beyond need, and below the limit of a test


class Run:
    """A training script that runs: in ``folder``, with ``ranks`` under torchrun where there are several."""

    def __init__(self, folder: Path, ranks: int = 1, **settings: Any) -> None:
        self.folder = folder
        folder.mkdir()
        self._pipes = {}
        for name in ("reached", "go"):
            os.mkfifo(folder / name)
            # For both ways, so that it opens at once, and ends only with this process.
            self._pipes[name] = os.open(folder / name, os.O_RDWR | os.O_NONBLOCK)
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
        command = [sys.executable, *(launcher if ranks > 1 else []), SCRIPT, folder, json.dumps(settings)]
        self._output = open(folder / "output", "w+")  # noqa: SIM115  # as long as the run
        self.process = subprocess.Popen(
            list(map(str, command)),
            # One thread a process: the ranks share the cores. The path, as it starts outside pytest.
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "GLOO_SOCKET_IFNAME": "lo",
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
            cwd=folder,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a terminal's Ctrl-C goes to a group of processes: this one
        )
        self._watched = {self.process.pid: os.pidfd_open(self.process.pid)}

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()

    def reached(self) -> int:
        """The process that came to its fault. It waits there."""
        end = self._watched[self.process.pid]
        ready, _, _ = select.select([self._pipes["reached"], end], [], [], PATIENCE)
        assert self._pipes["reached"] in ready, f"ended, or lasted, before its fault: {self.output}"
        number = int(os.read(self._pipes["reached"], 99))
        self.watch(number)
        return number

    def watch(self, *numbers: int) -> None:
        """Processes that must have ended when the run has."""
        self._watched |= {number: os.pidfd_open(number) for number in numbers if number not in self._watched}

    def kill(self, number: int) -> None:
        """A process that is watched: no other can have got its number."""
        signal.pidfd_send_signal(self._watched[number], signal.SIGKILL)

    def go_on(self) -> None:
        os.write(self._pipes["go"], b"!")

    def interrupt(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self) -> int:
        """The exit status, once all processes that are watched have ended."""
        status = self.process.wait(PATIENCE)
        left, until = set(self._watched.values()), time.monotonic() + PATIENCE
        while left and time.monotonic() < until:
            left -= set(select.select(left, [], [], until - time.monotonic())[0])
        assert not left, f"processes that did not end: {self.output}"
        return status

    def reports(self) -> list[dict[str, Any]]:
        assert self.ended() == 0, self.output
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("rank*.json"))]

    def close(self) -> None:
        """Ends what a failed test has left."""
        for number, process in self._watched.items():
            if number != self.process.pid and not select.select([process], [], [], 0)[0]:
                self.kill(number)
        if self.process.poll() is None:
            self.process.terminate()  # torchrun ends its ranks first
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for descriptor in (*self._watched.values(), *self._pipes.values()):
            os.close(descriptor)
        self._output.close()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Starts a run; those that a failed test leaves are ended."""
    runs: list[Run] = []

    def start(*arguments: Any, **settings: Any) -> Run:
        runs.append(Run(tmp_path_factory.mktemp("runs") / "run", *arguments, **settings))
        return runs[-1]

    yield start
    for run in runs:
        run.close()


def order(epochs: int) -> list[str]:
    """The draws of ``epochs`` by name, in the global order, made one at a time without a loader."""
    sampler = gpuaug.BalancedSampler(tiny_training.LABELS, seed=tiny_training.SEED, num_replicas=1, rank=0)
    augment, names = tiny_training.augmentation(), []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        for draw in sampler.draws():
            image = torch.from_numpy(tiny_training.PIXELS[draw[0]]).permute(2, 0, 1)
            names.append(tiny_training.name_of(augment(image[None], draw[None])[0]))
    assert len(set(names)) == len(names) == epochs * tiny_training.DRAWS  # a name is a draw
    return names


@pytest.fixture(scope="session")
def whole_order() -> list[str]:
    return order(3)
