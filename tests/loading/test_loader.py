"""The loader: batches, epochs, states, and what goes wrong in the middle of one."""

import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import time

import numpy as np
import pytest
import torch
from torch.utils.data import SequentialSampler, get_worker_info
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from gpuaug import BalancedSampler
from gpuaug.loading import BalancedLoader, DeviceDataset, WithDraws
from gpuaug.transforms import (
    Transform,
)

LABELS = [0] * 9 + [1] * 3  # 18 draws an epoch
BAD = 10


class Samples:
    """Constant images that show their index. ``fault``, if any, is called when sample ``BAD`` is read."""

    def __init__(self, fault=None):
        self.fault = fault

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        if index == BAD and self.fault is not None:
            self.fault()
        return np.full((3, 4, 3), index, np.uint8), LABELS[index]


def fail():
    raise OSError("cannot read")


def die():
    """Killed outright, once the batches before are on their way."""
    if get_worker_info() is not None:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)


def interrupt():
    """Ctrl-C for the parent, once it has had the time to be waiting for this batch."""
    time.sleep(0.3)
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(0.5)


def make(dataset=None, augment=None, batch_size=4, *, sampler=None, **options):
    return BalancedLoader(
        Samples() if dataset is None else dataset,
        BalancedSampler(LABELS, seed=1) if sampler is None else sampler,
        augment,
        batch_size,
        **options,
    )


def resident():
    return DeviceDataset.from_dataset(Samples())


def indices(loader):
    """The samples of an epoch in order, as their pixels show them."""
    return [index for images, _ in loader for index in images[:, 0, 0, 0].tolist()]


def expected(loader, start=0, stop=None):
    return loader.sampler.draws(start, stop)[:, 0].tolist()


def no_children():
    return multiprocessing.active_children() == []


# ---- Batches


@pytest.mark.parametrize("options", [{}, {"num_workers": 2}], ids=["here", "workers"])
@pytest.mark.parametrize("wrap", [lambda samples: samples, WithDraws], ids=["plain", "wrapped"])
def test_without_a_transform_the_bytes_come_as_they_are(wrap, options):
    check_bytes(make(wrap(Samples()), **options))


def test_without_a_transform_the_bytes_come_as_they_lie():
    check_bytes(make(resident()))


def check_bytes(loader):
    batches = list(loader)
    assert [tuple(images.shape) for images, _ in batches] == [(4, 3, 3, 4)] * 4 + [(2, 3, 3, 4)]
    assert all(images.dtype == torch.uint8 for images, _ in batches)
    assert indices(loader) == expected(loader)
    assert torch.cat([labels for _, labels in batches]).tolist() == [LABELS[i] for i in expected(loader)]


class Recorder(Transform):
    """Keeps what it is given, and changes nothing."""

    def __init__(self):
        super().__init__()
        self.made, self.applied = [], []

    def recipes(self, draws, source, index=None):
        self.made.append((draws, source, index))
        return ("recipes", len(draws))

    def apply_recipes(self, images, passes):
        self.applied.append((images, passes))
        return torch.zeros(passes[1])


@pytest.mark.parametrize("kind", ["decoded", "resident"])
def test_what_the_transform_is_given(kind):
    recorder = Recorder()
    dataset = resident() if kind == "resident" else Samples()
    loader = make(dataset, recorder, 8)
    assert [len(images) for images, _ in loader] == [8, 8, 2]
    assert torch.equal(torch.cat([draws for draws, _, _ in recorder.made]), loader.sampler.draws())
    for (draws, shape, index), (images, passes) in zip(recorder.made, recorder.applied, strict=True):
        assert passes == ("recipes", len(draws))
        assert shape == tuple(images.shape)
        if kind == "resident":
            assert images is dataset.images
            assert torch.equal(index, draws[:, 0])
        else:
            assert images[:, 0, 0, 0].tolist() == draws[:, 0].tolist()
            assert index is None


@pytest.mark.parametrize(
    ("batch_size", "drop_last", "count"), [(4, False, 5), (4, True, 4), (18, True, 1), (64, False, 1)]
)
def test_length(batch_size, drop_last, count):
    loader = make(batch_size=batch_size, drop_last=drop_last)
    assert len(loader) == count == len(list(loader))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_is_repeated_until_another_is_set(workers):
    loader = make(num_workers=workers)
    first = indices(loader)
    assert indices(loader) == first
    loader.set_epoch(0)
    assert indices(loader) == first
    loader.set_epoch(1)
    second = indices(loader)
    assert second == expected(loader)
    assert second != first


def test_ranks_share_the_epoch():
    shares = [indices(make(sampler=BalancedSampler(LABELS, num_replicas=3, rank=rank))) for rank in range(3)]
    together = [index for trio in zip(*shares, strict=True) for index in trio]
    assert together == BalancedSampler(LABELS).draws()[:, 0].tolist()


@pytest.mark.parametrize("workers", [0, 2])
def test_the_global_generators_are_left_alone(workers):
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    list(make(num_workers=workers))
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)


class ProcessNumbers(Samples):
    def __getitem__(self, index):
        return super().__getitem__(index)[0], os.getpid()


@pytest.mark.parametrize("persistent", [True, False])
def test_workers_stay_only_where_asked(persistent):
    loader = make(ProcessNumbers(), num_workers=1, persistent_workers=persistent)
    first = next(iter(loader))[1].unique().item()  # left in the middle
    second = {number for _, labels in loader for number in labels.tolist()}
    assert (second == {first}) == persistent
    assert os.getpid() not in second
    del loader
    assert no_children()


def test_spawned_workers():
    loader = make(num_workers=1, multiprocessing_context="spawn")
    assert indices(loader) == expected(loader)


# ---- States


@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize("kind", ["here", "workers", "resident"])
def test_the_state_counts_what_was_handed_out(kind, ranks):
    loader = make(
        resident() if kind == "resident" else Samples(),
        sampler=BalancedSampler(LABELS, num_replicas=ranks, rank=0),
        num_workers=2 if kind == "workers" else 0,
    )
    assert loader.state_dict()["position"] == 0
    for number, _ in enumerate(loader, start=1):
        state = loader.state_dict()
        assert state["position"] == min(4 * number * ranks, 18)
        assert json.loads(json.dumps(state)) == state
        if kind == "workers" and number == 1:
            assert loader.sampler.state_dict()["position"] > state["position"]  # fetched ahead
    assert state["position"] == 18
    loader.set_epoch(1)
    assert (loader.state_dict()["epoch"], loader.state_dict()["position"]) == (1, 0)


def test_a_state_of_the_end_gives_an_empty_rest():
    done = make()
    list(done)
    loader = make()
    loader.load_state_dict(done.state_dict())
    assert indices(loader) == []
    assert loader.state_dict()["position"] == 18
    loader.set_epoch(1)
    assert indices(loader) == expected(loader)


@pytest.mark.parametrize("where", ["loader", "sampler"])
def test_the_iteration_after_a_resumed_one_begins_at_0(where):
    loader = make()
    owner = loader if where == "loader" else loader.sampler
    owner.load_state_dict({**loader.state_dict(), "epoch": 2, "position": 7})
    assert loader.state_dict()["position"] == 7
    assert indices(loader) == expected(loader, 7)
    assert indices(loader) == expected(loader)


def test_a_state_of_other_labels_is_refused():
    other = BalancedSampler([1 - label for label in LABELS], seed=1)
    with pytest.raises(ValueError, match="same labels, plan, seed and version"):
        make().load_state_dict(other.state_dict())


# ---- Faults in the middle of an epoch


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
    with pytest.raises(RuntimeError, match=r"a DataLoader worker exited unexpectedly, .*Error") as caught:
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


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_the_start_of_a_worker_is_the_users_too(context, tmp_path):
    file = tmp_path / "started"
    loader = make(num_workers=2, multiprocessing_context=context, worker_init_fn=Note(file))
    assert indices(loader) == expected(loader)
    assert sorted(file.read_text().splitlines()) == ["0 True", "1 True"]


def test_an_interrupt_while_waiting_for_a_worker():
    broken_off(make(Samples(interrupt), batch_size=2, num_workers=1), KeyboardInterrupt, None)


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


# ---- Faults when it is built


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sampler": SequentialSampler(LABELS)}, TypeError, "BalancedSampler or RepeatFactorSampler, got"),
        ({"augment": torch.nn.Identity()}, TypeError, "gpuaug transform, such as .* got Identity"),
        ({"augment": Transform}, TypeError, "gpuaug transform, such as .* got type"),
        ({"dataset": [0]}, ValueError, "got 1 in the data set and 12 labels in the sampler"),
        ({"dataset": iter([0])}, TypeError, "dataset must be map-style"),
        ({"batch_size": 0}, ValueError, "batch_size should be a positive integer"),
        ({"num_workers": -1}, ValueError, "num_workers option should be non-negative"),
        ({"prefetch_factor": 2}, ValueError, "prefetch_factor"),
        ({"dataset": "resident", "num_workers": 2}, ValueError, "num_workers must not be given"),
        ({"dataset": "resident", "timeout": 3}, ValueError, "timeout must not be given with a DeviceDataset"),
        ({"dataset": "meta"}, RuntimeError, "device must be a CPU or CUDA device, got meta"),
        ({"dataset": "meta", "device": "cpu"}, RuntimeError, "DeviceDataset's, meta, got cpu; dataset.to"),
        ({"device": "meta"}, RuntimeError, "device must be a CPU or CUDA device, got meta"),
        ({"device": "cuda:99"}, RuntimeError, r"sees, got cuda:99 where there are \d+ CUDA devices"),
    ],
)  # fmt: skip
def test_faults(arguments, error, message):
    kinds = {"resident": resident, "meta": lambda: resident().to("meta")}
    if isinstance(arguments.get("dataset"), str):
        arguments = {**arguments, "dataset": kinds[arguments["dataset"]]()}
    with pytest.raises(error, match=message):
        make(**arguments)
