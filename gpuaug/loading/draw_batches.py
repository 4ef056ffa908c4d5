"""The draws of an epoch in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler

from gpuaug.sampling import Draw, DrawSampler
from gpuaug.sampling.base import checked
from gpuaug.sampling.cursor import EpochCursor
from gpuaug.sampling.draw import make_draws


class DrawBatches(BatchSampler):
    """A ``BatchSampler`` of draws that counts the draws that were used, not those that were fetched ahead.

    >>> from gpuaug import BalancedSampler
    >>> batches = DrawBatches(BalancedSampler([0, 0, 1]), batch_size=3, drop_last=False)
    >>> first, second = batches
    >>> batches.used.taken += len(first)
    >>> batches.state_dict()["position"]
    3

    Args:
        sampler: the sampler of the draws.
        batch_size: the number of draws in a batch, at least 1.
        drop_last: drop the last batch if it is smaller.
    """

    sampler: DrawSampler

    def __init__(self, sampler: DrawSampler, batch_size: int, drop_last: bool) -> None:
        super().__init__(sampler, checked("batch_size", batch_size, 1 << 31, least=1), drop_last)
        self._fetched: EpochCursor | None = None  # the sampler's cursor in the newest iteration
        self._used = EpochCursor()

    def __iter__(self) -> Iterator[list[Draw]]:  # type: ignore[override]  # a Draw is an int
        for rows in self.rows:
            yield list(make_draws(torch.from_numpy(rows)))

    @property
    def rows(self) -> Rows:
        """The same batches as arrays, which are faster to make and send. Iterating them counts here too."""
        return Rows(self)

    def _each(self) -> Iterator[np.ndarray]:
        # Nothing may happen before the first batch is requested: a DataLoader with workers makes two
        # iterators, and takes its batches from the second one.
        self._tell()
        rows = self._sampled()
        self._fetched = self.sampler.cursor
        self._used = replace(self._fetched)  # no draw is taken yet
        for batch in rows:
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def _sampled(self) -> Iterator[np.ndarray]:
        if type(self.sampler).__iter__ is DrawSampler.__iter__:
            return self.sampler.rows(self.batch_size)
        # A user's subclass, which yields draws of its own.
        draws = iter(self.sampler)
        return map(draws_array, iter(lambda: list(islice(draws, self.batch_size)), []))

    @property
    def used(self) -> EpochCursor:
        """The cursor of the newest iteration. The user of its draws adds their number to ``taken``."""
        return self._used

    def begins(self) -> tuple[int, int]:
        """The epoch and position at which the sampler's next iteration begins."""
        epoch, cursor = self.sampler.epoch, self.sampler.cursor
        if not cursor.started:
            return epoch, cursor.position
        return epoch + (cursor.position >= cursor.total), 0

    def set_epoch(self, epoch: int) -> None:
        self._tell()
        self.sampler.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """The sampler's state, at the position up to which draws were used."""
        state = self.sampler.state_dict()
        # If the sampler has another cursor, an epoch or a state was set since: its own position is right.
        if self.sampler.cursor is self._fetched:
            state["position"] = self._used.position
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.sampler.load_state_dict(state_dict)
        if self._lacks_batch(self.sampler.left):
            self.sampler.skip_rest()

    def _tell(self) -> None:
        """Tells the sampler how many draws were used: an epoch ends when all are used, not fetched."""
        if self.sampler.cursor is self._fetched:
            left = self._used.share - self._used.taken
            self._fetched.taken = self._fetched.share if self._lacks_batch(left) else self._used.taken

    def _lacks_batch(self, left: int) -> bool:
        return self.drop_last and left < self.batch_size


class Rows:
    """The batches of a ``DrawBatches`` as arrays.

    Each is int64 ``(n, 3)``: index, copy, and the key's 64 bits as a signed integer.

    >>> from gpuaug import BalancedSampler
    >>> [rows.shape for rows in Rows(DrawBatches(BalancedSampler([0, 0, 1]), batch_size=3, drop_last=False))]
    [(3, 3), (1, 3)]
    """

    def __init__(self, batches: DrawBatches) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[np.ndarray]:
        return self._batches._each()

    def __len__(self) -> int:
        return len(self._batches)


def draws_array(draws: list[Draw]) -> np.ndarray:
    """Draws as an int64 array ``(n, 3)``: index, copy, and the key's 64 bits as a signed integer.

    >>> draws_array([Draw(3, copy=1, key=2**64 - 1)])
    array([[ 3,  1, -1]])
    """
    keys = np.array([draw.key for draw in draws], np.uint64).view(np.int64)
    columns = ([int(draw) for draw in draws], [draw.copy for draw in draws], keys)
    return np.stack([np.asarray(column, np.int64) for column in columns], axis=1)
