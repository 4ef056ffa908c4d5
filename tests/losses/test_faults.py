"""What losses and weights refuse, and how they say so."""

import math

import pytest
import torch

from gpuaug.losses import (
    BalancedSoftmaxLoss,
    FocalLoss,
    LDAMLoss,
    LogitAdjustedLoss,
    effective_number_weights,
    inverse_weights,
)

COUNTS = [500, 40, 7, 1]
GOOD = (torch.zeros(3, 4), torch.tensor([0, 1, 2]))
SHARE = torch.tensor([0.5, 0.5, 0.5])
FAULTS = [
    (([[0.0] * 4], GOOD[1]), TypeError, r"logits must be a tensor \(n, C\), got list"),
    ((GOOD[0].long(), GOOD[1]), TypeError, "logits must be floating, got torch.int64"),
    ((torch.zeros(3, 4, 2, 2), GOOD[1]), ValueError, r"logits must be \(n, C\), got shape \(3, 4, 2, 2\)"),
    ((torch.zeros(3, 5), GOOD[1]), ValueError, "logits must have the 4 classes of the loss, got 5"),
    ((GOOD[0], torch.eye(4)[:3]), TypeError, r"must be integers \(n,\), got torch.float32 \(3, 4\); soft"),
    ((GOOD[0], torch.tensor([[0], [1], [2]])), ValueError, r"targets must be \(3,\), .* got \(3, 1\)"),
    ((GOOD[0], torch.tensor([0, 1])), ValueError, r"targets must be \(3,\), one for each row .* got \(2,\)"),
    ((GOOD[0], torch.tensor([0, 4, 9])), ValueError, r"targets must be in \[0, 4\), got 4 at position 1"),
    ((GOOD[0], torch.tensor([0, 1, -100])), ValueError, r"in \[0, 4\), got -100 at position 2"),
    ((GOOD[0], [0, 1, 2]), TypeError, r"targets must be three tensors \(y1, y2, lam\) .* are a list"),
    ((GOOD[0], (GOOD[1], GOOD[1])), TypeError, r"targets must be three tensors \(y1, y2, lam\)"),
    ((GOOD[0], 3), TypeError, r"targets must be a tensor \(n,\), or \(y1, y2, lam\), got int"),
    ((GOOD[0], (GOOD[1], GOOD[1], GOOD[1])), TypeError, "lam must be floating, got torch.int64"),
    ((GOOD[0], (GOOD[1], GOOD[1], SHARE * 3)), ValueError, r"lam must be in \[0, 1\], got 1.5 at position 0"),
    ((GOOD[0], (GOOD[1], GOOD[1], SHARE * math.nan)), ValueError, r"lam must be in \[0, 1\], got nan"),
    ((GOOD[0], (GOOD[1], GOOD[1], SHARE[:2])), ValueError, r"lam must be \(3,\), .* got \(2,\)"),
    ((GOOD[0].to("meta"), GOOD[1]), RuntimeError, r"must be on one device, got meta and cpu"),
]


@pytest.mark.parametrize(("given", "error", "message"), FAULTS)
@pytest.mark.parametrize(
    "loss", [LDAMLoss(COUNTS), BalancedSoftmaxLoss(COUNTS)], ids=["ldam", "balanced softmax"]
)
def test_losses_refuse_bad_batches(loss, given, error, message):
    with pytest.raises(error, match=message):
        loss(*given)


def test_losses_refuse_targets_on_another_device():
    with pytest.raises(RuntimeError, match="logits and targets must be on one device, got cpu and meta"):
        FocalLoss()(GOOD[0], GOOD[1].to("meta"))


SETTINGS = [
    (lambda: LDAMLoss([5, 0]), ValueError, "class_counts must be finite and at least 1, got 0.0 for class 1"),
    (lambda: LDAMLoss([5, 0.5]), ValueError, "at least 1, got 0.5 for class 1"),
    (lambda: BalancedSoftmaxLoss([0.5, 0]), ValueError, "finite and above 0, got 0.0 for class 1"),
    (lambda: LogitAdjustedLoss([5, math.nan]), ValueError, "got nan for class 1"),
    (lambda: LogitAdjustedLoss(torch.tensor([5, math.inf])), ValueError, "got inf for class 1"),
    (lambda: LogitAdjustedLoss([5, -1]), ValueError, "got -1.0 for class 1"),
    (lambda: LogitAdjustedLoss([]), ValueError, "class_counts must have an entry for each class, got none"),
    (lambda: LogitAdjustedLoss(torch.ones(2, 2)), ValueError, r"must be \(C,\), .* got shape \(2, 2\)"),
    (lambda: LogitAdjustedLoss(torch.tensor([True])), TypeError, "must be numbers, .* got torch.bool"),
    (lambda: LogitAdjustedLoss("53"), TypeError, "a tensor, a sequence or a mapping, got str"),
    (lambda: LogitAdjustedLoss([5, "3"]), TypeError, "must be numbers, got '3' for class 1"),
    (lambda: LogitAdjustedLoss([5, True]), TypeError, "must be numbers, got True for class 1"),
    (lambda: LogitAdjustedLoss([5, 3], -1.0), ValueError, "tau must be finite and at least 0, got -1.0"),
    (lambda: LogitAdjustedLoss([5, 3], math.nan), ValueError, "tau must be finite and at least 0, got nan"),
    (lambda: LogitAdjustedLoss([5, 3], "1"), TypeError, "tau must be a number, got str"),
    (lambda: FocalLoss(math.inf), ValueError, "gamma must be finite and at least 0, got inf"),
    (lambda: FocalLoss(True), TypeError, "gamma must be a number, got bool"),
    (lambda: LDAMLoss([5, 3], -0.5), ValueError, "max_margin must be finite and at least 0, got -0.5"),
    (lambda: LDAMLoss([5, 3], scale=0), ValueError, "scale must be finite and above 0, got 0"),
    (
        lambda: LDAMLoss([5, 3], weight=[1.0]),
        ValueError,
        "weight must have an entry for each of 2 classes, got 1",
    ),
    (
        lambda: LDAMLoss([5, 3], weight=[1, 0]),
        ValueError,
        "weight must be finite and above 0, got 0.0 for cl",
    ),
    (
        lambda: LDAMLoss([5, 3], deferred=4),
        ValueError,
        "deferred must be 0 without a weight .* got 4",
    ),
    (lambda: FocalLoss(weight=[1, 2], deferred=-1), ValueError, "deferred must be at least 0, got -1"),
    (lambda: FocalLoss(weight=[1, 2], deferred=1.5), TypeError, "deferred must be an int, got float"),
    (lambda: FocalLoss().set_epoch(-1), ValueError, "epoch must be at least 0, got -1"),
    (lambda: FocalLoss().set_epoch("1"), TypeError, "epoch must be an int, got str"),
    (lambda: FocalLoss(reduction="avg"), ValueError, "reduction must be one of mean, sum, none, got 'avg'"),
    (
        lambda: LDAMLoss([5, 3]).prior([1, 2, 3]),
        ValueError,
        "drawn must have an entry for each of 2 classes, got 3",
    ),
    (
        lambda: LDAMLoss([5, 3]).prior([1, 0]),
        ValueError,
        "drawn must be finite and above 0, got 0.0 for class 1",
    ),
    (lambda: inverse_weights([3, 0]), ValueError, "class_counts must be finite and at least 1, got 0.0 for"),
    (lambda: effective_number_weights([3, 1], 1.0), ValueError, r"beta must be in \[0, 1\), got 1.0"),
    (lambda: effective_number_weights([3, 1], "0"), TypeError, "beta must be a number, got str"),
]


@pytest.mark.parametrize(("build", "error", "message"), SETTINGS)
def test_losses_refuse_bad_settings(build, error, message):
    with pytest.raises(error, match=message):
        build()
