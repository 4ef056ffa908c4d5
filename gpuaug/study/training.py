"""One arm, one seed: training, with an evaluation after every epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import gpuaug
from gpuaug.loading import BalancedLoader, DeviceDataset
from gpuaug.study.arms import Arm
from gpuaug.study.data import StudyData
from gpuaug.study.metrics import Score, score
from gpuaug.study.models import seeded_convnet

LEARNING_RATE = 1e-3
EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Epoch:
    """``number`` counts from 1; ``loss`` is the training batches' mean; ``score`` is of the test images."""

    number: int
    loss: float
    score: Score


def train(
    data: StudyData, arm: Arm, *, seed: int, epochs: int, batch_size: int, device: torch.device | str = "cpu"
) -> Iterator[Epoch]:
    """Train the article's network, epoch by epoch. One seed gives every arm the same initial weights.

    >>> from gpuaug.study.arms import ARMS
    >>> from gpuaug.study.data import Request, imbalance, load
    >>> data = imbalance(load(Request("embedded")), ["shirt"], majority_count=64, minority_count=16)
    >>> [epoch.number for epoch in train(data, ARMS["all"], seed=0, epochs=2, batch_size=64)]
    [1, 2]
    """
    channels, height, width = data.image_shape
    model = seeded_convnet(seed, len(data.classes), channels, height, width)
    model = model.to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)

    images = DeviceDataset(data.train_images, data.train_labels).to(device)
    sampler = gpuaug.BalancedSampler(data.train_labels, arm.target, seed=seed)
    augment = arm.augment(height, width, seed)
    loader = BalancedLoader(images, sampler, augment, batch_size, device=device)
    test_images, test_labels = data.test_images.to(device), data.test_labels.to(device)

    for number in range(epochs):
        loader.set_epoch(number)
        model.train()
        augment.train()
        losses = []
        for batch, labels in loader:
            loss = F.cross_entropy(model(batch), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        predictions = predict(model, augment, test_images)
        yield Epoch(
            number + 1, torch.stack(losses).mean().item(), score(predictions, test_labels, len(data.classes))
        )


@torch.no_grad()
def predict(model: nn.Module, augment: gpuaug.Compose, images: Tensor) -> Tensor:
    """The labels that the model gives uint8 images, which are normalised and not augmented."""
    model.eval()
    augment.eval()
    return torch.cat([model(augment(batch)).argmax(dim=1) for batch in images.split(EVALUATION_BATCH)])
