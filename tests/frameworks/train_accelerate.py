"""Loops with Accelerate in two processes: FOLDER WAY. Writes what a rank drew.

WAY is prepared (one global order, that Accelerate shares out), batches (the same for a batch sampler), or own
(the sampler's own ranks, and a loader that is not prepared).
"""

import json
import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader

import gpuaug
from gpuaug.loading import WithDraws

LABELS = [0] * 23 + [1] * 7 + [2] * 2
IMAGES = torch.zeros(len(LABELS), 1, 4, 4, dtype=torch.uint8)
DATASET = WithDraws([(image, label) for image, label in zip(IMAGES, LABELS, strict=True)])


def main(folder, way):
    accelerator = Accelerator(cpu=True)
    place = {} if way == "own" else {"num_replicas": 1, "rank": 0}
    if way == "batches":
        sampler = gpuaug.BalancedBatchSampler(LABELS, 2, 3, batches=8, seed=7, **place)
        loader = DataLoader(DATASET, batch_sampler=sampler)
    else:
        sampler = gpuaug.BalancedSampler(LABELS, seed=7, **place)
        loader = DataLoader(DATASET, batch_size=5, sampler=sampler)
    if way != "own":
        loader = accelerator.prepare(loader)
    drawn = []
    for epoch in range(2):
        if way == "own":
            sampler.set_epoch(epoch)
        drawn.append([draws.tolist() for _, _, draws in loader])
    epochs = {"drawn": drawn, "epoch": sampler.epoch, "length": len(loader)}
    Path(folder, f"rank{accelerator.process_index}.json").write_text(json.dumps(epochs))
    accelerator.end_training()


if __name__ == "__main__":
    main(*sys.argv[1:])
