"""One rule for each transform of Albumentations 2 that changes the values of pixels."""

from __future__ import annotations

from typing import Any

from gpuaug.transforms.base import Transform
from gpuaug.transforms.batched.clahe import CLAHE
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
from gpuaug.transforms.curves import Posterize, RandomGamma, Solarize
from gpuaug.transforms.erase import RandomErasing
from gpuaug.transforms.impulse import SaltAndPepper
from gpuaug.transforms.noise import GaussNoise, MultiplicativeNoise
from gpuaug.transforms.statistics import AutoContrast
from gpuaug.translate.albumentations_settings import chance, noted, photo, sometimes
from gpuaug.translate.jitter import color_jitter
from gpuaug.translate.reading import Reading
from gpuaug.translate.translation import Rule


def _jitter(reading: Reading) -> list[Transform]:
    return reading.sometimes(color_jitter(reading), chance(reading))


def _brightness_contrast(reading: Reading) -> list[Transform]:
    """Translate contrast, a factor like brightness here; brightness, which is added there, has no
    counterpart.
    """
    reading.known("brightness_by_max")
    reading.only("ensure_safe_range", False)
    reading.only("brightness_limit", (0.0, 0.0), nearest="brightness_limit=0, or A.ColorJitter")
    least, most = reading["contrast_limit"]
    made = reading.make(ColorJitter, brightness=(1 + least, 1 + most))
    return reading.sometimes(made, chance(reading))


def _rgb_shift(reading: Reading) -> list[Transform]:
    def levels(limit: tuple[float, float]) -> tuple[float, float]:
        unit = 255 if max(map(abs, limit)) <= 1 else 1  # small limits are shares of white
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
    """Convert a whole number to an int, for a setting that takes one; other values do not change."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _gamma(reading: Reading) -> list[Transform]:
    least, most = reading["gamma_limit"]
    return reading.sometimes(reading.make(RandomGamma, (least / 100, most / 100)), chance(reading))


def _auto_contrast(reading: Reading) -> list[Transform]:
    reading.only("cutoff", 0)
    reading.only("ignore", None)
    reading.only("method", "pil")
    reading.note("level 255 counts as the brightest, as in Pillow; in Albumentations it does not")
    return reading.sometimes(reading.make(AutoContrast), chance(reading))


def _posterize(reading: Reading) -> list[Transform]:
    bits = reading["num_bits"]
    if isinstance(bits, list):
        return reading.missing(f"num_bits={bits} has no counterpart", "(least, most), for all channels")
    return reading.sometimes(reading.make(Posterize, bits), chance(reading))


# ---- Blur, noise, compression, erasing


def _gaussian_blur(reading: Reading) -> list[Transform]:
    (least, most), (_, sigma) = reading["blur_limit"], reading["sigma_limit"]
    if most == 0:  # Albumentations' size follows each draw's sigma, as in Pillow; here all have the largest
        least = most = 2 * int(3.5 * sigma) + 1
    if least != most:
        return reading.missing(f"blur_limit={(least, most)} has no counterpart", "one size, or 0")
    made = reading.make(GaussianBlur, most, tuple(reading["sigma_limit"]))
    return reading.sometimes(made, chance(reading))


def _motion_blur(reading: Reading) -> list[Transform]:
    reading.only("allow_shifted", False)
    reading.note("the line is drawn between pixels, about its centre of mass")
    return sometimes(MotionBlur, kernel_size="blur_limit", angle="angle_range", direction="direction_range")(
        reading
    )


def _glass_blur(reading: Reading) -> list[Transform]:
    reading.known("mode")
    reading.note("pixels take the values of neighbours all at once, not one after another")
    return sometimes(GlassBlur, sigma="sigma", max_delta="max_delta", iterations="iterations")(reading)


def _sharpen(reading: Reading) -> list[Transform]:
    reading.only("method", "kernel")
    reading.known("kernel_size", "sigma")  # of the other method
    return sometimes(Sharpen, alpha="alpha", lightness="lightness")(reading)


def _gauss_noise(reading: Reading) -> list[Transform]:
    reading.only("mean_range", (0.0, 0.0))
    reading.only("noise_scale_factor", 1)
    return sometimes(GaussNoise, std="std_range", per_channel="per_channel")(reading)


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
    reading.note("each pixel changes with this probability; in Albumentations exactly this share changes")
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
    return sometimes(Downscale, scale="scale_range")(reading)


def _compression(reading: Reading) -> list[Transform]:
    reading.only("compression_type", "jpeg")
    reading.note("it reads red, green and blue; Albumentations gives OpenCV blue, green and red")
    return sometimes(JpegCompression, quality="quality_range")(reading)


def _erasing(reading: Reading) -> list[Transform]:
    reading.known("fill_mask")
    (least, most), scale = reading["ratio"], tuple(reading["scale"])
    reading.note("the ratio is log-uniform, and a box that does not fit is drawn again")
    fill = _level(reading["fill"])
    return reading.make(RandomErasing, chance(reading), scale, (1 / most, 1 / least), fill)


PIXELS: dict[str, Rule] = {
    "AutoContrast": _auto_contrast,
    "Blur": sometimes(Blur, kernel_size="blur_limit"),
    "CLAHE": noted(
        "each channel is made even by itself, not the lightness of LAB alone",
        sometimes(CLAHE, clip_limit="clip_limit", tile_grid_size="tile_grid_size"),
    ),
    "ChannelDropout": _channel_dropout,
    "ChannelShuffle": photo(ChannelShuffle),
    "ColorJitter": _jitter,
    "Downscale": _downscale,
    "Emboss": sometimes(Emboss, alpha="alpha", strength="strength"),
    "Erasing": _erasing,
    "GaussNoise": _gauss_noise,
    "GaussianBlur": _gaussian_blur,
    "GlassBlur": _glass_blur,
    "ImageCompression": _compression,
    "InvertImg": photo(RandomInvert),
    "MedianBlur": sometimes(MedianBlur, kernel_size="blur_limit"),
    "MotionBlur": _motion_blur,
    "MultiplicativeNoise": sometimes(
        MultiplicativeNoise,
        multiplier="multiplier",
        per_channel="per_channel",
        elementwise="elementwise",
    ),
    "PixelDropout": _pixel_dropout,
    "Posterize": _posterize,
    "RGBShift": _rgb_shift,
    "RandomBrightnessContrast": _brightness_contrast,
    "RandomGamma": _gamma,
    "SaltAndPepper": _salt,
    "Sharpen": _sharpen,
    "Solarize": sometimes(Solarize, threshold="threshold_range"),
    "ToGray": _gray,
    "ToSepia": photo(Sepia),
}
