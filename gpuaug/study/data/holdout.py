"""Splits images into a training and a test part: a share of every class, chosen by a seed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import torch
from torch import Tensor

SHARE = 0.2


@dataclass(frozen=True)
class Holdout:
    """The split of a folder: the share to test on, the seed, and the images of both parts by class."""

    share: float
    seed: int
    train: dict[str, int]
    test: dict[str, int]

    def __str__(self) -> str:
        counts = ", ".join(f"{self.train[name]:,} and {self.test[name]:,} {name}" for name in self.train)
        return f"{self.share:g} of every class held out by seed {self.seed}, train and test: {counts}"


def held_out(names: Sequence[PurePath], labels: Tensor, share: float, seed: int) -> Tensor:
    """The mask of the test part: a share of every class, at least one image and not all.

    >>> from pathlib import Path
    >>> names = [Path(f"{animal}/{n}.png") for animal in ("cat", "dog") for n in range(5)]
    >>> labels = torch.tensor([0] * 5 + [1] * 5)
    >>> held_out(names, labels, 0.4, seed=0).view(2, 5).sum(dim=1).tolist()
    [2, 2]

    Args:
        names: the files, relative to the folder. A class is ordered by a digest of each name and the seed,
            and the first are held out. So further images leave nearly all others where they are.
        labels: int64 ``(n,)``.
        share: in (0, 1), rounded to whole images.
        seed: another seed holds other images out.

    Returns:
        bool ``(n,)``.

    Raises:
        ValueError: a class of one image.
    """
    chosen = torch.zeros(len(names), dtype=torch.bool)
    for label in labels.unique().tolist():
        of_class = (labels == label).nonzero().flatten().tolist()
        if len(of_class) < 2:
            raise ValueError(
                "every class must have two images or more, one to hold out; "
                f"{names[of_class[0]].parts[0]} has {len(of_class)}"
            )
        count = min(max(1, round(share * len(of_class))), len(of_class) - 1)
        chosen[sorted(of_class, key=lambda place: _key(names[place], seed))[:count]] = True
    return chosen


def _key(name: PurePath, seed: int) -> bytes:
    # Bytes: a file's name need not be text.
    return hashlib.sha256(f"{seed}/".encode() + os.fsencode(name.as_posix())).digest()
