"""The copy that no chain can beat: the same bytes in, float32 out, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from case import Case
from timing import Run
from torch import Tensor


@contextmanager
def copy_fresh(case: Case, images: Tensor) -> Iterator[Run]:
    yield Run(lambda: images.float())


@contextmanager
def copy_warm(case: Case, images: Tensor) -> Iterator[Run]:
    out = images.float()
    yield Run(lambda: out.copy_(images))


COPIES = {"copy, fresh": copy_fresh, "copy, warm": copy_warm}
