"""Numbers of classes: checked counts, and a choice by weight."""

import pickle

import pytest
import torch

from gpuaug.transforms.mixes.class_numbers import ClassNumbers, check_counts, choose


@pytest.mark.parametrize("counts", [[3, 0], [], 5, [float("nan"), 4], [float("inf"), 4], [[1, 2]], [-1]])
def test_counts_out_of_range_are_refused(counts):
    with pytest.raises(
        ValueError, match="class_counts must be at least one count, each finite and at least 1"
    ):
        check_counts(counts)


def test_values_that_are_no_counts_are_refused():
    with pytest.raises(TypeError, match=r"class_counts must be at least one count, .* got None"):
        check_counts(None)
    with pytest.raises(TypeError, match=r"class_counts must be at least one count, .* got \['many'\]"):
        check_counts(["many"])


def test_targets_are_checked():
    numbers = ClassNumbers(torch.tensor([2.0, 3.0]))
    assert numbers(torch.tensor([True, False])).tolist() == [3.0, 2.0]
    for targets, error, message in (
        (torch.tensor([0, 2]), ValueError, r"targets must be in \[0, 2\), got 2 for image 1"),
        (torch.tensor([0, -1]), ValueError, r"targets must be in \[0, 2\), got -1 for image 1"),
        (torch.tensor([0.0]), TypeError, r"targets must be integers \(n,\), got torch.float32 \(1,\)"),
        (torch.tensor([[0]]), TypeError, r"targets must be integers \(n,\), got torch.int64 \(1, 1\)"),
    ):
        with pytest.raises(error, match=message):
            numbers(targets)


def test_pickles_of_class_numbers_do_not_grow():
    numbers = ClassNumbers(torch.tensor([2.0, 3.0]))
    size = len(pickle.dumps(numbers))
    numbers(torch.tensor([0]))
    assert len(pickle.dumps(numbers)) == size


def test_choices_follow_their_weights():
    number = torch.tensor([0, 0.249, 0.25, 0.7499, 0.75, 1 - 2**-32], dtype=torch.float64)
    weights = torch.tensor([1, 0, 2, 1], dtype=torch.float64)
    assert choose(number, weights).tolist() == [0, 0, 2, 2, 3, 3]
