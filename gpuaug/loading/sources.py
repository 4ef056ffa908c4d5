"""Where a loader's batches come from: workers that decode, or images that live on the device."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from gpuaug.loading.collate import collate
from gpuaug.loading.device_dataset import DeviceDataset
from gpuaug.loading.draw_batches import draws_tensor
from gpuaug.loading.with_draws import WithDraws
from gpuaug.packed import Images
from gpuaug.sampling import Draw

Batches = Iterable[list[Draw]]  # iterated anew for every iteration of a source

# The source images of a batch, its labels, and its draws; the labels and draws in host memory.
Source = Generator[tuple[Images, Tensor, Tensor], None, None]

# What a DataLoader raises where a worker dies while its batch is received. (An error of the data set itself
# comes from a worker as a RuntimeError.)
_CUT_OFF = (ConnectionError, EOFError, FileNotFoundError)


@dataclass(frozen=True)
class _StartWorker:
    """How a worker begins. A class, as a spawned worker gets it pickled.

    A terminal sends Ctrl-C to the workers too. Were they to end by it, the training process would see workers
    that died, perhaps while it saves its state; it alone is to stop, and ends them.
    """

    then: Callable[[int], None] | None

    def __call__(self, number: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self.then is not None:
            self.then(number)


class DecodedSource:
    """Batches that a ``DataLoader`` decodes: images ``(N, C, H, W)``, or packed, one for each draw."""

    def __init__(
        self,
        dataset: Any,
        batches: Batches,
        *,
        seed: int,
        num_workers: int,
        worker_init_fn: Callable[[int], None] | None,
        **options: Any,
    ) -> None:
        # Its own generator: a DataLoader would draw its workers' seeds from the global one.
        generator = torch.Generator().manual_seed(seed & (1 << 63) - 1)
        self._loader = DataLoader(
            dataset if isinstance(dataset, WithDraws) else WithDraws(dataset),
            batch_sampler=batches,
            collate_fn=collate,
            num_workers=num_workers,
            generator=generator,
            worker_init_fn=_StartWorker(worker_init_fn),
            **options,
        )

    def __iter__(self) -> Source:
        stay = self._loader.persistent_workers
        iterator = self._loader._iterator  # of workers that stayed
        try:
            # The loader's seed and its workers' tensors are the host's, whatever PyTorch's default device is.
            with torch.device("cpu"):
                iterator = iter(self._loader)
            yield from iterator
        except GeneratorExit:  # the loop was left
            raise
        except BaseException as error:
            stay = False  # one may be dead, and every later iteration would fail for it
            if self._loader.num_workers and isinstance(error, _CUT_OFF):
                raise RuntimeError(
                    f"a DataLoader worker exited unexpectedly, with a batch on its way: {error!r}"
                ) from error
            raise
        finally:
            # A traceback may hold the iterator, and so the workers, until long after the error was handled.
            if self._loader.num_workers and not stay and iterator is not None:
                iterator._shutdown_workers()  # type: ignore[attr-defined]
                self._loader._iterator = None  # those that should stay are started anew


class ResidentSource:
    """Batches of a data set that lives on the device: all of its images each time."""

    def __init__(
        self, dataset: DeviceDataset, batches: Batches, *, seed: int, num_workers: int, **options: Any
    ) -> None:
        given = [name for name, value in {"num_workers": num_workers, **options}.items() if value]
        if given:
            raise ValueError(
                f"{', '.join(given)} must not be given with a DeviceDataset: its images are on the device, "
                "so there is nothing for workers to do"
            )
        self._images = dataset.images
        self._labels = dataset.labels.cpu()
        self._batches = batches

    def __iter__(self) -> Source:
        for batch in self._batches:
            draws = draws_tensor(batch)
            yield self._images, self._labels[draws[:, 0]], draws
