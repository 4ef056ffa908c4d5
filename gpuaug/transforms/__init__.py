"""Transforms: settings and keys to parameters, parameters to recipes, recipes to pixels."""

from gpuaug.transforms.affine import RandomAffine, RandomRotation, RandomTranspose
from gpuaug.transforms.base import Transform
from gpuaug.transforms.blur import GaussianBlur
from gpuaug.transforms.catalogue import Entry, Parameter, catalogue
from gpuaug.transforms.clahe import CLAHE
from gpuaug.transforms.colour import (
    ChannelDropout,
    ChannelShuffle,
    ColorJitter,
    RandomGrayscale,
    RandomInvert,
    RGBShift,
    Sepia,
)
from gpuaug.transforms.colour_axes import FancyPCA
from gpuaug.transforms.compose import Compose, OneOf, RandomApply
from gpuaug.transforms.distortion import ElasticTransform, GridDistortion, OpticalDistortion
from gpuaug.transforms.downscale import Downscale
from gpuaug.transforms.erase import CutOut, GridDropout, RandomErasing
from gpuaug.transforms.geometry import (
    CenterCrop,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomVerticalFlip,
    Resize,
)
from gpuaug.transforms.grain import GaussNoise, MultiplicativeNoise
from gpuaug.transforms.histograms import AutoContrast, Equalize, RandomMeanContrast
from gpuaug.transforms.iso_noise import ISONoise
from gpuaug.transforms.jpeg import JpegCompression
from gpuaug.transforms.noise import SaltAndPepper
from gpuaug.transforms.output import Normalize
from gpuaug.transforms.per_class import PerClass
from gpuaug.transforms.sharpening import Emboss, Sharpen
from gpuaug.transforms.smoothing import Blur, GlassBlur, MedianBlur, MotionBlur
from gpuaug.transforms.tones import Posterize, RandomGamma, Solarize

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
