"""The substitutes of samples that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor


class Substitutes:
    """Other samples of the same label, in an order that the key of a draw decides.

    >>> import torch
    >>> substitutes = Substitutes(torch.tensor([0, 1, 0, 0]))
    >>> list(substitutes.of(index=0, key=1)), list(substitutes.of(index=1, key=1))
    ([3, 2], [])

    The order depends on the labels, the sample and the key alone; not on other samples that cannot be read,
    on the batch, or on the rank.

    Args:
        labels: ``(n, ...)``, the label of each sample.
    """

    def __init__(self, labels: Tensor) -> None:
        values = labels.detach().reshape(len(labels), -1)
        # Compared as bytes, so that NaN equals NaN; + 0 turns a floating -0 into 0.
        rows = (values.double() + 0 if values.is_floating_point() else values.long()).contiguous().numpy()
        keys = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).reshape(-1)
        _, self._group = np.unique(keys, return_inverse=True)
        self._order = np.argsort(self._group, kind="stable")
        self._ends = np.cumsum(np.bincount(self._group))

    def of(self, index: int, key: int) -> Iterator[int]:
        """Yields the other samples of the label: ascending from one that the key chooses, and round again."""
        group = self._group[index]
        members = self._order[self._ends[group - 1] if group else 0 : self._ends[group]]
        others = members[members != index].tolist()
        if others:
            first = key % len(others)
            yield from others[first:] + others[:first]
