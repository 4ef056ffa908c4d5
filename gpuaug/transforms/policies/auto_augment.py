"""AutoAugment: one of 25 pairs of ops, found by a search on a data set."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.transforms.policies.auto_augment_policies import POLICIES
from gpuaug.transforms.policies.policy import Policy
from gpuaug.transforms.policies.space import STANDARD, STANDARD_SHARE, torchvision_space

__all__ = ["AutoAugment"]

SLOTS = 2


class AutoAugment(Policy):
    """Apply one of 25 pairs of ops, each op with its own probability and magnitude, as in the paper.

    >>> import gpuaug, torch
    >>> augment = gpuaug.Compose([gpuaug.AutoAugment("cifar10"), gpuaug.Normalize(0.5, 0.5)])
    >>> augment(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Policies, magnitudes and signs are torchvision's; each draw of a batch has its own pair. Beyond the image
    is black, and interpolation is bilinear. Passes are as in ``RandAugment``.

    Args:
        policy: data set of the search: "imagenet", "cifar10" or "svhn".
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or value; when called, if images do not have 1,
            3 or 4 channels.
    """

    reference = "Cubuk et al., AutoAugment, CVPR 2019; torchvision AutoAugment"

    def __init__(self, policy: str = "imagenet", *, seed: int | None = None) -> None:
        if policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(map(repr, POLICIES))}, got {policy!r}")
        names = [*STANDARD, "Invert"]
        space = torchvision_space(names, STANDARD, 10, range(10), share=STANDARD_SHARE)
        super().__init__(space, SLOTS, 1 + 2 * SLOTS, seed=seed)
        self.policy = policy
        steps = [step for pair in POLICIES[policy] for step in pair]
        pairs = torch.tensor([(names.index(step.op), step.level) for step in steps], device="cpu")
        self._ops, self._levels = pairs.view(-1, SLOTS, 2).unbind(2)
        chances = torch.tensor([step.p for step in steps], dtype=torch.float64, device="cpu")
        self._chances = chances.view(-1, SLOTS)

    def choose(self, numbers: Tensor) -> Tensor:
        pair = (numbers[:, 0] * len(self._ops)).long()
        chance, sign = numbers[:, 1:].unflatten(1, (SLOTS, 2)).unbind(2)
        rows = self._space.rows(self._ops[pair], self._levels[pair], sign < 0.5)
        return torch.where(chance < self._chances[pair], rows, self._space.nothing)

    def extra_repr(self) -> str:
        return f"policy={self.policy!r}"
