"""SolarizeAdd, an op of timm's policies: dark levels are raised."""

from __future__ import annotations

import torch
from torch import Tensor

from gpuaug.recipe.recipes import Group
from gpuaug.transforms.batched.base import LEVELS, Batched

THRESHOLD = 128 / LEVELS


class SolarizeAdd(Batched):
    """Raise the levels below 128 by a number of levels that a policy chooses: the group's ``factor``."""

    graded = False

    def transform_images(self, images: Tensor, group: Group) -> Tensor:
        raised = (images + group.column("factor", images) / LEVELS).clamp(max=1)
        return torch.where(images < THRESHOLD, raised, images)
