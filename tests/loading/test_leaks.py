"""Fifty epochs leave nothing behind: no file, thread, process, tensor or memory."""

import gc
import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

import gpuaug as ga

pytestmark = pytest.mark.slow

SIDE, COUNT, EPOCHS, WARM = 64, 24, 50, 8
LABELS = [0] * 18 + [1] * 6
EPOCH_BYTES = 36 * 3 * SIDE * SIDE * 4  # of the images that an epoch hands out


class Samples:
    def __init__(self):
        self.pixels = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8)

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        return self.pixels[index], {"label": LABELS[index], "name": str(index)}


def held():
    """Open files, tensors, threads and child processes."""
    gc.collect()
    tensors = sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())
    files = os.listdir("/proc/self/fd")
    return len(files), tensors, threading.active_count(), len(multiprocessing.active_children())


def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def shared():
    return {name for name in os.listdir("/dev/shm") if name.startswith(f"torch_{os.getpid()}_")}


def run(workers, persistent, left):
    """A script of its own, where nothing else opens files or takes memory."""
    torch.set_num_threads(1)
    sampler = ga.BalancedSampler(LABELS, seed=0)
    augment = ga.Compose([ga.RandomRotation(20), ga.ElasticTransform(), ga.Normalize(0.5, 0.5)])
    options = {"num_workers": workers, "persistent_workers": persistent}
    loader = ga.BalancedLoader(Samples(), sampler, augment, batch_size=9, **options)
    for epoch in range(WARM + EPOCHS):
        for number, _ in enumerate(loader):
            if left and number == 1:
                break
        del _
        if epoch == WARM - 1:
            before, size = held(), memory()
    after = held()
    assert after[2:] == (before[2], workers * persistent), (before, after)
    # Workers that stay have a few batches on their way; what an epoch leaves behind would be 50.
    assert all(now < then + 8 for now, then in zip(after[:2], before[:2], strict=True)), (before, after)
    grown = memory() - size
    # It goes up and down by a tenth of what the epochs make.
    assert grown < EPOCHS * EPOCH_BYTES // 4, (grown, EPOCHS * EPOCH_BYTES)
    del loader
    gc.collect()
    assert not multiprocessing.active_children()
    assert not shared()
    print(before, grown)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
@pytest.mark.parametrize(
    ("workers", "persistent", "left"),
    [(0, False, False), (2, False, False), (2, True, True)],
)
def test_fifty_epochs_leave_nothing_behind(workers, persistent, left):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, __file__, *(str(int(each)) for each in (workers, persistent, left))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


if __name__ == "__main__":
    workers, persistent, left = map(int, sys.argv[1:])
    run(workers, bool(persistent), bool(left))
