"""Translation of Albumentations' chains: containers, conversions, and transforms without a counterpart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from gpuaug.transforms.base import Transform
from gpuaug.transforms.compose import Compose
from gpuaug.translate.albumentations_absent import ABSENT
from gpuaug.translate.albumentations_geometry import GEOMETRY
from gpuaug.translate.albumentations_pixels import PIXELS
from gpuaug.translate.albumentations_settings import chance
from gpuaug.translate.reading import Reading
from gpuaug.translate.translation import Library, Rule, Translation
from gpuaug.translate.values import Values


def from_albumentations(
    chain: Any,
    apply_to: str = "all",
    *,
    seed: int | None = None,
    memory_format: torch.memory_format = torch.preserve_format,
) -> Compose:
    """Translate a chain of Albumentations' transforms to gpuaug's, for batches on the device.

    >>> import albumentations as A  # doctest: +SKIP
    >>> chain = A.Compose([
    ...     A.RandomResizedCrop(size=(32, 32)),
    ...     A.HorizontalFlip(p=0.5),
    ...     A.OneOf([A.Blur(3), A.MedianBlur(3)], p=0.2),
    ...     A.Normalize(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
    ...     A.ToTensorV2(),
    ... ])  # doctest: +SKIP
    >>> augment = gpuaug.from_albumentations(chain)  # doctest: +SKIP
    >>> augment(torch.zeros(2, 3, 48, 48, dtype=torch.uint8)).shape  # doctest: +SKIP
    torch.Size([2, 3, 32, 32])

    It reads chains of Albumentations 2, for images of bytes. As with ``from_torchvision``, settings are
    carried over exactly or refused, all in one error, and small differences are listed in one warning. Bytes
    may differ by a level where OpenCV rounds otherwise, and by a few levels where it interpolates in 32nds of
    a pixel. ``eval()`` only resizes, crops from the middle and normalises. A transform with a probability
    becomes a ``RandomApply`` if gpuaug's has none; a ``OneOf`` uses the probabilities of its transforms as
    weights.

    ``ToTensorV2`` is left out, as batches already are tensors ``(N, C, H, W)``. ``ToFloat`` and ``Normalize``
    become one ``Normalize`` at the end. Boxes, masks and keypoints are arguments of a call in gpuaug, not
    settings of a chain. The chain's seed is not carried over: in Albumentations it gives all transforms the
    same numbers, so that flip and blur always come together. Here each transform draws its own.

    Args:
        chain: a ``Compose``, or one transform. It is not changed.
        apply_to: as in ``Compose``: "all" is what Albumentations does, "copies" leaves originals out.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.
        memory_format: memory format of the result, as in ``Compose``.

    Raises:
        TypeError: if ``chain`` is not one of Albumentations'.
        ValueError: if anything has no counterpart (the message names all of it), or the chain changes
            nothing.

    Warns:
        TranslationWarning: if results differ in details, once for the chain.
    """
    if not LIBRARY.has(chain):
        raise TypeError(
            f"chain must be a Compose or a transform of albumentations, got {type(chain).__name__}"
        )
    translation = Translation(LIBRARY, Values())
    made = translation.one(chain, "")
    return translation.finish("from_albumentations", made, apply_to, seed, memory_format)


# ---- Containers


def _all(reading: Reading, within: str = "") -> list[Transform]:
    p = chance(reading)
    name = f"{reading.name}(p={p})"
    made = [new for made in reading.inner(within=within or ("" if p == 1 else name)) for new in made]
    return reading.sometimes(made, p)


def _compose(reading: Reading) -> list[Transform]:
    chain: Any = reading.transform
    reading.known(
        "is_check_shapes", "strict", "seed", "mask_interpolation"
    )  # concern the children, not pixels
    reading.known("bbox_params", "keypoint_params", "additional_targets")
    for kind, argument in (("bboxes", "boxes"), ("keypoints", "keypoints")):
        if kind in chain.processors:
            reading.missing(f"params of {kind} have no counterpart", f"augment(images, {argument}=...)")
    if chain.additional_targets:
        reading.missing(f"additional_targets={chain.additional_targets!r} has no counterpart", "masks=")
    return _all(reading)


def _one_of(reading: Reading) -> list[Transform]:
    weights = [float(transform.p) for transform in reading["transforms"]]
    p = chance(reading)
    return reading.choice(reading.inner(within="OneOf", forced=True), weights, p)


def _one_or_other(reading: Reading) -> list[Transform]:
    reading.known("first", "second")
    p = float(reading["p"])
    return reading.choice(reading.inner(within="OneOrOther", forced=True), [p, 1 - p])


# ---- Conversions


def _nothing(reading: Reading) -> list[Transform]:
    reading.known("p", "transpose_mask")
    return []


def _always(reading: Reading) -> bool:
    """Whether the transform applies to all draws; reports it if not."""
    if chance(reading) != 1:
        reading.missing(f"p={reading['p']} has no counterpart: draws of a batch share their output", "p=1")
    return reading.outermost()


def _to_float(reading: Reading) -> list[Transform]:
    reading.only("max_value", None, 255.0)
    if _always(reading):
        reading.values.convert(torch.float32, scale=True)
    return []


def _normalize(reading: Reading) -> list[Transform]:
    reading.only("normalization", "standard")
    values, white = reading.values, reading["max_pixel_value"]
    if values.normalized:
        return reading.missing("it follows another Normalize", "one Normalize of both")
    if _always(reading) and reading["normalization"] == "standard":
        mean, std = ([white * v for v in _numbers(reading[name])] for name in ("mean", "std"))
        values.normalize(mean, std)
        values.floating = True
    return []


def _numbers(value: Any) -> Iterator[float]:
    yield from map(float, value if isinstance(value, (list, tuple)) else [value])


HOLDING: dict[str, Rule] = {
    "Compose": _compose,
    "OneOf": _one_of,
    "OneOrOther": _one_or_other,
    "Sequential": _all,
}
CONVERTING: dict[str, Rule] = {
    "NoOp": _nothing,
    "Normalize": _normalize,
    "ToFloat": _to_float,
    "ToTensorV2": _nothing,
}

# They move whole pixels, or treat all values alike, so Normalize may come before or after.
_MOVABLE = {
    *("CenterCrop", "D4", "HorizontalFlip", "RandomCrop", "RandomResizedCrop", "RandomRotate90", "Resize"),
    *("SmallestMaxSize", "SquareSymmetry", "Transpose", "VerticalFlip"),
}
_EXACT = {
    *("CenterCrop", "ChannelShuffle", "D4", "HorizontalFlip", "InvertImg", "Pad", "RandomCrop"),
    *("RandomRotate90", "SquareSymmetry", "Transpose", "VerticalFlip"),
}
LIBRARY = Library(
    name="albumentations",
    version="2",
    module="albumentations",
    rules=GEOMETRY | PIXELS | CONVERTING | HOLDING,
    absent=ABSENT,
    movable=frozenset({*_MOVABLE, *CONVERTING, *HOLDING}),
    exact=frozenset({*_EXACT, *CONVERTING, *HOLDING}),
)
