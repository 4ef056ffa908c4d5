"""
With Lightning
==============

Build sampler and loader in ``train_dataloader``: there the process group exists, from which the sampler takes
its rank. Lightning sets the epoch of each, and leaves a ``BalancedLoader`` as it is. The script runs on one
process or on several::

    python examples/with_lightning.py
    python examples/with_lightning.py --devices 2

It needs ``pip install lightning``.
"""

import argparse

import lightning
import torch
from torch import nn
from torchmetrics.classification import MulticlassRecall

import gpuaug
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load

parser = argparse.ArgumentParser(description="Train with Lightning on balanced draws.")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--devices", type=int, default=1, help="processes")
arguments = parser.parse_args()

shirts = load(Request("embedded"))
kept = gpuaug.make_imbalanced(shirts.train_labels, {0: 1000, 1: 100})
normalize = gpuaug.Normalize(mean=0.5, std=0.5)
crop = gpuaug.RandomResizedCrop(28, scale=(0.6, 1.0))
augment = gpuaug.Compose([crop, gpuaug.RandomHorizontalFlip(), normalize])

# %%
# **The module.** For validation, ``target="natural"`` draws every image once. ``self.device`` is the device
# that Lightning gave this process.


class Shirts(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2), nn.BatchNorm2d(32), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * 32, 2),
        )  # fmt: skip
        self.recall = MulticlassRecall(num_classes=2, average="none")

    def train_dataloader(self) -> gpuaug.BalancedLoader:
        dataset = gpuaug.DeviceDataset(shirts.train_images[kept], shirts.train_labels[kept]).to(self.device)
        sampler = gpuaug.BalancedSampler(dataset.labels, target="majority", seed=0)
        return gpuaug.BalancedLoader(dataset, sampler, augment, batch_size=64)

    def val_dataloader(self) -> gpuaug.BalancedLoader:
        dataset = gpuaug.DeviceDataset(shirts.test_images, shirts.test_labels).to(self.device)
        sampler = gpuaug.BalancedSampler(dataset.labels, target="natural")
        return gpuaug.BalancedLoader(dataset, sampler, normalize, batch_size=256)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], number: int) -> torch.Tensor:
        images, labels = batch
        return nn.functional.cross_entropy(self.network(images), labels)

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], number: int) -> None:
        images, labels = batch
        self.recall.update(self.network(images), labels)

    def on_validation_epoch_end(self) -> None:
        recall = self.recall.compute()  # of all processes together
        for name, value in zip(shirts.classes, recall, strict=True):
            self.log(f"recall of {name}", value, sync_dist=True)
        self.recall.reset()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-3)


# %%
# **The trainer** writes nothing here. With checkpoints, the loader's state is part of them: a run that goes
# on in the middle of an epoch draws what is left of it.

lightning.seed_everything(0, verbose=False)
model = Shirts()
trainer = lightning.Trainer(
    max_epochs=arguments.epochs,
    devices=arguments.devices,
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
(before,) = trainer.validate(model, verbose=False)
trainer.fit(model)
sampler = trainer.train_dataloader.sampler
(after,) = trainer.validate(model, verbose=False)
if trainer.is_global_zero:
    print(sampler)
    for name in after:
        print(f"{name}: {before[name]:.3f} before, {after[name]:.3f} after {arguments.epochs} epochs")
