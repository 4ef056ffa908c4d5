"""A loader's worker: what it reads, how it begins, and what its random numbers depend on."""

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
    """A data set of batches for a ``DataLoader``, which gives ``__getitems__`` a whole batch of draws: an
    int64 array ``(n, 3)`` of index, copy and key.

    Args:
        dataset: as :class:`WithDraws` takes it, or one.
        seed: of all random numbers in workers.
        follow: whether masks, boxes and keypoints will follow the geometry.
        masks: as ``BalancedLoader`` has it.
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
        return [self._dataset.sample(draw) for draw in make_draws(draws)]  # somebody's subclass


def send(batch: Decoded) -> Decoded | Parcel:
    """What a ``DataLoader`` takes for its ``collate_fn``: the batch is made, and is packed up in a worker."""
    return batch if get_worker_info() is None else Parcel.of(batch)


def mixed(*numbers: int) -> int:
    """A seed of 63 bits that depends on every one of the numbers.

    >>> mixed(1, 2) == mixed(1, 2), mixed(1, 2) == mixed(2, 1)
    (True, False)
    """
    digest = blake2b(repr([int(number) for number in numbers]).encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "little") >> 1


def seed_generators(*numbers: int) -> None:
    """Seeds the global generators that a data set may use: Python's, NumPy's and PyTorch's for the host."""
    random.seed(mixed(*numbers, 0))
    np.random.seed(mixed(*numbers, 1) & 0xFFFFFFFF)
    # Not torch.manual_seed, which keeps a note for every device that this process never uses.
    torch.default_generator.manual_seed(mixed(*numbers, 2))


@dataclass(frozen=True)
class StartWorker:
    """How a worker begins. A class, as a spawned worker gets it pickled.

    A terminal sends Ctrl-C to the workers too. Were they to end by it, the training process would see workers
    that died, perhaps while it saves its state; it alone is to stop, and ends them.
    """

    then: Callable[[int], None] | None

    def __call__(self, number: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        sys.excepthook = show_error
        info: Any = get_worker_info()
        if isinstance(info.dataset, Reader):
            object.__setattr__(info, "dataset", info.dataset.given)  # whose fields cannot be set otherwise
        if self.then is not None:
            self.then(number)


def show_error(
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType | None,
    show: Any = sys.__excepthook__,
) -> None:
    """A worker's ``sys.excepthook``. A training process that is interrupted while it receives a batch hangs
    up: that is no error of the worker.
    """
    where = traceback and traceback.tb_frame.f_code.co_filename
    if where == resource_sharer.__file__ and issubclass(kind, (ConnectionError, EOFError)):
        return
    show(kind, error, traceback)


@contextmanager
def interrupts_later(method: str = "fork") -> Iterator[None]:
    """Holds Ctrl-C back while workers are started; it comes at the end.

    What is started meanwhile inherits that the signal is blocked, whatever the start method, so that no
    worker ends by it before it can ignore it. (Not from a forkserver that ran before.) Another thread of this
    process may still be sent the signal: Python calls the handler in the main thread, and that waits too.

    Args:
        method: by which processes are started meanwhile.
    """
    if method != "fork":
        resource_tracker.ensure_running()  # which would let the signal through again once it has started
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
