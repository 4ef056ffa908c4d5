"""Transforms: settings and keys to parameters, parameters to recipes, recipes to pixels."""

from gpuaug.transforms.affine import RandomAffine, RandomRotation, RandomTranspose
from gpuaug.transforms.base import Transform
from gpuaug.transforms.batched.clahe import CLAHE
from gpuaug.transforms.batched.color_axes import FancyPCA
from gpuaug.transforms.batched.distortion import ElasticTransform, GridDistortion, OpticalDistortion
from gpuaug.transforms.batched.downscale import Downscale
from gpuaug.transforms.batched.histograms import AutoContrast, Equalize, RandomMeanContrast
from gpuaug.transforms.batched.iso_noise import ISONoise
from gpuaug.transforms.batched.jpeg import JpegCompression
from gpuaug.transforms.batched.sharpening import Emboss, Sharpen
from gpuaug.transforms.batched.smoothing import Blur, GlassBlur, MedianBlur, MotionBlur
from gpuaug.transforms.blur import GaussianBlur
from gpuaug.transforms.catalogue import Entry, Parameter, catalogue
from gpuaug.transforms.color import (
    ChannelDropout,
    ChannelShuffle,
    ColorJitter,
    RandomGrayscale,
    RandomInvert,
    RGBShift,
    Sepia,
)
from gpuaug.transforms.compose import Compose, OneOf, RandomApply
from gpuaug.transforms.curves import Posterize, RandomGamma, Solarize
from gpuaug.transforms.erase import CutOut, GridDropout, RandomErasing
from gpuaug.transforms.geometry import (
    CenterCrop,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomVerticalFlip,
    Resize,
)
from gpuaug.transforms.impulse import SaltAndPepper
from gpuaug.transforms.noise import GaussNoise, MultiplicativeNoise
from gpuaug.transforms.normalize import Normalize
from gpuaug.transforms.per_class import PerClass

__all__ = [
    "CLAHE",
    "AutoContrast",
    "Blur",
    "CenterCrop",
    "ChannelDropout",
    "ChannelShuffle",
    "ColorJitter",
    "Compose",
    "CutOut",
    "Downscale",
    "ElasticTransform",
    "Emboss",
    "Entry",
    "Equalize",
    "FancyPCA",
    "GaussNoise",
    "GaussianBlur",
    "GlassBlur",
    "GridDistortion",
    "GridDropout",
    "ISONoise",
    "JpegCompression",
    "MedianBlur",
    "MotionBlur",
    "MultiplicativeNoise",
    "Normalize",
    "OneOf",
    "OpticalDistortion",
    "Parameter",
    "PerClass",
    "Posterize",
    "RGBShift",
    "RandomAffine",
    "RandomApply",
    "RandomCrop",
    "RandomErasing",
    "RandomGamma",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomInvert",
    "RandomMeanContrast",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomTranspose",
    "RandomVerticalFlip",
    "Resize",
    "SaltAndPepper",
    "Sepia",
    "Sharpen",
    "Solarize",
    "Transform",
    "catalogue",
]
