"""Partners drawn from the batch by a weight of their class."""

from __future__ import annotations

from torch import Tensor

from gpuaug.transforms.mixes.base import Mix
from gpuaug.transforms.mixes.class_numbers import ClassNumbers, choose


class WeightedPartners(Mix):
    """A mix whose partners are drawn from the batch by class weights; an image may be its own partner.

    >>> import gpuaug, torch
    >>> mix = gpuaug.CMO(class_counts=[10**9, 1])
    >>> mix.partner(torch.tensor([0.2, 0.7]), torch.tensor([0, 1]))
    tensor([1, 1])
    """

    _weight: ClassNumbers

    def partner(self, number: Tensor, targets: Tensor) -> Tensor:
        return choose(number, self._weight(targets))
