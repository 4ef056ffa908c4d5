"""The picture of each technique: a photograph, and six draws of it.

The settings are those of the first call in the transform's own docstring. ``SETTINGS`` replaces a call that
cannot be shown: sizes for images of 32 pixels, or a setting at which all draws are the same.
"""

from __future__ import annotations

import ast
import doctest
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from PIL import Image
from torch import Tensor

import gpuaug
from gpuaug.transforms import Entry

SIZE = 160  # pixels on a side
COUNT = 6  # draws that a page shows

SETTINGS = {
    "AutoContrast": "gpuaug.AutoContrast()",
    "BalancedMixUp": "gpuaug.BalancedMixUp(class_counts=[300, 10], partners='batch')",
    "Blur": "gpuaug.Blur(kernel_size=(3, 9))",
    "CenterCrop": "gpuaug.CenterCrop(112)",
    "ColorJitter": "gpuaug.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)",
    "CutOut": "gpuaug.CutOut(40, holes=2)",
    "Downscale": "gpuaug.Downscale(scale=(0.15, 0.5))",
    "ElasticTransform": "gpuaug.ElasticTransform(alpha=(40, 120), sigma=6.0)",
    "FancyPCA": "gpuaug.FancyPCA(alpha=0.5)",
    "GlassBlur": "gpuaug.GlassBlur(max_delta=3)",
    "GridDropout": "gpuaug.GridDropout(ratio=0.5, unit=(24, 48))",
    "JpegCompression": "gpuaug.JpegCompression(quality=(3, 30))",
    "MedianBlur": "gpuaug.MedianBlur(kernel_size=(3, 9))",
    "MixUp": "gpuaug.MixUp(alpha=1.0)",
    "MotionBlur": "gpuaug.MotionBlur(kernel_size=(7, 21))",
    "Normalize": "gpuaug.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))",
    "Pad": "gpuaug.Pad(24, fill=128)",
    "Posterize": "gpuaug.Posterize(bits=(1, 4))",
    "RGBShift": "gpuaug.RGBShift(red=40, green=40, blue=40)",
    "RandomCrop": "gpuaug.RandomCrop(112)",
    "RandomGamma": "gpuaug.RandomGamma(gamma=(0.5, 2.0))",
    "RandomGrayscale": "gpuaug.RandomGrayscale(p=0.5)",
    "RandomHorizontalFlip": "gpuaug.RandomHorizontalFlip(p=0.5)",
    "RandomInvert": "gpuaug.RandomInvert(p=0.5)",
    "RandomMeanContrast": "gpuaug.RandomMeanContrast(factor=(0.3, 1.8))",
    "RandomResizedCrop": "gpuaug.RandomResizedCrop(160)",
    "RandomRotation": "gpuaug.RandomRotation(30)",
    "RandomSharpness": "gpuaug.RandomSharpness(factor=(0.0, 6.0))",
    "RandomShortestSize": "gpuaug.RandomShortestSize((80, 110, 140), max_size=160)",
    "RandomTranspose": "gpuaug.RandomTranspose(p=0.5)",
    "RandomVerticalFlip": "gpuaug.RandomVerticalFlip(p=0.5)",
    "RandomZoomOut": "gpuaug.RandomZoomOut(fill=128, side_range=(1.0, 3.0), p=1.0)",
    "Resize": "gpuaug.Resize((80, 120))",
    "ScaleJitter": "gpuaug.ScaleJitter(160, scale_range=(0.5, 2.0))",
    "Sepia": "gpuaug.Sepia(p=0.5)",
    "Sharpen": "gpuaug.Sharpen()",
    "Solarize": "gpuaug.Solarize(threshold=(0.3, 0.8))",
    "Superpixels": "gpuaug.Superpixels(p_replace=(0.3, 1.0), n_segments=(60, 200))",
    "Window": "gpuaug.Window(low=(0, 800), high=(2000, 3600))",
}
# A stand-in for a scan: the photograph's levels, times this, as int16.
SCAN = 16


def photograph(name: str) -> Tensor:
    """A photograph of scikit-image as uint8 ``(3, SIZE, SIZE)``: the middle square, or the cat's face."""
    whole = Image.fromarray(getattr(skimage.data, name)())
    side = min(whole.size)
    left = 115 if name == "chelsea" else (whole.width - side) // 2
    square = whole.crop((left, 0, left + side, side)).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1)


def copies(count: int) -> Tensor:
    """The draws of the copies that balancing one sample with ``count`` others adds, int64 ``(count, 3)``."""
    sampler = gpuaug.BalancedSampler([0, *[1] * (count + 1)], seed=286)
    draws = sampler.draws()
    added = draws[(draws[:, 0] == 0) & (draws[:, 1] > 0)]
    return added[added[:, 1].argsort()]


def call_of(kind: type) -> str:
    """The call that builds what a page shows, as a user writes it."""
    return SETTINGS.get(kind.__name__) or next(example_calls(kind), f"gpuaug.{kind.__name__}()")


def example_calls(kind: type) -> Iterator[str]:
    """The calls ``gpuaug.Name(...)`` in the docstring's examples whose arguments are written out."""
    for example in doctest.DocTestParser().get_examples(inspect.getdoc(kind) or ""):
        for node in ast.walk(ast.parse(example.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"gpuaug.{kind.__name__}":
                arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
                if all(map(is_written_out, arguments)):
                    yield ast.unparse(node)


def is_written_out(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def build(call: str) -> Any:
    return eval(call, {"gpuaug": gpuaug})


def draws_of_transform(entry: Entry) -> list[Tensor]:
    """Its six draws of the cat, uint8 ``(3, H, W)``; one, where all are the same."""
    images = photograph("chelsea").expand(COUNT, -1, -1, -1)
    if entry.name == "Window":
        images = images.to(torch.int16) * SCAN
    out = build(call_of(entry.kind))(images.contiguous(), copies(COUNT))
    shown = list(as_levels(out))
    return shown[:1] if all(torch.equal(shown[0], other) for other in shown) else shown


def draws_of_mix(kind: type) -> list[Tensor]:
    """The cat mixed with the cup of coffee by six keys."""
    mix = build(call_of(kind))
    pair, labels = torch.stack([photograph("chelsea"), photograph("coffee")]), torch.tensor([0, 1])
    keys = copies(2 * COUNT)
    return [mix(pair, labels, keys[2 * at : 2 * at + 2])[0][0] for at in range(COUNT)]


def as_levels(images: Tensor) -> Tensor:
    """Bytes as they are; of normalized floats, -2.5 is black and 2.5 is white."""
    return images if images.dtype == torch.uint8 else ((images + 2.5) * 51).round().clamp(0, 255).byte()


def save(image: Tensor, path: Path) -> None:
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
