"""Color transforms. Each is a matrix; a chain of them is one matrix, rounded and clamped once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import CONTRAST, CONTRAST_UNIT, LUMA, MOST_CONTRAST, Stage
from gpuaug.recipe.program import Operand
from gpuaug.recipe.selection import Selection, both
from gpuaug.transforms.base import Transform
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.passes import PassCursor
from gpuaug.transforms.ranges import around, between, bounds, level, probability, span, steady
from gpuaug.transforms.step import Step

__all__ = [
    "ChannelDropout",
    "ChannelShuffle",
    "ColorJitter",
    "RGBShift",
    "RandomGrayscale",
    "RandomInvert",
    "Sepia",
]

Range = float | tuple[float, float]

_SEPIA = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))


class Color(Transform):
    """Base of the transforms that become a matrix."""

    stage = Stage.COLOR
    grey = True  # images of one channel are allowed

    def check_channels(self, builder: RecipeBuilder) -> None:
        wanted = (1, 3, 4) if self.grey else (3, 4)
        if builder.channels not in wanted:
            raise ValueError(
                f"{type(self).__name__}: images must have {', '.join(map(str, wanted[:-1]))} or {wanted[-1]} "
                f"channels, got {builder.channels}"
            )


class _Matrix(Color):
    """A matrix for each draw, in units of white: three rows of red, green, blue and an added constant."""

    def write(
        self, builder: RecipeBuilder, selection: Selection, *, matrix: Operand, chosen: Selection = True
    ) -> None:
        selection = both(selection, chosen)
        self.check_channels(builder)
        if selection is not False:
            builder.color(matrix, selection)


class _Sometimes(_Matrix):
    """Base of color transforms with a probability; the first random number decides."""

    random_count = 1
    graded = False

    def __init__(self, p: float = 0.5, *, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.p = probability("p", p)

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        return {"matrix": self.matrix(batch.uniform(place)), "chosen": batch.choose(place, self.p)}

    def matrix(self, u: Tensor) -> Tensor | tuple[float, ...]:
        """The matrices ``(n, 12)`` from the draws' numbers ``(n, numbers)``, or one matrix for all."""
        raise NotImplementedError(f"{type(self).__name__} must define matrix")

    def extra_repr(self) -> str:
        return f"p={self.p}"


class ColorJitter(Color):
    """Change brightness, contrast, saturation and hue, each by a random amount.

    >>> import gpuaug
    >>> jitter = gpuaug.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05)
    >>> jitter(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([2, 3, 32, 32])

    Names and distributions are torchvision's, with two differences that let the four become one matrix.
    Contrast scales about middle grey (0.5), not about the image's mean. Hue is a rotation in YIQ, which keeps
    the luma, by the angle that torchvision adds to HSV's hue. Values are not clamped between the four. The
    order is random, as in torchvision; only that of brightness and contrast matters.

    With ``contrast_about="mean"`` contrast is torchvision's: a curve in the same pass, applied after the
    matrix's result is rounded and clamped. The other three move an image's mean together with its values, so
    then the order does not matter.

    Saturation and hue do not change images of one channel. An entry of the matrix stays within [-8, 8);
    brightness, contrast and saturation that exceed this together are cut off.

    Args:
        brightness, contrast, saturation: factor, (least, most), at least 0; or one number, which stands for
            [max(0, 1 - number), 1 + number].
        hue: in turns, (least, most) within [-0.5, 0.5]; or one number, which stands for (-number, number).
        contrast_about: "middle", or "mean": the mean of the grey image (ITU-R BT.601), for factors of at most
            10.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if images have
            two channels.
    """

    reference = "torchvision ColorJitter"
    random_count = 5

    def __init__(
        self,
        brightness: Range = 0.0,
        contrast: Range = 0.0,
        saturation: Range = 0.0,
        hue: Range = 0.0,
        *,
        contrast_about: str = "middle",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.brightness = around("brightness", brightness, 1.0, low=0.0)
        self.contrast = around("contrast", contrast, 1.0, low=0.0)
        self.saturation = around("saturation", saturation, 1.0, low=0.0)
        self.hue = around("hue", hue, 0.0, low=-0.5, high=0.5)
        if contrast_about not in ("middle", "mean"):
            raise ValueError(f"contrast_about must be 'middle' or 'mean', got {contrast_about!r}")
        self.contrast_about = contrast_about
        self.measured = contrast_about == "mean" and self.contrast != (1, 1)
        if self.measured:
            span("contrast", self.contrast, 0, MOST_CONTRAST / CONTRAST_UNIT)

    def assign_passes(self, cursor: PassCursor, places: Iterator[int]) -> tuple[Step, PassCursor]:
        step, cursor = super().assign_passes(cursor, places)
        if self.measured:  # the pass has no curves yet
            cursor = cursor.after(Stage.CURVES, self.geometry)
        return step, cursor

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        u = batch.uniform(place)
        limits = bounds(self.brightness, self.contrast, self.saturation, self.hue, (0.0, 1.0))
        drawn = between(limits, u)
        if batch.strength is not None:
            drawn[:, :4] = batch.grade(drawn[:, :4], (1, 1, 1, 0))
        brightness, contrast, saturation, turns, order = drawn.unbind(1)
        hue: Operand = (1.0, 0.0)
        if self.hue != (0, 0):
            angle = 2 * math.pi * turns
            hue = (steady(torch.cos(angle)), steady(torch.sin(angle)))
        return {"factors": (brightness, contrast, saturation), "order": order < 0.5, "hue": hue}

    def write(
        self,
        builder: RecipeBuilder,
        selection: Selection,
        *,
        factors: tuple[Tensor, Tensor, Tensor],
        order: Tensor,
        hue: Operand,
    ) -> None:
        self.check_channels(builder)
        brightness, contrast, saturation = factors
        if self.measured:
            builder.adjust(brightness, 1.0, saturation, order, hue, selection)
            builder.curve(CONTRAST, (contrast * CONTRAST_UNIT).round().long(), selection)
        else:
            builder.adjust(brightness, contrast, saturation, order, hue, selection)

    def extra_repr(self) -> str:
        return (
            f"brightness={self.brightness}, contrast={self.contrast}, saturation={self.saturation}, "
            f"hue={self.hue}, contrast_about={self.contrast_about!r}"
        )


class RandomGrayscale(_Sometimes):
    """Turn the image grey, with equal channels, with probability ``p``. Images of one channel do not change.

    >>> import gpuaug
    >>> gpuaug.RandomGrayscale(p=1.0)(torch.tensor([[[[255]], [[0]], [[0]]]], dtype=torch.uint8)).flatten()
    tensor([76, 76, 76], dtype=torch.uint8)

    Args:
        p: probability that a draw is transformed, in [0, 1].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "torchvision RandomGrayscale; ITU-R BT.601"

    def __init__(self, p: float = 0.1, *, seed: int | None = None) -> None:
        super().__init__(p, seed=seed)

    def matrix(self, u: Tensor) -> tuple[float, ...]:
        return (*LUMA, 0, *LUMA, 0, *LUMA, 0)


class RandomInvert(_Sometimes):
    """Invert the colors: white becomes black and black white, with probability ``p``.

    >>> import gpuaug
    >>> gpuaug.RandomInvert(p=1.0)(torch.tensor([[[[0, 1, 255]]]], dtype=torch.uint8))
    tensor([[[[255, 254,   0]]]], dtype=torch.uint8)

    Args:
        p: probability that a draw is transformed, in [0, 1].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range.
    """

    reference = "torchvision RandomInvert"

    def matrix(self, u: Tensor) -> tuple[float, ...]:
        return (-1, 0, 0, 1, 0, -1, 0, 1, 0, 0, -1, 1)


class Sepia(_Sometimes):
    """Tint the image in the brown of old photographs, with probability ``p``.

    >>> import gpuaug
    >>> gpuaug.Sepia(p=1.0)(torch.full((1, 3, 1, 1), 100, dtype=torch.uint8)).flatten()
    tensor([135, 120,  94], dtype=torch.uint8)

    Args:
        p: probability that a draw is transformed, in [0, 1].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if images do not
            have 3 or 4 channels.
    """

    reference = "Albumentations ToSepia"
    grey = False

    def matrix(self, u: Tensor) -> tuple[float, ...]:
        return tuple(v for row in _SEPIA for v in (*row, 0))


class ChannelDropout(_Sometimes):
    """Set one of red, green and blue, all equally likely, to ``fill``, with probability ``p``.

    >>> import gpuaug
    >>> out = gpuaug.ChannelDropout(p=1.0)(torch.full((1, 3, 1, 1), 9, dtype=torch.uint8))
    >>> sorted(out.flatten().tolist())
    [0, 9, 9]

    Args:
        p: probability that a draw is transformed, in [0, 1].
        fill: level that replaces the channel, 0 to 255. Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if images do not
            have 3 or 4 channels.
    """

    reference = "Albumentations ChannelDropout"
    grey = False
    random_count = 2

    def __init__(self, p: float = 0.5, fill: int = 0, *, seed: int | None = None) -> None:
        super().__init__(p, seed=seed)
        self.fill = level("fill", fill)

    def matrix(self, u: Tensor) -> Tensor:
        dropped = (u[:, 1:] * 3).long() == torch.arange(3, device="cpu")
        whole = torch.eye(3, 4, dtype=torch.float64, device="cpu")
        filled = torch.tensor((0, 0, 0, self.fill / 255), dtype=torch.float64, device="cpu")
        return torch.where(dropped[:, :, None], filled, whole).flatten(1)

    def extra_repr(self) -> str:
        return f"p={self.p}, fill={self.fill}"


class ChannelShuffle(_Sometimes):
    """Permute red, green and blue, all six orders equally likely, with probability ``p``.

    >>> import gpuaug
    >>> images = torch.tensor([1, 2, 3], dtype=torch.uint8).view(1, 3, 1, 1)
    >>> sorted(gpuaug.ChannelShuffle(p=1.0)(images).flatten().tolist())
    [1, 2, 3]

    Args:
        p: probability that a draw is transformed, in [0, 1].
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if images do not
            have 3 or 4 channels.
    """

    reference = "Albumentations ChannelShuffle"
    grey = False
    random_count = 2

    def matrix(self, u: Tensor) -> Tensor:
        orders = torch.tensor(list(permutations(range(3))), device="cpu")[(u[:, 1] * 6).long()]
        return torch.eye(3, 4, dtype=torch.float64, device="cpu")[orders].flatten(1)


class RGBShift(_Matrix):
    """Add a random amount to each of red, green and blue.

    >>> import gpuaug
    >>> gpuaug.RGBShift(red=(5, 5), green=0, blue=0)(torch.zeros(1, 3, 1, 1, dtype=torch.uint8)).flatten()
    tensor([5, 0, 0], dtype=torch.uint8)

    Args:
        red, green, blue: in levels, (least, most) within [-255, 255]; or one number, which stands for
            (-number, number). Floats take it divided by 255.
        seed: seed of the keys in calls without draws, in [0, 2**64). Default: drawn from PyTorch's generator.

    Raises:
        TypeError, ValueError: if a setting is of another type or out of range; when called, if images do not
            have 3 or 4 channels.
    """

    reference = "Albumentations RGBShift"
    grey = False
    random_count = 3

    def __init__(
        self, red: Range = 20.0, green: Range = 20.0, blue: Range = 20.0, *, seed: int | None = None
    ) -> None:
        super().__init__(seed=seed)
        self.red, self.green, self.blue = (
            around(name, value, 0.0, low=-255.0, high=255.0)
            for name, value in (("red", red), ("green", green), ("blue", blue))
        )

    def draw_parameters(self, batch: DrawBatch, place: int) -> dict[str, Any]:
        u = batch.uniform(place)
        added = batch.grade(between(bounds(self.red, self.green, self.blue), u))
        whole = torch.eye(3, dtype=torch.float64, device="cpu").expand(len(u), 3, 3)
        return {"matrix": torch.cat((whole, steady(added / 255)[:, :, None]), dim=2).flatten(1)}

    def extra_repr(self) -> str:
        return f"red={self.red}, green={self.green}, blue={self.blue}"
