"""A color shift along the principal axes of a data set's colors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.layout import LUMA
from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import Batched
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.fixed_settings import copied
from gpuaug.transforms.ranges import number

__all__ = ["FancyPCA"]

# Of ImageNet's pixels in [0, 1]: a column for each axis.
IMAGENET_AXES = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))
IMAGENET_VARIANCES = (0.2175, 0.0188, 0.0045)


class FancyPCA(Batched):
    """Add one color to all pixels of a draw, drawn along the principal axes of the data set's colors.

    >>> import gpuaug
    >>> gpuaug.FancyPCA(alpha=0.1)(torch.zeros(2, 3, 8, 8, dtype=torch.uint8)).shape
    torch.Size([2, 3, 8, 8])

    The color is ``axes @ (a * variances)``, where ``a`` holds three normal numbers of standard deviation
    ``alpha``. An image of one channel gets the grey of this color (ITU-R BT.601).

    Args:
        alpha: standard deviation, in [0, 10]; 0 changes nothing.
        axes: eigenvectors of the colors' covariance, 3 rows (R, G, B) by 3 columns. Default: ImageNet's.
        variances: the three eigenvalues, for pixels in [0, 1]. Default: ImageNet's.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type, shape or range; when called, if images have 2
            channels.
    """

    reference = "Krizhevsky et al., ImageNet classification, NeurIPS 2012"
    random_count = 4

    def __init__(
        self,
        alpha: float = 0.1,
        axes: Sequence[Sequence[float]] | Tensor = IMAGENET_AXES,
        variances: Sequence[float] | Tensor = IMAGENET_VARIANCES,
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.alpha = number("alpha", alpha, 0, 10)
        self._axes, self._variances = (copied(value, torch.float64) for value in (axes, variances))
        for name, value, shape in (("axes", self._axes, (3, 3)), ("variances", self._variances, (3,))):
            if tuple(value.shape) != shape or not bool(value.isfinite().all()):
                raise ValueError(f"{name} must be finite, of shape {shape}, got {value.tolist()}")

    @property
    def axes(self) -> Tensor:
        return self._axes.clone()

    @property
    def variances(self) -> Tensor:
        return self._variances.clone()

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        radius, angle = batch.uniform(place).view(-1, 2, 2).unbind(2)
        radius, angle = (-2 * torch.log1p(-radius)).sqrt(), 2 * math.pi * angle
        normal = torch.cat((radius * angle.cos(), radius * angle.sin()), dim=1)[:, :3]
        return {"color": batch.grade(self.alpha * normal * self._variances) @ self._axes.T}

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        color, channels = group.column("color", images), images.shape[1]
        if channels == 1:
            red, green, blue = (share * color[:, c : c + 1] for c, share in enumerate(LUMA))
            color = red + green + blue
        elif channels != 3:
            raise ValueError(f"FancyPCA needs images of 1, 3 or 4 channels, got {channels}")
        return images + color

    def extra_repr(self) -> str:
        text = f"alpha={self.alpha}"
        for name, usual in (("axes", IMAGENET_AXES), ("variances", IMAGENET_VARIANCES)):
            value = getattr(self, name)
            if not torch.equal(value, value.new_tensor(usual)):
                text += f", {name}={value.tolist()}"
        return text
