"""Curves that go by the image itself: mean contrast, autocontrast, equalize. With a chain's other curves they
are one table for each channel.
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
    """Contrast about the image's own mean brightness: ``mean + factor * (value - mean)``.

    >>> import gpuaug, torch
    >>> gpuaug.RandomMeanContrast(factor=0.0)(torch.tensor([[[[0, 100]]]], dtype=torch.uint8)).tolist()
    [[[[50, 50]]]]

    The mean is that of the grey image (ITU-R BT.601 weights) where there are three channels, of all values
    where there are fewer, and each channel's own where there are more than four. It is no whole level, and
    the result is rounded. torchvision truncates both the grey image and the result: its bytes differ by at
    most one level for factors between 0 and 2.

    Args:
        factor: a number or (least, most) in [0, 10], kept in steps of 2**-16; 1 changes nothing.
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
    """Each channel stretched from black to white; a channel of one value stays.

    >>> import gpuaug, torch
    >>> gpuaug.AutoContrast()(torch.tensor([[[[50, 90, 150]]]], dtype=torch.uint8)).tolist()
    [[[[0, 102, 255]]]]

    Bytes are truncated to whole levels, as torchvision and Pillow do it.
    """

    reference = "Cubuk et al., AutoAugment, CVPR 2019; Pillow ImageOps.autocontrast"
    stage = Stage.CURVES
    measured = True
    graded = False

    def write(self, builder: RecipeBuilder, selection: Selection) -> None:
        builder.curve(AUTOCONTRAST, 0, selection)


class Equalize(Transform):
    """Each channel's histogram made even, as Pillow does it.

    >>> import gpuaug, torch
    >>> gpuaug.Equalize()(torch.tensor([[[[10, 20, 30, 40]]]], dtype=torch.uint8)).tolist()
    [[[[10, 20, 30, 40]]]]

    A channel with fewer values than levels may stay as it is, as in the example. Floats are counted in the
    nearest of 256 levels, and moved as far as that level is: their gradient is that of the identity. NaN
    stays, and counts as black.
    """

    reference = "Cubuk et al., AutoAugment, CVPR 2019; Pillow ImageOps.equalize"
    stage = Stage.CURVES
    measured = True
    graded = False

    def write(self, builder: RecipeBuilder, selection: Selection) -> None:
        builder.curve(EQUALIZE, 0, selection)
