"""Single operators, and what a call costs besides its pixels, on the CPU: for ``python -m pytest
benchmarks/test_ops.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2

import gpuaug
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


MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
CHAIN = gpuaug.Compose(
    [
        gpuaug.RandomCrop(20),
        gpuaug.Resize(32),
        gpuaug.RandomHorizontalFlip(),
        gpuaug.GaussianBlur(sigma=1.0),
        gpuaug.SaltAndPepper(0.25),
        gpuaug.Normalize(MEAN, STD),
    ]
)


def salt_and_pepper(image: Tensor) -> Tensor:  # torchvision has none
    chance = torch.rand(image.shape[-2:])
    return image.masked_fill(chance < 0.25, 0).masked_fill(chance < 0.15, 255)


TORCHVISION_CHAIN = v2.Compose(
    [
        v2.RandomCrop(20),
        v2.Resize(32, antialias=False),
        v2.RandomHorizontalFlip(),
        v2.GaussianBlur(5, sigma=1.0),
        salt_and_pepper,
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
    ]
)


def draws_of(n: int) -> Tensor:
    return torch.stack((torch.arange(n), torch.ones(n, dtype=torch.int64), torch.arange(n) * 7919), dim=1)


@pytest.fixture(params=[32, 224], ids=lambda side: f"{side}px")
def images(request: pytest.FixtureRequest) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (N, 3, request.param, request.param), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator(benchmark, images, operator):
    out = benchmark(OPERATORS[operator], images)
    assert out.shape == images.shape
    assert not torch.equal(out.double(), images.double())


@pytest.mark.benchmark(group="one call of the chain at batch 1, 32 px")
@pytest.mark.parametrize("peer", ["gpuaug", "torchvision"])
def test_one_call(benchmark, peer):
    images, draws = torch.randint(256, (1, 3, 32, 32), dtype=torch.uint8), draws_of(1)
    calls = {"gpuaug": lambda: CHAIN(images, draws)[0], "torchvision": lambda: TORCHVISION_CHAIN(images[0])}
    out = benchmark(calls[peer])
    assert out.shape == (3, 32, 32)
    assert out.dtype == torch.float32


@pytest.mark.benchmark(group="the recipes of the chain")
@pytest.mark.parametrize("n", [1, 64, 512, 4096])
def test_recipes(benchmark, n):
    draws = draws_of(n)
    (recipes,) = benchmark(CHAIN.recipes, draws, (n, 3, 32, 32))
    assert recipes.records.shape[0] == n
