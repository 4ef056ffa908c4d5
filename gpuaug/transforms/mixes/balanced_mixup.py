"""Balanced-MixUp: draws of the data's own frequencies, mixed a little with draws of balanced classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpuaug.transforms.mixes.beta import BetaOne
from gpuaug.transforms.mixes.class_numbers import ClassNumbers, check_counts
from gpuaug.transforms.mixes.mixup import MixUp
from gpuaug.transforms.mixes.weighted_partners import WeightedPartners

__all__ = ["BalancedMixUp"]


class BalancedMixUp(WeightedPartners, MixUp):
    """Mix each draw with a partner of balanced classes, whose share is Beta(alpha, 1).

    >>> import gpuaug
    >>> images, labels = torch.zeros(12, 3, 8, 8, dtype=torch.uint8), torch.tensor([0] * 9 + [1] * 3)
    >>> sampler = gpuaug.BalancedSampler(labels, target="natural")
    >>> mix = gpuaug.BalancedMixUp(class_counts=[9, 3], partners="plan")
    >>> loader = gpuaug.BalancedLoader(gpuaug.DeviceDataset(images, labels), sampler, None, 4, mix=mix)
    >>> mixed, (y1, y2, lam) = next(iter(loader))
    >>> mixed.shape, y2.shape
    (torch.Size([4, 3, 8, 8]), torch.Size([4]))

    The mean share of the partner is ``alpha / (1 + alpha)``: with a smaller alpha, results are nearer to the
    draws. The draws should follow the data (the sampler's target "natural"). Source: Galdran et al.,
    "Balanced-MixUp for highly imbalanced medical image classification", MICCAI 2021. As in the authors' code,
    the balanced image has the share from Beta(alpha, 1).

    Args:
        class_counts: number of samples of each class in the data set, at least 1.
        alpha: in [0.01, 100]; the paper tries 0.1, 0.2 and more.
        p: probability that an image is mixed, in [0, 1]; the others do not change, and their lam is 1.
        partners: "plan": all classes of the data set are equally likely, as in the paper, which reads a
            second, balanced loader; see ``MixUp``. "batch": an image of the batch, possibly the same one, by
            weights ``1 / count`` of its class. This comes near where batches are large and hold every class.
            A class that the batch lacks is no partner in it, and the few images of a rare class are partners
            often.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError: if a setting is of another type; when called, if targets are not integers or booleans
            (except with ``partners="plan"``, which asks the sampler).
        ValueError: if a setting is out of range; when called, if targets are out of [0, C). On a GPU, which
            is not waited for, such a target counts as the nearest class.
    """

    shares = BetaOne

    def __init__(
        self,
        class_counts: Sequence[int] | Tensor,
        alpha: float = 0.2,
        p: float = 1.0,
        *,
        partners: str = "batch",
        seed: int | None = None,
    ) -> None:
        super().__init__(alpha, p, partners=partners, seed=seed)
        self._weight = ClassNumbers(1 / check_counts(class_counts))

    def own_share(self, number: Tensor) -> Tensor:
        return 1 - self._beta(number)

    def weigh(self, samples: Tensor, draws: Tensor) -> Tensor:
        return torch.ones_like(samples)
