"""A digest of an arm, so that a run on the disk is not taken for that of another arm of the same name."""

from __future__ import annotations

from copy import copy
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from gpuaug.loading.chain_digest import described
from gpuaug.sampling.schedules import Schedule
from gpuaug.sampling.targets import draws_of
from gpuaug.study.arms.arms import Arm


def arm_digest(arm: Arm, counts: Tensor, height: int, width: int, epochs: int) -> str:
    """The digest of an arm's training: draws, transforms, mix and loss. What is said about the arm, and
    how its predictions are read, are left out.

    >>> from gpuaug.study.arms.arms import NAMED, read_arm
    >>> counts = torch.tensor([30, 10])
    >>> same, other = read_arm("natural")[1], read_arm("power(0.5)")[1]
    >>> imbalanced = arm_digest(NAMED["imbalanced"], counts, 28, 28, epochs=3)
    >>> [imbalanced == arm_digest(arm, counts, 28, 28, epochs=3) for arm in (same, other)]
    [True, False]

    A function has no settings to read, so draws and losses are in it by their values in every epoch. Of a
    transform of one's own it has the class and the public attributes.

    Args:
        counts: training images of each class, ``(C,)``.
        height, width: of the images.
        epochs: of a whole run.
    """
    draws, losses = [], []
    of_class: dict[int | str, int] = dict(enumerate(counts.tolist()))
    for epoch in range(epochs):
        target = arm.target.at(epoch) if isinstance(arm.target, Schedule) else arm.target
        drawn = draws_of(target, of_class)
        draws.append([drawn[label] for label in of_class])
        losses.append(_losses(arm, epoch, counts.double(), torch.tensor(draws[-1], dtype=torch.float64)))
    parts: list[Any] = [
        draws,
        described(arm.augment(height, width, seed=0)),
        arm.apply_to,
        arm.curriculum,
        described(None if arm.mix is None else arm.mix(counts)),
        losses,
        [arm.objective.scale, arm.objective.cosine, arm.objective.retrained],
    ]
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _losses(arm: Arm, epoch: int, samples: Tensor, drawn: Tensor) -> list[str] | None:
    """The loss of each label for outputs that differ from class to class; None is the network's own."""
    loss = arm.objective.of_epoch(epoch, samples, drawn / drawn.sum())
    if loss is None:
        return None
    classes = len(samples)
    outputs = torch.linspace(-1, 1, classes, dtype=torch.float64).sin().expand(classes, classes)
    loss = copy(loss)  # a function may give the same one at every call
    loss.reduction = "none"  # in a mean, weights are divided by their sum
    # Few digits: processors round in different ways.
    return [f"{value:.6g}" for value in loss(outputs, torch.arange(classes)).tolist()]
