"""Removes class imbalance inside the training loop: balanced samplers, batched transforms on the device."""

# ruff: noqa: F403

import typing as _typing

from gpuaug import functional as functional
from gpuaug import losses as losses
from gpuaug.files.image_files import ImageFiles as ImageFiles
from gpuaug.images.packed import Packed as Packed
from gpuaug.images.packed import pack as pack
from gpuaug.loading import BalancedLoader as BalancedLoader
from gpuaug.loading import Curriculum as Curriculum
from gpuaug.loading import DeviceDataset as DeviceDataset
from gpuaug.loading import WithDraws as WithDraws
from gpuaug.losses.correction import prior_correction as prior_correction
from gpuaug.ops.backends import __version__ as __version__
from gpuaug.sampling import BalancedBatchSampler as BalancedBatchSampler
from gpuaug.sampling import BalancedSampler as BalancedSampler
from gpuaug.sampling import Draw as Draw
from gpuaug.sampling import RepeatFactorSampler as RepeatFactorSampler
from gpuaug.sampling import labels_of as labels_of
from gpuaug.sampling import make_imbalanced as make_imbalanced
from gpuaug.sampling import make_long_tailed as make_long_tailed
from gpuaug.transforms.exports import *
from gpuaug.transforms.mixes.balanced_mixup import *
from gpuaug.transforms.mixes.cmo import *
from gpuaug.transforms.mixes.cutmix import *
from gpuaug.transforms.mixes.mixup import *
from gpuaug.transforms.mixes.remix import *
from gpuaug.translate import from_albumentations as from_albumentations
from gpuaug.translate import from_torchvision as from_torchvision

if not _typing.TYPE_CHECKING:  # type checkers find names imported as themselves, or by a star
    # All classes and functions here, but not the packages that were imported with them.
    __all__ = sorted(
        ["__version__", "functional", "losses"]
        + [name for name, value in globals().items() if name[0] != "_" and hasattr(value, "__module__")]
    )
