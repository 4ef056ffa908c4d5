"""torch.compile: each op is one opaque node; no graph break, nothing recompiled for new values."""

import pytest
import torch

from gpuaug import functional as F
from gpuaug.recipe.builder import RecipeBuilder


def chain(images, boxes, mask, sigma, salt, keys):
    images = F.crop_resize(images, boxes, (8, 8))
    images = F.flip(images, mask)
    images = F.gaussian_blur(images, sigma)
    images = F.salt_and_pepper(images, salt, salt, keys)
    return F.normalize(images, 0.5, 0.25)


def arguments(dtype):
    images = torch.randint(256, (3, 3, 10, 12), dtype=torch.uint8)
    images = images if dtype == torch.uint8 else images.to(dtype) / 255
    left = torch.randint(0, 4, (3, 1))
    return (
        images,
        torch.cat((left, left, left + 5, left + 6), dim=1),
        torch.rand(3) < 0.5,
        torch.rand(3) + 0.5,
        torch.rand(3) / 2,
        torch.randint(2**62, (3,)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.filterwarnings("ignore")  # torch's own, about its own tracing
def test_a_chain_of_functional_ops_is_one_graph(dtype):
    compiled = torch.compile(chain, fullgraph=True, backend="aot_eager")
    for _ in range(2):
        call = arguments(dtype)
        torch.testing.assert_close(compiled(*call), chain(*call), rtol=1e-5, atol=1e-5)
    with torch.compiler.set_stance("fail_on_recompile"):
        call = arguments(dtype)
        torch.testing.assert_close(compiled(*call), chain(*call), rtol=1e-5, atol=1e-5)


def test_augment_takes_recipes_as_an_argument():
    compiled = torch.compile(F.augment, fullgraph=True, backend="aot_eager")
    images = torch.randint(256, (2, 3, 8, 8), dtype=torch.uint8)
    builder = RecipeBuilder.of_batch(tuple(images.shape))
    builder.blur(torch.tensor([0.5, 1.0]), torch.tensor([True, False]))
    recipes = builder.recipes((8, 8))
    assert torch.equal(
        compiled(images, recipes, mean=0.5, std=0.5), F.augment(images, recipes, mean=0.5, std=0.5)
    )
