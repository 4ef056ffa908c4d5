"""The networks of a study by name, each with the loss and the optimiser that it is trained with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpuaug.study.spelling import did_you_mean
from gpuaug.study.training.convnet import ConvNet
from gpuaug.study.training.resnets import GreyAsRGB, ResNet32, paper_resnet18


def adam(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=1e-3)


def long_tailed_sgd(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """That of the long-tailed CIFAR sets (Cao et al., NeurIPS 2019), as ``long_tailed_rate``."""
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=2e-4)


def constant_rate(epoch: int, epochs: int) -> float:
    return 1.0


def long_tailed_rate(epoch: int, epochs: int) -> float:
    """The factor on the learning rate in epoch 0, 1, ...: a warm-up of five epochs, then a hundredth of it
    after 160 of 200 epochs, and of that after 180; shorter studies in proportion.

    >>> [round(long_tailed_rate(epoch, 200), 6) for epoch in (0, 4, 5, 159, 160, 180)]
    [0.2, 1.0, 1.0, 1.0, 0.01, 0.0001]
    """
    warm = max(1, round(epochs * 5 / 200))
    steps = (epoch >= round(0.8 * epochs)) + (epoch >= round(0.9 * epochs))
    return min(1.0, (epoch + 1) / warm) * 0.01**steps


@dataclass(frozen=True)
class Network:
    """``build(classes, channels, height, width)`` makes it; ``rate(epoch, epochs)`` is a factor on the
    optimiser's learning rate.
    """

    about: str
    build: Callable[[int, int, int, int], nn.Module]
    loss: Callable[..., Tensor] = F.cross_entropy  # takes ``reduction``
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer] = adam
    rate: Callable[[int, int], float] = constant_rate

    def seeded(self, seed: int, classes: int, channels: int, height: int, width: int) -> nn.Module:
        """The network with the initial weights of ``seed``; torch's global generator is left as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.build(classes, channels, height, width)


NETWORKS = {
    "convnet": Network("the article's six convolutions; cross-entropy, Adam 1e-3", ConvNet),
    "resnet18-paper": Network(
        "ResNet-18 with the paper's head, not pre-trained; negative log-likelihood, Adam 1e-3",
        paper_resnet18,
        loss=F.nll_loss,
    ),
    "resnet32": Network(
        "ResNet-32 of CIFAR; cross-entropy, SGD 0.1, momentum 0.9, weight decay 2e-4, warm-up and two steps",
        ResNet32,
        optimizer=long_tailed_sgd,
        rate=long_tailed_rate,
    ),
}


def find_network(name: str) -> Network:
    """A network of the table, or one of torchvision's for classification, not pre-trained.

    >>> find_network("mobilenet_v3_small").about
    "torchvision's mobilenet_v3_small, not pre-trained; cross-entropy, Adam 1e-3"

    Raises:
        ValueError: no such network.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    known = [*NETWORKS]
    if find_spec("torchvision") is not None:
        from torchvision import models

        known += models.list_models(module=models)
        if name in models.list_models(module=models):
            about = f"torchvision's {name}, not pre-trained; cross-entropy, Adam 1e-3"
            return Network(about, partial(_torchvision, name))
    raise ValueError(
        f"model must be of {', '.join(NETWORKS)}, or one of torchvision's for classification; got {name}"
        f"{did_you_mean(known, name)}"
    )


def check_network(name: str, classes: int, channels: int, height: int, width: int) -> None:
    """Raise unless the network takes images of this shape.

    Raises:
        ValueError: no such network, or images too small for it.
    """
    network = find_network(name).seeded(0, classes, channels, height, width).eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, channels, height, width))
    except (RuntimeError, AssertionError) as error:  # AssertionError: what vision transformers raise
        raise ValueError(
            f"model {name} does not take images of {channels} x {height} x {width}: {error}"
        ) from error


def _torchvision(name: str, classes: int, channels: int, height: int, width: int) -> nn.Module:
    from torchvision.models import get_model

    # Second outputs, for the loss of the first Inception networks, are not used.
    more = {"aux_logits": False, "init_weights": True} if name in ("googlenet", "inception_v3") else {}
    return GreyAsRGB(get_model(name, weights=None, num_classes=classes, **more))
