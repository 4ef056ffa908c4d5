"""Recipes and indices on their way from the host to a device."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.recipe.recipes import Recipes


def travel(recipes: Recipes, device: torch.device) -> Recipes:
    """Recipes on the device: to a GPU one asynchronous copy from pinned memory."""
    if device.type == "cuda":
        return recipes.pin_memory().to(device, non_blocking=True)
    return recipes if device.type == "cpu" else recipes.to(device)


def carried(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host on the device, which is not waited for."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
