"""What goes wrong in the middle of an epoch: the state says what was handed out, and no worker is left."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import time

import pytest
from shown_indices import BAD, ProcessNumbers, Recorder, Samples, expected, indices, make, no_children
from torch.utils.data import get_worker_info
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter


def fail():
    raise OSError("cannot read")


def die():
    """Killed outright, once the batches before are on their way."""
    if get_worker_info() is not None:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)


def broken_off(loader, error, message):
    """What was handed out before the error; the state must say just that, and no worker may be left."""
    seen = []

    def train():
        for images, _ in loader:
            seen.extend(images[:, 0, 0, 0].tolist())

    with pytest.raises(error, match=message) as caught:
        train()
    assert no_children()  # though the traceback, which is still there, may hold the loader's frames
    assert caught.tb is not None
    assert loader.state_dict()["position"] == len(seen)
    assert seen == expected(loader, 0, len(seen))

    after = make()
    after.load_state_dict(loader.state_dict())
    assert seen + indices(after) == expected(after)
    return seen


@pytest.mark.parametrize("batch_size", [1, 4, 18])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_sample_that_cannot_be_read(workers, batch_size):
    loader = make(Samples(fail), batch_size=batch_size, num_workers=workers)
    first = expected(loader).index(BAD)
    seen = broken_off(loader, RuntimeError, f"sample {BAD}: OSError: cannot read")
    assert len(seen) == first // batch_size * batch_size


@pytest.mark.parametrize("method", ["recipes", "apply_recipes"])
def test_a_transform_that_fails(method):
    class Failing(Recorder):
        pass

    def raising(*arguments):
        raise ValueError("no such crop")

    setattr(Failing, method, raising)
    assert broken_off(make(augment=Failing(), num_workers=2), ValueError, "no such crop") == []


def test_after_an_error_the_state_is_not_that_of_the_epoch_before():
    samples = Samples()
    loader = make(samples, batch_size=18)
    list(loader)
    samples.fault = fail
    with pytest.raises(RuntimeError, match="cannot read"):
        list(loader)
    assert loader.state_dict()["position"] == 0


def test_a_worker_that_is_killed():
    loader = make(Samples(die), batch_size=2, num_workers=2)
    broken_off(loader, RuntimeError, r"DataLoader worker \(pid.*(killed by signal|exited unexpectedly)")


@pytest.mark.parametrize(
    "error", [ConnectionResetError(104, "reset"), EOFError(), FileNotFoundError(2, "none")]
)
def test_a_worker_that_is_killed_while_it_sends_a_batch(error, monkeypatch):
    loader, taken = make(num_workers=2), []

    def broken(iterator):
        if len(taken) == 2:
            raise error
        taken.append(iterator)
        return whole(iterator)

    whole = _MultiProcessingDataLoaderIter._next_data
    monkeypatch.setattr(_MultiProcessingDataLoaderIter, "_next_data", broken)
    with pytest.raises(RuntimeError, match=r"exited unexpectedly while it sent a batch: .*Error") as caught:
        list(loader)
    assert caught.value.__cause__ is error
    assert loader.state_dict()["position"] == 8
    assert no_children()


def end(loader):
    """Ends workers that stay, which would else last until a traceback that holds them is collected."""
    loader._source._loader._iterator._shutdown_workers()
    assert no_children()


class Once(Samples):
    """Calls ``fault`` in the first run only; ``flag`` is a file that says that it was called."""

    def __init__(self, fault, flag):
        super().__init__(lambda: (flag.touch(), fault()))
        self.flag = flag

    def __getitem__(self, index):
        if self.flag.exists():
            self.fault = None
        return super().__getitem__(index)


@pytest.mark.parametrize("fault", [fail, die])
def test_workers_that_stay_are_started_anew_after_a_fault(fault, tmp_path):
    loader = make(Once(fault, tmp_path / "flag"), batch_size=2, num_workers=2, persistent_workers=True)
    seen = broken_off(loader, RuntimeError, "cannot read|DataLoader worker")
    loader.load_state_dict(loader.state_dict())
    assert seen + indices(loader) == expected(loader)
    assert indices(loader) == expected(loader)
    end(loader)


def test_a_worker_that_is_killed_between_two_epochs():
    loader = make(ProcessNumbers(), num_workers=2, persistent_workers=True)
    workers = {number for _, labels in loader for number in labels.tolist()}
    with pytest.raises(RuntimeError, match="DataLoader worker"):  # here, or when the next epoch begins
        kill_and_iterate(workers.pop(), loader)
    assert no_children()
    assert indices(loader) == expected(loader)
    end(loader)


def kill_and_iterate(number, loader):
    try:
        os.kill(number, signal.SIGKILL)
        multiprocessing.connection.wait([p.sentinel for p in multiprocessing.active_children()], 60)
    finally:
        list(loader)


class Interrupted(Samples):
    """A worker that Ctrl-C reaches, as from a terminal."""

    def __getitem__(self, index):
        if index == BAD:
            os.kill(os.getpid(), signal.SIGINT)
        return super().__getitem__(index)


def test_an_interrupt_does_not_reach_the_workers():
    loader = make(Interrupted(), num_workers=1)
    assert indices(loader) == expected(loader)


class Note:
    def __init__(self, file):
        self.file = file

    def __call__(self, number):
        with self.file.open("a") as file:
            print(number, signal.getsignal(signal.SIGINT) == signal.SIG_IGN, file=file)


@pytest.mark.slow
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_the_start_of_a_worker_is_the_users_too(context, tmp_path):
    file = tmp_path / "started"
    loader = make(num_workers=2, multiprocessing_context=context, worker_init_fn=Note(file))
    assert indices(loader) == expected(loader)
    assert sorted(file.read_text().splitlines()) == ["0 True", "1 True"]


def test_an_interrupt_while_waiting_for_a_worker(monkeypatch):
    loader, waits = make(batch_size=2, num_workers=1), []

    def interrupted(iterator):
        waits.append(iterator)
        if len(waits) == 4:
            signal.raise_signal(signal.SIGINT)
        return wait(iterator)

    wait = _MultiProcessingDataLoaderIter._get_data
    monkeypatch.setattr(_MultiProcessingDataLoaderIter, "_get_data", interrupted)
    assert len(broken_off(loader, KeyboardInterrupt, None)) == 6


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupt_in_the_loop(workers):
    loader, seen = make(num_workers=workers), []

    def train():
        for images, _ in loader:
            seen.extend(images[:, 0, 0, 0].tolist())
            if len(seen) == 8:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train()
    assert no_children()
    assert loader.state_dict()["position"] == 8
    assert seen == expected(loader, 0, 8)


def test_leaving_the_loop_ends_the_workers():
    loader = make(num_workers=2)
    for _ in loader:
        break
    assert no_children()
    assert loader.state_dict()["position"] == 4
