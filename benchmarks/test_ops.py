"""Single operators on the CPU, for ``python -m pytest benchmarks/test_ops.py``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import gpuaug.functional as F

N = 64
BOXES = torch.tensor([[3.0, 5.0, 23.0, 25.0]]).expand(N, 4)
OPERATORS: dict[str, Callable[[Tensor], Tensor]] = {
    "crop_resize": lambda images: F.crop_resize(images, BOXES * images.shape[2] / 32, images.shape[2]),
    "flip": lambda images: F.flip(images, torch.arange(N) % 2 == 0),
    "gaussian_blur": lambda images: F.gaussian_blur(images, torch.linspace(0.5, 2, N)),
    "article_blur": lambda images: F.gaussian_blur(images, None),
    "salt_and_pepper": lambda images: F.salt_and_pepper(images, 0.15, 0.1, torch.arange(N)),
    "normalize": lambda images: F.normalize(images, (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)),
}


@pytest.fixture(params=[32, 224], ids=lambda side: f"{side}px")
def images(request: pytest.FixtureRequest) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (N, 3, request.param, request.param), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator(benchmark, images, operator):
    out = benchmark(OPERATORS[operator], images)
    assert out.shape == images.shape
    assert not torch.equal(out.double(), images.double())
