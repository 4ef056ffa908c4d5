"""Remix: MixUp whose labels lean to the rarer class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpuaug.transforms.mixes.class_numbers import ClassNumbers, check_counts
from gpuaug.transforms.mixes.mixup import MixUp
from gpuaug.transforms.ranges import number, probability

__all__ = ["Remix"]


class Remix(MixUp):
    """Mix two images as ``MixUp``, and give the whole label to the rarer class if its share is fair.

    >>> import gpuaug
    >>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 0, 1])
    >>> mixed, (y1, y2, lam) = gpuaug.Remix(class_counts=[300, 10])(images, labels)
    >>> mixed.shape, lam.shape
    (torch.Size([4, 3, 8, 8]), torch.Size([4]))

    With the counts n1 and n2 of the two classes, the share of the first label is

    - 0 where ``n1 / n2 >= kappa`` and the first image's share is below ``tau``;
    - 1 where ``n1 / n2 <= 1 / kappa`` and the second image's share is below ``tau``;
    - otherwise the first image's share.

    ``lam`` of the result is the share of the label. Source: Chou et al., "Remix: Rebalanced Mixup", ECCV
    Workshops 2020.

    Args:
        class_counts: number of samples of each class in the data set, at least 1.
        kappa: in [1, 1e6]; the paper's is 3.
        tau: in [0, 1]; the paper's is 0.5; 0 is MixUp.
        alpha: parameter of Beta(alpha, alpha), in [0.01, 100].
        p: probability that an image is mixed, in [0, 1]; the others do not change, and their lam is 1.
        partners: "batch" or "plan", as in ``MixUp``.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError: if a setting is of another type; when called, if targets are not integers or booleans.
        ValueError: if a setting is out of range; when called, if targets are out of [0, C). On a GPU, which
            is not waited for, such a target counts as the nearest class.
    """

    def __init__(
        self,
        class_counts: Sequence[int] | Tensor,
        kappa: float = 3.0,
        tau: float = 0.5,
        alpha: float = 1.0,
        p: float = 1.0,
        *,
        partners: str = "batch",
        seed: int | None = None,
    ) -> None:
        super().__init__(alpha, p, partners=partners, seed=seed)
        self._count = ClassNumbers(check_counts(class_counts))
        self.kappa = number("kappa", kappa, 1, 1e6)
        self.tau = probability("tau", tau)

    def label_share(self, lam: Tensor, first: Tensor, second: Tensor) -> Tensor:
        n1, n2 = self._count(first), self._count(second)
        # Products: a ratio would be rounded, and 3 / 1 must count as at least 3.
        to_second = (n1 >= self.kappa * n2) & (lam < self.tau)
        to_first = (n2 >= self.kappa * n1) & (1 - lam < self.tau)
        return torch.where(to_second, 0.0, torch.where(to_first, 1.0, lam))

    def _settings_text(self) -> str:
        return f"kappa={self.kappa}, tau={self.tau}, alpha={self.alpha}, p={self.p}"
