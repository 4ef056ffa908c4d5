"""Runs libraries that take one image at a time, in as many processes as there are threads.

A process keeps its images and results, as sending them would only add to the time of the library. The work of
a DataLoader's worker is timed: transforming each image of its share, and stacking them.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from case import Case
from timing import Run
from torch import Tensor

Image = Any  # in the form that the library takes
Sample = tuple[Callable[[np.ndarray], Image], Callable[[Image], Tensor]]  # prepares an image; transforms it
Make = Callable[[Case], Sample]

# Else Albumentations asks a server for its latest version when it is imported.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
# Not plain forks: they would lack the threads (of torch, OpenCV, DALI) of this process.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["albumentations", "cv2", "torchvision.transforms.v2"])


@contextmanager
def run_per_sample(make: Make, case: Case, images: np.ndarray) -> Iterator[Run]:
    """Uses this process for one thread or a GPU, and a process for each of several threads."""
    count = min(case.threads, case.batch)
    if count == 1 or case.device != "cpu":
        prepare, transform = make(case)
        prepared = [prepare(image) for image in images]
        yield Run(lambda: torch.stack([transform(image) for image in prepared]))
        return
    shares = np.array_split(images, count)
    with ExitStack() as opened:
        # A pool for each process: in a shared pool, one process might take two shares while another waits.
        pools = [
            opened.enter_context(SERVER.Pool(1, _Worker.start, (make, case, share, number)))
            for number, share in enumerate(shares)
        ]

        def run(send: bool) -> list[np.ndarray | None]:
            asked = [pool.apply_async(_Worker.run, (send,)) for pool in pools]
            return [result.get() for result in asked]

        yield Run(lambda: run(send=False), result=lambda: torch.from_numpy(np.concatenate(run(send=True))))


class _Worker:
    """The state of a process: its transform and its share of the images."""

    transform: Callable[[Image], Tensor]
    images: list[Image]

    @classmethod
    def start(cls, make: Make, case: Case, share: np.ndarray, number: int) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(number)
        prepare, transform = make(case)
        cls.images = [prepare(image) for image in share]
        cls.transform = staticmethod(transform)

    @classmethod
    def run(cls, send: bool) -> np.ndarray | None:
        out = torch.stack([cls.transform(image) for image in cls.images])
        return out.numpy() if send else None
