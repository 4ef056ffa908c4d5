"""Which transforms share a pass, and how a chain shows it."""

import pytest
import torch

import gpuaug as ga


def passes(*transforms):
    return [step.pass_index + 1 for step in ga.Compose(transforms).step.leaves]


CROP, SIZE, FLIP = ga.RandomCrop(8), ga.Resize(8), ga.RandomHorizontalFlip()
TURN = ga.RandomRotation(15)
NEAR, NEAR_SIZE = ga.RandomRotation(15, interpolation="nearest"), ga.Resize(8, interpolation="nearest")
PAD, BLUR, IMPULSE, NORM = ga.RandomCrop(8, padding=2), ga.GaussianBlur(), ga.SaltAndPepper(), ga.Normalize()


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ([CROP, SIZE, FLIP, BLUR, IMPULSE, NORM], [1, 1, 1, 1, 1, 1]),
        ([NORM], [1]),
        ([BLUR, CROP], [1, 2]),
        ([IMPULSE, BLUR, FLIP], [1, 2, 3]),
        ([BLUR, BLUR, IMPULSE, IMPULSE], [1, 2, 2, 3]),
        ([PAD, FLIP, NORM], [1, 1, 1]),
        ([FLIP, PAD], [1, 1]),
        ([PAD, SIZE], [1, 2]),
        ([SIZE, PAD], [1, 2]),
        ([PAD, PAD], [1, 2]),
        ([IMPULSE, NORM], [1, 1]),
        ([CROP, TURN, FLIP, SIZE, BLUR], [1, 1, 1, 1, 1]),
        ([TURN, TURN], [1, 2]),
        ([TURN, PAD], [1, 2]),
        ([PAD, FLIP, TURN], [1, 1, 2]),
        ([NEAR, SIZE], [1, 2]),
        ([SIZE, NEAR], [1, 2]),
        ([FLIP, NEAR, CROP, NEAR_SIZE, SIZE], [1, 1, 1, 1, 2]),
        ([ga.OneOf([NEAR, SIZE]), FLIP, NEAR_SIZE], [1, 1, 1, 2]),
        ([NEAR, BLUR, SIZE], [1, 1, 2]),
    ],
)
def test_a_chain_takes_a_pass_for_each_step_back_in_stage_order(chain, expected):
    assert passes(*chain) == expected


def test_options_share_a_pass_in_any_order():
    assert passes(ga.OneOf([IMPULSE, BLUR, ga.Compose([CROP, SIZE])]), NORM) == [1, 1, 1, 1, 1]
    assert passes(ga.OneOf([IMPULSE, FLIP]), BLUR) == [1, 1, 2]  # a blur after the noise of some draws


def test_printing_a_chain_shows_its_steps():
    augment = ga.Compose([ga.OneOf([ga.Compose([CROP, SIZE]), IMPULSE], by="copy"), BLUR, NORM], "copies")
    assert repr(augment).splitlines() == [
        "Compose(apply_to='copies')",
        "  OneOf(by='copy')",
        "    Compose(apply_to='all')",
        "      RandomCrop(size=(8, 8))                       pass 1, geometry",
        "      Resize(size=8)                                pass 1, geometry",
        "    SaltAndPepper(amount=0.25, salt_vs_pepper=0.6)  pass 1, impulse",
        "  GaussianBlur(kernel_size=5, sigma=(0.1, 2.0))     pass 2, blur",
        "  Normalize(mean=0.0, std=1.0, dtype=float32)       pass 2, output",
        "2 passes: 2 kernel launches a batch",
    ]


def test_two_passes_equal_two_chains_in_turn():
    images = torch.randint(256, (6, 3, 12, 12), dtype=torch.uint8)
    draws = torch.stack((torch.arange(6), torch.arange(6), torch.arange(6) * 7919), dim=1)
    whole = ga.Compose([ga.SaltAndPepper(), ga.RandomHorizontalFlip(), ga.Normalize(0.5, 0.5)])
    recipes = whole.recipes(draws, tuple(images.shape))
    assert len(recipes) == 2
    flipped = recipes[1].field("xx") < 0
    noisy = ga.functional.augment(images, recipes[0])
    assert (noisy != images).any()
    expected = ga.functional.normalize(ga.functional.flip(noisy, flipped), 0.5, 0.5)
    assert torch.equal(whole(images, draws), expected)


def test_a_transform_may_serve_in_two_chains():
    images = torch.randint(256, (4, 1, 8, 8), dtype=torch.uint8)
    draws = torch.stack((torch.arange(4),) * 3, dim=1)
    noise = ga.SaltAndPepper()
    alone = noise(images, draws)
    ga.Compose([BLUR, noise])
    assert torch.equal(noise(images, draws), alone)
    twice = ga.Compose([noise, noise])
    once = ga.Compose([noise])
    assert not torch.equal(twice(images, draws), once(images, draws))  # two places, two noises


def test_normalize_must_be_last_and_outside_of_choices():
    with pytest.raises(
        ValueError, match=r"Normalize must be the last transform, got Random.*Flip\(p=0.5\) after it"
    ):
        ga.Compose([NORM, FLIP])
    for container in (ga.OneOf, ga.RandomApply):
        with pytest.raises(ValueError, match=f"{container.__name__} must not hold Normalize"):
            container([FLIP, NORM])
