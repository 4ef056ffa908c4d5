"""Gaussian blur."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import Stage
from gpuaug.recipe.program import Operand
from gpuaug.recipe.recipes import Group
from gpuaug.recipe.selection import Selection
from gpuaug.transforms.base import Transform
from gpuaug.transforms.batched.base import Batched
from gpuaug.transforms.batched.gaussian import blurred_levels, blurred_shares, gaussian_taps
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, interval, is_number, is_whole
from gpuaug.transforms.step import Step

__all__ = ["GaussianBlur"]

_OF_THE_KERNEL = (5, 5)
_LARGEST = 99


class GaussianBlur(Batched):
    """Blur with a Gaussian whose sigma is drawn uniformly for each draw.

    >>> import gpuaug, torch
    >>> gpuaug.GaussianBlur(sigma=(0.1, 2.0))(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])
    >>> print(gpuaug.GaussianBlur((7, 23), sigma=1.5))
    GaussianBlur(kernel_size=(7, 23), sigma=(1.5, 1.5))

    A kernel of 5 x 5 is a stage of the pass. Other sizes follow it as a batched transform, on the draws that
    need it. Bytes are computed in whole numbers, the same on every device, and rounded once, half to even.

    The border is reflected without repeating the edge. Images must be larger than half the ``kernel_size``,
    as torchvision requires too; only uint8 images under 5 x 5 may be smaller.

    Args:
        kernel_size: side of the square in pixels, an odd number in [1, 99]; or (across, down).
        sigma: standard deviation in pixels, (least, most) or one number. None: the article's fixed 5 x 5
            kernel of sum 273, with zero border, truncated.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range: a kernel that is even or too
            large, a sigma that is not positive and finite; when called, if an image has too few pixels to
            reflect.
    """

    reference = "OpenCV GaussianBlur; torchvision GaussianBlur"
    stage = Stage.BLUR
    backend = "kernel"
    averages = True

    def __init__(
        self,
        kernel_size: int | Sequence[int] = 5,
        sigma: tuple[float, float] | float | None = (0.1, 2.0),
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.kernel_size = _odd_sides(kernel_size)
        pair = (sigma, sigma) if is_number(sigma) else sigma
        self.sigma = None if pair is None else interval("sigma", pair)
        varies = self.sigma is not None and self.sigma[0] != self.sigma[1]
        self.random_count = 1 if varies else 0
        self.graded = self.sigma is not None
        if self.kernel_size != _OF_THE_KERNEL:
            if self.sigma is None:
                raise ValueError(f"kernel_size must be 5 where sigma is None, got {kernel_size}")
            self.stage, self.backend = Stage.BATCHED, Batched.backend

    def write_pass(self, batch: DrawBatch, step: Step, chosen: Selection, augmented: Selection) -> None:
        kind = Batched if self.stage == Stage.BATCHED else Transform
        kind.write_pass(self, batch, step, chosen, augmented)

    # ---- In the kernel

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        if self.sigma is None:
            return {"sigma": None}
        if self.stage == Stage.BATCHED:
            return self._draw_taps(batch, place, self.sigma)
        if self.random_count:
            return {"sigma": batch.grade(between(self.sigma, batch.uniform(place)[:, 0]))}
        fixed, _ = self.sigma
        return {"sigma": fixed if batch.strength is None else fixed * batch.strength}

    def write(self, builder: RecipeBuilder, selection: Selection, *, sigma: Operand | None) -> None:
        builder.blur(sigma, selection)

    # ---- After the kernel

    def _draw_taps(self, batch: DrawBatch, place: int, bounds: tuple[float, float]) -> dict[str, Tensor]:
        count = len(batch.keys)
        if self.random_count:
            sigma = between(bounds, batch.uniform(place)[:, 0])
        else:
            sigma = torch.full((count,), bounds[0], dtype=torch.float64, device="cpu")
        # On the host, in whole numbers: the exp of a device must not decide a level.
        across, down = (gaussian_taps(batch.grade(sigma), side) for side in self.kernel_size)
        return {"across": across, "down": down}

    def transform_levels(self, levels: Tensor, group: Group) -> Tensor:
        self._check_reflectable(levels)
        return blurred_levels(levels, group.parameters["across"], group.parameters["down"])

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        self._check_reflectable(images)
        return blurred_shares(images, group.parameters["across"], group.parameters["down"])

    def _check_reflectable(self, images: Tensor) -> None:
        height, width = images.shape[2:]
        across, down = (side // 2 for side in self.kernel_size)
        if width <= across or height <= down:
            raise ValueError(
                f"{self.label()} needs images of more than {down} x {across} pixels (height x width) to "
                f"reflect, got {height} x {width}"
            )

    def extra_repr(self) -> str:
        across, down = self.kernel_size
        return f"kernel_size={across if across == down else self.kernel_size}, sigma={self.sigma}"


def _odd_sides(kernel_size: Any) -> tuple[int, int]:
    """The sides of the kernel: across, down."""
    given = tuple(kernel_size) if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
    if len(given) != 2 or not all(map(is_whole, given)):
        raise TypeError(
            f"kernel_size must be an odd int in [1, {_LARGEST}] or a pair of them, got {kernel_size!r}"
        )
    if not all(1 <= side <= _LARGEST and side % 2 for side in given):
        raise ValueError(f"kernel_size must be odd, in [1, {_LARGEST}], got {kernel_size}")
    return (int(given[0]), int(given[1]))
