"""What every arm draws, and what it does to a draw."""

import pytest
import torch

import gpuaug
from gpuaug.random import draw_keys
from gpuaug.study.arms.arms import ARMS, read_arm, read_arms
from gpuaug.study.arms.techniques import TECHNIQUES

LABELS = [0] * 8 + [1] * 2
PLANS = {
    "imbalanced": {0: 8, 1: 2},
    "undersampled": {0: 2, 1: 2},
    "duplicates": {0: 8, 1: 8},
    "copies": {0: 8, 1: 8},
    "all": {0: 8, 1: 8},
}


@pytest.mark.parametrize("arm", ARMS)
def test_the_draws_of_each_arm(arm):
    assert gpuaug.BalancedSampler(LABELS, ARMS[arm].target).plan_ == PLANS[arm]


def draws_of_copies(copies):
    index = torch.arange(len(copies))
    copy = torch.tensor(copies)
    return torch.stack((index, copy, draw_keys(0, 0, index, copy)), dim=1)


def normalised(images):
    return (images.float() / 255 - 0.5) / 0.5


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (6, 3, 32, 32), dtype=torch.uint8, generator=generator)


def same(out, images):
    return [torch.allclose(a, b, atol=1e-6) for a, b in zip(out, normalised(images), strict=True)]


@pytest.mark.parametrize("arm", ["imbalanced", "undersampled", "duplicates"])
def test_arms_without_augmentation_only_normalise(arm, images):
    out = ARMS[arm].augment(32, 32, seed=0)(images, draws_of_copies([0, 1, 2, 3, 4, 5]))
    assert same(out, images) == [True] * 6


def test_copies_are_cropped_flipped_and_noised_in_turn(images):
    out = ARMS["copies"].augment(32, 32, seed=0)(images, draws_of_copies([0, 1, 2, 3, 4, 5]))
    assert same(out, images) == [True] + [False] * 5
    assert same(out, images.flip(3)) == [False, False, True, False, False, True]
    noised = ((out[3] - normalised(images)[3]).abs() > 1e-6).any(dim=0)
    assert 0.15 < noised.float().mean() < 0.35
    assert out[3][:, noised].unique().tolist() == [-1.0, 1.0]


def test_crop_window_is_in_proportion():
    # A ramp of one level a column: a window of w columns holds w levels, and 20 of 32 is 18 (17.5) of 28.
    for side, window in [(32, 20), (28, 18)]:
        ramp = torch.arange(side, dtype=torch.uint8).expand(1, 1, side, side).contiguous()
        out = ARMS["copies"].augment(side, side, seed=0)(ramp, draws_of_copies([1]))
        levels = (out * 0.5 + 0.5) * 255
        assert out.shape == (1, 1, side, side)
        assert round((levels.max() - levels.min()).item()) == window - 1


def test_all_changes_originals_too(images):
    out = ARMS["all"].augment(32, 32, seed=0)(images, draws_of_copies([0, 0, 0, 1, 2, 3]))
    assert not any(same(out, images))
    assert out.shape == images.shape


@pytest.mark.parametrize("arm", ARMS)
def test_evaluation_only_normalises(arm, images):
    augment = ARMS[arm].augment(32, 32, seed=0).eval()
    assert same(augment(images), images) == [True] * 6


def test_texts_mean_what_they_say():
    arms = read_arms(["natural: hflip(1)", "2: crop", "progressive(4, shape='cosine')", "hflip(1) @copies"])
    assert list(arms) == [
        "natural: hflip(1)",
        "2: crop",
        "progressive(4, shape='cosine')",
        "hflip(1) @ copies",
    ]
    plans = [gpuaug.BalancedSampler(LABELS, arm.target).plan_ for arm in arms.values()]
    assert plans == [{0: 8, 1: 2}, {0: 2, 1: 2}, {0: 8, 1: 2}, {0: 8, 1: 8}]
    assert [arm.apply_to for arm in arms.values()] == ["all", "all", "all", "copies"]


def test_a_chain_flips_what_it_is_applied_to(images):
    draws = draws_of_copies([0, 1, 0, 1, 0, 1])
    for text, flipped in [("hflip(1)", [True] * 6), ("hflip(1) @ copies", [False, True] * 3)]:
        out = read_arm(text)[1].augment(32, 32, seed=0)(images, draws)
        assert same(out, images.flip(3)) == flipped
        assert same(out, images) == [not of for of in flipped]


def test_usual_target_and_draws_are_of_chains_that_say_nothing():
    texts = ["crop", "minority: crop", "crop @ all", "all", "natural"]
    arms = read_arms(texts, target="natural", apply_to="copies")
    assert list(arms) == [
        "natural: crop @ copies",
        "minority: crop @ copies",
        "natural: crop",
        "all",
        "natural",
    ]
    assert read_arms(list(arms)).keys() == arms.keys()  # a name gives the same arm again


def test_groups_of_arms():
    assert list(read_arms(["balancing"])) == ["imbalanced", "undersampled", "duplicates"]
    assert list(read_arms(["techniques"])) == list(TECHNIQUES)
    schedules = read_arms(["schedules"], epochs=5)
    assert list(schedules)[2:] == ["progressive(5)", "deferred(4)"]
    sampler = gpuaug.BalancedSampler(LABELS, schedules["deferred(4)"].target)
    sampler.set_epoch(3)
    assert sampler.plan_ == {0: 8, 1: 2}
    sampler.set_epoch(4)
    assert sampler.plan_ == {0: 8, 1: 8}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["every"], "arms must be names of imbalanced, .* got 'every': .*must be of .*hflip.*; got every$"),
        (["all", "all"], "arms must be different, got all twice"),
        (["crop+hflip", "crop + hflip"], r"arms must be different, got crop \+ hflip twice"),
        ([], "arms must be at least one, got none"),
        (["crop @ some"], "'@ all' or '@ copies', or in neither, got 'crop @ some'"),
        (["power(-1)"], "'power\\(-1\\)': .*alpha must be finite and at least 0, got -1"),
        (["nature: crop"], "must be of .*natural.*; got nature; did you mean natural"),
        (["crop(2)"], r"strength must be in \(0, 1\], got 2"),
        (["natural: "], "must be names joined by"),
    ],
)
def test_wrong_arms(texts, message):
    with pytest.raises(ValueError, match=message):
        read_arms(texts)
