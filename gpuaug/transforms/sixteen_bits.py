"""Images of 16 bits that keep their type: a chain moves, erases and scales their values."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.images.batch import SIXTEEN_BITS, dtype_name
from gpuaug.images.packed import Images, Packed
from gpuaug.recipe.layout import Stage
from gpuaug.transforms.step import Step

_STAGES = (Stage.GEOMETRY, Stage.ERASE, Stage.OUTPUT)


def kept(images: Images, chain: Step) -> torch.dtype | None:
    """The dtype of images of 16 bits that keep it in a chain; None for other images and chains with
    ``Window``.

    Raises:
        ValueError: if a transform computes with levels of 8 bits (the message names it), or images have
            different sizes.
    """
    dtype = images.dtype
    if dtype not in SIXTEEN_BITS:
        return None
    if chain.leaves[0].transform.stage == Stage.READ:
        return None
    for leaf in chain.leaves:
        if leaf.transform.stage not in _STAGES:
            raise ValueError(
                f"{_owner(chain, leaf)} is for levels of 8 bits, got {dtype_name(dtype)} images: put "
                "Window(low, high) first. A chain without it may hold only geometry, erasing and Normalize"
            )
    if isinstance(images, Packed):
        raise ValueError(
            f"images of different sizes must be uint8, got {dtype_name(dtype)}: put Window(low, high) first"
        )
    return dtype


def _owner(chain: Step, leaf: Step) -> str:
    """The transform that a user gave and that holds a leaf: a policy, rather than its op."""
    steps = (step for _, step in chain.walk() if hasattr(step.transform, "stage") and leaf in step.leaves)
    return next(steps).transform.label()


def shares_of(images: Tensor) -> Tensor:
    """Values as shares of the largest value of their type, float64; ``values_of`` restores them exactly."""
    largest = torch.full((), _largest(images.dtype), dtype=torch.float64, device=images.device)
    return images.double() / largest


def values_of(shares: Tensor, dtype: torch.dtype) -> Tensor:
    """The nearest values of a type, halves to even.

    >>> values_of(shares_of(torch.tensor([-7, 32767], dtype=torch.int16)), torch.int16)
    tensor([   -7, 32767], dtype=torch.int16)
    """
    limits = torch.iinfo(dtype)
    return (shares * _largest(dtype)).round().clamp(limits.min, limits.max).int().to(dtype)


def _largest(dtype: torch.dtype) -> int:
    return torch.iinfo(dtype).max
