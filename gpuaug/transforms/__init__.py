"""Transforms: settings and keys to parameters, parameters to recipes, recipes to pixels."""

from gpuaug.transforms.base import Transform
from gpuaug.transforms.blur import GaussianBlur
from gpuaug.transforms.compose import Compose, OneOf, RandomApply
from gpuaug.transforms.geometry import (
    CenterCrop,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomVerticalFlip,
    Resize,
)
from gpuaug.transforms.noise import SaltAndPepper
from gpuaug.transforms.output import Normalize

__all__ = [
    "CenterCrop",
    "Compose",
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
    "Transform",
]
