"""Curves against torchvision and NumPy: exact."""

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as tv
from PIL import Image, ImageOps

import gpuaug as ga
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import EXPONENT_UNIT, POSTERIZE, POWER, THRESHOLD_UNIT, WORD
from gpuaug.stages import curves
from gpuaug.transforms.ranges import span, whole_span

IMAGES = torch.randint(256, (6, 3, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LEVELS = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
PILLOW = Image.fromarray(LEVELS[0, 0].numpy())
HALVES = [torch.float16, torch.bfloat16]


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterize_matches_torchvision(bits):
    assert torch.equal(ga.Posterize(bits)(IMAGES), tv.posterize(IMAGES, bits))


def test_posterize_to_no_bits_is_black():
    assert (ga.Posterize(0)(IMAGES) == 0).all()


@pytest.mark.parametrize("rounded", [float, np.float64, lambda v: float(np.float32(v))])
def test_solarize_inverts_from_every_threshold_on(rounded):
    for level in range(256):
        out = ga.Solarize(rounded(level / 255))(LEVELS)
        assert torch.equal(out, tv.solarize(LEVELS, level)), level
        assert out.flatten().tolist() == list(ImageOps.solarize(PILLOW, level).tobytes()), level
        if level:  # between two levels
            out = ga.Solarize(rounded((level - 0.5) / 255))(LEVELS)
            assert torch.equal(out, tv.solarize(LEVELS, level)), level


def test_solarize_of_floats_matches_torchvision_at_every_threshold():
    values = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    for threshold in values.flatten()[:200].tolist():  # from itself on
        assert torch.equal(ga.Solarize(threshold)(values), tv.solarize(values, threshold))


@pytest.mark.parametrize("gamma", [0.3, 0.8, 1.5, 3.0])
def test_gamma_matches_torchvision(gamma):
    out = ga.RandomGamma(gamma)(LEVELS).int()
    assert (out - tv.adjust_gamma(LEVELS, gamma).int()).abs().max() <= 1  # truncates


def test_every_power_matches_numpy():
    exponents = torch.cat((torch.arange(655, 400_000, 1009), torch.tensor([1 << 16, 100 << 16])))
    builder = RecipeBuilder.of_batch((len(exponents), 1, 16, 16))
    builder.curve(POWER, exponents)
    tables = curves.tables(builder.recipes((16, 16)).records).numpy()
    exact = 255 * (np.arange(256) / 255) ** (exponents.numpy()[:, None] / EXPONENT_UNIT)
    assert np.abs(tables - exact).max() < 0.5 + 1e-6


@pytest.mark.parametrize("transform", [ga.Posterize(8), ga.Solarize(2), ga.RandomGamma(1)])
def test_curves_of_strength_0_change_nothing(transform):
    assert torch.equal(transform(LEVELS), LEVELS)


def test_curves_of_a_chain_follow_one_another():
    # 200 / 255 squared is 157 / 255; inverted 98; of its bits the two highest make 64.
    chain = ga.Compose([ga.RandomGamma(2.0), ga.Solarize(0.5), ga.Posterize(2)])
    assert chain(torch.full((1, 3, 2, 2), 200, dtype=torch.uint8)).unique().tolist() == [64]
    # Of its bits the two highest are 192; inverted 63, squared 16.
    chain = ga.Compose([ga.Posterize(2), ga.Solarize(0.5), ga.RandomGamma(2.0)])
    assert chain(torch.full((1, 3, 2, 2), 200, dtype=torch.uint8)).unique().tolist() == [16]
    assert chain.step.passes == 1


def test_a_fourth_curve_opens_the_next_pass():
    curves = [ga.RandomGamma(0.5), ga.RandomGamma(2.0), ga.Posterize(7), ga.Solarize(0.5)]
    both, apart = ga.Compose(curves), ga.Compose(curves[:3])
    assert (apart.step.passes, both.step.passes) == (1, 2)
    assert torch.equal(both(LEVELS), curves[3](apart(LEVELS)))


def test_curves_of_options_share_the_room_of_a_pass():
    options = ga.OneOf([ga.RandomGamma(2.0), ga.Compose([ga.RandomInvert(1.0), ga.Posterize(3)])])
    assert ga.Compose([options, ga.Solarize(0.5), ga.RandomGamma(0.5)]).step.passes == 1
    assert ga.Compose([options, ga.Solarize(0.5), ga.RandomGamma(0.5), ga.Posterize(4)]).step.passes == 2


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, *HALVES])
@pytest.mark.parametrize(
    ("transform", "tolerance"),
    # A power rounds to a level; the others fall on one.
    [
        (ga.Posterize((1, 7)), 0.0),
        (ga.Solarize((0.1, 1.0)), 0.0),
        (ga.RandomGamma((0.3, 3.0)), 0.5),
        (ga.Compose([ga.Solarize((0.1, 1.0)), ga.Posterize((1, 7)), ga.Solarize((0.1, 1.0))]), 0.0),
    ],
)
def test_curves_of_floats_agree_with_bytes(transform, tolerance, dtype):
    images = LEVELS.expand(64, 3, 16, 16)
    draws = draws_of(64)
    expected = transform(images, draws).double()
    got = transform((images / 255.0).to(dtype), draws).double() * 255
    if dtype in HALVES:  # what a half says of a level, twice where a power reads it
        tolerance = 2.5 if tolerance else 0.5
    assert (got - expected).abs().max() <= tolerance + 1e-3


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, *HALVES])
def test_curves_of_floats_agree_with_bytes_at_every_level(dtype):
    floats = (LEVELS / 255.0).to(dtype)
    curves = [ga.Posterize(bits) for bits in range(9)]
    curves += [ga.Solarize((level - half) / 255) for level in range(1, 256) for half in (0, 0.5, 0.999)]
    for curve in [*curves, ga.Solarize(0.0), ga.Solarize(2.0)]:
        assert torch.equal(curve(floats).double().mul(255).round().byte(), curve(LEVELS)), curve


def test_gamma_has_the_gradient_of_a_power():
    image = torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64).view(1, 1, 1, 3).requires_grad_()
    ga.RandomGamma(2.0)(image).sum().backward()
    assert image.grad.flatten().tolist() == pytest.approx(
        [1.0, 0.5, 2.0]
    )  # black stays black: of the identity


def draws_of(n):
    return torch.stack((torch.arange(n), torch.ones(n).long(), torch.arange(n) * 7919), dim=1)


def test_parameters_of_curves_fill_their_range():
    def parameter(transform):
        return transform.recipes(draws_of(4000), (4000, 3, 8, 8))[0].field("curve0") >> 8

    bits = parameter(ga.Posterize((2, 5)))
    assert bits.unique().tolist() == [2, 3, 4, 5]
    assert (bits.bincount()[2:] - 1000).abs().max() < 150  # 5 standard deviations
    gamma = parameter(ga.RandomGamma((0.5, 2.0))) / EXPONENT_UNIT
    assert 0.5 <= gamma.min() < 0.51
    assert 1.99 < gamma.max() <= 2.0
    assert abs(gamma.mean() - 1.25) < 0.04
    threshold = parameter(ga.Solarize((0.5, 1.0))) / THRESHOLD_UNIT
    assert abs(threshold.mean() - 0.75) < 0.012


def test_a_word_holds_its_curve_and_parameter():
    records = ga.Posterize(3).recipes(draws_of(1), (1, 3, 8, 8))[0].records
    assert records[0, [WORD["curve0"], WORD["curve1"], WORD["curve2"]]].tolist() == [POSTERIZE | 3 << 8, 0, 0]


def test_settings_of_curves_are_checked():
    for build, error, message in (
        (lambda: ga.Posterize(9), ValueError, r"bits must be .* in \[0, 8\], got 9"),
        (lambda: ga.Posterize(2.5), TypeError, "bits must be a whole number .* got 2.5"),
        (lambda: ga.Solarize((1, 0.5)), ValueError, r"threshold must be .* in \[0, 2\], got \(1, 0.5\)"),
        (lambda: ga.RandomGamma(float("nan")), ValueError, "gamma must be .* got nan"),
        (lambda: ga.RandomMeanContrast("1"), TypeError, "factor must be a number .* got '1'"),
        (lambda: ga.GaussNoise(0.1, per_channel=1), TypeError, "per_channel must be a bool, got int"),
        (lambda: span("x", (1, 2, 3), 0, 9), TypeError, r"x must be .* got \(1, 2, 3\)"),
        (lambda: whole_span("k", (3, 6), 3, 9, odd=True), ValueError, r"k must be an odd .* got \(3, 6\)"),
    ):
        with pytest.raises(error, match=message):
            build()
