"""MixUp: the weighted mean of two images."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.transforms.mixes.base import Mix

__all__ = ["MixUp"]


class MixUp(Mix):
    """Average two images by a random share: ``lam * image + (1 - lam) * partner``.

    >>> import gpuaug
    >>> images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 0, 1, 2])
    >>> mixed, (y1, y2, lam) = gpuaug.MixUp(alpha=0.2)(images, labels)
    >>> mixed.shape, y1.tolist(), lam.shape
    (torch.Size([4, 3, 8, 8]), [0, 0, 1, 2], torch.Size([4]))

    The share lam is drawn from Beta(alpha, alpha). It and the partner's number come from the draw's key. With
    ``partners="batch"``, the image with this number depends on the batch. Source: Zhang et al., "mixup:
    beyond empirical risk minimization", ICLR 2018.

    A ``BalancedLoader`` takes these steps for ``partners="plan"``:

    >>> sampler, mix = gpuaug.BalancedSampler(labels), gpuaug.MixUp(partners="plan")
    >>> draws = sampler.draws(0, 4)
    >>> partners = sampler.partners(mix.weigh).of(draws[mix.mixes(draws)])
    >>> index = torch.cat((draws, partners))[:, 0]  # these draws are read, and augmented
    >>> mixed, (y1, y2, lam) = mix(images[index], labels[index], draws)
    >>> len(index), mixed.shape
    (8, torch.Size([4, 3, 8, 8]))

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
        dtype = torch.promote_types(images.dtype, torch.float32)
        share = lam.to(dtype)[:, None, None, None]
        out = images.to(dtype) * share + others.to(dtype) * (1 - share)
        if not images.is_floating_point():
            out = out.round()
        return torch.where(share == 1, images, out.to(images.dtype)), lam
