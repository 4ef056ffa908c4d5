"""What a stage of the kernel is in PyTorch, and how its functions read recipes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gpuaug.images.levels import colored
from gpuaug.recipe.layout import WORD


@dataclass(frozen=True)
class KernelStage:
    """One stage after the geometry: from the images before it to those after it.

    Both functions change every draw that they are given; draws without the stage are chosen afterwards.

    Attributes:
        bit: of the record's field ``stages``.
        bytes: levels ``(n, C, H, W)``, int64 in [0, 255], and records to levels: bit for bit those of the
            C++ kernels.
        floats: images ``(n, C, H, W)``, float32 at least, records, and the type that the images came in, to
            images, with a gradient.
        alpha: whether the stage changes alpha, the fourth of four channels.
    """

    bit: int
    bytes: Callable[[Tensor, Tensor], Tensor]
    floats: Callable[[Tensor, Tensor, torch.dtype], Tensor]
    alpha: bool = False


def word(records: Tensor, name: str, dims: int = 3) -> Tensor:
    """One word of every draw's record, to be broadcast over ``dims`` more dimensions.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> recipes = RecipeBuilder.of_batch((2, 3, 8, 8)).recipes((8, 8))
    >>> word(recipes.records, "width").shape
    torch.Size([2, 1, 1, 1])
    """
    return records[:, WORD[name]].view(-1, *(1,) * dims)


def chosen(records: Tensor, bit: int, then: Tensor, otherwise: Tensor) -> Tensor:
    """``then`` for the draws with a stage, ``otherwise`` for the others."""
    return torch.where((word(records, "stages") & bit) != 0, then, otherwise)


def with_alpha(changed: Tensor, image: Tensor) -> Tensor:
    """The changed colors, and of four channels the image's own fourth.

    >>> with_alpha(torch.zeros(1, 4, 1, 1), torch.ones(1, 4, 1, 1)).flatten()
    tensor([0., 0., 0., 1.])
    """
    count = colored(image.shape[1])
    if count == image.shape[1]:
        return changed
    return torch.cat((changed[:, :count], image[:, count:]), dim=1)
