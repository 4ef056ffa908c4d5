"""The copy that no chain can be faster than: the same bytes in, float32 out, nothing else."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from case import Case
from timing import Run
from torch import Tensor

HUGE_PAGE = 1 << 21


@contextmanager
def copy_fresh(case: Case, images: Tensor) -> Iterator[Run]:
    yield Run(lambda: images.float())


@contextmanager
def copy_huge(case: Case, images: Tensor) -> Iterator[Run]:
    """New memory too, but asked for in pages of 2 MiB, as gpuaug asks for its results: the system then hands
    it out in far fewer steps.
    """
    madvise = ctypes.CDLL(None).madvise

    def batch() -> Tensor:
        out = torch.empty(images.shape)
        begin = -(-out.data_ptr() // HUGE_PAGE) * HUGE_PAGE
        length = (out.data_ptr() + out.nbytes - begin) // HUGE_PAGE * HUGE_PAGE
        if length > 0:
            madvise(ctypes.c_void_p(begin), ctypes.c_size_t(length), mmap.MADV_HUGEPAGE)
        return out.copy_(images)

    yield Run(batch)


@contextmanager
def copy_warm(case: Case, images: Tensor) -> Iterator[Run]:
    out = images.float()
    yield Run(lambda: out.copy_(images))


COPIES = {"copy, fresh": copy_fresh, "copy, huge pages": copy_huge, "copy, warm": copy_warm}
COPIES_ON_GPU = ("copy, fresh", "copy, warm")
