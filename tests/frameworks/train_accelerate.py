"""Loops with Accelerate in two processes: FOLDER WAY. Writes what a rank drew.

WAY is prepared (one global order, that Accelerate shares out), batches (the same for a batch sampler),
configured (the same, as each of its options has it), own (the sampler's own ranks, and a loader that is not
prepared), or loader (a ``BalancedLoader`` that is
prepared, saved in the middle of an epoch, and loaded again).
"""

import json
import sys
from pathlib import Path

import torch
from accelerate import Accelerator, skip_first_batches
from accelerate.utils import DataLoaderConfiguration
from leaving import end_process
from torch.utils.data import DataLoader

import gpuaug
from gpuaug.loading import WithDraws

LABELS = [0] * 23 + [1] * 7 + [2] * 2
IMAGES = torch.zeros(len(LABELS), 1, 4, 4, dtype=torch.uint8)
DATASET = WithDraws([(image, label) for image, label in zip(IMAGES, LABELS, strict=True)])


def use_loader(accelerator, folder):
    def prepared(prepare):
        sampler = gpuaug.BalancedSampler(LABELS, seed=7)
        loader = gpuaug.BalancedLoader(DATASET.dataset, sampler, gpuaug.RandomHorizontalFlip(), batch_size=5)
        assert prepare(loader) is loader
        return loader

    loader = prepared(accelerator.prepare_data_loader)
    # Images do not show here which they are: the state does.
    drawn, orders = [], loader.sampler.draws()[loader.sampler.rank :: 2].tolist()
    for number, (_, labels) in enumerate(loader):
        drawn += labels.tolist()
        if number == 2:
            accelerator.save_state(str(Path(folder, "saved")))
            accelerator.wait_for_everyone()
            break
    again = Accelerator(cpu=True)
    second = prepared(again.prepare_data_loader)
    again.load_state(str(Path(folder, "saved")))
    position = second.state_dict()["position"]
    drawn += [label for _, labels in second for label in labels.tolist()]
    try:
        skip_first_batches(second, 1)
        refused = ""
    except TypeError as error:
        refused = str(error)
    alone = prepared(lambda loader: accelerator.prepare(loader))
    report = {
        "drawn": drawn,
        "expected": [LABELS[index] for index, _, _ in orders],
        "position": position,
        "refused": refused,
        "alone": [label for _, labels in alone for label in labels.tolist()],
    }
    Path(folder, f"rank{accelerator.process_index}.json").write_text(json.dumps(report))
    end_process()


CONFIGURATIONS = {
    "dispatched": {"dispatch_batches": True},
    "dispatched, split": {"dispatch_batches": True, "split_batches": True},
    "split": {"split_batches": True},
    "uneven": {"even_batches": False},
}


def use_configurations(folder):
    report = {}
    for name, options in CONFIGURATIONS.items():
        configuration = DataLoaderConfiguration(**options)
        accelerator = Accelerator(cpu=True, dataloader_config=configuration)
        sampler = gpuaug.BalancedSampler(LABELS, seed=7, num_replicas=1, rank=0)
        loader = accelerator.prepare(DataLoader(DATASET, batch_size=4, sampler=sampler))
        report[name] = [[draws.tolist() for _, _, draws in loader] for _ in range(2)]
    Path(folder, f"rank{accelerator.process_index}.json").write_text(json.dumps(report))
    end_process()


def main(folder, way):
    if way == "configured":
        use_configurations(folder)
        return
    accelerator = Accelerator(cpu=True)
    if way == "loader":
        use_loader(accelerator, folder)
        return
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
    end_process()


if __name__ == "__main__":
    main(*sys.argv[1:])
