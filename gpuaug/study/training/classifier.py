"""A network's classifier: its last layer, for networks that end in cosines, and for training it anew."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from gpuaug.losses import CosineClassifier


def find_classifier(model: nn.Module, classes: int) -> str:
    """The name of the last layer that gives a number for each class: linear, or a 1 x 1 convolution.

    >>> find_classifier(nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 3), nn.Linear(3, 3), nn.Softmax(1)), 3)
    '2'

    Raises:
        ValueError: there is none.
    """
    names: list[str] = [name for name, layer in model.named_modules() if _outputs(layer) == classes]
    if not names:
        raise ValueError(f"model must end in a linear layer or 1 x 1 convolution of {classes} classes")
    return names[-1]


def _outputs(layer: nn.Module) -> int:
    if isinstance(layer, nn.Linear):
        return layer.out_features
    if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.groups == 1:
        return layer.out_channels
    return len(layer.weight) if isinstance(layer, CosineClassifier) else 0


def end_in_cosines(model: nn.Module, classes: int) -> None:
    """Put a ``CosineClassifier`` in the place of the classifier; its weights come from torch's generator. In
    that of a convolution it gives the cosines at each place, which the network then averages.

    >>> model = nn.Sequential(nn.Conv2d(8, 2, 1), nn.Flatten())
    >>> end_in_cosines(model, 2)
    >>> model[0]
    CosineClassifier(features=8, classes=2)
    """
    name = find_classifier(model, classes)
    layer: Any = model.get_submodule(name)
    model.set_submodule(name, CosineClassifier(layer.weight.shape[1], classes))


def renew_classifier(model: nn.Module, classes: int, seed: int) -> nn.Module:
    """Give the classifier new weights, of ``seed``, and let nothing else of the network learn.

    >>> model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    >>> renew_classifier(model, 2, seed=0)
    Linear(in_features=4, out_features=2, bias=True)
    >>> [parameter.requires_grad for parameter in model.parameters()]
    [False, False, True, True]

    Source: Kang et al., "Decoupling representation and classifier for long-tailed recognition", ICLR 2020:
    cRT. Torch's global generator is left as it was.
    """
    layer: Any = model.get_submodule(find_classifier(model, classes))
    fresh = copy.deepcopy(layer).cpu()  # on the host, so that a seed means the same on every device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh.reset_parameters()
    layer.load_state_dict(fresh.state_dict())
    model.requires_grad_(False)
    trained: nn.Module = layer.requires_grad_(True)
    return trained
