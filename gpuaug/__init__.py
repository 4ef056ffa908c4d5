"""Class imbalance, removed inside the training loop: a sampler, and a batched transform on the device."""

from gpuaug import functional
from gpuaug._native import __version__
from gpuaug.loading import BalancedLoader, DeviceDataset, WithDraws
from gpuaug.packed import Packed, pack
from gpuaug.sampling import (
    BalancedBatchSampler,
    BalancedSampler,
    Draw,
    RepeatFactorSampler,
    labels_of,
    make_imbalanced,
    make_long_tailed,
)
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
    "BalancedBatchSampler",
    "BalancedLoader",
    "BalancedSampler",
    "CenterCrop",
    "Compose",
    "DeviceDataset",
    "Draw",
    "GaussianBlur",
    "Normalize",
    "OneOf",
    "Packed",
    "RandomApply",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomVerticalFlip",
    "RepeatFactorSampler",
    "Resize",
    "SaltAndPepper",
    "WithDraws",
    "__version__",
    "functional",
    "labels_of",
    "make_imbalanced",
    "make_long_tailed",
    "pack",
]
