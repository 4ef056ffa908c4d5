"""
Several processes: DistributedDataParallel
==========================================

The sampler takes its rank and the number of ranks from the process group. An epoch is one sequence of draws;
each rank takes its share of it, without communication. So the script trains in the same way on one process
and on two::

    python examples/ddp.py
    torchrun --nproc-per-node=2 examples/ddp.py

Both print the same losses, but for the rounding of sums: the batch of all ranks together stays the same.
"""

import argparse

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import gpuaug
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load

parser = argparse.ArgumentParser(description="Train on one process, or on several by torchrun.")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--batch-size", type=int, default=64, help="draws in a batch of all ranks together")
arguments = parser.parse_args()

# %%
# **The process group** comes first: the sampler asks it. ``torchrun`` starts the script once for each rank;
# without it there is one rank and no group.

distributed = dist.is_torchelastic_launched()
if distributed:
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
rank, ranks = (dist.get_rank(), dist.get_world_size()) if distributed else (0, 1)
device = torch.device("cuda", rank % torch.cuda.device_count()) if torch.cuda.is_available() else "cpu"

# %%
# **Loader and model.** Each rank takes its part of the batch. The model has no batch norm, whose statistics
# would be those of a rank's part (``SyncBatchNorm`` would do on GPUs).

shirts = load(Request("embedded"))
kept = gpuaug.make_imbalanced(shirts.train_labels, {0: 600, 1: 60})
dataset = gpuaug.DeviceDataset(shirts.train_images[kept], shirts.train_labels[kept]).to(device)
sampler = gpuaug.BalancedSampler(dataset.labels, target="majority", seed=0)
crop = gpuaug.RandomResizedCrop(28, scale=(0.6, 1.0))
augment = gpuaug.Compose([crop, gpuaug.RandomHorizontalFlip(), gpuaug.Normalize(mean=0.5, std=0.5)])
loader = gpuaug.BalancedLoader(dataset, sampler, augment, batch_size=arguments.batch_size // ranks)

torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(),
    nn.Flatten(), nn.Linear(32 * 6 * 6, 2),
).to(device)  # fmt: skip
if distributed:
    model = DistributedDataParallel(model)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

# %%
# **Training.** Only what is printed is summed over the ranks: the losses, and the draws of each class.

for epoch in range(arguments.epochs):
    loader.set_epoch(epoch)
    total, drawn = torch.zeros((), device=device), torch.zeros(2, device=device)
    for images, labels in loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(labels)
        drawn += labels.bincount(minlength=2)
    own = int(drawn.sum())
    if distributed:
        dist.all_reduce(total)
        dist.all_reduce(drawn)
    if rank == 0:
        counts = dict(zip(shirts.classes, map(int, drawn), strict=True))
        print(f"epoch {epoch}: loss {total / drawn.sum():.4f}; draws {counts}, of which rank 0 had {own}")

if distributed:
    dist.destroy_process_group()
