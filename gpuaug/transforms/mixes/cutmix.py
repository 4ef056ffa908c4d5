"""CutMix: a box of another image, pasted."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.transforms.mixes.base import Mix

__all__ = ["CutMix"]


class CutMix(Mix):
    """A box of the partner, pasted at the same place.

    >>> import gpuaug
    >>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 1, 2])
    >>> mixed, (y1, y2, lam) = gpuaug.CutMix()(images, labels)
    >>> mixed.shape, bool(((0 <= lam) & (lam <= 1)).all())
    (torch.Size([4, 3, 8, 8]), True)

    The box has ``sqrt(1 - lam)`` of each side, lam from Beta(alpha, alpha), and its centre anywhere; what
    reaches beyond the border is cut off, and ``lam`` is then the share of pixels that stay. Box and number of
    the partner come from the draw's key. With ``partners="batch"``, who has that number depends on the batch.
    Source: Yun et al., "CutMix", ICCV 2019.

    Args:
        alpha: in [0.01, 100].
        p: probability that an image is mixed, in [0, 1]; others stay as they are, with lam 1.
        partners: "batch": any other image of the batch. "plan": a sample of the whole data set, drawn by the
            draw's key from the classes as often as the sampler's plan draws them. A ``BalancedLoader`` reads
            and augments it as a draw of its own, so a result does not depend on its batch, and each mixed
            draw costs two.
        seed: of the keys, when used without draws. None: drawn from PyTorch's default generator.
    """

    def mix(self, images: Tensor, others: Tensor, lam: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        height, width = images.shape[2:]
        side = (1 - lam).sqrt()
        rows, tall = _stretch(y, side, height)
        columns, wide = _stretch(x, side, width)
        inside = (rows[:, :, None] & columns[:, None, :])[:, None]
        return torch.where(inside, others, images), 1 - tall * wide / (height * width)


def _stretch(centre: Tensor, share: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The pixels of one axis that a box covers, bool ``(n, side)``, and how many they are."""
    half = (side * share).long() // 2
    middle = (centre * side).long()
    first, end = (middle - half).clamp(min=0), (middle + half).clamp(max=side)
    pixel = torch.arange(side, device=centre.device)
    return (pixel >= first[:, None]) & (pixel < end[:, None]), end - first
