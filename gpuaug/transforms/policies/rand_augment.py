"""RandAugment: a few ops, all equally likely, at one magnitude."""

from __future__ import annotations

from torch import Tensor

from gpuaug.transforms.policies.policy import Policy
from gpuaug.transforms.policies.space import STANDARD, STANDARD_SHARE, torchvision_space
from gpuaug.transforms.ranges import whole

__all__ = ["RandAugment"]


class RandAugment(Policy):
    """Some ops in turn, each drawn anew from the fourteen of the paper, at one magnitude.

    >>> import gpuaug, torch
    >>> augment = gpuaug.Compose([gpuaug.RandAugment(), gpuaug.Normalize(0.5, 0.5)])
    >>> augment(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    torchvision's ops, magnitudes and signs; each draw of a batch has ops of its own. Two ops share a pass
    where their order can be kept in it; so a batch takes ``num_ops`` passes at most, one more after a padded
    crop, or where ``Normalize`` follows a single op. Beyond the image is black. torchvision's default is the
    nearest pixel; this is bilinear, as ``interpolation="bilinear"`` there. ``print`` shows the ops with their
    magnitudes.

    Args:
        num_ops: for each draw, in [1, 10].
        magnitude: the bin that is taken, in [0, num_magnitude_bins).
        num_magnitude_bins: from no change to the strongest, in [2, 1000].

    Raises:
        ValueError: a setting out of range; images of two channels.
    """

    reference = "Cubuk et al., RandAugment, NeurIPS 2020; torchvision RandAugment"

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        *,
        seed: int | None = None,
    ) -> None:
        bins = whole("num_magnitude_bins", num_magnitude_bins, 2, 1000)
        level = whole("magnitude", magnitude, 0, bins - 1)
        slots = whole("num_ops", num_ops, 1, 10)
        names = ["Identity", *STANDARD]
        space = torchvision_space(names, STANDARD, bins, [level], share=STANDARD_SHARE)
        super().__init__(space, slots, 2 * slots, seed=seed)
        self.num_ops, self.magnitude, self.num_magnitude_bins = slots, level, bins

    def choose(self, numbers: Tensor) -> Tensor:
        op, sign = numbers.unflatten(1, (self.num_ops, 2)).unbind(2)
        return self._space.rows((op * len(self._space.entries)).long(), 0, sign < 0.5)

    def extra_repr(self) -> str:
        return (
            f"num_ops={self.num_ops}, magnitude={self.magnitude}, "
            f"num_magnitude_bins={self.num_magnitude_bins}"
        )
