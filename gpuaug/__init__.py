"""Class imbalance, removed inside the training loop: a sampler, and a batched transform on the device."""

from gpuaug import functional
from gpuaug._native import __version__
from gpuaug.sampling import BalancedSampler, Draw
from gpuaug.transforms import (
    CenterCrop,
    Compose,
    GaussianBlur,
    Normalize,
    OneOf,
    RandomApply,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomVerticalFlip,
    Resize,
    SaltAndPepper,
)

__all__ = [
    "BalancedSampler",
    "CenterCrop",
    "Compose",
    "Draw",
    "GaussianBlur",
    "Normalize",
    "OneOf",
    "RandomApply",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomVerticalFlip",
    "Resize",
    "SaltAndPepper",
    "__version__",
    "functional",
]
