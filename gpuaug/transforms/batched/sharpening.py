"""Sharpen and emboss: a 3x3 filter, blended with the image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gpuaug import lazy_kornia as kornia
from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import Batched
from gpuaug.transforms.batched.smoothing import check_reflectable
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.ranges import between, span

__all__ = ["Emboss", "Sharpen"]

Span = float | tuple[float, float]

IDENTITY = ((0, 0, 0), (0, 1, 0), (0, 0, 0))
# 3x3 taps: the constant part, and what is added per unit of the second setting.
SHARP = ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1))
EMBOSSED = ((-1, 0, 0), (0, 1, 0), (0, 0, 1))
PER_STRENGTH = ((-1, -1, 0), (-1, 0, 1), (0, 1, 1))


class _Mixed(Batched):
    """One filter for each draw: ``(1 - alpha) * image + alpha * (constant + amount * linear)`` applied to the
    image.
    """

    backend = "kornia"
    random_count = 2
    constant: tuple[tuple[int, ...], ...]
    linear: tuple[tuple[int, ...], ...]

    def __init__(self, alpha: Span, amount: tuple[float, float], *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.alpha = span("alpha", alpha, 0, 1)
        self.amount = amount

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        alpha, amount = batch.uniform(place).unbind(1)
        alpha = batch.grade(between(self.alpha, alpha))[:, None, None]
        amount = between(self.amount, amount)[:, None, None]
        identity, constant, linear = (
            torch.tensor(taps, dtype=torch.float64, device="cpu")
            for taps in (IDENTITY, self.constant, self.linear)
        )
        return {"kernel": (1 - alpha) * identity + alpha * (constant + amount * linear)}

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        check_reflectable(self, images, 1)
        mixed: Tensor = kornia.filters.filter2d(images, group.parameters["kernel"], border_type="reflect")
        return mixed


class Sharpen(_Mixed):
    """Blend the image with a sharpened version of itself.

    >>> import gpuaug
    >>> row = torch.tensor([[[[40, 40, 80, 80]]]], dtype=torch.uint8).expand(1, 1, 4, 4)
    >>> gpuaug.Sharpen(alpha=0.1, lightness=1.0)(row)[0, 0, 1].tolist()
    [40, 28, 92, 80]

    The sharpening filter is ``8 + lightness`` in the middle of eight times -1.

    Args:
        alpha: share of the sharpened image, a number or (least, most) in [0, 1]; 0 changes nothing.
        lightness: added to the middle of the filter, a number or (least, most) in [0, 10]; 1 keeps the
            brightness.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Albumentations Sharpen; imgaug Sharpen"
    constant, linear = SHARP, IDENTITY

    def __init__(
        self, alpha: Span = (0.2, 0.5), lightness: Span = (0.5, 1.0), *, seed: int | None = None
    ) -> None:
        super().__init__(alpha, span("lightness", lightness, 0, 10), seed=seed)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}, lightness={self.amount}"


class Emboss(_Mixed):
    """Blend the image with a relief of itself, lit from a corner.

    >>> import gpuaug
    >>> flat = torch.full((1, 1, 4, 4), 50, dtype=torch.uint8)
    >>> gpuaug.Emboss()(flat).unique()
    tensor([50], dtype=torch.uint8)

    Args:
        alpha: share of the relief, a number or (least, most) in [0, 1]; 0 changes nothing.
        strength: strength of the relief, a number or (least, most) in [0, 10].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "Albumentations Emboss; imgaug Emboss"
    constant, linear = EMBOSSED, PER_STRENGTH

    def __init__(
        self, alpha: Span = (0.2, 0.5), strength: Span = (0.2, 0.7), *, seed: int | None = None
    ) -> None:
        super().__init__(alpha, span("strength", strength, 0, 10), seed=seed)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}, strength={self.amount}"
