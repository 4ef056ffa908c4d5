"""Translation of torchvision's chains, v1 and v2: containers, conversions, transforms without a
counterpart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from gpuaug.transforms.base import Transform
from gpuaug.transforms.compose import Compose
from gpuaug.translate.reading import Reading
from gpuaug.translate.torchvision_rules import RULES
from gpuaug.translate.translation import Library, Rule, Translation
from gpuaug.translate.values import Values

CONVERSIONS = ("ConvertImageDtype", "ToDtype", "ToTensor")


def from_torchvision(
    chain: Any,
    apply_to: str = "all",
    *,
    seed: int | None = None,
    memory_format: torch.memory_format = torch.preserve_format,
) -> Compose:
    """Translate a chain of torchvision's transforms to gpuaug's, for batches on the device.

    >>> import gpuaug
    >>> from torchvision.transforms import v2
    >>> chain = v2.Compose([
    ...     v2.ToImage(),
    ...     v2.RandomResizedCrop(32, antialias=True),
    ...     v2.RandomHorizontalFlip(),
    ...     v2.ToDtype(torch.float32, scale=True),
    ...     v2.Normalize([0.5], [0.25]),
    ... ])
    >>> augment = gpuaug.from_torchvision(chain)
    >>> augment(torch.zeros(2, 3, 48, 48, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])
    >>> print(augment)
    Compose(apply_to='all')
      RandomResizedCrop(size=(32, 32), scale=(0.08, 1.0), ratio=(0.75, 1.33))  pass 1, geometry
      RandomHorizontalFlip(p=0.5)                                              pass 1, geometry
      Normalize(mean=[0.5], std=[0.25], dtype=float32)                         pass 1, output
    1 pass: 1 kernel launch a batch

    Each image of a batch draws its own parameters, with torchvision's distributions. Settings are carried
    over exactly or refused: one error names everything without a counterpart, and the nearest alternative.

    >>> gpuaug.from_torchvision(v2.Compose([v2.Resize(8, "bicubic"), v2.Lambda(abs)]))
    Traceback (most recent call last):
    ValueError: from_torchvision: 2 transforms or settings have no counterpart in gpuaug
      transforms[0] Resize: interpolation='bicubic' has no counterpart; nearest: interpolation='bilinear'...
      transforms[1] Lambda: it has no counterpart; nearest: a gpuaug transform of your own, or do it in ...

    Transforms that draw a little differently (such as hue, in YIQ) are translated, with one warning for the
    chain. Two differences are not repeated each time. Bytes may differ by a level where the libraries round
    differently, and by more on the rim of a turned image, which torchvision blends with black twice.
    ``eval()`` only resizes, crops from the middle and normalises, and so do originals under
    ``apply_to="copies"``; torchvision's chains have neither.

    ``ToImage``, ``PILToTensor``, ``ToPILImage`` and ``ToPureTensor`` do not change pixels and are left out.
    ``ToDtype``, ``ToTensor``, ``ConvertImageDtype`` and ``Normalize`` become one ``Normalize`` at the end.
    Without them bytes stay bytes.

    Args:
        chain: a ``Compose`` of v1 or v2, an ``nn.Sequential``, one transform, or the ``transforms()`` of the
            weights of a classifier. It is not changed.
        apply_to: as in ``Compose``: "all" is what torchvision does, "copies" leaves originals out.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.
        memory_format: memory format of the result, as in ``Compose``.

    Raises:
        TypeError: if ``chain`` is not one of torchvision's.
        ValueError: if anything has no counterpart (the message names all of it), or the chain changes
            nothing.

    Warns:
        TranslationWarning: if results differ in details, once for the chain.
    """
    if not LIBRARY.has(chain):
        raise TypeError(
            "chain must be a Compose or a transform of torchvision, or an nn.Sequential of them, "
            f"got {type(chain).__name__}"
        )
    translation = Translation(LIBRARY, _values_of(chain))
    made = translation.one(chain, "")
    return translation.finish("from_torchvision", made, apply_to, seed, memory_format)


def _values_of(chain: Any) -> Values:
    """The values of the images that come: floats if they are normalised but never converted to floats."""
    for name in _names(chain):
        if name in CONVERSIONS:
            break
        if name == "Normalize":
            return Values.floats()
    return Values()


def _names(chain: Any) -> Iterator[str]:
    """The class names of a chain's transforms, in order."""
    children = chain if isinstance(chain, nn.Sequential) else getattr(chain, "transforms", ())
    yield type(chain).__name__
    for child in children:
        yield from _names(child)


# ---- Containers


def _compose(reading: Reading) -> list[Transform]:
    return [new for made in reading.inner() for new in made]


def _sequential(reading: Reading) -> list[Transform]:
    chain: Any = reading.transform
    return [new for made in reading.each(chain, reading.place) for new in made]


def _random_apply(reading: Reading) -> list[Transform]:
    made = [new for made in reading.inner(within="RandomApply") for new in made]
    return reading.sometimes(made, reading["p"])


def _random_choice(reading: Reading) -> list[Transform]:
    options = reading.inner(within="RandomChoice")
    return reading.choice(options, reading["p"] or [1.0] * len(options))


def _image_classification(reading: Reading) -> list[Transform]:
    """The chain of ``Weights.transforms()``, step by step."""
    from torchvision.transforms import v2

    steps = [
        v2.Resize(reading["resize_size"], reading["interpolation"], antialias=reading["antialias"]),
        v2.CenterCrop(reading["crop_size"]),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(reading["mean"], reading["std"]),
    ]
    return [new for made in reading.each(steps, reading.place or reading.name) for new in made]


# ---- Conversions


def _nothing(reading: Reading) -> list[Transform]:
    return []


def _to_pil(reading: Reading) -> list[Transform]:
    reading.only("mode", None, "RGB", "L")
    return reading.missing("of floats has no counterpart", "floats stay") if reading.values.floating else []


def _convert(reading: Reading, dtype: torch.dtype, scale: bool) -> list[Transform]:
    if reading.outermost() and (instead := reading.values.convert(dtype, scale=scale)):
        reading.missing(f"dtype={dtype}, scale={scale} has no counterpart here", instead)
    return []


def _to_dtype(reading: Reading) -> list[Transform]:
    dtype, scale = reading["dtype"], reading["scale"]
    if not isinstance(dtype, dict):
        return _convert(reading, dtype, scale)
    kinds = {kind: getattr(kind, "__name__", kind) for kind in dtype}
    of_images = [one for kind, one in dtype.items() if kinds[kind] in ("Image", "Tensor", "Video")]
    for kind, one in dtype.items():
        if kinds[kind] not in ("Image", "Tensor", "Video", "others") and one is not None:
            reading.missing(f"dtype of {kinds[kind]}={one} has no counterpart", "None: they keep theirs")
    image = of_images[0] if of_images else dtype.get("others")
    return [] if image is None else _convert(reading, image, scale)


def _normalize(reading: Reading) -> list[Transform]:
    reading.known("inplace")
    values = reading.values
    if not reading.outermost():
        return []
    if values.normalized:
        return reading.missing("it follows another Normalize", "one Normalize of both")
    if not values.floating:
        return reading.missing(
            "of bytes has no counterpart", "ToDtype(torch.float32, scale=True) ahead of it"
        )
    values.normalize([float(v) for v in reading["mean"]], [float(v) for v in reading["std"]])
    return []


CONVERTING: dict[str, Rule] = {
    "ConvertImageDtype": lambda reading: _convert(reading, reading["dtype"], True),
    "Identity": _nothing,
    "Normalize": _normalize,
    "PILToTensor": _nothing,
    "ToDtype": _to_dtype,
    "ToImage": _nothing,
    "ToPILImage": _to_pil,
    "ToPureTensor": _nothing,
    "ToTensor": lambda reading: _convert(reading, torch.float32, True),
}
HOLDING: dict[str, Rule] = {
    "Compose": _compose,
    "RandomApply": _random_apply,
    "RandomChoice": _random_choice,
    "Sequential": _sequential,
}

PRESETS: dict[str, Rule] = {"ImageClassification": _image_classification}

_OWN = "a gpuaug transform of your own, or do it in the data set"
_ONE_SIZE = "Resize((height, width)) or RandomResizedCrop, as a batch has one size"
_BOXES = "augment(images, boxes=...), whose boxes follow the images and are cut off at their border"
_POINTS = "augment(images, keypoints=...), whose keypoints follow the images"

ABSENT: dict[str, str] = {
    "ClampBoundingBoxes": _BOXES,
    "ClampKeyPoints": _POINTS,
    "ConvertBoundingBoxFormat": _BOXES,
    "CutMix": "the loader's: BalancedLoader(..., mix=gpuaug.CutMix(alpha=...))",
    "FiveCrop": "CenterCrop, or RandomCrop",
    "Lambda": _OWN,
    "LinearTransformation": "Normalize, for each channel",
    "MixUp": "the loader's: BalancedLoader(..., mix=gpuaug.MixUp(alpha=...))",
    "RGB": "images of three channels, from the data set",
    "RandomIoUCrop": "RandomResizedCrop, whose boxes follow",
    "RandomOrder": "one order, or RandomChoice of several chains",
    "RandomResize": _ONE_SIZE,
    "RandomShortestSize": "gpuaug.RandomShortestSize, on a canvas of one size",
    "SanitizeBoundingBoxes": _BOXES,
    "SanitizeKeyPoints": _POINTS,
    "ScaleJitter": "gpuaug.ScaleJitter, on a canvas of one size",
    "SetClampingMode": _BOXES,
    "TenCrop": "CenterCrop, or RandomCrop and RandomHorizontalFlip",
    "UniformTemporalSubsample": "frames chosen in the data set",
}

# They move whole pixels, or treat all values alike, so Normalize may come before or after.
_MOVABLE = {
    *("CenterCrop", "RandomCrop", "RandomHorizontalFlip", "RandomVerticalFlip"),
    *("Resize", "RandomResizedCrop", "RandomErasing"),
}
_EXACT = {
    *("CenterCrop", "RandomCrop", "RandomHorizontalFlip", "RandomVerticalFlip", "RandomErasing"),
    *("RandomChannelPermutation", "RandomInvert", "RandomSolarize"),
}
LIBRARY = Library(
    name="torchvision",
    version="0.16 or later",
    module="torchvision.transforms",
    rules=RULES | CONVERTING | HOLDING | PRESETS,
    absent=ABSENT,
    movable=frozenset({*_MOVABLE, *CONVERTING, *HOLDING, *PRESETS}),
    exact=frozenset({*_EXACT, *CONVERTING, *HOLDING, *PRESETS}),
    others=(nn.Sequential,),
)
