"""What every arm draws, and what it does to a draw."""

import pytest
import torch

import gpuaug
from gpuaug.random import draw_keys
from gpuaug.study.arms import ARMS, check_arms

LABELS = [0] * 8 + [1] * 2
PLANS = {
    "imbalanced": {0: 8, 1: 2},
    "undersampled": {0: 2, 1: 2},
    "duplicates": {0: 8, 1: 8},
    "copies": {0: 8, 1: 8},
    "all": {0: 8, 1: 8},
}


@pytest.mark.parametrize("arm", ARMS)
def test_plan(arm):
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


@pytest.mark.parametrize("names", [["every"], ["all", "all"], ["all", "every"], []])
def test_wrong_arms(names):
    with pytest.raises(
        ValueError, match="arms must be different names of imbalanced, undersampled, duplicates, copies, all"
    ):
        check_arms(names)
