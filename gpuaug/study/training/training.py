"""One arm, one seed: training, with an evaluation after every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import gpuaug
from gpuaug.loading import BalancedLoader, DeviceDataset
from gpuaug.study.arms.arms import Arm
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.training.metrics import score
from gpuaug.study.training.networks import find_network
from gpuaug.study.training.rows import Epoch
from gpuaug.study.training.stopwatch import Stopwatch

EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Protocol:
    """What all runs of a study have in common, but for their images.

    ``epochs`` is the length of a whole run, which the learning rate may depend on.
    """

    epochs: int
    batch_size: int = 64
    network: str = "convnet"
    device: torch.device | str = "cpu"


class Training:
    """The run of an arm under a seed, epoch by epoch. One seed gives every arm the same initial weights.

    >>> from gpuaug.study.arms.arms import ARMS
    >>> from gpuaug.study.data.imbalance import imbalance
    >>> from gpuaug.study.data.request import Request
    >>> from gpuaug.study.data.sources import load
    >>> data = imbalance(load(Request("embedded")), ["shirt"], majority_count=64, minority_count=16)
    >>> training = Training(data, ARMS["all"], 0, Protocol(epochs=2))
    >>> [training.epoch().number for _ in range(2)]
    [1, 2]

    A last batch of a single draw is left out: a batch norm cannot take it where its image has come to one
    pixel. An epoch depends on the arguments and on the state alone, so a run that goes on from a state gives
    what it would have given.
    """

    def __init__(self, data: StudyData, arm: Arm, seed: int, protocol: Protocol) -> None:
        self.classes, self.seed, self.protocol = len(data.classes), seed, protocol
        channels, height, width = data.image_shape
        device = torch.device(protocol.device)
        self.network = find_network(protocol.network)
        model = self.network.seeded(seed, self.classes, channels, height, width)
        self.model = model.to(device).to(memory_format=torch.channels_last)
        self.optimizer = self.network.optimizer(self.model.parameters())
        self.rates = [group["lr"] for group in self.optimizer.param_groups]

        images = DeviceDataset(data.train_images, data.train_labels).to(device)
        # A run is one process's, also among those of torchrun.
        sampler = gpuaug.BalancedSampler(data.train_labels, arm.target, seed=seed, num_replicas=1, rank=0)
        self.augment = arm.augment(height, width, seed)
        mix = None if arm.mix is None else arm.mix(data.train_labels.bincount(minlength=self.classes))
        self.loader = BalancedLoader(
            images, sampler, self.augment, protocol.batch_size, mix=mix, device=device
        )
        self.test_images, self.test_labels = data.test_images.to(device), data.test_labels.to(device)
        labels = data.train_labels
        self.curriculum = gpuaug.Curriculum(self.loader, labels, seed=seed) if arm.curriculum else None
        self.done = 0

    def epoch(self) -> Epoch:
        """Train and evaluate the next epoch."""
        watch = Stopwatch()
        with _own_randomness(self.seed, self.done, torch.device(self.protocol.device)):
            loss, draws = self._train()
            self._update_curriculum()
        seconds, others = watch.seconds(), watch.others()
        probabilities = predict(self.model, self.augment, self.test_images)
        found = score(probabilities.argmax(dim=1), self.test_labels, self.classes, probabilities)
        self.done += 1
        return Epoch(self.done, loss, found, draws, seconds, others=others)

    def state_dict(self) -> dict[str, Any]:
        """Between two epochs, all that the next ones depend on."""
        state = {
            "done": self.done,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        return state if self.curriculum is None else {**state, "curriculum": self.curriculum.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.done = state["done"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.curriculum is not None:
            self.curriculum.load_state_dict(state["curriculum"])

    def _train(self) -> tuple[float, int]:
        factor = self.network.rate(self.done, self.protocol.epochs)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        self.loader.set_epoch(self.done)
        self.model.train()
        self.augment.train()
        losses, draws = [], 0
        for batch, labels in self.loader:
            if len(batch) == 1 and draws:
                continue
            loss = self._loss(self.model(batch), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach())
            draws += len(batch)
        return torch.stack(losses).mean().item(), draws

    def _loss(self, outputs: Tensor, labels: Tensor | tuple[Tensor, Tensor, Tensor]) -> Tensor:
        if isinstance(labels, Tensor):
            return self.network.loss(outputs, labels)
        first, second, share = labels
        of_first, of_second = (
            self.network.loss(outputs, given, reduction="none") for given in (first, second)
        )
        return (share * of_first + (1 - share) * of_second).mean()

    def _update_curriculum(self) -> None:
        if self.curriculum is not None:
            self.model.eval()
            self.curriculum.update(lambda batch: self.model(batch).argmax(dim=1))


@contextmanager
def _own_randomness(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    """Dropout from the seed and the epoch, and no choice of algorithm by timing."""
    gpus = [device] if device.type == "cuda" else []
    deterministic = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
    with torch.random.fork_rng(devices=gpus), deterministic:
        torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))
        yield


@torch.no_grad()
def predict(model: nn.Module, augment: gpuaug.Compose, images: Tensor) -> Tensor:
    """The probabilities ``(n, classes)`` that the model gives uint8 images, which are normalised and not
    augmented.
    """
    model.eval()
    augment.eval()
    outputs = torch.cat([model(augment(batch)) for batch in images.split(EVALUATION_BATCH)])
    return outputs.double().softmax(dim=1)
