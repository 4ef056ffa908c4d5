"""The translations of chains beside the chains themselves."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from fixed_policies import shirts
from scipy import stats
from torch import Tensor

from gpuaug import Compose
from gpuaug.translate import TranslationWarning


def photographs(height: int = 24, width: int = 28) -> Tensor:
    """Photographs, of which three make one of colors: bytes ``(8, 3, height, width)``."""
    return shirts(24).view(8, 3, 28, 28)[:, :, :height, :width].contiguous()


def framed(images: Tensor) -> Tensor:
    """With a frame of black pixels: how a library blends a rim with black then does not matter."""
    black = torch.zeros_like(images)
    black[..., 1:-1, 1:-1] = images[..., 1:-1, 1:-1]
    return black


def quietly(translate: Callable[..., Compose], chain: Any, **given: Any) -> Compose:
    """A translation, whatever it says of differences."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TranslationWarning)
        return translate(chain, **given)


def differences(images: Tensor, others: Tensor) -> Tensor:
    """How far two batches of one shape and dtype are apart."""
    assert images.shape == others.shape
    assert images.dtype == others.dtype
    return (images.double() - others.double()).abs()


def alike(images: Tensor, others: Tensor) -> float:
    """The least p-value, by Kolmogorov and Smirnov, of three numbers made of each image of two batches.

    Of a few images only, the test would tell a level of rounding; so the numbers are blurred a little.
    """
    assert images.shape[1:] == others.shape[1:]
    random = torch.Generator().manual_seed(3)
    weights = torch.randn(3, images[0].numel(), generator=random, dtype=torch.float64)
    ours, theirs = (batch.double().flatten(1) @ weights.T for batch in (images, others))
    blur = 0.2 * theirs.std(0) + images[0].numel() ** 0.5
    for numbers in (ours, theirs):
        numbers += blur * torch.randn(numbers.shape, generator=random, dtype=torch.float64)
    return min(stats.ks_2samp(ours[:, n].numpy(), theirs[:, n].numpy()).pvalue for n in range(3))
