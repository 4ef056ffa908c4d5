"""
Train on arrays that live on the device
=======================================

A data set of small images fits into the memory of the GPU. ``DeviceDataset`` keeps it there, as uint8, and
the loader's kernel reads every draw's image where it lies: no workers, no collating, no copies.

The script trains on balanced draws of 1,000 T-shirts and 50 shirts, and counts the draws. A sampler goes
through all samples of a class before one of them is ahead of the others. Run it on arrays of your own::

    python examples/arrays.py --data FILE.npz

``FILE.npz`` holds ``train_images`` and ``test_images``, uint8 ``(N, H, W)`` or ``(N, H, W, C)``, and
``train_labels`` and ``test_labels``, the numbers 0, 1, 2, ... of the classes.
"""

import argparse

import numpy as np
import torch
from torch import nn

import gpuaug
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load

parser = argparse.ArgumentParser(description="Train on arrays that live on the device.")
parser.add_argument("--data", help="NumPy file of images and labels (default: T-shirts and shirts)")
parser.add_argument("--epochs", type=int, default=5)
arguments = parser.parse_args()
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)

# %%
# **The arrays** become tensors ``(N, C, H, W)``. They stay uint8 until the transform normalises a batch.

if arguments.data is None:
    shirts = load(Request("embedded"))
    kept = gpuaug.make_imbalanced(shirts.train_labels, {0: 1000, 1: 50})
    train = shirts.train_images[kept], shirts.train_labels[kept]
    test = shirts.test_images, shirts.test_labels
else:
    arrays = np.load(arguments.data)

    def part(name: str) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.from_numpy(arrays[f"{name}_images"])
        images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
        return images, torch.from_numpy(arrays[f"{name}_labels"]).long()

    train, test = part("train"), part("test")

dataset = gpuaug.DeviceDataset(*train).to(device)
test_images, test_labels = (tensor.to(device) for tensor in test)
print(dataset)

# %%
# **The sampler and the loader.** Printing the sampler shows the plan of an epoch.

height, width = dataset.images.shape[-2:]
normalize = gpuaug.Normalize(mean=0.5, std=0.5)
crop = gpuaug.RandomResizedCrop((height, width), scale=(0.6, 1.0))
augment = gpuaug.Compose([crop, gpuaug.RandomHorizontalFlip(), normalize])
sampler = gpuaug.BalancedSampler(dataset.labels, target="majority", seed=0)
loader = gpuaug.BalancedLoader(dataset, sampler, augment, batch_size=64)
print(sampler)

# %%
# **Training.** ``sampler.draws()`` are the draws of the current epoch: for each its sample, its copy and key.

classes, channels = len(sampler.plan_), dataset.images.shape[1]
model = nn.Sequential(
    nn.Conv2d(channels, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2), nn.BatchNorm2d(32), nn.ReLU(),
    nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * 32, classes),
).to(device)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
drawn = torch.zeros(len(dataset), dtype=torch.int64)
for epoch in range(arguments.epochs):
    loader.set_epoch(epoch)
    drawn += sampler.draws()[:, 0].bincount(minlength=len(dataset))
    model.train()
    for images, labels in loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        predicted = torch.cat([model(normalize(batch)).argmax(dim=1) for batch in test_images.split(256)])
    recall = [(predicted[test_labels == label] == label).float().mean().item() for label in range(classes)]
    print(f"epoch {epoch}: recall by class", ", ".join(f"{value:.3f}" for value in recall))

# %%
# How often each sample was drawn: within a class all equally often, or some once more.

for label in range(classes):
    times = drawn[dataset.labels.cpu() == label]
    often = f"each {times.min()} to {times.max()} times"
    print(f"class {label}: {times.sum()} draws of {len(times)} samples, {often}")
