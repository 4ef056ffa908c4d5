"""One rule for each transform of Albumentations 2 that moves pixels."""

from __future__ import annotations

from gpuaug.transforms.affine import RandomAffine, RandomRotation, RandomTranspose
from gpuaug.transforms.base import Transform
from gpuaug.transforms.batched.distortion import ElasticTransform, OpticalDistortion
from gpuaug.transforms.canvas import Pad
from gpuaug.transforms.compose import Compose
from gpuaug.transforms.geometry import (
    CenterCrop,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomVerticalFlip,
    Resize,
)
from gpuaug.translate.albumentations_settings import beyond, bilinear, border, chance, noted, photo, warp
from gpuaug.translate.reading import Reading
from gpuaug.translate.translation import Rule

SQUARE = "exact for square images; others keep their size here"


def _resize(reading: Reading) -> list[Transform]:
    bilinear(reading)
    made = reading.make(Resize, (reading["height"], reading["width"]), antialias=False)
    return reading.sometimes(made, chance(reading))


def _smallest(reading: Reading) -> list[Transform]:
    bilinear(reading)
    reading.only("max_size_hw", None)
    size = reading["max_size"]
    if not isinstance(size, int):
        reading.missing(f"max_size={size!r} has no counterpart", "one number")
    reading.note("the longer side is rounded down, and may be a pixel shorter")
    return reading.sometimes(reading.make(Resize, size, antialias=False), chance(reading))


def _crop(kind: type[Transform]) -> Rule:
    def rule(reading: Reading) -> list[Transform]:
        reading.only("pad_if_needed", False)
        reading.known("pad_position", "border_mode", "fill", "fill_mask")  # for padding
        made = reading.make(kind, (reading["height"], reading["width"]))
        return reading.sometimes(made, chance(reading))

    return rule


def _pad(reading: Reading) -> list[Transform]:
    outside = beyond(reading)
    if chance(reading) != 1:
        reading.missing(f"p={reading['p']} has no counterpart, as a batch has one size", "p=1")
    mode = outside["padding_mode"]
    return reading.make(Pad, reading["padding"], outside["fill"], "constant" if mode == "zero" else mode)


def _random_resized_crop(reading: Reading) -> list[Transform]:
    bilinear(reading)
    size, scale, ratio = (tuple(reading[name]) for name in ("size", "scale", "ratio"))
    return reading.sometimes(
        reading.make(RandomResizedCrop, size, scale, ratio, antialias=False), chance(reading)
    )


def _turns(*, mirrored: bool) -> Rule:
    """The symmetries of a square: its quarter turns, or with ``mirrored`` all eight."""

    def rule(reading: Reading) -> list[Transform]:
        reading.note(SQUARE)
        p = chance(reading)
        turns: list[list[Transform]] = [[]]
        turns += [[RandomRotation((degrees, degrees))] for degrees in (90, 180, 270)]
        if mirrored:
            flips = (RandomHorizontalFlip, RandomVerticalFlip, RandomTranspose)
            turns += [[flip(1.0)] for flip in flips]
            turns.append([Compose([RandomTranspose(1.0), RandomRotation((180, 180))])])
        return reading.choice(turns, [1.0] * len(turns), p)

    return rule


def _rotate(reading: Reading) -> list[Transform]:
    reading.only("crop_border", False)
    made = reading.make(RandomRotation, tuple(reading["limit"]), **warp(reading))
    return reading.sometimes(made, chance(reading))


def _affine(reading: Reading) -> list[Transform]:
    reading.only("fit_output", False)
    reading.only("balanced_scale", False)
    reading.known("shift_limit", "shift_limit_x", "shift_limit_y", "scale_limit", "rotate_limit")
    (down, up), shear = reading["rotate"], reading["shear"]
    sheared = [axis for axis in "xy" if shear[axis] != (0, 0)]
    if len(sheared) + ((down, up) != (0, 0)) > 1:
        reading.missing(
            f"rotate={(down, up)} and shear={shear} together have no counterpart", "one of them, or one axis"
        )
    made = reading.make(
        *(RandomAffine, (-up, -down)),
        translate=_shift(reading),
        scale=_scale(reading),
        shear=(*shear["x"], *shear["y"]) if sheared else None,
        **warp(reading),
    )
    return reading.sometimes(made, chance(reading))


def _shift(reading: Reading) -> tuple[float, float] | None:
    shares, pixels = reading["translate_percent"], reading["translate_px"]
    if pixels is not None and any(pixels[axis] != (0, 0) for axis in "xy"):
        reading.missing(f"translate_px={pixels} has no counterpart", "translate_percent")
    if shares is None or all(shares[axis] == (0, 0) for axis in "xy"):
        return None
    if any(shares[axis][0] != -shares[axis][1] for axis in "xy"):
        reading.missing(f"translate_percent={shares} has no counterpart", "as much to both sides")
        return None
    reading.note("shifts are rounded to the nearest pixel, not towards 0")
    return (shares["x"][1], shares["y"][1])


def _scale(reading: Reading) -> tuple[float, float]:
    scale, one = reading["scale"], reading["keep_ratio"]
    if scale["x"] != scale["y"]:
        reading.missing(f"scale={scale} has no counterpart", "the same in x and y")
    elif not one and scale["x"][0] != scale["x"][1]:
        reading.note("x and y take one factor of scale, not one each")
    return (scale["x"][0], scale["x"][1])


def _optical(reading: Reading) -> list[Transform]:
    bilinear(reading)
    reading.only("mode", "camera")
    reading.note("the lens is centred on the image; Albumentations' is half a pixel further")
    made = reading.make(OpticalDistortion, tuple(reading["distort_limit"]), padding_mode=border(reading))
    return reading.sometimes(made, chance(reading))


def _elastic(reading: Reading) -> list[Transform]:
    bilinear(reading)
    reading.only("approximate", False)
    reading.only("same_dxdy", False)
    reading.only("noise_distribution", "uniform")
    alpha, sigma = reading["alpha"], reading["sigma"]
    reading.note(f"within {4 * sigma:g} pixels of the border the displacements become smaller")
    made = reading.make(ElasticTransform, alpha, sigma, padding_mode=border(reading))
    return reading.sometimes(made, chance(reading))


GEOMETRY: dict[str, Rule] = {
    "Affine": _affine,
    "CenterCrop": noted("with an odd margin, the window may be a pixel further", _crop(CenterCrop)),
    "D4": _turns(mirrored=True),
    "ElasticTransform": _elastic,
    "HorizontalFlip": photo(RandomHorizontalFlip),
    "OpticalDistortion": _optical,
    "Pad": _pad,
    "RandomCrop": _crop(RandomCrop),
    "RandomResizedCrop": _random_resized_crop,
    "RandomRotate90": _turns(mirrored=False),
    "Resize": _resize,
    "Rotate": _rotate,
    "ShiftScaleRotate": _affine,
    "SmallestMaxSize": _smallest,
    "SquareSymmetry": _turns(mirrored=True),
    "Transpose": noted(SQUARE, photo(RandomTranspose)),
    "VerticalFlip": photo(RandomVerticalFlip),
}
