"""Several processes for one study, as torchrun starts them: each trains its share of the runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch

Run = TypeVar("Run")
LONGEST_WAIT = timedelta(days=30)  # for the slowest process; the default would give up after half an hour


@dataclass(frozen=True)
class Workers:
    """This process's number, and how many processes there are.

    Runs are independent: the processes send each other nothing but word that all runs are done.
    """

    rank: int = 0
    count: int = 1
    local_rank: int | None = None

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, runs: Sequence[Run]) -> Sequence[Run]:
        """This process's part of the runs.

        >>> Workers(1, 3).share("abcdefg")
        'be'
        """
        return runs[self.rank :: self.count]

    def wait(self) -> None:
        """Until all processes have come here."""
        if self.count > 1:
            torch.distributed.barrier()


ALONE = Workers()


def join_workers() -> Workers:
    """This process's place among those of torchrun; ``ALONE`` without torchrun."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return ALONE
    # gloo: the processes only wait for each other, on the host.
    torch.distributed.init_process_group("gloo", timeout=LONGEST_WAIT)
    return Workers(int(os.environ["RANK"]), count, int(os.environ["LOCAL_RANK"]))
