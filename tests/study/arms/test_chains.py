"""Techniques and chains: what a text gives is what one would have built by hand."""

import pytest
import torch

import gpuaug
from gpuaug.study.arms.chains import Chain, read_chain
from gpuaug.study.arms.techniques import COVERED, OWN, POLICIES, TECHNIQUES, refusal
from gpuaug.study.report.gallery import copies_of
from gpuaug.transforms import catalogue


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(20, 200, (1, 3, 32, 40), dtype=torch.uint8, generator=generator)


def applied(transforms, images, count=8):
    draws = copies_of(0, count)
    return gpuaug.Compose(transforms)(images, draws, index=draws[:, 0])


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        ("hflip(1)", lambda: [gpuaug.RandomHorizontalFlip(p=1.0)]),
        (
            "crop + salt_and_pepper",
            lambda: [
                gpuaug.Compose([gpuaug.RandomCrop((20, 25)), gpuaug.Resize((32, 40))]),
                gpuaug.SaltAndPepper(amount=0.25),
            ],
        ),
        ("RandomHorizontalFlip(p=0.3)", lambda: [gpuaug.RandomHorizontalFlip(0.3)]),
        (
            "OneOf([vflip(1) + SaltAndPepper(0.1), GaussianBlur(sigma=None)], by='copy')",
            lambda: [
                gpuaug.OneOf(
                    [
                        gpuaug.Compose([gpuaug.RandomVerticalFlip(1.0), gpuaug.SaltAndPepper(0.1)]),
                        gpuaug.GaussianBlur(sigma=None),
                    ],
                    by="copy",
                )
            ],
        ),
        (
            "RandomResizedCrop((32, 40), scale=(0.6, 1.0)) + hflip + gaussian_blur(0.25)",
            lambda: [
                gpuaug.RandomResizedCrop((32, 40), scale=(0.6, 1.0)),
                gpuaug.RandomHorizontalFlip(0.5),
                gpuaug.GaussianBlur(sigma=(0.1, 1.0)),
            ],
        ),
    ],
)
def test_chain_is_what_one_builds_by_hand(text, by_hand, images):
    assert torch.equal(applied(read_chain(text)(32, 40), images), applied(by_hand(), images))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fly", "transform 'fly': must be of .*hflip.*RandomCrop.*; got fly"),
        ("hflip + 3", r"\+ joins transforms, got 3"),
        ("3", "transform must name transforms, got '3'"),
        ("RandomCrop()", "missing 1 required positional argument: 'size'"),
        ("RandomHorizontalFlip(p=2)", r"p must be in \[0, 1\], got 2"),
        ("Normalize(0.5, 0.5)", "got Normalize"),
        ("hflip(True)", r"strength must be a number in \(0, 1\], got True"),
        ("OneOf([3])", "transforms must be gpuaug transforms, got int at position 0"),
    ],
)
def test_wrong_chains(text, message):
    with pytest.raises(ValueError, match=message):
        read_chain(text)


@pytest.mark.parametrize("name", TECHNIQUES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_technique_keeps_the_size_and_follows_the_key(name, channels, images):
    images = images[:, :channels]
    technique = TECHNIQUES[name]
    assert technique.name == name
    if refusal(technique(32, 40), images):
        assert channels == 1
        assert name in (
            *("channel_dropout", "channel_shuffle", "random_photometric_distort"),
            *("rgb_shift", "sepia"),
        )
        return
    for strength in technique.strengths:
        chain = Chain(f"{name}({strength})")(32, 40)
        out = applied(chain, images)
        assert out.shape == (8, channels, 32, 40)
        assert out.dtype == torch.uint8
        assert torch.equal(out, applied(chain, images))
        assert torch.equal(out[3:5], applied(chain, images, count=5)[3:])
    if not (channels == 1 and name in ("saturation", "hue", "random_grayscale")):  # grey has none
        assert not torch.equal(applied(Chain(name)(32, 40), images), images.expand(8, -1, -1, -1))


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_greater_strength_changes_more(name, images):
    smooth = torch.nn.functional.avg_pool2d(images.float(), 5, 1, 2).to(torch.uint8)
    weak, strong = (
        (applied([TECHNIQUES[name](32, 40, s)], smooth, count=64).float() - smooth.float()).abs().mean()
        for s in (0.05, 1.0)
    )
    assert strong > weak


def test_the_whole_catalogue_is_there():
    asked = {entry.name for entry in catalogue() if entry.required}  # of these, some have rows of their own
    left = {entry.name for entry in catalogue()} - COVERED - {"Normalize"} - asked
    of_policies = {POLICIES.get(name, "") for name in left} - {""}
    others = set(TECHNIQUES) - set(OWN) - of_policies
    assert {name.replace("_", "") for name in others} == {name.lower() for name in left - set(POLICIES)}
    assert of_policies == set(POLICIES.values())
    assert not set(OWN) - set(TECHNIQUES)


@pytest.mark.parametrize(
    "name", ["augmix", "autoaugment", "randaugment", "timm_randaugment", "trivialaugment"]
)
def test_a_policy_is_for_every_draw(name):
    (policy,) = (kind for kind, own in POLICIES.items() if own == name)
    assert repr(TECHNIQUES[name](32, 40)) == repr(gpuaug.RandomApply([getattr(gpuaug, policy)()], p=1.0))
    assert TECHNIQUES[name](32, 40, 0.25).p == 0.25
