"""Albumentations' transforms that gpuaug lacks, with the nearest alternative."""

from __future__ import annotations

_OWN = "a gpuaug transform of your own, or do it in the data set"
_BOXES = "RandomResizedCrop, whose boxes follow"
_CROP = "RandomCrop, RandomResizedCrop or CenterCrop"
_ERASE = "A.Erasing, or gpuaug.CutOut"
_NOISE = "A.GaussNoise"
_ORDER = "one order, or A.OneOf of several chains"
_PAD = "gpuaug.RandomCrop(size, padding=...)"
_SIZE = "A.Resize, as a batch has one size"
_TONE = "A.ColorJitter or A.RandomGamma"
_VOLUME = "transforms of images"
_WARP = "A.ElasticTransform(noise_distribution='uniform')"

ABSENT: dict[str, str] = {
    "AdditiveNoise": _NOISE,
    "AdvancedBlur": "A.GaussianBlur",
    "AtLeastOneBBoxRandomCrop": _BOXES,
    "BBoxSafeRandomCrop": _BOXES,
    "CenterCrop3D": _VOLUME,
    "ChromaticAberration": "A.RGBShift",
    "CoarseDropout": _ERASE,
    "CoarseDropout3D": _VOLUME,
    "ConstrainedCoarseDropout": _ERASE,
    "Crop": _CROP,
    "CropAndPad": _PAD,
    "CropNonEmptyMaskIfExists": _CROP,
    "CubicSymmetry": _VOLUME,
    "Defocus": "A.Blur",
    "Equalize": "gpuaug.Equalize, which is Pillow's to the byte",
    "FDA": _TONE,
    "FancyPCA": "gpuaug.FancyPCA, along the axes of the data set",
    "FrequencyMasking": "gpuaug.GridDropout",
    "FromFloat": "leave out A.ToFloat to keep bytes",
    "GridDistortion": "gpuaug.GridDistortion, of one step fewer",
    "GridDropout": "gpuaug.GridDropout, with a random offset",
    "GridElasticDeform": _WARP,
    "HEStain": _TONE,
    "HistogramMatching": "gpuaug.Equalize",
    "HueSaturationValue": "A.ColorJitter(hue=..., saturation=...)",
    "ISONoise": "gpuaug.ISONoise, as in Albumentations 1",
    "Illumination": _TONE,
    "Lambda": _OWN,
    "LongestMaxSize": _SIZE,
    "MaskDropout": _ERASE,
    "Morphological": "A.MedianBlur",
    "Mosaic": "the loader's: BalancedLoader(..., mix=gpuaug.CutMix(alpha=...))",
    "OverlayElements": "the loader's: BalancedLoader(..., mix=gpuaug.CMO(...))",
    "Pad3D": _VOLUME,
    "PadIfNeeded": _PAD,
    "PadIfNeeded3D": _VOLUME,
    "Perspective": "A.Affine",
    "PiecewiseAffine": _WARP,
    "PixelDistributionAdaptation": _TONE,
    "PlanckianJitter": "A.RGBShift",
    "PlasmaBrightnessContrast": _TONE,
    "PlasmaShadow": _TONE,
    "RandomCrop3D": _VOLUME,
    "RandomCropFromBorders": _CROP,
    "RandomCropNearBBox": _BOXES,
    "RandomFog": _TONE,
    "RandomGravel": "A.PixelDropout",
    "RandomGridShuffle": _OWN,
    "RandomOrder": _ORDER,
    "RandomRain": "A.MotionBlur",
    "RandomScale": "A.Affine(scale=...), which keeps the size",
    "RandomShadow": _ERASE,
    "RandomSizedBBoxSafeCrop": _BOXES,
    "RandomSizedCrop": "A.RandomResizedCrop",
    "RandomSnow": _TONE,
    "RandomSunFlare": _TONE,
    "RandomToneCurve": "A.RandomGamma",
    "ReplayCompose": "A.Compose, as a draw's key repeats its result",
    "RingingOvershoot": "A.Sharpen",
    "SafeRotate": "A.Rotate",
    "SelectiveChannelTransform": "the transforms for all channels",
    "ShotNoise": _NOISE,
    "SomeOf": _ORDER,
    "Spatter": "A.PixelDropout",
    "Superpixels": "gpuaug.Superpixels, whose segments follow the colors",
    "TextImage": _OWN,
    "ThinPlateSpline": _WARP,
    "TimeMasking": "gpuaug.GridDropout",
    "TimeReverse": "A.HorizontalFlip",
    "ToRGB": "images of three channels, from the data set",
    "ToTensor3D": _VOLUME,
    "UnsharpMask": "A.Sharpen",
    "XYMasking": _ERASE,
    "ZoomBlur": "A.MotionBlur(allow_shifted=False)",
}
