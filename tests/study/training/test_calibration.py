"""Calibration by hand, and beside torchmetrics."""

import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from gpuaug.study.training.calibration import Calibration, Predicted


def of(probabilities, labels, weights=None):
    logits = torch.tensor(probabilities, dtype=torch.float64).log()
    weights = torch.ones(len(labels)) if weights is None else torch.tensor(weights)
    return Predicted(logits, torch.tensor(labels)).calibration(weights)


def test_calibration_of_three_images_by_hand():
    # Confidences 0.9, 0.9 (one bin, half of them right) and 0.6 (another, wrong).
    found = of([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4]], [0, 0, 1])
    assert found.ece == pytest.approx((2 * (0.9 - 0.5) + 0.6) / 3)
    assert found.brier == pytest.approx((2 * 0.01 + 2 * 0.81 + 2 * 0.36) / 3)


def test_an_image_that_weighs_two_is_there_twice():
    rows, labels = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 0, 1]
    twice = of([*rows, rows[1]], [*labels, labels[1]])
    weighted = of(rows, labels, [0.5, 1.0, 0.5])
    assert (weighted.ece, weighted.brier) == pytest.approx((twice.ece, twice.brier))


def test_certain_and_right_or_wrong():
    assert of([[1.0, 0.0], [0.0, 1.0]], [0, 1]) == Calibration(0.0, 0.0)
    assert of([[1.0, 0.0], [0.0, 1.0]], [1, 0]) == Calibration(1.0, 2.0)


def test_bins_reach_from_above_their_lower_edge_to_their_upper():
    # 0.6 is the upper edge of the ninth bin, 0.6001 is in the tenth.
    apart = of([[0.6, 0.4], [0.6001, 0.3999]], [0, 1])
    assert apart.ece == pytest.approx((0.4 + 0.6001) / 2)
    together = of([[0.6, 0.4], [0.5999, 0.4001]], [0, 1])
    assert together.ece == pytest.approx(abs(1 - 0.6 - 0.5999) / 2)


@pytest.mark.parametrize("classes", [2, 5, 100])
def test_torchmetrics_finds_the_same(classes):
    generator = torch.Generator().manual_seed(classes)
    logits = 3 * torch.randn(500, classes, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (500,), generator=generator)
    found = Predicted(logits, labels).calibration(torch.ones(500))
    probabilities = logits.softmax(1)
    theirs = multiclass_calibration_error(probabilities, labels, classes, n_bins=15, norm="l1")
    assert found.ece == pytest.approx(theirs.item(), abs=1e-6)
    truth = torch.nn.functional.one_hot(labels, classes)
    assert found.brier == pytest.approx(((probabilities - truth) ** 2).sum(1).mean().item())
