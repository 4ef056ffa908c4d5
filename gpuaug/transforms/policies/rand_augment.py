"""RandAugment: a few ops, all equally likely, at one magnitude."""

from __future__ import annotations

from torch import Tensor

from gpuaug.transforms.policies.policy import Policy
from gpuaug.transforms.policies.space import STANDARD, STANDARD_SHARE, torchvision_space
from gpuaug.transforms.ranges import whole

__all__ = ["RandAugment"]


class RandAugment(Policy):
    """Apply ``num_ops`` ops in turn, each drawn from the paper's fourteen, at one magnitude.

    >>> import gpuaug, torch
    >>> augment = gpuaug.Compose([gpuaug.RandAugment(), gpuaug.Normalize(0.5, 0.5)])
    >>> augment(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Ops, magnitudes and signs are torchvision's; each draw of a batch has its own ops. Two ops share a pass
    where it can keep their order, so a batch takes at most ``num_ops`` passes, and one more after a padded
    crop, or where ``Normalize`` follows a single op. Beyond the image is black. Interpolation is bilinear, as
    with ``interpolation="bilinear"`` in torchvision, whose default is nearest. ``print`` shows the ops with
    their magnitudes.

    Crops, resizes and flips before it are one resampling with a shear, rotation or translation. The rim of an
    enlarged crop then fades into the black, and where a crop shrinks, a draw that turns is not antialiased.

    Args:
        num_ops: number of ops for each draw, in [1, 10].
        magnitude: bin of the magnitude, in [0, num_magnitude_bins).
        num_magnitude_bins: number of bins, from no change to the strongest, in [2, 1000].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if images do not
            have 1, 3 or 4 channels.
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
