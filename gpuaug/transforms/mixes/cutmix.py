"""CutMix: a box of another image, pasted."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.transforms.mixes.base import Mix

__all__ = ["CutMix"]


class CutMix(Mix):
    """Paste a box of the partner at the same place.

    >>> import gpuaug
    >>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 1, 2])
    >>> mixed, (y1, y2, lam) = gpuaug.CutMix()(images, labels)
    >>> mixed.shape, bool(((0 <= lam) & (lam <= 1)).all())
    (torch.Size([4, 3, 8, 8]), True)

    The box has ``sqrt(1 - lam)`` of each side, with lam from Beta(alpha, alpha), and its centre anywhere. A
    part beyond the border is cut off, and ``lam`` of the result is the share of pixels that stay. The box and
    the partner's number come from the draw's key. With ``partners="batch"``, the image with this number
    depends on the batch. Source: Yun et al., "CutMix", ICCV 2019.

    Args:
        alpha: parameter of Beta(alpha, alpha), in [0.01, 100].
        p: probability that an image is mixed, in [0, 1]; the others do not change, and their lam is 1.
        partners: "batch": any other image of the batch. "plan": a sample of the whole data set. The draw's
            key chooses it, from the classes as often as the sampler's plan draws them. A ``BalancedLoader``
            reads and augments it as a draw of its own, so a result does not depend on its batch, and each
            mixed draw costs two.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    def mix(self, images: Tensor, others: Tensor, lam: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        height, width = images.shape[2:]
        side = (1 - lam).sqrt()
        rows, tall = _stretch(y, side, height)
        columns, wide = _stretch(x, side, width)
        inside = (rows[:, :, None] & columns[:, None, :])[:, None]
        return torch.where(inside, others, images), 1 - tall * wide / (height * width)


def _stretch(centre: Tensor, share: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The pixels of one axis that a box covers, bool ``(n, side)``, and their number."""
    half = (side * share).long() // 2
    middle = (centre * side).long()
    first, end = (middle - half).clamp(min=0), (middle + half).clamp(max=side)
    pixel = torch.arange(side, device=centre.device)
    return (pixel >= first[:, None]) & (pixel < end[:, None]), end - first
