"""One arm, one seed: training, with an evaluation after every epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import gpuaug
from gpuaug.loading import BalancedLoader, DeviceDataset
from gpuaug.losses import ClassLoss
from gpuaug.study.arms.arms import Arm
from gpuaug.study.arms.objective import AS_TRAINED
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.training.classifier import end_in_cosines, renew_classifier
from gpuaug.study.training.evaluation import evaluate, has_prediction, outputs_of, predictions
from gpuaug.study.training.networks import find_network
from gpuaug.study.training.rows import Epoch
from gpuaug.study.training.stopwatch import Stopwatch

Labels = Tensor | tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Protocol:
    """The settings that all runs of a study share, besides their images.

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
        self.objective = arm.objective
        if self.objective.cosine:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                end_in_cosines(model, self.classes)
        self.model = model.to(device).to(memory_format=torch.channels_last)
        self.stage = 0  # the epoch in which what is trained now began to be
        self._optimize(self.model)

        images = DeviceDataset(data.train_images, data.train_labels).to(device)
        # A run is one process's, also among those of torchrun.
        self.sampler = gpuaug.BalancedSampler(
            data.train_labels, arm.target, seed=seed, num_replicas=1, rank=0
        )
        self.augment = arm.augment(height, width, seed)
        counts = data.train_labels.bincount(minlength=self.classes)
        mix = None if arm.mix is None else arm.mix(counts)
        self.loader = BalancedLoader(
            images, self.sampler, self.augment, protocol.batch_size, mix=mix, device=device
        )
        self.samples = counts.double()
        self.test_images, self.test_labels = data.test_images.to(device), data.test_labels.long()
        labels = data.train_labels
        self.curriculum = gpuaug.Curriculum(self.loader, labels, seed=seed) if arm.curriculum else None
        self.loss: ClassLoss | None = None  # None: the network's own
        self.done = 0

    def epoch(self) -> Epoch:
        """Train and evaluate the next epoch."""
        watch = Stopwatch()
        if self.done == self.objective.retrained:
            self._retrain()
        self.loss = self.objective.of_epoch(self.done, self.samples, self.sampler.priors(self.done))
        if self.loss is not None:
            self.loss.to(self.protocol.device)
        with _own_randomness(self.seed, self.done, torch.device(self.protocol.device)):
            loss, mass = self._train()
            self._update_curriculum()
        seconds, others = watch.seconds(), watch.others()
        # A class that had no draw, or none that was trained on, counts as half a draw.
        drawn = mass.clamp(min=0.5)
        carried = drawn / drawn.sum() if self.loss is None else self.loss.prior(drawn)
        logits = self.objective.scale * outputs_of(self.model, self.augment, self.test_images)
        readings = evaluate(logits, self.test_labels, carried, self.samples / self.samples.sum())
        own = readings.pop(AS_TRAINED)
        self.done += 1
        return Epoch(
            number=self.done,
            loss=loss if math.isfinite(loss) else None,
            score=own.score,
            draws=round(mass.sum().item()),
            seconds=seconds,
            others=others,
            calibration=own.calibration,
            readings=readings,
            unpredicted=int((~has_prediction(logits)).sum()),
        )

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
        if self.objective.retrained is not None and self.done > self.objective.retrained:
            self._retrain()
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.curriculum is not None:
            self.curriculum.load_state_dict(state["curriculum"])

    def _optimize(self, trained: nn.Module) -> None:
        self.optimizer = self.network.optimizer(trained.parameters())
        self.rates = [group["lr"] for group in self.optimizer.param_groups]

    def _retrain(self) -> None:
        """From here on the classifier alone is trained, as in a run of its own."""
        self.stage = self.objective.retrained or 0
        self._optimize(renew_classifier(self.model, self.classes, self.seed))

    def _train(self) -> tuple[float, Tensor]:
        """The batches' mean loss, and how many draws of each class they had, shares of mixes included."""
        factor = self.network.rate(self.done - self.stage, self.protocol.epochs - self.stage)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        self.loader.set_epoch(self.done)
        # Below a classifier that is trained anew nothing moves, the means of batch norms neither.
        self.model.train(self.objective.retrained is None or self.done < self.objective.retrained)
        self.augment.train()
        losses: list[Tensor] = []
        mass = torch.zeros(self.classes, dtype=torch.float64, device=self.protocol.device)
        for batch, labels in self.loader:
            if len(batch) == 1 and losses:
                continue
            loss = self._loss(self.model(batch), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach())
            mass += class_mass(labels, self.classes)
        return torch.stack(losses).mean().item(), mass.cpu()

    def _loss(self, outputs: Tensor, labels: Labels) -> Tensor:
        if self.loss is not None:
            loss: Tensor = self.loss(outputs, labels)
            return loss
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
            self.curriculum.update(lambda batch: predictions(self.model(batch)))


@contextmanager
def _own_randomness(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    """Dropout from the seed and the epoch, and no choice of algorithm by timing."""
    gpus = [device] if device.type == "cuda" else []
    deterministic = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
    with torch.random.fork_rng(devices=gpus), deterministic:
        torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))
        yield


def class_mass(labels: Labels, classes: int) -> Tensor:
    """The number of rows of each class in a batch, float64 ``(C,)``; rows of a mix count by their shares.

    >>> class_mass(torch.tensor([0, 0, 1]), 2)
    tensor([2., 1.], dtype=torch.float64)
    >>> class_mass((torch.tensor([0, 0]), torch.tensor([1, 1]), torch.tensor([0.25, 1.0])), 2)
    tensor([1.2500, 0.7500], dtype=torch.float64)
    """
    if isinstance(labels, Tensor):
        return _is_class(labels, classes).sum(dim=0, dtype=torch.float64)
    first, second, share = labels
    share = share.double()[:, None]
    both = share * _is_class(first, classes) + (1 - share) * _is_class(second, classes)
    return both.sum(dim=0)


def _is_class(labels: Tensor, classes: int) -> Tensor:
    return labels[:, None] == torch.arange(classes, device=labels.device)
