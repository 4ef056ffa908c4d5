"""One rule for each transform of Albumentations 2 that moves or changes pixels."""

from __future__ import annotations

from typing import Any

from gpuaug.transforms.affine import RandomAffine, RandomRotation, RandomTranspose
from gpuaug.transforms.base import Transform
from gpuaug.transforms.batched.clahe import CLAHE
from gpuaug.transforms.batched.distortion import ElasticTransform, OpticalDistortion
from gpuaug.transforms.batched.downscale import Downscale
from gpuaug.transforms.batched.jpeg import JpegCompression
from gpuaug.transforms.batched.sharpening import Emboss, Sharpen
from gpuaug.transforms.batched.smoothing import Blur, GlassBlur, MedianBlur, MotionBlur
from gpuaug.transforms.blur import GaussianBlur
from gpuaug.transforms.color import (
    ChannelDropout,
    ChannelShuffle,
    ColorJitter,
    RandomGrayscale,
    RandomInvert,
    RGBShift,
    Sepia,
)
from gpuaug.transforms.compose import Compose
from gpuaug.transforms.curves import Posterize, RandomGamma, Solarize
from gpuaug.transforms.erase import RandomErasing
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
from gpuaug.transforms.statistics import AutoContrast
from gpuaug.translate.jitter import color_jitter
from gpuaug.translate.reading import Reading
from gpuaug.translate.translation import Rule

LINEAR = 1  # OpenCV's numbers
BORDERS = {0: "zero", 1: "edge", 4: "reflect"}
SQUARE = "of squares; what is not square keeps its size here"


# ---- Settings that several have


def chance(reading: Reading) -> float:
    """Its probability: 1 where a choice has already fallen on it."""
    p = float(reading["p"])
    return 1.0 if reading.forced else p


def _bilinear(reading: Reading) -> None:
    reading.only("interpolation", LINEAR, nearest="cv2.INTER_LINEAR")


def _border(reading: Reading) -> str:
    """What lies beyond an image, which is black where it is one color."""
    mode = reading["border_mode"]
    if mode not in BORDERS:
        reading.missing(f"border_mode={mode} has no counterpart", "cv2.BORDER_REFLECT_101")
    if mode == 0:
        _black(reading)
    reading.known("fill", "fill_mask", "mask_interpolation", "rotate_method", "keypoint_remapping_method")
    return BORDERS.get(mode, "zero")


def _black(reading: Reading) -> None:
    fill = reading["fill"]
    if any(one != 0 for one in (fill if isinstance(fill, (list, tuple)) else [fill])):
        reading.missing(f"fill={fill!r} has no counterpart", "fill=0")


def _sometimes(kind: type[Transform], **settings: str) -> Rule:
    """Of a transform whose settings ours has too, by its own names, but for the probability."""

    def rule(reading: Reading) -> list[Transform]:
        given = {ours: reading[theirs] for ours, theirs in settings.items()}
        return reading.sometimes(reading.make(kind, **given), chance(reading))

    return rule


def _photo(kind: type[Transform]) -> Rule:
    """Of a transform whose only setting is its probability, which ours has too."""
    return lambda reading: reading.make(kind, p=chance(reading))


def _noted(text: str, rule: Rule) -> Rule:
    def noted(reading: Reading) -> list[Transform]:
        reading.note(text)
        return rule(reading)

    return noted


# ---- Geometry


def _resize(reading: Reading) -> list[Transform]:
    _bilinear(reading)
    made = reading.make(Resize, (reading["height"], reading["width"]), antialias=False)
    return reading.sometimes(made, chance(reading))


def _smallest(reading: Reading) -> list[Transform]:
    _bilinear(reading)
    reading.only("max_size_hw", None)
    size = reading["max_size"]
    if not isinstance(size, int):
        reading.missing(f"max_size={size!r} has no counterpart", "one number")
    reading.note("the longer side is rounded down, and may so have a pixel fewer")
    return reading.sometimes(reading.make(Resize, size, antialias=False), chance(reading))


def _crop(kind: type[Transform]) -> Rule:
    def rule(reading: Reading) -> list[Transform]:
        reading.only("pad_if_needed", False)
        reading.known("pad_position", "border_mode", "fill", "fill_mask")  # for what is padded
        made = reading.make(kind, (reading["height"], reading["width"]))
        return reading.sometimes(made, chance(reading))

    return rule


def _random_resized_crop(reading: Reading) -> list[Transform]:
    _bilinear(reading)
    size, scale, ratio = (tuple(reading[name]) for name in ("size", "scale", "ratio"))
    return reading.sometimes(
        reading.make(RandomResizedCrop, size, scale, ratio, antialias=False), chance(reading)
    )


def _turns(*, mirrored: bool) -> Rule:
    """The symmetries of a square: its quarter turns, or all eight."""

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
    _bilinear(reading)
    reading.only("crop_border", False)
    made = reading.make(RandomRotation, tuple(reading["limit"]), padding_mode=_border(reading))
    return reading.sometimes(made, chance(reading))


def _affine(reading: Reading) -> list[Transform]:
    _bilinear(reading)
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
        padding_mode=_border(reading),
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
    reading.note("shifts are rounded to the nearest pixel, not towards none")
    return (shares["x"][1], shares["y"][1])


def _scale(reading: Reading) -> tuple[float, float]:
    scale, one = reading["scale"], reading["keep_ratio"]
    if scale["x"] != scale["y"]:
        reading.missing(f"scale={scale} has no counterpart", "the same in x and y")
    elif not one and scale["x"][0] != scale["x"][1]:
        reading.note("x and y take one factor of scale, not one each")
    return (scale["x"][0], scale["x"][1])


def _optical(reading: Reading) -> list[Transform]:
    _bilinear(reading)
    reading.only("mode", "camera")
    reading.note("the lens is about the middle of the image, there half a pixel further")
    made = reading.make(OpticalDistortion, tuple(reading["distort_limit"]), padding_mode=_border(reading))
    return reading.sometimes(made, chance(reading))


def _elastic(reading: Reading) -> list[Transform]:
    _bilinear(reading)
    reading.only("approximate", False)
    reading.only("same_dxdy", False)
    reading.only("noise_distribution", "uniform")
    alpha, sigma, border = reading["alpha"], reading["sigma"], _border(reading)
    reading.note(f"within {4 * sigma:g} pixels of the border the displacements become smaller")
    made = reading.make(ElasticTransform, alpha, sigma, padding_mode=border)
    return reading.sometimes(made, chance(reading))


# ---- Color and curves


def _jitter(reading: Reading) -> list[Transform]:
    return reading.sometimes(color_jitter(reading), chance(reading))


def _brightness_contrast(reading: Reading) -> list[Transform]:
    """Contrast is a factor there, as brightness is here; brightness is added."""
    reading.known("brightness_by_max")
    reading.only("ensure_safe_range", False)
    reading.only("brightness_limit", (0.0, 0.0), nearest="brightness_limit=0, or A.ColorJitter")
    least, most = reading["contrast_limit"]
    made = reading.make(ColorJitter, brightness=(1 + least, 1 + most))
    return reading.sometimes(made, chance(reading))


def _rgb_shift(reading: Reading) -> list[Transform]:
    def levels(limit: tuple[float, float]) -> tuple[float, float]:
        unit = 255 if max(map(abs, limit)) <= 1 else 1  # small ones are shares of white
        return (limit[0] * unit, limit[1] * unit)

    reading.known("noise_type", "spatial_mode", "noise_params", "approximation")
    given = {ours: levels(reading[f"{ours[0]}_shift_limit"]) for ours in ("red", "green", "blue")}
    return reading.sometimes(reading.make(RGBShift, **given), chance(reading))


def _gray(reading: Reading) -> list[Transform]:
    reading.only("num_output_channels", 3)
    reading.only("method", "weighted_average")
    return reading.make(RandomGrayscale, p=chance(reading))


def _channel_dropout(reading: Reading) -> list[Transform]:
    reading.only("channel_drop_range", (1, 1))
    return reading.make(ChannelDropout, chance(reading), _level(reading["fill"]))


def _level(value: Any) -> Any:
    """A whole number as an int, for a setting that takes one; others as they are."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _gamma(reading: Reading) -> list[Transform]:
    least, most = reading["gamma_limit"]
    return reading.sometimes(reading.make(RandomGamma, (least / 100, most / 100)), chance(reading))


def _auto_contrast(reading: Reading) -> list[Transform]:
    reading.only("cutoff", 0)
    reading.only("ignore", None)
    reading.only("method", "pil")
    reading.note("level 255 counts for the brightest, as in Pillow; there it does not")
    return reading.sometimes(reading.make(AutoContrast), chance(reading))


def _posterize(reading: Reading) -> list[Transform]:
    bits = reading["num_bits"]
    if isinstance(bits, list):
        return reading.missing(f"num_bits={bits} has no counterpart", "(least, most), for all channels")
    return reading.sometimes(reading.make(Posterize, bits), chance(reading))


# ---- Blur, noise, compression, erasing


def _gaussian_blur(reading: Reading) -> list[Transform]:
    least, most = reading["blur_limit"]
    if least != most or least == 0:
        return reading.missing(f"blur_limit={(least, most)} has no counterpart", "blur_limit=(5, 5)")
    made = reading.make(GaussianBlur, least, tuple(reading["sigma_limit"]))
    return reading.sometimes(made, chance(reading))


def _motion_blur(reading: Reading) -> list[Transform]:
    reading.only("allow_shifted", False)
    reading.note("the line is drawn between pixels, about its centre of mass")
    return _sometimes(MotionBlur, kernel_size="blur_limit", angle="angle_range", direction="direction_range")(
        reading
    )


def _glass_blur(reading: Reading) -> list[Transform]:
    reading.known("mode")
    reading.note("pixels take the values of neighbours all at once, not one after another")
    return _sometimes(GlassBlur, sigma="sigma", max_delta="max_delta", iterations="iterations")(reading)


def _sharpen(reading: Reading) -> list[Transform]:
    reading.only("method", "kernel")
    reading.known("kernel_size", "sigma")  # of the other method
    return _sometimes(Sharpen, alpha="alpha", lightness="lightness")(reading)


def _gauss_noise(reading: Reading) -> list[Transform]:
    reading.only("mean_range", (0.0, 0.0))
    reading.only("noise_scale_factor", 1)
    return _sometimes(GaussNoise, std="std_range", per_channel="per_channel")(reading)


def _fixed(reading: Reading, setting: str) -> float:
    least, most = reading[setting]
    if least != most:
        middle = f"{(least + most) / 2:.4g}"
        reading.missing(
            f"{setting}={(least, most)} has no counterpart", f"one number: {setting}=({middle}, {middle})"
        )
    return float(least)


def _salt(reading: Reading) -> list[Transform]:
    amount, salt = _fixed(reading, "amount"), _fixed(reading, "salt_vs_pepper")
    reading.note("each pixel changes with that probability; there as many as its share of the image")
    return reading.sometimes(reading.make(SaltAndPepper, amount, salt), chance(reading))


def _pixel_dropout(reading: Reading) -> list[Transform]:
    reading.only("per_channel", False)
    reading.only("drop_value", 0, 255)
    reading.only("mask_drop_value", None)
    made = reading.make(SaltAndPepper, reading["dropout_prob"], float(reading["drop_value"] == 255))
    return reading.sometimes(made, chance(reading))


def _downscale(reading: Reading) -> list[Transform]:
    reading.only("interpolation_pair", {"upscale": 0, "downscale": 0})
    reading.note("the sides of the small image are rounded down, not to the nearest pixel")
    return _sometimes(Downscale, scale="scale_range")(reading)


def _compression(reading: Reading) -> list[Transform]:
    reading.only("compression_type", "jpeg")
    reading.note("it is given red, green and blue; there they come to OpenCV as blue, green and red")
    return _sometimes(JpegCompression, quality="quality_range")(reading)


def _erasing(reading: Reading) -> list[Transform]:
    reading.known("fill_mask")
    (least, most), scale = reading["ratio"], tuple(reading["scale"])
    reading.note("the ratio is log-uniform, and a box that does not fit is drawn again")
    fill = _level(reading["fill"])
    return reading.make(RandomErasing, chance(reading), scale, (1 / most, 1 / least), fill)


RULES: dict[str, Rule] = {
    "Affine": _affine,
    "AutoContrast": _auto_contrast,
    "Blur": _sometimes(Blur, kernel_size="blur_limit"),
    "CLAHE": _noted(
        "each channel is made even by itself, not the lightness of LAB alone",
        _sometimes(CLAHE, clip_limit="clip_limit", tile_grid_size="tile_grid_size"),
    ),
    "CenterCrop": _noted("where the room is odd, the window may be a pixel further", _crop(CenterCrop)),
    "ChannelDropout": _channel_dropout,
    "ChannelShuffle": _photo(ChannelShuffle),
    "ColorJitter": _jitter,
    "D4": _turns(mirrored=True),
    "Downscale": _downscale,
    "ElasticTransform": _elastic,
    "Emboss": _sometimes(Emboss, alpha="alpha", strength="strength"),
    "Erasing": _erasing,
    "GaussNoise": _gauss_noise,
    "GaussianBlur": _gaussian_blur,
    "GlassBlur": _glass_blur,
    "HorizontalFlip": _photo(RandomHorizontalFlip),
    "ImageCompression": _compression,
    "InvertImg": _photo(RandomInvert),
    "MedianBlur": _sometimes(MedianBlur, kernel_size="blur_limit"),
    "MotionBlur": _motion_blur,
    "MultiplicativeNoise": _sometimes(
        MultiplicativeNoise,
        multiplier="multiplier",
        per_channel="per_channel",
        elementwise="elementwise",
    ),
    "OpticalDistortion": _optical,
    "PixelDropout": _pixel_dropout,
    "Posterize": _posterize,
    "RGBShift": _rgb_shift,
    "RandomBrightnessContrast": _brightness_contrast,
    "RandomCrop": _crop(RandomCrop),
    "RandomGamma": _gamma,
    "RandomResizedCrop": _random_resized_crop,
    "RandomRotate90": _turns(mirrored=False),
    "Resize": _resize,
    "Rotate": _rotate,
    "SaltAndPepper": _salt,
    "Sharpen": _sharpen,
    "ShiftScaleRotate": _affine,
    "SmallestMaxSize": _smallest,
    "Solarize": _sometimes(Solarize, threshold="threshold_range"),
    "SquareSymmetry": _turns(mirrored=True),
    "ToGray": _gray,
    "ToSepia": _photo(Sepia),
    "Transpose": _noted(SQUARE, _photo(RandomTranspose)),
    "VerticalFlip": _photo(RandomVerticalFlip),
}
