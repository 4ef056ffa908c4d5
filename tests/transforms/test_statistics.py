"""Curves that go by the image, against torchvision and Pillow on photographs and noise."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
import torchvision.transforms.v2.functional as tv
from PIL import Image, ImageOps
from torch import Tensor

import gpuaug as ga
from gpuaug.recipe.layout import CONTRAST, STATISTICS, Stage

IMAGES = torch.randint(256, (6, 3, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
DARK = (IMAGES.float() / 3 + 20).to(torch.uint8)  # not the whole range
FACTORS = [0.0, 0.5, 0.9, 1.0, 1.3, 1.7, 4.0]


def scenes() -> Tensor:
    """Smooth waves of each channel under a little noise; as they are and darker."""
    random = torch.Generator().manual_seed(1)
    y, x = torch.meshgrid(torch.arange(60.0), torch.arange(80.0), indexing="ij")
    waves = [125 + 70 * torch.sin(x / 20 + c) + 60 * torch.cos(y / (12 + c)) for c in range(3)]
    scene = torch.stack(waves) + 4 * torch.randn(2, 3, 60, 80, generator=random)
    images = scene.clamp(0, 255).to(torch.uint8)
    return torch.cat((images, images // 2 + 30))


SCENES = scenes()
SOURCES = {"noise": IMAGES, "dark": DARK, "coarse": DARK // 50, "scenes": SCENES}
every_source = pytest.mark.parametrize("name", SOURCES)


def draws_of(n: int) -> Tensor:
    return torch.stack((torch.arange(n), torch.ones(n).long(), torch.arange(n) * 7919), dim=1)


def apart(out: Tensor, expected: Tensor) -> int:
    return int((out.int() - expected.int()).abs().max())


def assert_contrast_is_torchvisions(images: Tensor, factor: float):
    """torchvision truncates its grey image, so its mean may be a level lower, and then the result."""
    out, expected = ga.RandomMeanContrast(factor)(images), tv.adjust_contrast(images, factor)
    assert apart(out, expected) <= 1 + abs(1 - factor)


@every_source
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("factor", FACTORS)
def test_mean_contrast_matches_torchvision(name: str, channels: int, factor: float):
    images = SOURCES[name][:, :channels]
    assert_contrast_is_torchvisions(images, factor)


@every_source
def test_autocontrast_matches_torchvision(name: str):
    # Both truncate. torchvision divides in float32, which may fall below a level that is reached exactly.
    assert apart(ga.AutoContrast()(SOURCES[name]), tv.autocontrast(SOURCES[name])) <= 1


@every_source
def test_equalize_matches_torchvision_and_pillow(name: str):
    images = SOURCES[name]
    out = ga.Equalize()(images)
    assert torch.equal(out, tv.equalize(images))
    for image, ours in zip(images, out, strict=True):
        theirs = ImageOps.equalize(Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()))
        assert torch.equal(
            ours.permute(1, 2, 0), torch.tensor(bytearray(theirs.tobytes())).view(*theirs.size[::-1], 3)
        )


def test_curves_of_statistics_match_torchvision_on_photographs(shared_data: Path):
    with zipfile.ZipFile(shared_data / "intel-scenes.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")][::200]
        files = [Image.open(archive.open(name)).convert("RGB") for name in names]
    images = torch.stack([tv.pil_to_tensor(file) for file in files if file.size == (100, 100)])
    assert len(images) >= 20
    assert torch.equal(ga.Equalize()(images), tv.equalize(images))
    out, expected = ga.AutoContrast()(images), tv.autocontrast(images)
    assert apart(out, expected) <= 1
    assert (out != expected).float().mean() < 0.02
    for factor in FACTORS:
        assert_contrast_is_torchvisions(images, factor)


def test_autocontrast_and_equalize_keep_flat_channels():
    flat = torch.tensor([0, 7, 255], dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 8, 8)
    for transform in (ga.AutoContrast(), ga.Equalize()):
        assert torch.equal(transform(flat), flat)


@pytest.mark.parametrize("channels", [1, 3])
def test_mean_contrast_of_factor_1_changes_nothing(channels: int):
    every_level = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, channels, 16, 16)
    assert torch.equal(ga.RandomMeanContrast(1)(every_level), every_level)


def test_a_chain_equals_its_parts_in_turn_in_one_pass():
    parts = [ga.Equalize(), ga.RandomMeanContrast(0.6), ga.AutoContrast()]
    chain = ga.Compose([ga.RandomHorizontalFlip(1.0), *parts, ga.Normalize(0.5, 0.5)])
    expected = SCENES.flip(3)
    for part in parts:
        expected = part(expected)
    assert torch.equal(chain(SCENES), ga.functional.normalize(expected, 0.5, 0.5))
    assert chain.step.passes == 1
    lines = [" ".join(line.split()) for line in str(chain).splitlines()]
    assert "Equalize() pass 1, curves" in lines
    assert lines[-1] == "1 pass: 1 kernel launch a batch, on CUDA up to 1 more, which count levels"


def test_print_counts_the_launches_that_count_levels():
    later = ga.Compose([ga.Equalize(), ga.RandomRotation(9), ga.SaltAndPepper(), ga.RandomRotation(9)])
    jitters = [ga.ColorJitter(contrast=0.4, contrast_about=about) for about in ("middle", "mean")]
    chains = [ga.Posterize(), ga.Equalize(), *jitters, later, ga.RandAugment(), ga.RandAugment(3)]
    assert [chain.step.counting_launches for chain in chains] == [0, 1, 0, 1, 1, 2, 3]


def test_levels_are_counted_after_geometry_blur_and_color():
    before = ga.Compose([ga.Resize((40, 50)), ga.GaussianBlur(sigma=1.0), ga.RandomInvert(1.0)])
    after = ga.Compose([ga.GaussNoise(0.1), ga.SaltAndPepper(0.2)])
    draws = draws_of(4)
    together = ga.Compose([*before.transforms, ga.AutoContrast(), ga.CutOut(9, fill=0)])
    out = together(SCENES, draws)
    assert together.step.passes == 1
    expected = ga.AutoContrast()(before(SCENES, draws))
    kept = out == expected
    assert 0.9 < kept.float().mean() < 1
    assert (out[~kept] == 0).all()
    assert ga.Compose([*before.transforms, ga.Equalize(), *after.transforms]).step.passes == 1


def test_only_draws_with_such_a_curve_are_counted():
    chain = ga.OneOf([ga.Equalize(), ga.AutoContrast(), ga.RandomGamma(0.5)], by="copy")
    draws = draws_of(8)
    draws[:, 1] = torch.arange(8) % 4
    images = SCENES[:1].expand(8, -1, -1, -1)
    (recipes,) = chain.recipes(draws, tuple(images.shape))
    assert ((recipes.field("stages") & STATISTICS) != 0).tolist() == [False, True, True, False] * 2
    out = chain(images, draws)
    for n, part in enumerate([None, ga.Equalize(), ga.AutoContrast(), ga.RandomGamma(0.5)] * 2):
        assert torch.equal(out[n : n + 1], part(images[:1]) if part else images[:1])


def test_a_chain_without_such_a_curve_asks_for_no_statistics():
    (recipes,) = ga.Compose([ga.RandomGamma(0.5), ga.Posterize(3)]).recipes(draws_of(2), (2, 3, 8, 8))
    assert recipes.stages & STATISTICS == 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("transform", "tolerance"),
    [(ga.AutoContrast(), 1.0), (ga.Equalize(), 0.0), (ga.RandomMeanContrast((0.3, 3.0)), 0.5)],
)
def test_floats_agree_with_bytes(transform: ga.transforms.Transform, tolerance: float, dtype: torch.dtype):
    images, draws = DARK, draws_of(len(DARK))
    got = transform((images / 255.0).to(dtype), draws).double() * 255
    if torch.finfo(dtype).bits == 16:  # what a half says of a level, stretched
        tolerance += 4.0
    assert (got - transform(images, draws).double()).abs().max() <= tolerance + 1e-2


def test_gradients_of_curves_of_statistics():
    for transform, expected in (
        (ga.Equalize(), [1.0] * 4),  # the identity's
        # Of (value - 0.2) / 0.4: 2.5 between the ends, whose own moves all of them.
        (ga.AutoContrast(), [-2.5 * (0.75 + 0.5), 2.5, 2.5, -2.5 * (0.25 + 0.5)]),
        (ga.RandomMeanContrast(0.5), [1.0] * 4),  # a half of its own, and a half in all by the mean
    ):
        images = torch.tensor([0.2, 0.3, 0.4, 0.6], dtype=torch.float64).view(1, 1, 1, 4).requires_grad_()
        transform(images).sum().backward()
        assert images.grad.flatten().tolist() == pytest.approx(expected), transform


@pytest.mark.filterwarnings("ignore:floating images take the differentiable path")
@pytest.mark.parametrize("channels", [5, 6, 8])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float64])
def test_each_of_many_channels_is_treated_as_if_alone(channels: int, dtype: torch.dtype):
    images = torch.randint(30, 180, (2, channels, 20, 30), dtype=torch.uint8)
    images = images if dtype == torch.uint8 else images.to(dtype) / 255
    draws = draws_of(2)
    for transform in (
        ga.AutoContrast(),
        ga.Equalize(),
        ga.RandomMeanContrast((0.3, 3.0)),
        ga.RandomSharpness(),
    ):
        expected = [transform(images[:, c : c + 1], draws) for c in range(channels)]
        assert torch.equal(transform(images, draws), torch.cat(expected, dim=1)), transform


def test_mean_contrast_factors_fill_their_range():
    (recipes,) = ga.RandomMeanContrast((0.5, 2.0)).recipes(draws_of(4000), (4000, 3, 8, 8))
    assert (recipes.field("curve0") & 0xFF).unique().tolist() == [CONTRAST]
    factor = (recipes.field("curve0") >> 8) / 2**16
    assert 0.5 <= factor.min() < 0.51
    assert 1.99 < factor.max() <= 2.0


def test_curves_of_statistics_are_in_the_curves_stage():
    stages = {entry.name: entry.stage for entry in ga.transforms.catalogue()}
    assert {stages[name] for name in ("AutoContrast", "Equalize", "RandomMeanContrast")} == {"curves"}
    assert ga.Equalize.stage == Stage.CURVES
