"""A loader's source of batches for encoded images: threads that decode."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event, Lock
from typing import Any

import torch
from torch import Tensor

from gpuaug.files.image_files import ImageFiles
from gpuaug.files.substitutes import Substitutes
from gpuaug.loading.file_batch import FileBatch, MakeRecipes
from gpuaug.loading.parcel import Decoded
from gpuaug.loading.samples import check_index
from gpuaug.loading.sources import Batches, Source
from gpuaug.sampling.base import checked
from gpuaug.travel.buffers import BufferRing

_AHEAD = 2  # batches beside the one in use


class FileSource:
    """Batches of ``ImageFiles``, decoded by threads of this process.

    Args:
        files: the data set.
        batches: the batches of draws.
        labels: ``(n, ...)``, the labels of all draws, in their order, for the recipes; None takes the data
            set's.
        num_workers: the number of threads; 0 decodes in the calling thread.
        prefetch_factor: the number of batches that are decoded ahead; None means 2.
        timeout: the time to wait for a batch, in seconds; 0 waits for ever.
        pin_memory: page-lock the memory of the batches.
    """

    has_workers = False

    def __init__(
        self,
        files: ImageFiles,
        batches: Batches,
        *,
        labels: Tensor | None = None,
        num_workers: int = 0,
        prefetch_factor: int | None = None,
        timeout: float = 0,
        pin_memory: bool = False,
    ) -> None:
        self._files, self._batches, self._labels = files, batches, labels
        self._threads = checked("num_workers", num_workers, 1 << 16)
        ahead = _AHEAD if prefetch_factor is None else prefetch_factor
        self._ahead = checked("prefetch_factor", ahead, 1 << 16, least=1)
        if not 0 <= timeout < float("inf"):
            raise ValueError(f"timeout must be in [0, inf) seconds, got {timeout}")
        self._timeout = timeout
        self._ring = BufferRing(pin_memory)
        self._substitutes = Substitutes(files.labels) if files.on_error == "skip" else None

    def decode(self, recipes: MakeRecipes | None) -> Source:
        """Yields the batches with the passes that ``recipes`` makes; None leaves images as they are."""
        made = self._made(recipes)
        if not self._threads:
            for batch in made:
                try:
                    batch.run()
                except BaseException:
                    batch.free()
                    raise
                yield self._decoded(batch)
            return
        pending: deque[_Run] = deque()
        late = False
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="gpuaug")
        try:
            for batch in made:
                pending.append(_Run(batch, pool, self._threads))
                if len(pending) > self._ahead:
                    yield self._decoded(_waited(pending, self._timeout))
            while pending:
                yield self._decoded(_waited(pending, self._timeout))
        except _Late:
            late = True
            raise
        finally:
            for run in pending:
                run.stop()
            # Queued work ends at once (to cancel it would fail while the interpreter exits). A thread that
            # hangs is abandoned, and its memory with it.
            pool.shutdown(wait=not late)
            for run in () if late else pending:
                run.batch.free()

    def _made(self, recipes: MakeRecipes | None) -> Iterator[FileBatch]:
        begin = 0
        for batch in self._batches:
            draws = torch.from_numpy(batch)
            for index in (batch[:, 0].min(), batch[:, 0].max()):
                check_index(self._files, int(index))
            labels = None if self._labels is None else self._labels[begin : begin + len(draws)]
            begin += len(draws)
            # Without recipes the training loop gets the buffer itself, so that it cannot be used again.
            ring = self._ring if recipes is not None else BufferRing(self._ring.pinned)
            yield FileBatch(self._files, draws, labels, recipes, self._substitutes, ring)

    def _decoded(self, batch: FileBatch) -> Decoded:
        images: Any = batch.images
        if batch.passes is None and len(images.heights.unique()) == len(images.widths.unique()) == 1:
            images = images.dense()
        labels = self._files.labels[batch.index]
        return Decoded(
            images,
            (labels,),
            None,
            batch.draws,
            None,
            False,
            passes=batch.passes,
            free=batch.free,
            skipped=batch.skipped,
        )


class _Late(RuntimeError):
    """A batch took longer than the timeout."""


def _waited(pending: deque[_Run], timeout: float) -> FileBatch:
    batch = pending[0].wait(timeout)
    pending.popleft()  # only now: after an error it is stopped with the others
    return batch


class _Run:
    """A batch that a pool of threads decodes. The thread that reads the last file makes the recipes."""

    def __init__(self, batch: FileBatch, pool: ThreadPoolExecutor, threads: int) -> None:
        self.batch = batch
        self._pool, self._threads = pool, threads
        self._lock, self._done = Lock(), Event()
        self._error: BaseException | None = None
        self._stage(batch.read, self._plan)

    def wait(self, timeout: float) -> FileBatch:
        if not self._done.wait(timeout or None):
            raise _Late(
                f"timeout: no batch was decoded within {timeout} seconds; raise timeout or num_workers"
            )
        if self._error is not None:
            raise self._error
        return self.batch

    def stop(self) -> None:
        self._error = self._error or RuntimeError("the iteration was left")

    def _stage(self, step: Callable[[int], Any], then: Callable[[bool], None]) -> None:
        """Runs ``step(place)`` for every place, in threads, then ``then(good)``; good: no step was False."""
        places, total = count(), len(self.batch)
        workers = min(self._threads, total)
        left, good = [workers], [True]

        def work() -> None:
            try:
                while self._error is None and (place := next(places)) < total:
                    if step(place) is False:
                        good[0] = False
            except BaseException as error:
                self._error = self._error or error
            with self._lock:
                left[0] -= 1
                last = left[0] == 0
            if last:
                self._go_on(then, good[0])

        for _ in range(workers):
            self._pool.submit(work)

    def _go_on(self, then: Callable[[bool], None], good: bool) -> None:
        try:
            if self._error is None:
                then(good)
                return
        except BaseException as error:
            self._error = error
        self._done.set()

    def _plan(self, good: bool) -> None:
        self.batch.plan()
        self._stage(self.batch.decode, self._end)

    def _end(self, good: bool) -> None:
        if good:
            self._done.set()
        else:
            self._plan(True)
