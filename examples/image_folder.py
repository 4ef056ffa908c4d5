"""
Train on a folder of images
===========================

Two classes, ten times as many images of one as of the other. The script trains the same network twice: on
epochs that draw every image once, and on balanced epochs, in which every draw of a rare image is augmented in
its own way. It prints the recall of each class after both.

Run it as it is, on 28 x 28 pictures of T-shirts and shirts, or on your own images::

    python examples/image_folder.py --data FOLDER --size 224 --epochs 20

``FOLDER`` holds ``train`` and ``test``, and each of them a folder for every class.
"""

import argparse
import tempfile
from pathlib import Path

import torch
from PIL import Image
from torch import nn

import gpuaug
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load

parser = argparse.ArgumentParser(description="Train on a folder of images, with and without balancing.")
parser.add_argument("--data", help="folder with train/ and test/ (default: T-shirts and shirts)")
parser.add_argument("--size", type=int, default=28, help="height and width of the network's input")
parser.add_argument("--epochs", type=int, default=5)
arguments = parser.parse_args()
device = "cuda" if torch.cuda.is_available() else "cpu"

# %%
# **The images.** Without ``--data``: 1,000 T-shirts and 100 shirts of Fashion-MNIST, which come with gpuaug,
# are written as files. ``ImageFiles`` reads them as torchvision's ``ImageFolder`` would.

temporary = tempfile.TemporaryDirectory()
root = Path(arguments.data or temporary.name)
if arguments.data is None:
    shirts = load(Request("embedded"))
    kept = gpuaug.make_imbalanced(shirts.train_labels, {0: 1000, 1: 100})
    train = shirts.train_images[kept], shirts.train_labels[kept]
    for part, (images, labels) in {"train": train, "test": (shirts.test_images, shirts.test_labels)}.items():
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            folder = root / part / shirts.classes[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0].numpy()).save(folder / f"{number:04}.png")

train_files = gpuaug.ImageFiles.from_folder(root / "train")
test_files = gpuaug.ImageFiles.from_folder(root / "test")
classes = train_files.classes

# %%
# **The transforms**: a random chain for training, and for testing one that only brings the images to the
# network's size. Both end in the same ``Normalize``.

normalize = gpuaug.Normalize(mean=0.5, std=0.5)
crop = gpuaug.RandomResizedCrop(arguments.size, scale=(0.6, 1.0))
augment = gpuaug.Compose([crop, gpuaug.RandomHorizontalFlip(), normalize])
prepare = gpuaug.Compose([gpuaug.Resize((arguments.size, arguments.size)), normalize])


def loader_of(files: gpuaug.ImageFiles, target: str, transform: gpuaug.Compose) -> gpuaug.BalancedLoader:
    sampler = gpuaug.BalancedSampler(files.labels, target, seed=0)
    return gpuaug.BalancedLoader(files, sampler, transform, batch_size=32, num_workers=2, device=device)


# %%
# **Training and testing.** With ``target="natural"`` the sampler draws every image once.


def train_on(target: str) -> nn.Module:
    torch.manual_seed(0)  # the same initial weights for each target
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2), nn.BatchNorm2d(64), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, len(classes)),
    ).to(device)  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = loader_of(train_files, target, augment)
    print(f"{target}: an epoch draws", dict(zip(classes, loader.sampler.plan_.values(), strict=True)))
    for epoch in range(arguments.epochs):
        loader.set_epoch(epoch)
        model.train()
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


@torch.no_grad()
def recalls(model: nn.Module) -> dict[str, float]:
    model.eval()
    right = torch.zeros(len(classes))
    for images, labels in loader_of(test_files, "natural", prepare):
        hits = labels[model(images).argmax(dim=1) == labels]
        right += hits.bincount(minlength=len(classes)).cpu()
    share = right / test_files.labels.bincount(minlength=len(classes))
    return {name: round(value, 3) for name, value in zip(classes, share.tolist(), strict=True)}


for target in ("natural", "majority"):
    print(f"{target}: recall on the test images", recalls(train_on(target)))
temporary.cleanup()
