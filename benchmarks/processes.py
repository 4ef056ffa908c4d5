"""Libraries that take one image at a time, in as many processes as there are threads.

A process keeps its images and its results: sending them would only add to such a library's time. What is
timed is what a worker of a DataLoader does: transform each image of its share, and stack them.
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

Image = Any  # as the library takes it
Sample = tuple[Callable[[np.ndarray], Image], Callable[[Image], Tensor]]  # prepares an image; transforms it
Make = Callable[[Case], Sample]

# Where it is imported, Albumentations would ask a server for its latest version.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
# Not plain forks of this process: its threads (torch's, OpenCV's, DALI's) would be missing in them.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["albumentations", "cv2", "torchvision.transforms.v2"])


@contextmanager
def run_per_sample(make: Make, case: Case, images: np.ndarray) -> Iterator[Run]:
    """One thread, or a GPU, is served by this process; more threads by a process for each."""
    count = min(case.threads, case.batch)
    if count == 1 or case.device != "cpu":
        prepare, transform = make(case)
        prepared = [prepare(image) for image in images]
        yield Run(lambda: torch.stack([transform(image) for image in prepared]))
        return
    shares = np.array_split(images, count)
    with ExitStack() as opened:
        # A pool for each: one of several processes might take two shares, while another waits.
        pools = [
            opened.enter_context(SERVER.Pool(1, _Worker.start, (make, case, share, number)))
            for number, share in enumerate(shares)
        ]

        def run(send: bool) -> list[np.ndarray | None]:
            asked = [pool.apply_async(_Worker.run, (send,)) for pool in pools]
            return [result.get() for result in asked]

        yield Run(lambda: run(send=False), result=lambda: torch.from_numpy(np.concatenate(run(send=True))))


class _Worker:
    """What a process keeps: its transform and its share of the images."""

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
