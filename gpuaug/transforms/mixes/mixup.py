"""MixUp: the weighted mean of two images."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.transforms.mixes.base import Mix

__all__ = ["MixUp"]


class MixUp(Mix):
    """The weighted mean of two images: ``lam * image + (1 - lam) * partner``, lam from Beta(alpha, alpha).

    >>> import gpuaug
    >>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 1, 2])
    >>> mixed, (y1, y2, lam) = gpuaug.MixUp(alpha=0.2)(images, labels)
    >>> mixed.shape, y1.tolist(), lam.shape
    (torch.Size([4, 3, 8, 8]), [0, 0, 1, 2], torch.Size([4]))

    Share and number of the partner come from the draw's key. With ``partners="batch"``, who has that number
    depends on the batch. Source: Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.

    What a ``BalancedLoader`` does for ``partners="plan"``, by hand:

    >>> sampler, mix = gpuaug.BalancedSampler(labels), gpuaug.MixUp(partners="plan")
    >>> draws = sampler.draws(0, 4)
    >>> partners = sampler.partners(mix.weigh).of(draws[mix.mixes(draws)])
    >>> index = torch.cat((draws, partners))[:, 0]  # these draws are read, and augmented
    >>> mixed, (y1, y2, lam) = mix(images[index], labels[index], draws)
    >>> len(index), mixed.shape
    (8, torch.Size([4, 3, 8, 8]))

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
        dtype = torch.promote_types(images.dtype, torch.float32)
        share = lam.to(dtype)[:, None, None, None]
        out = images.to(dtype) * share + others.to(dtype) * (1 - share)
        if not images.is_floating_point():
            out = out.round()
        return torch.where(share == 1, images, out.to(images.dtype)), lam
