"""Trains with Lightning in two processes: FOLDER LOADER EPOCHS [STEPS] [CHECKPOINT]. Writes what a rank drew.

LOADER is torch (a ``DataLoader``), stateful (torchdata's), gpuaug (a ``BalancedLoader``) or batches (a
``BalancedBatchSampler``). It leaves after STEPS, and has written ``step.ckpt``; or it goes on from a
CHECKPOINT.
"""

import json
import sys
from pathlib import Path

import lightning
import torch
from leaving import end_process
from torch.utils.data import DataLoader

import gpuaug
from gpuaug.loading import WithDraws

LABELS = [0] * 23 + [1] * 7 + [2] * 2
IMAGES = torch.arange(len(LABELS), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 4, 4)


class Pictures(torch.utils.data.Dataset):
    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        return IMAGES[index], LABELS[index]


class Model(lightning.LightningModule):
    def __init__(self, loader):
        super().__init__()
        self.loader = loader
        self.linear = torch.nn.Linear(16, 3)
        self.drawn = []

    def train_dataloader(self):
        # Here the process group is there, and the sampler takes its rank from it.
        if self.loader == "batches":
            batches = gpuaug.BalancedBatchSampler(LABELS, 2, 3, batches=8, seed=7)
            return DataLoader(WithDraws(Pictures()), batch_sampler=batches)
        sampler = gpuaug.BalancedSampler(LABELS, seed=7)
        if self.loader == "gpuaug":
            return gpuaug.BalancedLoader(Pictures(), sampler, None, batch_size=5)
        kind = DataLoader
        if self.loader == "stateful":
            from torchdata.stateful_dataloader import StatefulDataLoader as kind
        return kind(WithDraws(Pictures()), batch_size=5, sampler=sampler)

    def training_step(self, batch, number):
        images, labels = batch[:2]
        self.drawn.append([self.current_epoch, images[:, 0, 0, 0].tolist()])
        return torch.nn.functional.cross_entropy(self.linear(images.flatten(1) / 32), labels)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def main(folder, loader, epochs, steps="-1", checkpoint=None):
    model = Model(loader)
    each = lightning.pytorch.callbacks.ModelCheckpoint(folder, "step", every_n_train_steps=max(1, int(steps)))
    trainer = lightning.Trainer(
        accelerator="cpu",
        devices=2,
        strategy="ddp",
        max_epochs=int(epochs),
        max_steps=int(steps),
        logger=False,
        enable_checkpointing=int(steps) > 0,
        callbacks=[each] if int(steps) > 0 else [],
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        # A batch sampler is no DistributedSampler: Lightning would take the loader apart.
        use_distributed_sampler=loader != "batches",
    )
    trainer.fit(model, ckpt_path=checkpoint)
    kept = trainer.train_dataloader
    sampler = kept.batch_sampler if loader == "batches" else kept.sampler
    seen = {
        "sampler": type(sampler).__name__,
        "place": [sampler.rank, sampler.num_replicas],
        "drawn": model.drawn,
    }
    Path(folder, f"rank{trainer.global_rank}.json").write_text(json.dumps(seen))
    end_process()


if __name__ == "__main__":
    main(*sys.argv[1:])
