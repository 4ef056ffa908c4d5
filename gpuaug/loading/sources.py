"""A loader's sources of batches: worker processes that decode, or images on the device."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import multiprocessing
from torch.utils.data import DataLoader

from gpuaug.images.packed import Packed
from gpuaug.loading.device_dataset import DeviceDataset
from gpuaug.loading.parcel import Decoded
from gpuaug.loading.worker import Reader, StartWorker, interrupts_later, mixed, send
from gpuaug.transforms.annotations.tv_tensors import Gathered, MaskPlace, kind_of, like, plain

# Arrays int64 (n, 3): index, copy, key. Each iteration of a source iterates them anew.
Batches = Iterable[np.ndarray]
Source = Generator[Decoded, None, None]

# The errors that a DataLoader raises if a worker dies while its batch is received. (An error of the data set
# comes from a worker as a RuntimeError.)
_CUT_OFF = (ConnectionError, EOFError, FileNotFoundError)


class DecodedSource:
    """Batches that a ``DataLoader`` decodes: images ``(N, C, H, W)`` or packed, one for each draw.

    Args:
        dataset: a data set as :class:`WithDraws` takes it, or a ``WithDraws``.
        batches: the batches of draws.
        seed: the seed of the random numbers in workers, together with the keys of their draws.
        begins: returns numbers that identify an iteration, such as its epoch and position; they enter the
            seed that ``get_worker_info`` shows.
        follow: as in ``Reader``.
        masks: as in ``Reader``.
        worker_init_fn: as in ``DataLoader``.
        persistent_workers: as in ``DataLoader``.
        options: further options of the ``DataLoader``.
    """

    def __init__(
        self,
        dataset: Any,
        batches: Batches,
        *,
        seed: tuple[int, ...],
        begins: Callable[[], tuple[int, ...]],
        follow: bool,
        masks: bool | None,
        worker_init_fn: Callable[[int], None] | None,
        persistent_workers: bool = False,
        **options: Any,
    ) -> None:
        # A generator of its own: without it, a DataLoader draws its workers' seeds from the global one.
        self._generator = torch.Generator()
        self._seed, self._begins = seed, begins
        self._make_loader = partial(
            DataLoader,
            Reader(dataset, seed, follow=follow, masks=masks),
            batch_sampler=batches,  # type: ignore[arg-type]  # arrays in place of lists
            collate_fn=send,  # type: ignore[arg-type]  # takes the batch that __getitems__ returns, no list
            generator=self._generator,
            worker_init_fn=StartWorker(worker_init_fn),
            **options,
        )
        self._loader: DataLoader[Any] = self._make_loader(persistent_workers=persistent_workers)
        self._running = 0  # the number of iterations that have workers now
        self._staying = False  # whether one of them uses the persistent workers

    @property
    def has_workers(self) -> bool:
        """Whether workers are running."""
        return self._running > 0 or self._loader._iterator is not None

    def __iter__(self) -> Source:
        loader = self._loader
        if loader.persistent_workers and self._staying:
            # Persistent workers serve one iteration at a time; this one gets workers of its own.
            loader = self._make_loader(persistent_workers=False)
        if loader.num_workers:
            yield from self._with_workers(loader)
            return
        # The seed of the loader comes from the CPU, whatever PyTorch's default device is.
        with torch.device("cpu"):
            batches = iter(loader)
        yield from batches

    def _with_workers(self, loader: DataLoader[Any]) -> Source:
        stay, failed = loader.persistent_workers, False
        iterator = loader._iterator  # that of persistent workers
        self._running += 1
        self._staying = self._staying or stay
        try:
            self._generator.manual_seed(mixed(*self._seed, *self._begins()))
            context = loader.multiprocessing_context or multiprocessing
            with interrupts_later(context.get_start_method()), torch.device("cpu"):
                iterator = iter(loader)
            for parcel in iterator:
                yield parcel.open()
        except GeneratorExit:  # the loop was left
            raise
        except BaseException as error:
            failed = True
            if isinstance(error, _CUT_OFF):
                raise RuntimeError(
                    f"a DataLoader worker exited unexpectedly while it sent a batch: {error!r}"
                ) from error
            raise
        finally:
            self._running -= 1
            if loader.persistent_workers:
                self._staying = False
            # Workers are ended here, as a traceback may keep the iterator alive long after an error. After an
            # error even persistent workers are ended: one may be dead, and later iterations would fail.
            if (failed or not stay) and iterator is not None:
                # An error while ending them must not replace the first error.
                with interrupts_later(), suppress(*[Exception] if failed else []):
                    _end_workers(iterator)
                loader._iterator = None  # persistent workers will be started anew


def _end_workers(iterator: Any) -> None:
    if any(worker.is_alive() for worker in iterator._workers):
        # After the last batch the iterator ends the workers itself. If it was interrupted there, this flag
        # may be set although they are still running.
        iterator._shutdown = False
    iterator._shutdown_workers()


class ResidentSource:
    """Batches of a data set on the device; each has all images of the data set, and the draws select them."""

    has_workers = False

    def __init__(
        self,
        dataset: DeviceDataset,
        batches: Batches,
        *,
        seed: tuple[int, ...],
        begins: Callable[[], tuple[int, ...]],
        follow: bool,
        masks: bool | None,
        **options: Any,
    ) -> None:
        given = [name for name, value in options.items() if value]
        if given:
            raise ValueError(
                f"{', '.join(given)} must not be given with a DeviceDataset: its images are decoded already, "
                "so that workers have nothing to do"
            )
        self._images, self._batches = dataset.images, batches
        self._tv = kind_of(dataset.labels) == "Mask"
        self._masks = plain(dataset.labels) if follow and _are_masks(dataset, masks) else None
        self._labels = dataset.labels.cpu()

    def __iter__(self) -> Source:
        for batch in self._batches:
            draws = torch.from_numpy(batch)
            index = draws[:, 0]
            if self._masks is None:
                labels = self._labels[index]
                rest = (like(labels, "Mask") if self._tv else labels,)
                yield Decoded(self._images, rest, None, draws, None, False)
            else:
                own = self._masks[index.to(self._masks.device)]
                gathered = Gathered(len(batch))
                gathered.masks = [own if own.dim() == 4 else own[:, None]]
                place = MaskPlace(0, None, 0, gathered.masks[0].shape[1], own.dim() == 3, self._tv)
                yield Decoded(self._images, (place,), None, draws, gathered, False)


def _are_masks(dataset: DeviceDataset, masks: bool | None) -> bool:
    """Whether the labels of a data set are masks. Raises if they only look like masks."""
    if isinstance(dataset.images, Packed):
        return False
    size, shape = tuple(dataset.images.shape[2:]), tuple(dataset.labels.shape)
    found = len(shape) in (3, 4) and shape[-2:] == size
    if kind_of(dataset.labels) == "Mask":
        if not found:
            raise ValueError(
                f"labels that are a Mask must be (N, [k,] H, W) of the images' {size[0]} x {size[1]} pixels, "
                f"got shape {shape}"
            )
        return True
    if found and masks is None:
        raise ValueError(
            "the labels of the DeviceDataset look like masks, as their last two sizes are the images', "
            f"{size[0]} x {size[1]}: wrap them in torchvision.tv_tensors.Mask or give masks=True to move "
            "them with the images; masks=False leaves them as they are"
        )
    return found and masks is True
