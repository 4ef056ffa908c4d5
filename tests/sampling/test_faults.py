"""Bad input is refused when the sampler is built or asked; the message has the parameter and the value."""

from functools import partial
from math import inf, nan

import numpy as np
import pytest
import torch

from gpuaug.sampling import BalancedBatchSampler, BalancedSampler, RepeatFactorSampler
from gpuaug.sampling.plan import make_plan

GOOD = [0, 0, 0, 1]
KINDS = "labels must be non-negative integers or strings"

LABELS = [
    ([0, 1, nan], ValueError, f"{KINDS}, got NaN at position 2"),
    ([0, 1.5, 2], TypeError, rf"{KINDS}, got 1.5 \(float\) at position 1, after int labels"),
    ([0.0, 1.0], TypeError, rf"{KINDS}, got 0.0 \(float\) at position 0"),
    (np.array([0.0, 1.0]), TypeError, f"{KINDS}, got float64: 0.0 at position 0"),
    (np.array([0, nan, nan]), ValueError, f"{KINDS}, got NaN at position 1"),
    (torch.tensor([0.0, nan]), ValueError, f"{KINDS}, got NaN at position 1"),
    (torch.tensor([0.0, 1.0], dtype=torch.bfloat16), TypeError, f"{KINDS}, got float64: 0.0 at position 0"),
    (torch.tensor([0j, 1j]), TypeError, f"{KINDS}, got complex64"),
    ([0, 3, -1, -2], ValueError, f"{KINDS}, got -1 at position 2"),
    (np.array([0, 1, -7]), ValueError, f"{KINDS}, got -7 at position 2"),
    (torch.tensor([-3, 1]), ValueError, f"{KINDS}, got -3 at position 0"),
    ([0, "a"], TypeError, rf"{KINDS}, got 'a' \(str\) at position 1, after int labels"),
    (["a", 0], TypeError, rf"{KINDS}, got 0 \(int\) at position 1, after str labels"),
    ([0, None], TypeError, rf"{KINDS}, got None \(NoneType\) at position 1"),
    (np.array(["a", None], dtype=object), TypeError, rf"{KINDS}, got None \(NoneType\) at position 1"),
    ([True, 0], TypeError, rf"{KINDS}, got True \(bool\) at position 0"),
    ([0, 1, True], TypeError, rf"{KINDS}, got True \(bool\) at position 2"),
    (np.array([b"a", b"b"]), TypeError, f"{KINDS}, got bytes"),
    ([torch.tensor(0), torch.tensor(1)], TypeError, r"at position 0; give torch.stack\(labels\)"),
    ([0, 2**63], ValueError, rf"labels must be below 2\*\*63, got {2**63} at position 1"),
    (np.array([2, 2**63], dtype=np.uint64), ValueError, rf"below 2\*\*63, got {2**63} at position 1"),
    (np.ma.array([1, 2, 3], mask=[0, 1, 0]), ValueError, f"{KINDS}, got a missing value at position 1"),
    (
        torch.tensor([0, 1]).to_sparse(),
        TypeError,
        "labels must be a dense tensor, got layout torch.sparse_coo",
    ),
    (np.zeros((4, 2), dtype=int), ValueError, r"labels must have one dimension, got shape \(4, 2\)"),
    (torch.zeros(4, 1, dtype=torch.int64), ValueError, r"one dimension, got shape \(4, 1\)"),
    (torch.tensor(3), ValueError, r"one dimension, got shape \(\)"),
    ([[0, 1], [1, 0]], ValueError, "labels must have one dimension, got a list at position 0"),
    ([0, 1, (2,)], ValueError, "labels must have one dimension, got a tuple at position 2"),
    ([], ValueError, "labels must not be empty"),
    (torch.empty(0, dtype=torch.int64), ValueError, "labels must not be empty"),
    (None, TypeError, f"{KINDS}: a tensor, an array, a column or a sequence, got NoneType"),
    ("0011", TypeError, "got str"),
    (5, TypeError, "got int"),
    ({0: 5, 1: 3}, TypeError, "got dict"),
    ((label for label in GOOD), TypeError, "got generator"),
    ([3, 3, 3], ValueError, "labels hold one class only, 3"),
    (["cat"], ValueError, "labels hold one class only, 'cat'"),
]

ALLOWED = (
    "target must be one of 'natural', 'majority', 'minority', 'mean', 'median', a positive int, "
    r"a float in \(0, 1\], a mapping from class to positive int, or a function of the counts"
)

TARGETS = [
    ("mode", ValueError, f"{ALLOWED}, got 'mode'"),
    (0, ValueError, "target must be a positive int, got 0"),
    (-5, ValueError, "target must be a positive int, got -5"),
    (True, TypeError, rf"{ALLOWED}, got True \(bool\)"),
    (2.0, ValueError, r"target must be in \(0, 1\] as a float .*; an int is a number of draws\), got 2.0"),
    (0.0, ValueError, r"target must be in \(0, 1\] as a float .*\), got 0.0"),
    (-0.5, ValueError, r"target must be in \(0, 1\] as a float .*\), got -0.5"),
    (nan, ValueError, r"target must be in \(0, 1\] as a float .*\), got nan"),
    (None, TypeError, f"{ALLOWED}, got None"),
    ([3, 3], TypeError, ALLOWED),
    (lambda counts: [3, 3], TypeError, ALLOWED),
    (lambda counts: min, TypeError, "target must not return another function, got <built-in"),
    (lambda counts: {7: 3}, ValueError, "target names the class 7, which has no sample in labels"),
    ({0: 3, 7: 3}, ValueError, "target names the class 7, which has no sample in labels"),
    ({"1": 3}, ValueError, "names the class '1', which has no sample in labels; labels hold 0, 1"),
    ({1: 0}, ValueError, r"target\[1\] must be a positive int, got 0"),
    ({1: True}, TypeError, r"target\[1\] must be a positive int, got True"),
    ({1: 2.5}, TypeError, r"target\[1\] must be a positive int, got 2.5"),
    ({1.0: 3}, TypeError, "target must name classes by int or str, got 1.0"),
    ({1: 2**32 + 1}, ValueError, r"at most 2\*\*32 draws per sample, got 4294967297 for class 1"),
]

PLACES = [
    ({"seed": -1}, ValueError, r"seed must be in \[0, 2\*\*64\), got -1"),
    ({"seed": 2**64}, ValueError, r"seed must be in \[0, 2\*\*64\), got 18446744073709551616"),
    ({"seed": 1.0}, TypeError, "seed must be an int, got float"),
    ({"seed": None}, TypeError, "seed must be an int, got NoneType"),
    ({"num_replicas": 2, "rank": 2}, ValueError, r"rank must be in \[0, 2\), got 2"),
    ({"num_replicas": 2, "rank": -1}, ValueError, r"rank must be in \[0, 2\), got -1"),
    ({"rank": 1}, ValueError, r"rank must be in \[0, 1\), got 1"),
    ({"num_replicas": 0, "rank": 0}, ValueError, r"num_replicas must be in \[1, 2147483648\), got 0"),
    ({"num_replicas": 2}, ValueError, "rank must be given with num_replicas=2, as no process group"),
    ({"num_replicas": 2.0, "rank": 0}, TypeError, "num_replicas must be an int, got float"),
    ({"num_replicas": 2, "rank": True}, TypeError, "rank must be an int, got bool"),
    ({"drop_last": 1}, TypeError, "drop_last must be a bool, got int"),
]


@pytest.mark.parametrize(
    ("labels", "error", "message"), LABELS, ids=lambda value: str(value).partition(" at 0x")[0][:40]
)
def test_wrong_labels_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        BalancedSampler(labels)


@pytest.mark.parametrize(
    ("target", "error", "message"), TARGETS, ids=lambda value: str(value).partition(" at 0x")[0][:40]
)
def test_wrong_targets_are_refused(target, error, message):
    with pytest.raises(error, match=message):
        BalancedSampler(GOOD, target)


def test_more_draws_than_an_order_can_have():
    with pytest.raises(
        ValueError, match=rf"target must give fewer than 2\*\*62 draws in an epoch, got {2**62}"
    ):
        make_plan((0, 1), (2**31, 2**31), 2**61)


SAMPLERS = {
    "balanced": BalancedSampler,
    "repeat factor": partial(RepeatFactorSampler, threshold=0.5),
    "batches": partial(BalancedBatchSampler, classes_per_batch=2, samples_per_class=1),
}


@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.parametrize(
    ("place", "error", "message"), PLACES, ids=lambda value: str(value).partition(" at 0x")[0][:40]
)
def test_a_wrong_seed_or_rank_is_refused(place, error, message, kind):
    with pytest.raises(error, match=message):
        SAMPLERS[kind](GOOD, **place)


@pytest.mark.parametrize(
    ("epoch", "error", "message"),
    [
        (-1, ValueError, r"epoch must be in \[0, 2147483648\), got -1"),
        (2**31, ValueError, r"epoch must be in \[0, 2147483648\), got 2147483648"),
        (inf, TypeError, "epoch must be an int, got float"),
        (True, TypeError, "epoch must be an int, got bool"),
    ],
)
def test_a_wrong_epoch_is_refused(epoch, error, message):
    with pytest.raises(error, match=message):
        BalancedSampler(GOOD).set_epoch(epoch)


@pytest.mark.parametrize(
    ("part", "error", "message"),
    [
        ((-1, 2), ValueError, r"start must be in \[0, 3\), got -1"),
        ((3, 2), ValueError, r"start must be in \[0, 3\), got 3"),
        ((0, 7), ValueError, r"stop must be in \[0, 7\), got 7"),
        ((0.0, 2), TypeError, "start must be an int, got float"),
    ],
)
def test_part_of_the_order(part, error, message):
    with pytest.raises(error, match=message):
        BalancedSampler(GOOD).draws(*part)
