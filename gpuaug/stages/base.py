"""A stage of the kernel in PyTorch, and the functions that read words of recipes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gpuaug.images.levels import colored
from gpuaug.recipe.layout import WORD


@dataclass(frozen=True)
class KernelStage:
    """A stage after the geometry. It turns the images before it into those after it.

    Both functions change every draw that they are given; draws without the stage are restored afterwards.

    Attributes:
        bits: bits of the recipe's word ``stages``; a draw has the stage if it has all of them.
        bytes: a function from levels ``(n, C, H, W)``, int64 in [0, 255], and recipes to levels, with the
            same bits as the C++ kernels.
        floats: a function from images ``(n, C, H, W)``, float32 or wider, recipes, and the dtype in which the
            images came, to images, with a gradient.
        alpha: whether the stage changes alpha, the fourth of four channels.
        without: bits of ``stages`` that a draw must not have, as another stage serves such draws.
    """

    bits: int
    bytes: Callable[[Tensor, Tensor], Tensor]
    floats: Callable[[Tensor, Tensor, torch.dtype], Tensor]
    alpha: bool = False
    without: int = 0


def word(records: Tensor, name: str, dims: int = 3) -> Tensor:
    """One word of every recipe, with ``dims`` more dimensions of size 1.

    >>> from gpuaug.recipe.builder import RecipeBuilder
    >>> recipes = RecipeBuilder.of_batch((2, 3, 8, 8)).recipes((8, 8))
    >>> word(recipes.records, "width").shape
    torch.Size([2, 1, 1, 1])
    """
    return records[:, WORD[name]].view(-1, *(1,) * dims)


def chosen(records: Tensor, bits: int, then: Tensor, otherwise: Tensor, without: int = 0) -> Tensor:
    """``then`` for the draws with all of ``bits`` and none of ``without``, ``otherwise`` for the others."""
    return torch.where((word(records, "stages") & (bits | without)) == bits, then, otherwise)


def may_be(kind: Tensor, *kinds: int) -> bool:
    """Whether some draw has one of the kinds. True too if reading the values would wait for a device."""
    if torch.compiler.is_compiling() or kind.device.type != "cpu":
        return True
    return bool(torch.isin(kind, torch.tensor(kinds, device="cpu")).any())


def with_alpha(changed: Tensor, image: Tensor) -> Tensor:
    """The changed colors with the alpha of the image, if it has four channels.

    >>> with_alpha(torch.zeros(1, 4, 1, 1), torch.ones(1, 4, 1, 1)).flatten()
    tensor([0., 0., 0., 1.])
    """
    count = colored(image.shape[1])
    if count == image.shape[1]:
        return changed
    return torch.cat((changed[:, :count], image[:, count:]), dim=1)
