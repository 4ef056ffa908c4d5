"""TrivialAugment: one op, at a random magnitude."""

from __future__ import annotations

from torch import Tensor

from gpuaug.transforms.policies.policy import Policy
from gpuaug.transforms.policies.space import WIDE, torchvision_space
from gpuaug.transforms.ranges import whole

__all__ = ["TrivialAugmentWide"]


class TrivialAugmentWide(Policy):
    """Apply one op, drawn from fourteen, at a magnitude drawn from a wide range.

    >>> import gpuaug, torch
    >>> augment = gpuaug.TrivialAugmentWide()
    >>> augment(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Ops, magnitudes and signs are torchvision's; each draw of a batch has its own op. Beyond the image is
    black, and interpolation is bilinear, as in ``RandAugment``. Translations reach up to 32 pixels, whatever
    the image's size.

    Args:
        num_magnitude_bins: number of magnitudes to draw from, from no change to the strongest, in [2, 1000].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if images do not
            have 1, 3 or 4 channels.
    """

    reference = "Mueller and Hutter, TrivialAugment, ICCV 2021; torchvision TrivialAugmentWide"

    def __init__(self, num_magnitude_bins: int = 31, *, seed: int | None = None) -> None:
        bins = whole("num_magnitude_bins", num_magnitude_bins, 2, 1000)
        space = torchvision_space(["Identity", *WIDE], WIDE, bins, range(bins), pixels=32.0)
        super().__init__(space, 1, 3, seed=seed)
        self.num_magnitude_bins = bins

    def choose(self, numbers: Tensor) -> Tensor:
        op, level, sign = numbers.unsqueeze(1).unbind(2)
        op, level = (
            (number * count).long()
            for number, count in ((op, len(self._space.entries)), (level, self.num_magnitude_bins))
        )
        return self._space.rows(op, level, sign < 0.5)

    def extra_repr(self) -> str:
        return f"num_magnitude_bins={self.num_magnitude_bins}"
