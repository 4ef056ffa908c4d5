"""Curves that depend on the image: mean contrast, autocontrast, equalize.

They join a chain's other curves in one table for each channel.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import AUTOCONTRAST, CONTRAST, CONTRAST_UNIT, EQUALIZE, Stage
from gpuaug.recipe.selection import Selection
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span

__all__ = ["AutoContrast", "Equalize", "RandomMeanContrast"]

Span = float | tuple[float, float]


class RandomMeanContrast(Transform):
    """Change contrast about the image's own mean brightness: ``mean + factor * (value - mean)``.

    >>> import gpuaug, torch
    >>> gpuaug.RandomMeanContrast(factor=0.0)(torch.tensor([[[[0, 100]]]], dtype=torch.uint8)).tolist()
    [[[[50, 50]]]]

    With three channels, or four, the mean is that of the grey image (ITU-R BT.601 weights). With fewer it is
    the mean of all values, with more than four each channel's own. It is not rounded to a level, and the
    result is rounded. torchvision truncates both the grey image and the result: for factors between 0 and 2
    its bytes differ by at most one level.

    Args:
        factor: a number or (least, most) in [0, 10], kept in steps of 2**-16; 1 changes nothing.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "torchvision adjust_contrast; ITU-R BT.601 (grey)"
    stage = Stage.CURVES
    measured = True
    random_count = 1

    def __init__(self, factor: Span = (0.8, 1.2), *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.factor = span("factor", factor, 0, 10)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"factor": batch.grade(between(self.factor, batch.uniform(place)[:, 0]), 1.0)}

    def write(self, builder: RecipeBuilder, selection: Selection, *, factor: Tensor) -> None:
        builder.curve(CONTRAST, (factor * CONTRAST_UNIT).round().long(), selection)

    def extra_repr(self) -> str:
        return f"factor={self.factor}"


class AutoContrast(Transform):
    """Stretch each channel from black to white; a channel of one value does not change.

    >>> import gpuaug, torch
    >>> gpuaug.AutoContrast()(torch.tensor([[[[50, 90, 150]]]], dtype=torch.uint8)).tolist()
    [[[[0, 102, 255]]]]

    Bytes are truncated to whole levels, as in torchvision and Pillow.

    Args:
        seed: has no effect, since nothing here is random.
    """

    reference = "Cubuk et al., AutoAugment, CVPR 2019; Pillow ImageOps.autocontrast"
    stage = Stage.CURVES
    measured = True
    graded = False

    def write(self, builder: RecipeBuilder, selection: Selection) -> None:
        builder.curve(AUTOCONTRAST, 0, selection)


class Equalize(Transform):
    """Equalise the histogram of each channel, as Pillow does.

    >>> import gpuaug, torch
    >>> gpuaug.Equalize()(torch.tensor([[[[10, 20, 30, 40]]]], dtype=torch.uint8)).tolist()
    [[[[10, 20, 30, 40]]]]

    A channel with fewer values than levels may not change, as in the example. A float is counted as the
    nearest of 256 levels, and shifted as far as this level moves; the gradient is that of the identity. NaN
    stays NaN and counts as black.

    Args:
        seed: has no effect, since nothing here is random.
    """

    reference = "Cubuk et al., AutoAugment, CVPR 2019; Pillow ImageOps.equalize"
    stage = Stage.CURVES
    measured = True
    graded = False

    def write(self, builder: RecipeBuilder, selection: Selection) -> None:
        builder.curve(EQUALIZE, 0, selection)
