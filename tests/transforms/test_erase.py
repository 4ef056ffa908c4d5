"""Erasing: where boxes lie, what a grid leaves, what takes their place."""

import math

import pytest
import torch
from torchvision.transforms import RandomErasing

import gpuaug as ga
from gpuaug import functional as F
from gpuaug.recipe.builder import RecipeBuilder


def draws_of(n):
    index = torch.arange(n)
    return torch.stack((index, torch.ones_like(index), index * 6364136223846793005 + 7), dim=1)


def test_erasing_boxes_matches_a_table_by_hand():
    images = torch.full((1, 2, 4, 6), 9, dtype=torch.uint8)
    builder = RecipeBuilder.of_batch((1, 2, 4, 6))
    builder.erase(torch.tensor([[[1, 0, 3, 2], [4, 3, 99, 70000], [2, 2, 2, 4]]]), 5)
    out = F.augment(images, builder.recipes((4, 6)))
    expected = [[9, 5, 5, 9, 9, 9], [9, 5, 5, 9, 9, 9], [9, 9, 9, 9, 9, 9], [9, 9, 9, 9, 5, 5]]
    assert out[0].tolist() == [expected, expected]


def test_erasing_a_grid_matches_a_table_by_hand():
    images = torch.full((1, 1, 4, 7), 9, dtype=torch.uint8)
    builder = RecipeBuilder.of_batch((1, 1, 4, 7))
    builder.erase_grid(torch.tensor([3]), torch.tensor([2]), torch.tensor([[1, 2]]), 0)
    out = F.augment(images, builder.recipes((4, 7)))
    gone, kept = [0, 9, 0, 0, 9, 0, 0], [9] * 7
    assert out[0, 0].tolist() == [kept, gone, gone, kept]


def test_erasing_covers_noise_and_comes_before_the_table():
    images = torch.full((40, 1, 16, 16), 100, dtype=torch.uint8)
    chain = ga.Compose([ga.SaltAndPepper(1.0), ga.CutOut(6, fill=255 // 5), ga.Normalize(0.0, 1 / 255)])
    assert chain.step.passes == 1
    assert "pass 1, erase" in repr(chain)
    out = chain(images, draws_of(40)).round()
    assert out.unique().tolist() == [0, 51, 255]
    assert ((out == 51).flatten(1).sum(1) >= 9).all()
    assert ga.Compose([ga.CutOut(6), ga.SaltAndPepper()]).step.passes == 2


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_random_erasing_matches_torchvisions_distribution(dtype, channels):
    n, height, width = 3000, 24, 40
    images = torch.ones(n, channels, height, width).to(dtype)
    scale, ratio = (0.05, 0.4), (0.3, 3.3)
    mask = (ga.RandomErasing(1.0, scale, ratio)(images, draws_of(n)) == 0).all(1)
    across, down = mask.any(1), mask.any(2)
    ours = torch.stack(
        (down.int().argmax(1), across.int().argmax(1), down.sum(1), across.sum(1)), dim=1
    ).double()
    assert torch.equal(mask.flatten(1).sum(1).double(), ours[:, 2] * ours[:, 3])  # boxes, and nothing else
    image = torch.empty(1, height, width)
    drawn = [RandomErasing.get_params(image, scale, ratio, [0.0])[:4] for _ in range(n)]
    theirs = torch.tensor([row for row in drawn if row[2:] != (height, width)], dtype=torch.float64)
    for name, a, b in zip(("top", "left", "height", "width"), ours.T, theirs.T, strict=True):
        assert abs(a.mean() - b.mean()) < 5 * b.std() * math.sqrt(2 / n), name
        assert abs(a.std() / b.std() - 1) < 0.1, name


def test_random_erasing_keeps_its_probability_and_value():
    n = 4000
    images = torch.full((n, 1, 8, 8), 9, dtype=torch.uint8)
    out = ga.RandomErasing(0.3, value=77)(images, draws_of(n))
    assert out.unique().tolist() == [9, 77]
    share = (out == 77).flatten(1).any(1).double().mean()
    assert abs(share - 0.3) < 5 * math.sqrt(0.21 / n)


def test_random_erasing_without_a_fitting_box_erases_nothing():
    images = torch.full((20, 1, 8, 8), 9, dtype=torch.uint8)
    assert ga.RandomErasing(1.0, scale=(1.0, 1.0))(images, draws_of(20)).unique().tolist() == [9]


@pytest.mark.parametrize("size", [4, 5, (3, 6)])
def test_a_cut_out_is_anywhere_and_cut_off_at_the_edge(size):
    n, height, width = 6000, 9, 11
    images = torch.ones(n, 1, height, width, dtype=torch.uint8)
    gone = ga.CutOut(size)(images, draws_of(n))[:, 0] == 0
    tall, wide = (size, size) if isinstance(size, int) else size
    for line, length, side in ((gone.any(2), height, tall), (gone.any(1), width, wide)):
        expected = torch.zeros(length)  # how often each row is erased, one middle after the other
        for middle in range(length):
            expected[max(0, middle - side // 2) : middle - side // 2 + side] += 1 / length
        assert ((line.double().mean(0) - expected).abs() < 5 * (0.25 / n) ** 0.5).all()


def test_cut_out_with_several_holes():
    n = 500
    images = torch.ones(n, 1, 64, 64, dtype=torch.uint8)
    gone = (ga.CutOut(2, holes=4)(images, draws_of(n)) == 0).flatten(1).sum(1)
    assert gone.max() == 16
    assert gone.double().mean() > 14


@pytest.mark.parametrize("ratio", [0.1, 0.4, 0.9])
def test_grid_dropout_erases_its_share(ratio):
    n, unit = 30, 10
    images = torch.ones(n, 3, 40, 50, dtype=torch.uint8)
    out = ga.GridDropout(ratio, unit)(images, draws_of(n))
    gone = (out == 0).double().mean((1, 2, 3))
    assert ((gone - round(ratio * unit) ** 2 / unit**2).abs() < 1e-12).all()
    assert torch.equal(out[:, :, :30], out[:, :, 10:])
    assert len(out.flatten(1).unique(dim=0)) > 20  # each draw has a phase of its own
