"""The path of floating images: the same stages with a gradient, through kornia's functional layer.

kornia has no crop whose interpolation stays inside a window of each sample, so the geometry computes the
coordinates for kornia's ``remap``. Salt and pepper is in PyTorch, as kornia's has no parameter for each
sample.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.recipe.recipes import Recipes, check_readable
from gpuaug.stages import STAGES, geometry
from gpuaug.stages.base import chosen, with_alpha


def augment(images: Tensor, recipes: Recipes, source: torch.dtype) -> Tensor:
    """Executes recipes on floating images ``(N, C, H, W)``, float32 or float64; see ``functional.augment``.

    ``source`` is the dtype in which the images came.
    """
    images, records = geometry.floats_of(images[_sources(images, recipes)], recipes), recipes.records
    for stage in STAGES:
        if recipes.stages & stage.bits == stage.bits:
            changed = stage.floats(images, records, source)
            changed = changed if stage.alpha else with_alpha(changed, images)
            images = chosen(records, stage.bits, changed, images, stage.without)
    return images


def _sources(images: Tensor, recipes: Recipes) -> Tensor:
    """The image that each draw reads. Offsets on a device are clamped, as in the kernel, not checked."""
    count, channels, height, width = images.shape
    offset, pixels = recipes.field("offset"), channels * height * width
    if recipes.records.device.type == "cpu" and not torch.compiler.is_compiling():
        check_readable(images.numel(), recipes.records, channels)
        other = (recipes.field("height") != height) | (recipes.field("width") != width)
        for n in (other | (offset % pixels != 0)).nonzero().flatten()[:1].tolist():
            raise RuntimeError(
                f"recipes: draw {n} reads outside the images: offset {int(offset[n])}, "
                f"size {int(recipes.field('height')[n])} x {int(recipes.field('width')[n])} is none of "
                f"{count} floating images of {height} x {width}"
            )
    return (offset // pixels).clamp(0, max(count - 1, 0))
