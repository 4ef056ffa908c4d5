"""A loader's worker: reading a batch, starting up, and seeding random numbers."""

from __future__ import annotations

import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from multiprocessing import resource_sharer, resource_tracker
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from gpuaug.loading.alike import Stacked
from gpuaug.loading.collate import stack_images
from gpuaug.loading.columns import Columns
from gpuaug.loading.parcel import Decoded, Parcel
from gpuaug.loading.read_batch import read_batch
from gpuaug.loading.samples import Sample
from gpuaug.loading.with_draws import WithDraws
from gpuaug.sampling.draw import make_draws
from gpuaug.transforms.annotations.tv_tensors import Gathered


class Reader(Dataset[Decoded]):
    """A data set for ``DataLoader`` that reads whole batches.

    ``DataLoader`` calls ``__getitems__`` with a batch of draws: an int64 array ``(n, 3)`` of index, copy and
    key.

    Args:
        dataset: a data set as :class:`WithDraws` takes it, or a ``WithDraws``.
        seed: the seed of all random numbers in workers.
        follow: whether masks, boxes and keypoints will follow the geometry.
        masks: as in ``BalancedLoader``.
    """

    def __init__(self, dataset: Any, seed: tuple[int, ...], *, follow: bool, masks: bool | None) -> None:
        self.given = dataset
        self._dataset = dataset if isinstance(dataset, WithDraws) else WithDraws(dataset)
        self._seed, self._follow, self._masks = seed, follow, masks

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitems__(self, rows: np.ndarray) -> Decoded:
        draws = torch.from_numpy(rows)
        if get_worker_info() is not None:
            seed_generators(*self._seed, int(rows[0, 2]) % (1 << 64))  # the key of the first draw
        indices = rows[:, 0].tolist()
        samples = self._read(draws, indices)
        if isinstance(samples, Stacked):
            return Decoded(samples.images, (samples.labels,), None, draws, None, False)
        images = stack_images([sample.image for sample in samples], indices)
        gathered = Gathered(len(samples)) if self._follow else None
        rest = Columns(samples, indices, gathered, self._masks).collate()
        if gathered is not None:
            gathered.finish()
        first = samples[0]
        return Decoded(images, rest, first.name, draws, gathered or None, first.as_image)

    def _read(self, draws: Tensor, indices: list[int]) -> Stacked | list[Sample]:
        if type(self._dataset).sample is WithDraws.sample:
            return read_batch(self._dataset.dataset, indices)
        return [self._dataset.sample(draw) for draw in make_draws(draws)]  # a user's subclass


def send(batch: Decoded) -> Decoded | Parcel:
    """The ``collate_fn`` of the ``DataLoader``: the batch is made already; a worker packs it for sending."""
    return batch if get_worker_info() is None else Parcel.of(batch)


def mixed(*numbers: int) -> int:
    """Mixes numbers into a seed of 63 bits that depends on each of them.

    >>> mixed(1, 2) == mixed(1, 2), mixed(1, 2) == mixed(2, 1)
    (True, False)
    """
    digest = blake2b(repr([int(number) for number in numbers]).encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "little") >> 1


def seed_generators(*numbers: int) -> None:
    """Seeds the global generators that a data set may use: those of Python, NumPy, and PyTorch on the CPU."""
    random.seed(mixed(*numbers, 0))
    np.random.seed(mixed(*numbers, 1) & 0xFFFFFFFF)
    # Not torch.manual_seed, which also queues a seeding for devices that this process never uses.
    torch.default_generator.manual_seed(mixed(*numbers, 2))


@dataclass(frozen=True)
class StartWorker:
    """Starts up a worker. It is a class because a spawned worker receives it pickled.

    Workers ignore Ctrl-C, which a terminal sends to them too. If it ended them, the training process would
    see dead workers, perhaps while it saves its state. Only the training process stops, and ends the workers.
    """

    then: Callable[[int], None] | None

    def __call__(self, number: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        sys.excepthook = show_error
        info: Any = get_worker_info()
        if isinstance(info.dataset, Reader):
            object.__setattr__(info, "dataset", info.dataset.given)  # its fields cannot be set otherwise
        if self.then is not None:
            self.then(number)


def show_error(
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType | None,
    show: Any = sys.__excepthook__,
) -> None:
    """The ``sys.excepthook`` of a worker.

    It hides connection errors of the resource sharer: the training process was interrupted while it received
    a batch, which is not an error of the worker.
    """
    where = traceback and traceback.tb_frame.f_code.co_filename
    if where == resource_sharer.__file__ and issubclass(kind, (ConnectionError, EOFError)):
        return
    show(kind, error, traceback)


@contextmanager
def interrupts_later(method: str = "fork") -> Iterator[None]:
    """Delays Ctrl-C while workers are started; it takes effect at the end.

    Processes that are started meanwhile inherit the blocked signal, whatever the start method, so that no
    worker ends by it before it ignores it. (Except those of a forkserver that ran before.) Another thread of
    this process may still receive the signal: Python runs the handler in the main thread, where it is delayed
    too.

    Args:
        method: the start method of the processes.
    """
    if method != "fork":
        resource_tracker.ensure_running()  # starting it later would unblock the signal
    came: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    before, handler = signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGINT)
    waits = main and callable(handler)
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        if waits:
            signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if waits:
            signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)
