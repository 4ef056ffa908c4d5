"""Batches handed out in their order, where no device copies ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

from torch import Tensor

from gpuaug.loading.prefetch import Batch


def finished(batches: Generator[Batch, None, None], finish: Callable[[Batch], Any]) -> Iterator[Any]:
    """Finishes each batch. (``map`` would treat a StopIteration of the transform as the end of the epoch.)"""
    for batch in batches:
        result = finish(batch)
        if batch.free is not None:
            batch.free(None)  # the kernel has read it
        yield result


def counted(
    batches: Generator[Batch, None, None], count: Callable[[Tensor], int], counts: deque[int]
) -> Generator[Batch, None, None]:
    """Yields the batches, and appends ``count(draws)`` of each to ``counts``."""
    with closing(batches):
        for batch in batches:
            counts.append(count(batch.draws))
            yield batch
