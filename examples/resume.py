"""
Stop in the middle of an epoch, and go on
=========================================

``BalancedLoader`` has a ``state_dict``, which goes into the checkpoint beside the model's and the
optimizer's. A run that goes on from it takes the next batch, with the same draws and the same pixels: nothing
is drawn twice, nothing is left out.

The script trains three epochs without a stop. Then it trains them again and stops in the middle of the
second one, makes everything anew, loads the checkpoint, and goes on. It prints whether both saw the same.

    python examples/resume.py --stop-after 30
"""

import argparse
import tempfile
from pathlib import Path

import torch
from torch import nn

import gpuaug
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load

parser = argparse.ArgumentParser(description="Stop in the middle of an epoch, and go on with the same draws.")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--stop-after", type=int, default=20, help="the step after which the second run stops")
arguments = parser.parse_args()

shirts = load(Request("embedded"))
kept = gpuaug.make_imbalanced(shirts.train_labels, {0: 400, 1: 40})
dataset = gpuaug.DeviceDataset(shirts.train_images[kept], shirts.train_labels[kept])

# %%
# **The run** begins where the checkpoint says, or at the start where there is none. It saves after a step, so
# that the weights and the position in the epoch belong together. It returns the images and the loss of each
# step.

Step = tuple[torch.Tensor, float]


def run(checkpoint: Path, stop_after: int | None = None) -> list[Step]:
    torch.manual_seed(0)
    sampler = gpuaug.BalancedSampler(dataset.labels, target="majority", seed=0)
    crop = gpuaug.RandomResizedCrop(28, scale=(0.6, 1.0))
    augment = gpuaug.Compose([crop, gpuaug.RandomHorizontalFlip(), gpuaug.Normalize(mean=0.5, std=0.5)])
    loader = gpuaug.BalancedLoader(dataset, sampler, augment, batch_size=64)
    model = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    parts = {"model": model, "optimizer": optimizer, "loader": loader}
    if checkpoint.exists():
        for name, state in torch.load(checkpoint).items():
            parts[name].load_state_dict(state)
        print("goes on from", loader.state_dict())

    steps: list[Step] = []
    for epoch in range(sampler.epoch, arguments.epochs):
        loader.set_epoch(epoch)  # keeps the position, where the epoch is the one that was loaded
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps.append((images, loss.item()))
            if len(steps) == stop_after:
                torch.save({name: part.state_dict() for name, part in parts.items()}, checkpoint)
                return steps
    return steps


# %%
# **Whole, and in two parts.** The second ``run`` of the same checkpoint knows only what the file holds.

with tempfile.TemporaryDirectory() as folder:
    whole = run(Path(folder) / "none.pt")
    if not 1 <= arguments.stop_after <= len(whole):
        parser.error(f"--stop-after must be in [1, {len(whole)}], got {arguments.stop_after}")
    first = run(Path(folder) / "run.pt", arguments.stop_after)
    rest = run(Path(folder) / "run.pt")

print(f"whole: {len(whole)} steps; in two parts: {len(first)} + {len(rest)}")
both = list(zip(whole, first + rest, strict=True))
print("same draws, same pixels:", all(torch.equal(one, other) for (one, _), (other, _) in both))
print("same losses:", all(one == other for (_, one), (_, other) in both))
