"""What workers see and send: their random numbers, their data set, and the files that batches hold open."""

import copy
import gc
import os
import pickle
import random
import resource
import select
import signal
import socket
import subprocess
import sys
from multiprocessing import resource_sharer

import numpy as np
import pytest
import torch
from shown_indices import LABELS, Samples, expected, indices, make, no_children
from torch.utils.data import get_worker_info

import gpuaug as ga
from gpuaug import BalancedSampler
from gpuaug.loading import WithDraws
from gpuaug.loading.worker import interrupts_later, mixed, show_error

pytestmark = pytest.mark.slow


class Noisy(Samples):
    """The label is one random number of each of three generators."""

    def __getitem__(self, index):
        numbers = [random.random(), np.random.rand(), torch.rand(()).item()]
        return super().__getitem__(index)[0], torch.tensor(numbers, dtype=torch.float64)


def noise(loader):
    return torch.cat([numbers for _, numbers in loader])


def noisy(seed=1, *, epoch=0, rank=0, ranks=1, workers=2, batch_size=4, **options):
    sampler = BalancedSampler(LABELS, seed=seed, num_replicas=ranks, rank=rank)
    sampler.set_epoch(epoch)
    return make(Noisy(), None, batch_size, sampler=sampler, num_workers=workers, **options)


# ---- Random numbers


def test_equal_runs_have_equal_random_numbers():
    first = noise(noisy())
    assert torch.equal(noise(noisy()), first)
    assert torch.equal(noise(noisy(workers=1)), first)
    assert torch.equal(noise(noisy(persistent_workers=True)), first)
    # Of each generator, every number is another one.
    assert all(len(set(column.tolist())) == len(first) for column in first.T)


@pytest.mark.parametrize("other", [{"seed": 2}, {"epoch": 1}, {"ranks": 2, "rank": 1}])
def test_other_runs_have_other_random_numbers(other):
    mine, theirs = noise(noisy()), noise(noisy(**other))
    assert not set(mine.flatten().tolist()) & set(theirs.flatten().tolist())


def test_ranks_have_random_numbers_of_their_own():
    shares = [noise(noisy(ranks=2, rank=rank)).flatten().tolist() for rank in range(2)]
    assert not set(shares[0]) & set(shares[1])


@pytest.mark.parametrize("persistent", [False, True])
def test_a_resume_has_the_random_numbers_of_the_run_that_it_continues(persistent):
    run = noisy(persistent_workers=persistent)
    epochs = []
    for epoch in range(3):
        run.set_epoch(epoch)
        epochs.append(noise(run))
    assert not set(epochs[0].flatten().tolist()) & set(epochs[2].flatten().tolist())
    resumed = noisy(persistent_workers=persistent)
    resumed.load_state_dict({**run.state_dict(), "epoch": 2, "position": 8})
    assert torch.equal(noise(resumed), epochs[2][8:])


class Seeds(Samples):
    def __getitem__(self, index):
        return super().__getitem__(index)[0], get_worker_info().seed


def test_the_seed_that_a_worker_is_told_changes_with_the_iteration():
    seen = []
    for ranks, rank in ((1, 0), (2, 0), (2, 1)):
        sampler = BalancedSampler(LABELS, seed=1, num_replicas=ranks, rank=rank)
        loader = make(Seeds(), sampler=sampler, num_workers=2)
        for epoch in range(2):
            for position in (0, 6):
                loader.load_state_dict({**loader.state_dict(), "epoch": epoch, "position": position})
                seen.append(frozenset(int(seed) for _, seeds in loader for seed in seeds))
    assert {len(seeds) for seeds in seen} == {2}
    # Rank 0 of 1 and of 2 begin alike.
    assert len(set().union(*seen)) == 2 * 8
    assert seen[:4] == seen[4:8]


def test_without_workers_the_generators_of_the_process_are_used():
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    first = noise(noisy(workers=0))
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    assert torch.equal(noise(noisy(workers=0)), first)
    assert not torch.equal(noise(noisy(workers=0)), first)


def test_mixed_numbers_are_seeds():
    seeds = {mixed(a, b) for a in range(30) for b in range(30)}
    assert len(seeds) == 900
    assert all(0 <= seed < 1 << 63 for seed in seeds)


# ---- Two iterations at a time


@pytest.mark.parametrize("persistent", [False, True])
def test_two_iterations_at_a_time(persistent):
    loader = make(num_workers=2, persistent_workers=persistent)
    whole = expected(loader)
    outer = []
    for number, (images, _) in enumerate(loader):
        outer += images[:, 0, 0, 0].tolist()
        if number == 1:
            assert indices(loader) == whole
    assert outer == whole
    loader.set_epoch(0)
    pairs = [
        (a[:, 0, 0, 0].tolist(), b[:, 0, 0, 0].tolist())
        for (a, _), (b, _) in zip(loader, loader, strict=True)
    ]
    assert [index for batch, _ in pairs for index in batch] == whole
    assert all(a == b for a, b in pairs)
    loader.set_epoch(0)
    assert indices(loader) == whole
    del loader
    gc.collect()
    assert no_children()


def test_an_iterator_that_is_kept_does_not_spoil_the_next():
    loader = make(num_workers=1, persistent_workers=True)
    kept = iter(loader)
    first = next(kept)[0][:, 0, 0, 0].tolist()
    assert indices(loader) == expected(loader)
    assert first + [i for images, _ in kept for i in images[:, 0, 0, 0].tolist()] == expected(loader)
    del loader, kept
    gc.collect()
    assert no_children()


# ---- The data set, copies


class Told(Samples):
    """What ``worker_init_fn`` did to the data set."""

    told = -1

    def __getitem__(self, index):
        return super().__getitem__(index)[0], self.told


def tell(number):
    dataset = get_worker_info().dataset
    assert isinstance(dataset, (Told, WithDraws)), type(dataset)
    getattr(dataset, "dataset", dataset).told = number


@pytest.mark.slow
@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.parametrize("wrap", [lambda samples: samples, WithDraws], ids=["plain", "wrapped"])
def test_worker_init_fn_sees_the_user_s_data_set(context, wrap):
    loader = make(wrap(Told()), num_workers=2, worker_init_fn=tell, multiprocessing_context=context)
    assert {label for _, labels in loader for label in labels.tolist()} == {0, 1}


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("persistent", [False, True])
def test_a_copy_while_workers_live_is_refused(take, persistent):
    loader = make(num_workers=1, persistent_workers=persistent)
    take(loader)
    iterator = iter(loader)
    next(iterator)
    with pytest.raises(RuntimeError, match=r"cannot be pickled or copied while its workers run"):
        take(loader)
    del iterator
    if not persistent:
        take(loader)


@pytest.mark.parametrize("take", [copy.deepcopy, lambda loader: pickle.loads(pickle.dumps(loader))])
def test_a_copy_goes_on_by_itself(take):
    loader = make(num_workers=1)
    loader.load_state_dict({**loader.state_dict(), "position": 8})
    other = take(loader)
    assert indices(other) == expected(loader, 8)
    assert loader.state_dict()["position"] == 8
    assert indices(loader) == expected(loader, 8)


# ---- Files


class Many:
    def __len__(self):
        return 1000

    def __getitem__(self, index):
        target = {"label": torch.tensor([index % 2]), "more": [torch.tensor(0.5)], "name": str(index)}
        return torch.full((1, 2, 2), index % 256, dtype=torch.uint8), index % 2, target


def keep_labels():
    """Keeps the labels of many batches with few files to open; a script of its own."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    sampler = BalancedSampler([index % 2 for index in range(1000)])
    for augment in (None, ga.RandomHorizontalFlip()):
        loader = ga.BalancedLoader(Many(), sampler, augment, batch_size=4, num_workers=2)
        kept = [(labels, target) for _, labels, target in loader]
        assert len(kept) == 250
        index = torch.tensor([int(name) for _, target in kept for name in target["name"]])
        assert torch.equal(index, sampler.draws()[:, 0])
        assert torch.equal(torch.cat([labels for labels, _ in kept]), index % 2)
        assert torch.equal(torch.cat([target["label"] for _, target in kept]).flatten(), index % 2)
    open_now = len(os.listdir("/proc/self/fd"))
    assert open_now < 64, open_now


@pytest.mark.slow
def test_labels_that_are_kept_hold_no_files():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


class Long(Samples):
    """Labels of more than a megabyte in a batch, which go through shared memory."""

    def __getitem__(self, index):
        return super().__getitem__(index)[0], torch.full((1 << 17,), index, dtype=torch.float32)


def test_long_labels_arrive():
    loader = make(Long(), num_workers=2)
    labels = torch.cat([labels[:, ::1000] for _, labels in loader])
    assert labels.shape == (18, 132)
    assert torch.equal(labels, torch.tensor(expected(loader))[:, None].expand(-1, 132).float())


class Odd(Samples):
    """Types that NumPy has not, strides and nothing at all."""

    def __getitem__(self, index):
        parts = (
            torch.full((3,), index).bfloat16(),
            torch.arange(12).view(3, 4).T[1:],
            torch.zeros(0, 5),
            torch.tensor(True),
            torch.tensor(1 + 2j),
            np.arange(6)[::-2],
        )
        return (super().__getitem__(index)[0], *parts)


def test_odd_tensors_arrive():
    here, there = make(Odd(), batch_size=18), make(Odd(), batch_size=18, num_workers=1)
    for (_, *own), (_, *wanted) in zip(there, here, strict=True):
        assert [(part.dtype, part.shape) for part in own] == [(part.dtype, part.shape) for part in wanted]
        assert all(torch.equal(a, b) for a, b in zip(own, wanted, strict=True))
    assert own[5].tolist() == [[5, 3, 1]] * 18


# ---- Ctrl-C while workers start


def test_a_training_process_that_hangs_up_is_no_error_of_a_worker(monkeypatch):
    """Whoever hands on a tensor's memory is asked for it through a socket."""
    shown, called = [], []

    def note(*error):
        called.append(error[0])
        show_error(*error, show=lambda *shown_error: shown.append(shown_error))

    monkeypatch.setattr(sys, "excepthook", note)
    read, write = os.pipe()
    shared = resource_sharer.DupFd(read)
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(shared._id[0])
        select.select([line], [], [])  # the challenge has come, and nobody reads it
    os.close(shared.detach())  # the one asked serves one after another
    assert [issubclass(kind, (ConnectionError, EOFError)) for kind in called] == [True]
    assert shown == []
    os.close(read), os.close(write)
    fault = ConnectionError("of the data set")
    show_error(ConnectionError, fault, None, show=lambda *error: shown.append(error))
    assert shown == [(ConnectionError, fault, None)]


def test_an_interrupt_waits_for_the_end():
    before, reached = signal.getsignal(signal.SIGINT), []

    def interrupted():
        with interrupts_later():
            signal.raise_signal(signal.SIGINT)
            reached.append(True)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with interrupts_later():
        pass


if __name__ == "__main__":
    keep_labels()
