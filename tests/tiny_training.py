"""A training run on gloo or alone, for the tests in ``distributed``; a script as well: FOLDER and settings.

Everything is float64, so that the loss curves of different numbers of ranks can be compared closely. What a
draw was is told from its pixels, which its key makes its own. Faults are reached, never timed: a process that
comes to one says so through one named pipe, and waits at the other until it is killed or let go.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from leaving import end_process
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

import gpuaug

LABELS = [0] * 24 + [1] * 8 + [2] * 4
DRAWS, SEED = 72, 5  # whole for 2 and 4 ranks, also in the last batch
UNEVEN = [0] * 9 + [1] * 4 + [2] * 2  # 27 draws: whole for no number of ranks but 3
SIDE = 8
PIXELS = np.random.default_rng(0).integers(0, 256, (len(LABELS), SIDE, SIDE, 3), np.uint8)


def augmentation():
    steps = [gpuaug.RandomResizedCrop(SIDE), gpuaug.RandomHorizontalFlip(), gpuaug.SaltAndPepper(0.2)]
    return gpuaug.Compose([*steps, gpuaug.Normalize(0.5, 0.5)])


def name_of(image):
    return hashlib.blake2b(image.contiguous().numpy().tobytes(), digest_size=8).hexdigest()


class Samples:
    """``fault``: the sample at which a worker stops, in the folder ``pipes``."""

    def __init__(self, pipes=None, fault=None):
        self.pipes, self.fault = pipes, fault

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        if index == self.fault:
            reach(self.pipes)
        return PIXELS[index], LABELS[index]


def reach(pipes):
    """Says that this process has come here, and waits: for a signal, a byte, or the end of who listens."""
    with open(Path(pipes, "reached"), "w") as reached:
        print(os.getpid(), file=reached)
    with open(Path(pipes, "go"), "rb", buffering=0) as go:
        go.read(1)


class Half:
    """A file that a kill can find half written."""

    def __init__(self, file, pipes):
        self.file, self.pipes = file, pipes

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        reach(self.pipes)

    def flush(self):
        self.file.flush()


def save(state, path, wrap=lambda file: file):
    with open(f"{path}.new", "wb") as file:
        torch.save(state, wrap(file))
    os.replace(f"{path}.new", path)  # all or nothing: a kill before this leaves the older file


class Training:
    def __init__(self, folder, *, batch_size, seed=SEED, workers=0, resume=None, fault=None):
        self.folder, self.fault = Path(folder), fault or {}
        self.ranks = dist.get_world_size() if dist.is_initialized() else 1
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        samples = Samples(folder, self.fault.get("sample"))
        # Rank and number of ranks come from the process group.
        self.sampler = gpuaug.BalancedSampler(LABELS, seed=seed)
        options = {"num_workers": workers, "prefetch_factor": 3} if workers else {}
        self.loader = gpuaug.BalancedLoader(samples, self.sampler, augmentation(), batch_size, **options)
        torch.manual_seed(0)
        layers = [torch.nn.Flatten(), torch.nn.Linear(3 * SIDE * SIDE, 8), torch.nn.Tanh()]
        self.model = torch.nn.Sequential(*layers, torch.nn.Linear(8, 3)).double()
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.05, momentum=0.9)
        self.losses, self.seen = [], []
        if resume is not None:
            state = torch.load(resume)
            self.loader.load_state_dict(state["loader"])
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.losses, self.seen = state["losses"], state["seen"]
        self.learner = self.model if self.ranks == 1 else DistributedDataParallel(self.model)
        self.done = self.snapshot()
        self.stopped = False

    def snapshot(self):
        """The run after a step. A copy: an interrupt may come in the middle of the next step."""
        state = {"model": self.model, "optimizer": self.optimizer, "loader": self.loader}
        state = {name: part.state_dict() for name, part in state.items()}
        state["model"] = {name: value.clone() for name, value in state["model"].items()}
        copies = {
            number: {name: value.clone() for name, value in slots.items()}
            for number, slots in state["optimizer"]["state"].items()
        }
        state["optimizer"] = {**state["optimizer"], "state": copies}
        return {**state, "losses": [*self.losses], "seen": [*self.seen]}

    def step(self, images, labels):
        loss = torch.nn.functional.cross_entropy(self.learner(images.double()), labels)
        self.optimizer.zero_grad()
        loss.backward()
        shares, loss = [[name_of(image) for image in images]], loss.detach()
        if self.ranks > 1:
            mine, shares = shares[0], [None] * self.ranks
            dist.all_gather_object(shares, mine)
            dist.all_reduce(loss)
            loss = loss / self.ranks
        self.optimizer.step()
        self.losses.append(loss.item())
        self.seen += [name for turn in zip(*shares, strict=True) for name in turn]

    def run(self, epochs, keep=None, each=False):
        """``keep``: the step whose state goes to ``kept``. ``each``: a checkpoint after each step."""
        for epoch in range(self.sampler.epoch, epochs):
            self.loader.set_epoch(epoch)
            for images, labels in self.loader:
                if (self.rank, len(self.losses)) == (self.fault.get("rank"), self.fault.get("step")):
                    reach(self.folder)  # with a batch in hand that was not learnt
                self.step(images, labels)
                # One assignment: whatever interrupts, this is the run after this step, or before it.
                self.done = self.snapshot()
                if self.rank == 0 and len(self.losses) == keep:
                    save(self.done, self.folder / "kept")
                if self.rank == 0 and each:
                    half = len(self.losses) == self.fault.get("write")
                    wrap = (lambda file: Half(file, self.folder)) if half else (lambda file: file)
                    save(self.done, self.folder / "checkpoint", wrap)
                if self.stopped:
                    return self
        return self

    def stop(self, *_):
        self.stopped = True


def uneven():
    """This rank's part of an order that does not divide: with the first draws again, and without a tail."""
    samplers = [gpuaug.BalancedSampler(UNEVEN, drop_last=drop_last) for drop_last in (False, True)]
    return [[draw.tensor().tolist() for draw in sampler] for sampler in samplers]


def main(folder, settings):
    """``settings``: those of Training, of ``run``, and how it is left: "finally" or "handler"."""
    torch.set_num_threads(1)
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    leave = settings.pop("leave", None)
    plan = {name: settings.pop(name) for name in ("epochs", "keep", "each") if name in settings}
    again = settings.pop("again", None)
    training = Training(folder, **settings)
    Path(folder, f"rank{training.rank}.process").write_text(str(os.getpid()))
    if leave == "handler":
        signal.signal(signal.SIGINT, training.stop)
    try:
        training.run(**plan)
    finally:
        if leave:
            save(training.done, Path(folder, "checkpoint"))
    report = {
        "place": [training.sampler.rank, training.sampler.num_replicas],
        "losses": training.losses,
        "seen": training.seen,
        "uneven": uneven(),
    }
    if again is not None:
        resumed = Training(folder, **again).run(plan["epochs"])
        report |= {"again losses": resumed.losses, "again seen": resumed.seen}
    Path(folder, f"rank{training.rank}.json").write_text(json.dumps(report))
    if dist.is_initialized():
        end_process()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
