"""Which sample takes the place of another."""

import pytest
import torch

from gpuaug.files.substitutes import Substitutes

LABELS = torch.tensor([2, 0, 2, 2, 0, 1, 2])


def test_all_others_of_the_label_come_once():
    substitutes = Substitutes(LABELS)
    for index, label in enumerate(LABELS.tolist()):
        others = [other for other in range(7) if LABELS[other] == label and other != index]
        for key in (0, 1, -1, 1 << 62, -(1 << 63)):
            assert sorted(substitutes.of(index, key)) == others


def test_the_key_chooses_the_first_and_all_are_chosen():
    substitutes = Substitutes(LABELS)
    firsts = {next(substitutes.of(0, key)) for key in range(100)}
    assert firsts == {2, 3, 6}
    assert list(substitutes.of(0, 7)) == list(substitutes.of(0, 7))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int8, torch.uint8])
def test_labels_of_any_type(dtype):
    assert sorted(Substitutes(LABELS.to(dtype)).of(0, 5)) == [2, 3, 6]


def test_labels_that_are_no_number_are_one():
    labels = torch.tensor([float("nan"), 1.0, float("nan"), -0.0, 0.0], requires_grad=True)
    assert list(Substitutes(labels).of(0, 5)) == [2]
    assert list(Substitutes(labels).of(3, 5)) == [4]
    assert list(Substitutes(torch.tensor([True, False, True])).of(0, 5)) == [2]


def test_a_label_of_several_numbers_is_one_label():
    rows = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    assert list(Substitutes(rows).of(0, 5)) == [2]
    assert list(Substitutes(rows).of(1, 5)) == []
