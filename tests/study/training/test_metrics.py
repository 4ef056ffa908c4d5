"""Metrics against tables worked out by hand."""

from dataclasses import replace

import pytest
import torch

from gpuaug.study.training.metrics import ClassScore, score
from gpuaug.study.training.predictions import unpack

# Rows: the true class; columns: the predicted one.
CONFUSION = [
    [5, 2, 1],  # recall 5/8
    [0, 3, 1],  # recall 3/4
    [1, 0, 1],  # recall 1/2
]


def pairs(confusion):
    cells = [
        (label, prediction)
        for label, row in enumerate(confusion)
        for prediction, n in enumerate(row)
        for _ in range(n)
    ]
    labels, predictions = torch.tensor(cells).T
    return predictions, labels


def test_three_classes_by_hand():
    result = score(*pairs(CONFUSION), classes=3)
    assert result.accuracy == pytest.approx(9 / 14)
    assert [of.support for of in result.classes] == [8, 4, 2]
    assert [of.recall for of in result.classes] == pytest.approx([5 / 8, 3 / 4, 1 / 2])
    assert [of.precision for of in result.classes] == pytest.approx([5 / 6, 3 / 5, 1 / 3])
    assert [of.f1 for of in result.classes] == pytest.approx([10 / 14, 6 / 9, 2 / 5])


def test_a_class_that_is_never_predicted_counts_as_zero():
    result = score(torch.tensor([0, 0, 0]), torch.tensor([0, 1, 1]), classes=2)
    assert result.accuracy == pytest.approx(1 / 3)
    assert result.classes[1] == ClassScore(support=2, recall=0.0, precision=0.0, f1=0.0)


def test_a_class_that_does_not_occur_is_told_by_its_support():
    result = score(torch.tensor([0, 1]), torch.tensor([0, 1]), classes=3)
    assert [of.support for of in result.classes] == [1, 1, 0]
    assert result.accuracy == 1.0


def test_order_does_not_matter():
    predictions, labels = pairs(CONFUSION)
    shuffled = torch.randperm(len(labels))
    found = [score(predictions[order], labels[order], 3) for order in (shuffled, torch.arange(len(labels)))]
    assert replace(found[0], predicted="") == replace(found[1], predicted="")


def test_predictions_are_kept():
    predictions, labels = pairs(CONFUSION)
    assert unpack(score(predictions, labels, 3).predicted).tolist() == predictions.tolist()
