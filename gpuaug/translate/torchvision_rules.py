"""One rule for each transform of torchvision that moves or changes pixels, v1 and v2."""

from __future__ import annotations

from typing import Any

from gpuaug.transforms.affine import RandomAffine, RandomRotation
from gpuaug.transforms.base import Transform
from gpuaug.transforms.batched.distortion import ElasticTransform
from gpuaug.transforms.batched.jpeg import JpegCompression
from gpuaug.transforms.blur import GaussianBlur
from gpuaug.transforms.canvas import Pad, RandomZoomOut
from gpuaug.transforms.color import ChannelShuffle, RandomGrayscale, RandomInvert
from gpuaug.transforms.curves import Posterize, Solarize
from gpuaug.transforms.erase import RandomErasing
from gpuaug.transforms.geometry import (
    CenterCrop,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomVerticalFlip,
    Resize,
)
from gpuaug.transforms.noise import GaussNoise
from gpuaug.transforms.perspective import RandomPerspective
from gpuaug.transforms.photometric import RandomPhotometricDistort
from gpuaug.transforms.policies.aug_mix import AugMix
from gpuaug.transforms.policies.auto_augment import AutoAugment
from gpuaug.transforms.policies.rand_augment import RandAugment
from gpuaug.transforms.policies.trivial_augment import TrivialAugmentWide
from gpuaug.transforms.sharpness import RandomSharpness
from gpuaug.transforms.statistics import AutoContrast, Equalize
from gpuaug.translate.jitter import CLAMP, HUE, color_jitter
from gpuaug.translate.reading import Reading
from gpuaug.translate.translation import Rule

PILLOW = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
BORDERS = {"constant": "zero", "edge": "edge", "reflect": "reflect"}


# ---- Common settings


def _interpolation(reading: Reading) -> str:
    value = reading["interpolation"]
    return str(PILLOW.get(value, value) if isinstance(value, int) else getattr(value, "value", value))


def _read_as(reading: Reading, *kinds: str) -> str:
    """The interpolation, which must be one of ``kinds``, "bilinear" the first."""
    name = _interpolation(reading)
    if name not in kinds:
        near = " or ".join(map(repr, kinds))
        reading.missing(f"interpolation={name!r} has no counterpart", f"interpolation={near}")
        return kinds[0]
    return name


def _warp(reading: Reading) -> dict[str, Any]:
    return {"interpolation": _read_as(reading, "bilinear", "nearest"), "fill": _fill(reading)}


def _scaling(reading: Reading) -> dict[str, Any]:
    """The settings of a resize. torchvision's "nearest" is the pixel before, its "nearest-exact" the
    nearest.
    """
    kind = _read_as(reading, "bilinear", "nearest-exact")
    return {"interpolation": kind, "antialias": bool(reading["antialias"])}


def _fill(reading: Reading) -> tuple[int, ...]:
    """The levels that fill the border of an image."""
    fill = reading["fill"]
    colors = [_numbers(color) for color in (fill.values() if isinstance(fill, dict) else [fill])]
    levels = reading.values.levels(colors[0])
    whole = tuple(map(round, levels))
    if any(color != colors[0] for color in colors) or any(
        abs(level - near) > 1e-3 for level, near in zip(levels, whole, strict=True)
    ):
        reading.missing(f"fill={fill!r} has no counterpart", f"fill={whole} of bytes, for images and masks")
    return whole


def _numbers(color: Any) -> list[float]:
    return [float(v) for v in color] if isinstance(color, (list, tuple)) else [float(color or 0)]


# ---- Geometry


def _resize(reading: Reading) -> list[Transform]:
    reading.only("max_size", None)
    size = reading["size"]
    if isinstance(size, (list, tuple)):
        size = size[0] if len(size) == 1 else tuple(size)
    return reading.make(Resize, size, **_scaling(reading))


def _center_crop(reading: Reading) -> list[Transform]:
    return reading.make(CenterCrop, tuple(reading["size"]))


def _random_crop(reading: Reading) -> list[Transform]:
    reading.only("pad_if_needed", False, nearest="padding=, the same on every side")
    padding, mode = reading["padding"], reading["padding_mode"]
    if not padding:
        reading.known("fill")
        return reading.make(RandomCrop, tuple(reading["size"]))
    sides = set(padding) if isinstance(padding, (list, tuple)) else {padding}
    if mode not in BORDERS:
        reading.missing(f"padding_mode={mode!r} has no counterpart", "padding_mode='reflect'")
    if len(sides) > 1:
        reading.missing(f"padding={padding!r} has no counterpart", "padding=, the same on every side")
    if reading.values.normalized:
        return reading.missing("padding after Normalize has no counterpart", "RandomCrop ahead of Normalize")
    border = {"padding": sides.pop(), "padding_mode": BORDERS.get(mode, mode), "fill": _fill(reading)}
    return reading.make(RandomCrop, tuple(reading["size"]), **border)


def _random_resized_crop(reading: Reading) -> list[Transform]:
    return reading.make(
        *(RandomResizedCrop, tuple(reading["size"]), tuple(reading["scale"]), tuple(reading["ratio"])),
        **_scaling(reading),
    )


def _rotation(reading: Reading) -> list[Transform]:
    reading.only("expand", False)
    reading.only("center", None)
    return reading.make(RandomRotation, tuple(reading["degrees"]), **_warp(reading))


def _affine(reading: Reading) -> list[Transform]:
    reading.only("center", None)
    optional = {name: reading[name] for name in ("translate", "scale", "shear")}
    given = {name: tuple(value) for name, value in optional.items() if value is not None}
    return reading.make(RandomAffine, tuple(reading["degrees"]), **given, **_warp(reading))


def _pad(reading: Reading) -> list[Transform]:
    return reading.make(Pad, reading["padding"], _fill(reading), reading["padding_mode"])


def _perspective(reading: Reading) -> list[Transform]:
    return reading.make(RandomPerspective, reading["distortion_scale"], reading["p"], **_warp(reading))


def _zoom_out(reading: Reading) -> list[Transform]:
    reading.note("the canvas is scaled back to the image's size, as a batch has one size")
    return reading.make(RandomZoomOut, _fill(reading), tuple(reading["side_range"]), reading["p"])


def _elastic(reading: Reading) -> list[Transform]:
    _read_as(reading, "bilinear")
    _black(reading)
    (alpha, other), (sigma, other_sigma) = reading["alpha"], reading["sigma"]
    if alpha != other or sigma != other_sigma:
        return reading.missing(
            f"alpha={[alpha, other]}, sigma={[sigma, other_sigma]} have no counterpart", "the same in x and y"
        )
    reading.note(f"within {4 * sigma:g} pixels of the border the displacements become smaller")
    # torchvision's displacements are in units of half the side.
    return reading.make(ElasticTransform, alpha=alpha / 2, sigma=sigma, padding_mode="zero")


def _black(reading: Reading) -> None:
    if set(_fill(reading)) != {0}:
        reading.missing(f"fill={reading['fill']!r} has no counterpart", "fill=0")


# ---- Color and curves


def _photometric(reading: Reading) -> list[Transform]:
    contrast = "contrast is about middle grey, not about the image's mean"
    reading.note("; ".join((contrast, HUE, CLAMP)))
    pairs = {name: tuple(reading[name]) for name in ("brightness", "contrast", "saturation", "hue")}
    return reading.make(RandomPhotometricDistort, **pairs, p=reading["p"])


def _grayscale(reading: Reading) -> list[Transform]:
    reading.only("num_output_channels", 3)
    reading.note("it becomes RandomGrayscale(p=1), which eval() leaves out")
    return reading.make(RandomGrayscale, p=1.0)


def _photo(kind: type[Transform]) -> Rule:
    """A rule for a transform whose only setting is a probability, which gpuaug's has too."""
    return lambda reading: reading.make(kind, p=reading["p"])


def _sometimes(kind: type[Transform]) -> Rule:
    """A rule for a transform whose only setting is a probability, which gpuaug's does not have."""
    return lambda reading: reading.sometimes(reading.make(kind), reading["p"])


def _posterize(reading: Reading) -> list[Transform]:
    return reading.sometimes(reading.make(Posterize, reading["bits"]), reading["p"])


def _solarize(reading: Reading) -> list[Transform]:
    threshold = reading["threshold"] / reading.values.white
    return reading.sometimes(reading.make(Solarize, threshold), reading["p"])


def _sharpness(reading: Reading) -> list[Transform]:
    return reading.sometimes(reading.make(RandomSharpness, reading["sharpness_factor"]), reading["p"])


# ---- Blur, noise, compression, erasing


def _blur(reading: Reading) -> list[Transform]:
    return reading.make(GaussianBlur, tuple(reading["kernel_size"]), tuple(reading["sigma"]))


def _noise(reading: Reading) -> list[Transform]:
    reading.only("mean", 0.0)
    reading.only("clip", True)
    return reading.make(GaussNoise, reading["sigma"])


def _jpeg(reading: Reading) -> list[Transform]:
    reading.note("bytes are within about a level of libjpeg's, not equal to them")
    return reading.make(JpegCompression, tuple(reading["quality"]))


def _erasing(reading: Reading) -> list[Transform]:
    reading.known("inplace")
    value = reading["value"]
    if value is None or isinstance(value, str):
        return reading.missing("value='random' has no counterpart", "value=0, or another level")
    levels = reading.values.levels(list(value) if isinstance(value, (list, tuple)) else [value])
    whole = round(levels[0])
    if any(abs(level - whole) > 1e-3 for level in levels):
        shown = ", ".join(f"{level:.4g}" for level in levels)
        return reading.missing(
            f"value={value!r} stands for the levels {shown} here, and has no counterpart",
            f"one whole level for all channels, such as value={round(sum(levels) / len(levels))} "
            "before the images are converted",
        )
    return reading.make(RandomErasing, reading["p"], tuple(reading["scale"]), tuple(reading["ratio"]), whole)


# ---- Policies


def _policy(kind: type[Transform], *settings: str) -> Rule:
    def rule(reading: Reading) -> list[Transform]:
        _black(reading)
        name = _interpolation(reading)
        if name == "nearest":
            reading.note("ops that move pixels read bilinearly, not the nearest pixel")
        else:
            _read_as(reading, "bilinear")
        return reading.make(
            kind, **{name: getattr(reading[name], "value", reading[name]) for name in settings}
        )

    return rule


RULES: dict[str, Rule] = {
    "AugMix": _policy(AugMix, "severity", "mixture_width", "chain_depth", "alpha", "all_ops"),
    "AutoAugment": _policy(AutoAugment, "policy"),
    "CenterCrop": _center_crop,
    "ColorJitter": color_jitter,
    "ElasticTransform": _elastic,
    "GaussianBlur": _blur,
    "GaussianNoise": _noise,
    "Grayscale": _grayscale,
    "JPEG": _jpeg,
    "RandAugment": _policy(RandAugment, "num_ops", "magnitude", "num_magnitude_bins"),
    "RandomAdjustSharpness": _sharpness,
    "RandomAffine": _affine,
    "RandomAutocontrast": _sometimes(AutoContrast),
    "RandomChannelPermutation": lambda reading: reading.make(ChannelShuffle, p=1.0),
    "RandomCrop": _random_crop,
    "RandomEqualize": _sometimes(Equalize),
    "RandomErasing": _erasing,
    "RandomGrayscale": _photo(RandomGrayscale),
    "Pad": _pad,
    "RandomPerspective": _perspective,
    "RandomPhotometricDistort": _photometric,
    "RandomZoomOut": _zoom_out,
    "RandomHorizontalFlip": _photo(RandomHorizontalFlip),
    "RandomInvert": _photo(RandomInvert),
    "RandomPosterize": _posterize,
    "RandomResizedCrop": _random_resized_crop,
    "RandomRotation": _rotation,
    "RandomSolarize": _solarize,
    "RandomVerticalFlip": _photo(RandomVerticalFlip),
    "Resize": _resize,
    "TrivialAugmentWide": _policy(TrivialAugmentWide, "num_magnitude_bins"),
}
