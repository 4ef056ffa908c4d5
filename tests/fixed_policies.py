"""Policies that give all draws the same ops; torchvision's of the same names; images to compare on."""

from __future__ import annotations

from importlib import resources

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode, RandAugment

from gpuaug.transforms.policies.policy import Policy
from gpuaug.transforms.policies.space import Entry, Space

_TORCHVISION = RandAugment()


class Fixed(Policy):
    """Every draw gets these ops in turn, (name, magnitude) each."""

    reference = ""

    def __init__(self, *ops: tuple[str, float]) -> None:
        super().__init__(Space([Entry(name, [magnitude]) for name, magnitude in ops]), len(ops), 1, seed=0)

    def choose(self, numbers: Tensor) -> Tensor:
        positive = torch.zeros(1, self._slots, dtype=torch.bool)
        return self._space.rows(torch.arange(self._slots)[None], 0, positive).expand(len(numbers), -1)


def torchvisions(image: Tensor, *ops: tuple[str, float]) -> Tensor:
    """The same of one image ``(C, H, W)``, one op after another."""
    for name, magnitude in ops:
        image = _TORCHVISION._apply_image_or_video_transform(
            image, name, magnitude, InterpolationMode.BILINEAR, _TORCHVISION._fill
        )
    return image


def shirts(count: int = 8) -> Tensor:
    """Photographs of shirts that come with gpuaug, bytes ``(count, 1, 28, 28)``."""
    with (resources.files("gpuaug.study.data") / "embedded" / "fashion_shirts.npz").open("rb") as file:
        return torch.from_numpy(np.load(file)["test_images"][:count])[:, None]


def colored(count: int = 6, height: int = 45, width: int = 62) -> Tensor:
    """Smooth colors, some of them black or white: bytes ``(count, 3, height, width)``."""
    random = torch.Generator().manual_seed(5)
    coarse = torch.rand(count, 3, 6, 6, generator=random)
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    fine[0] = 0.3 + 0.4 * fine[0]  # neither black nor white is there
    return fine.mul(255).round().clamp(0, 255).to(torch.uint8)
