"""
Segmentation: masks follow their images
=======================================

The same crop, flip and rotation move an image and its mask: the image's pixels are interpolated, the mask's
are taken from the nearest. A ``tv_tensors.Mask`` beside an image is all that the loader needs to see.

The script draws images with a disc, and in every twelfth of them also a ring. It trains a small network on
epochs that draw every image once, and on epochs that draw as many images with a ring as without, and prints
the intersection over union (IoU) of each class. It needs ``pip install torchvision``.
"""

import argparse

import numpy as np
import torch
from torch import nn
from torchvision import tv_tensors

import gpuaug

parser = argparse.ArgumentParser(description="Train a segmentation network on images drawn by NumPy.")
parser.add_argument("--images", type=int, default=240, help="images to train on")
parser.add_argument("--epochs", type=int, default=8)
arguments = parser.parse_args()
device = "cuda" if torch.cuda.is_available() else "cpu"
CLASSES, SIDE = ("background", "disc", "ring"), 40

# %%
# **The images**: grey noise, and lighter shapes of random size and place. A mask has the class of each pixel.


def draw(count: int, every: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 50, (count, 1, SIDE, SIDE), dtype=np.uint8)
    masks = np.zeros((count, SIDE, SIDE), np.int64)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for number in range(count):
        for label in (1, 2) if number % every == 0 else (1,):
            y, x = generator.integers(8, SIDE - 8, 2)
            radius = generator.integers(5, 8)
            distance = np.hypot(rows - y, columns - x)
            shape = (distance < radius) & ((label == 1) | (distance > radius - 2))
            images[number, 0][shape] += 100
            masks[number][shape] = label
    return torch.from_numpy(images), torch.from_numpy(masks)


images, masks = draw(arguments.images, every=12, seed=0)
test_images, test_masks = (tensor.to(device) for tensor in draw(60, every=2, seed=1))
dataset = gpuaug.DeviceDataset(images, tv_tensors.Mask(masks)).to(device)
has_ring = (masks == 2).flatten(1).any(dim=1)

# %%
# **The transform** moves images and masks together: the augmented images are light where their masks have a
# shape, and dark elsewhere.

normalize = gpuaug.Normalize(mean=0.5, std=0.5)
crop = gpuaug.RandomResizedCrop(SIDE, scale=(0.5, 1.0))
augment = gpuaug.Compose([crop, gpuaug.RandomHorizontalFlip(), gpuaug.RandomRotation(30), normalize])


def loader_of(target: str) -> gpuaug.BalancedLoader:
    sampler = gpuaug.BalancedSampler(has_ring, target, seed=0)
    return gpuaug.BalancedLoader(dataset, sampler, augment, batch_size=16)


batch, batch_masks = next(iter(loader_of("majority")))
inside, outside = batch[:, 0][batch_masks > 0].mean(), batch[:, 0][batch_masks == 0].mean()
print(f"mean of augmented pixels: {inside:.2f} inside the masks, {outside:.2f} outside")

# %%
# **Training**, and the IoU of each class on test images, half of which have a ring.


def train_on(target: str) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, stride=2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 24, 5, padding=2), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 24, 5, padding=2), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, len(CLASSES), 1), nn.Upsample(scale_factor=2, mode="bilinear"),
    ).to(device)  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = loader_of(target)
    model.train()
    for epoch in range(arguments.epochs):
        loader.set_epoch(epoch)
        for images, masks in loader:
            loss = nn.functional.cross_entropy(model(images), masks)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


@torch.no_grad()
def ious(model: nn.Module) -> dict[str, float]:
    predicted = model.eval()(normalize(test_images)).argmax(dim=1)
    found = {}
    for label, name in enumerate(CLASSES):
        here, there = predicted == label, test_masks == label
        found[name] = round(((here & there).sum() / (here | there).sum()).item(), 3)
    return found


for target in ("natural", "majority"):
    print(f"{target}: IoU", ious(train_on(target)))
