"""Colors: hand tables of the matrix, torchvision's pixels, who is served, how chains become one matrix."""

import colorsys
import itertools
import math

import pytest
import torch
from torchvision.transforms.v2 import functional as tv

import gpuaug as ga
from gpuaug import functional as F
from gpuaug.recipe.builder import RecipeBuilder


def draws_of(n):
    index = torch.arange(n)
    return torch.stack((index, torch.ones_like(index), index * 6364136223846793005 + 7), dim=1)


def random_images(n=3, channels=3, height=13, width=19):
    return torch.randint(256, (n, channels, height, width), dtype=torch.uint8)


def mixed(pixel, *matrices):
    """One pixel under matrices of twelve numbers each."""
    images = torch.tensor(pixel, dtype=torch.uint8).view(1, -1, 1, 1)
    builder = RecipeBuilder.of_batch(tuple(images.shape))
    for matrix in matrices:
        builder.color(matrix)
    return F.augment(images, builder.recipes((1, 1))).flatten().tolist()


WHOLE = (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)


@pytest.mark.parametrize(
    ("pixel", "matrices", "expected"),
    [
        ([1, 2, 3], [WHOLE], [1, 2, 3]),
        ([10, 20, 30], [(0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0)], [20, 30, 10]),
        ([10, 20, 30], [(1, 1, 1, 0, 1, -1, 1, 0, 0, 0, 0, 1)], [60, 20, 255]),
        ([200, 20, 30], [(2, 0, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0)], [255, 0, 30]),  # clamped
        ([1, 3, 5], [(0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0)], [1, 2, 3]),  # halves upwards
        ([1, 3, 5], [(-0.5, 0, 0, 3 / 255, 0, -0.5, 0, 3 / 255, 0, 0, -0.5, 3 / 255)], [3, 2, 1]),
        ([100, 0, 0], [(4, 0, 0, -1, *WHOLE[4:]), (0.5, 0, 0, 0, *WHOLE[4:])], [73, 0, 0]),  # 72.5
        ([255, 255, 255], [(7, 7, 7, 9, *[0] * 8)], [255, 0, 0]),
        ([255, 255, 255], [(99, -99, 0, 0, *[0] * 8)], [0, 0, 0]),  # held to [-8, 8): 7.9998 - 8
        ([10, 20, 30, 40], [(0, 0, 0, 1) * 3], [255, 255, 255, 40]),  # a fourth stays
        ([10], [(0.5, 0.25, 0.75, 0, *[0] * 8)], [15]),  # one stands for all three
        ([10, 20], [(0.5, 0.25, 0.75, 0, 1, 0, 1, 0, *[0] * 4)], [25, 30]),
    ],
)  # fmt: skip
def test_the_color_matrix_matches_a_table_by_hand(pixel, matrices, expected):
    assert mixed(pixel, *matrices) == expected


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("gains", [(3, 2.5), (9, 1), (20, 20), (-9, 0.5)])
def test_colors_of_floats_agree_with_bytes(gains, channels):
    images = random_images(2, channels)
    builder = RecipeBuilder.of_batch(tuple(images.shape))
    builder.color((gains[0], 0.5, -gains[1], -0.25, 0, gains[1], 0, 0.125, gains[1], -gains[0], 8.5, 0))
    recipes = builder.recipes(tuple(images.shape[2:]))
    floats = F.augment(images.double() / 255, recipes)
    assert (floats * 255 - F.augment(images, recipes)).abs().max() <= 0.5 + 1e-6


def only(**settings):
    return ga.ColorJitter(**{name: (value, value) for name, value in settings.items()})


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7, 3.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_and_saturation_match_torchvision(factor, channels):
    images = random_images(channels=channels)
    floats = images.double() / 255
    bright = tv.adjust_brightness(floats, factor) * 255
    assert (only(brightness=factor)(images) - bright).abs().max() <= 0.6
    saturated = tv.adjust_saturation(floats, factor) * 255
    # torchvision's luma has 0.2989 for red: 0.03 of a level, times the factor.
    assert (only(brightness=1, saturation=factor)(images) - saturated).abs().max() <= 0.7


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
def test_color_jitters_contrast_is_about_middle_grey(factor):
    images = random_images()
    expected = (127.5 + factor * (images.double() - 127.5)).clamp(0, 255)
    assert (only(contrast=factor)(images) - expected).abs().max() <= 0.6


@pytest.mark.parametrize("degrees", [-150, -60, 10, 90, 120])
def test_hue_turns_like_hsv_and_keeps_the_luma(degrees):
    turn = degrees / 360
    muted = [colorsys.hsv_to_rgb(h / 12, 0.2, 0.6) for h in range(12)]
    images = (torch.tensor(muted) * 255).round().to(torch.uint8).view(12, 3, 1, 1)
    out = only(hue=turn)(images).double().view(12, 3)
    luma = torch.tensor((0.299, 0.587, 0.114), dtype=torch.float64)
    assert ((out - images.view(12, 3).double()) @ luma).abs().max() < 1
    for before, after in zip(muted, (out / 255).tolist(), strict=True):
        moved = (colorsys.rgb_to_hsv(*after)[0] - colorsys.rgb_to_hsv(*before)[0] - turn + 0.5) % 1 - 0.5
        assert abs(moved) < 0.09  # of a turn: YIQ's angle is not HSV's


def test_hue_is_the_rotation_of_yiq():
    to_yiq = torch.tensor([colorsys.rgb_to_yiq(*row) for row in torch.eye(3).tolist()], dtype=torch.float64).T
    images = torch.randint(90, 160, (20, 3, 4, 4), dtype=torch.uint8)
    angle = -math.radians(40)  # from red to yellow, away from Q
    turn = torch.tensor(
        [[1, 0, 0], [0, math.cos(angle), -math.sin(angle)], [0, math.sin(angle), math.cos(angle)]],
        dtype=torch.float64,
    )
    matrix = to_yiq.inverse() @ turn @ to_yiq
    expected = torch.einsum("ij,njhw->nihw", matrix, images.double())
    # colorsys rounds its coefficients to two digits.
    assert (only(hue=40 / 360)(images) - expected).abs().max() < 2.5


def test_grey_sepia_and_inverse_match_their_formulas():
    images = random_images()
    grey = tv.rgb_to_grayscale(images.double(), 3)
    assert (ga.RandomGrayscale(1.0)(images) - grey).abs().max() <= 0.6
    assert torch.equal(ga.RandomInvert(1.0)(images), tv.invert(images))
    sepia = torch.tensor([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    expected = torch.einsum("ij,njhw->nihw", sepia, images.float()).clamp(0, 255)
    assert (ga.Sepia(1.0)(images) - expected).abs().max() <= 0.6


@pytest.mark.parametrize("transform", [ga.RandomGrayscale(1.0), ga.ColorJitter(0, 0, 0.9, 0.5)])
def test_saturation_and_hue_do_not_change_one_channel(transform):
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(transform(images), images)


def test_colors_keep_a_fourth_channel():
    images = random_images(channels=4)
    out = ga.RandomInvert(1.0)(images)
    assert torch.equal(out[:, 3], images[:, 3])
    assert torch.equal(out[:, :3], 255 - images[:, :3])


@pytest.mark.parametrize("transform", [ga.Sepia(), ga.ChannelDropout(), ga.ChannelShuffle(), ga.RGBShift()])
def test_colors_refuse_images_without_colors(transform):
    with pytest.raises(ValueError, match=rf"{type(transform).__name__}: .* 3 or 4 channels, got 1"):
        transform(random_images(channels=1))
    with pytest.raises(ValueError, match="1, 3 or 4 channels, got 2"):
        ga.ColorJitter()(random_images(channels=2))


def test_dropped_channels_are_equally_likely():
    n = 9000
    images = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1).expand(n, 3, 1, 1)
    out = ga.ChannelDropout(0.5, fill=7)(images, draws_of(n)).flatten(1)
    counts = {}
    for row in out.tolist():
        counts[tuple(row)] = counts.get(tuple(row), 0) + 1
    assert set(counts) == {(10, 20, 30), (7, 20, 30), (10, 7, 30), (10, 20, 7)}
    for row, count in counts.items():
        p = 1 / 2 if row == (10, 20, 30) else 1 / 6
        assert abs(count / n - p) < 5 * math.sqrt(p * (1 - p) / n)


def test_shuffled_orders_are_equally_likely():
    n = 9000
    images = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1).expand(n, 3, 1, 1)
    orders, counts = ga.ChannelShuffle(1.0)(images, draws_of(n)).flatten(1).unique(dim=0, return_counts=True)
    assert (orders.sort(1).values == torch.tensor([10, 20, 30], dtype=torch.uint8)).all()
    assert len(counts) == 6
    assert ((counts - n / 6) ** 2 / (n / 6)).sum() < 30  # chi-square, 5 degrees of freedom


def test_rgb_shifts_are_uniform():
    n = 5000
    images = torch.full((n, 3, 1, 1), 100, dtype=torch.uint8)
    out = ga.RGBShift((0, 40), 10, (-100, -100))(images, draws_of(n)).flatten(1).double() - 100
    assert out[:, 2].unique().tolist() == [-100]
    for values, low, high in ((out[:, 0], 0, 40), (out[:, 1], -10, 10)):
        assert low <= values.min()
        assert values.max() <= high
        sigma = (high - low) / math.sqrt(12)
        assert abs(values.mean() - (low + high) / 2) < 5 * sigma / math.sqrt(n)


def test_brightness_and_contrast_come_in_either_order():
    n = 4000
    images = torch.full((n, 1, 1, 1), 100, dtype=torch.uint8)
    out = ga.ColorJitter((1.5, 1.5), (0.5, 0.5))(images, draws_of(n)).flatten()
    contrast_first = round(1.5 * (127.5 + 0.5 * (100 - 127.5)))
    brightness_first = round(127.5 + 0.5 * (1.5 * 100 - 127.5))
    assert set(out.tolist()) == {contrast_first, brightness_first}
    assert abs((out == contrast_first).double().mean() - 0.5) < 5 * 0.5 / math.sqrt(n)


def test_colors_of_a_chain_are_one_matrix_in_one_pass():
    images, draws = random_images(20), draws_of(20)
    steps = [ga.RGBShift(9), ga.ColorJitter(0.3, 0.3, 0.3, 0.1), ga.ChannelShuffle(), ga.RandomInvert()]
    chain = ga.Compose([*steps, ga.SaltAndPepper(0.1), ga.Normalize()])
    assert chain.step.passes == 1
    assert "pass 1, color" in repr(chain)
    whole = ga.Compose([ga.RGBShift((0, 0), (0, 0), (0, 0)), ga.RandomInvert(1.0), ga.RandomInvert(1.0)])
    assert torch.equal(whole(images, draws), images)


def test_color_after_noise_is_another_pass():
    assert ga.Compose([ga.SaltAndPepper(), ga.RandomInvert()]).step.passes == 2
    assert ga.Compose([ga.ColorJitter(), ga.GaussianBlur()]).step.passes == 2


def about_the_mean(**settings):
    pairs = {name: (value, value) for name, value in settings.items()}
    return ga.ColorJitter(**pairs, contrast_about="mean")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_contrast_about_the_mean_matches_mean_contrast(channels):
    images = random_images(channels=channels) // 3 + 40
    out = about_the_mean(contrast=1.6)(images)
    assert torch.equal(out, ga.RandomMeanContrast(1.6)(images))
    assert not torch.equal(out, only(contrast=1.6)(images))


def test_with_contrast_about_the_mean_no_order_matters():
    images = torch.randint(90, 150, (3, 3, 20, 20), dtype=torch.uint8)  # nothing is clamped on the way
    out = about_the_mean(brightness=1.2, contrast=0.7, saturation=1.3)(images).double()
    steps = [
        lambda v: tv.adjust_brightness(v, 1.2),
        lambda v: tv.adjust_contrast(v, 0.7),
        lambda v: tv.adjust_saturation(v, 1.3),
    ]
    for order in itertools.permutations(steps):
        expected = images.double() / 255
        for step in order:
            expected = step(expected)
        # The matrix is rounded to a level before the curve: half of one, and half for its own rounding.
        assert (out - expected * 255).abs().max() <= 1


def test_contrast_about_the_mean_is_a_curve_of_the_same_pass():
    jitter = ga.ColorJitter(0.2, 0.2, 0.2, contrast_about="mean")
    assert repr(jitter).startswith("ColorJitter(")
    assert "contrast_about='mean'" in jitter.label()
    passes = {
        1: [[jitter, ga.Posterize(3), ga.Solarize()], [ga.Sepia(), jitter, ga.GaussNoise()]],
        2: [[jitter, ga.Sepia()], [jitter, *[ga.Posterize(3)] * 3], [ga.Posterize(3), jitter]],
    }
    for count, chains in passes.items():
        for chain in chains:
            assert ga.Compose(chain).step.passes == count, chain
    plain = ga.ColorJitter(0.2, 0, 0.2, contrast_about="mean")  # no contrast: a matrix alone
    assert ga.Compose([plain, ga.Sepia()]).step.passes == 1
    images, draws = random_images(4), draws_of(4)
    assert torch.equal(plain(images, draws), ga.ColorJitter(0.2, 0, 0.2)(images, draws))


def test_contrast_about_is_checked():
    with pytest.raises(ValueError, match="contrast_about must be 'middle' or 'mean', got 'median'"):
        ga.ColorJitter(contrast_about="median")
    with pytest.raises(ValueError, match=r"contrast must be .* in \[0, 10\.0\], got \(0\.0, 11\.0\)"):
        ga.ColorJitter(contrast=(0, 11), contrast_about="mean")
    assert ga.ColorJitter(contrast=(0, 11)).contrast == (0, 11)
