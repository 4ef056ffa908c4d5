"""Remix's label shares: a table by hand of the paper's three cases, and its images, which are MixUp's."""

import numpy as np
import pytest
import torch
from mixed_batches import batch, numbers

import gpuaug as ga

COUNTS = [30, 10, 9, 11]


@pytest.mark.parametrize(
    ("first", "second", "image", "label"),
    [
        # 30 to 10 is 3: the first is the frequent one, and loses its label where its share is below a half.
        (0, 1, 0.25, 0.0),
        (0, 1, 0.5, 0.5),
        (0, 1, 0.75, 0.75),
        (0, 2, 0.25, 0.0),
        # 10 to 30 is 1 / 3: the second loses its label where its share is below a half.
        (1, 0, 0.75, 1.0),
        (1, 0, 0.5, 0.5),
        (1, 0, 0.25, 0.25),
        (2, 0, 0.75, 1.0),
        # 30 to 11, 10 to 9 and 1: nobody is frequent enough.
        (0, 3, 0.25, 0.25),
        (3, 0, 0.75, 0.75),
        (1, 2, 0.25, 0.25),
        (2, 1, 0.75, 0.75),
        (0, 0, 0.25, 0.25),
        # Not mixed at all.
        (0, 1, 1.0, 1.0),
        (1, 0, 1.0, 1.0),
    ],
)
def test_label_shares_match_the_paper(first, second, image, label):
    lam, first, second = torch.tensor([image]), torch.tensor([first]), torch.tensor([second])
    assert ga.Remix(COUNTS).label_share(lam, first, second).tolist() == [label]


@pytest.mark.parametrize(
    ("kappa", "tau", "image", "label"),
    [
        (2.7, 0.5, 0.25, 0.0),  # 30 to 11 is 2.73
        (2.8, 0.5, 0.25, 0.25),
        (1, 0.25, 0.25, 0.25),
        (1, 0.5, 0.25, 0.0),
        (1, 1, 0.875, 0.0),
        (1, 0, 0.0, 0.0),
    ],
)
def test_settings_of_remix_are_checked(kappa, tau, image, label):
    lam, first, second = torch.tensor([image]), torch.tensor([0]), torch.tensor([3])
    assert ga.Remix(COUNTS, kappa, tau).label_share(lam, first, second).tolist() == [label]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_images_of_remix_equal_mixup(dtype):
    images, labels, draws = batch(60)
    images = images.to(dtype)
    remixed, (y1, y2, lam) = ga.Remix(COUNTS, alpha=0.4)(images, labels, draws)
    mixed, (first, second, share) = ga.MixUp(0.4)(images, labels, draws)
    assert torch.equal(remixed, mixed)
    assert torch.equal(y1, first)
    assert torch.equal(y2, second)
    counts = np.array(COUNTS)
    ratio = counts[first] / counts[second]
    moved = (ratio >= 3) & (share.numpy() < 0.5)
    kept = (ratio <= 1 / 3) & (1 - share.numpy() < 0.5)
    assert moved.sum() > 3
    assert kept.sum() > 3
    np.testing.assert_array_equal(lam, np.where(moved, 0, np.where(kept, 1, share)))


def test_remix_with_tau_0_equals_mixup():
    images, labels, draws = batch(20)
    _, (_, _, lam) = ga.Remix(COUNTS, tau=0)(images, labels, draws)
    _, (_, _, share) = ga.MixUp()(images, labels, draws)
    assert torch.equal(lam, share)


def test_images_that_are_not_mixed_keep_their_label():
    images, labels, draws = batch(40)
    _, (_, _, lam) = ga.Remix(COUNTS, kappa=1, tau=1, p=0.5)(images, labels, draws)
    stays = numbers(draws)[:, 0] >= 0.5
    assert (lam[stays] == 1).all()
