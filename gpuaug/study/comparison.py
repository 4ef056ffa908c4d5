"""All arms, all seeds: the rows that the report is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tqdm.auto import tqdm

from gpuaug.study.arms import ARMS
from gpuaug.study.data import StudyData
from gpuaug.study.training import Epoch, train


@dataclass(frozen=True)
class Row:
    """One epoch of one arm under one seed."""

    arm: str
    seed: int
    epoch: Epoch


def compare(
    data: StudyData,
    arms: Sequence[str],
    *,
    seeds: int,
    epochs: int,
    batch_size: int,
    device: torch.device | str = "cpu",
) -> list[Row]:
    """Train every arm under the seeds 0, 1, ..., ``seeds`` - 1. On a terminal, a bar counts epochs.

    >>> from gpuaug.study.data import Request, imbalance, load
    >>> data = imbalance(load(Request("embedded")), ["shirt"], majority_count=64, minority_count=16)
    >>> len(compare(data, ["imbalanced", "all"], seeds=1, epochs=1, batch_size=64))
    imbalanced, seed 0: accuracy ...
    all, seed 0: accuracy ...
    2
    """
    rows = []
    with tqdm(total=seeds * len(arms) * epochs, unit="epoch", disable=None) as bar:
        for seed in range(seeds):
            for arm in arms:
                bar.set_description(f"{arm}, seed {seed}")
                for epoch in train(
                    data, ARMS[arm], seed=seed, epochs=epochs, batch_size=batch_size, device=device
                ):
                    rows.append(Row(arm, seed, epoch))
                    bar.update()
                bar.write(f"{arm}, seed {seed}: accuracy {rows[-1].epoch.score.accuracy:.3f}")
    return rows
