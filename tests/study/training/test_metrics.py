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


def test_the_order_of_images_does_not_matter():
    predictions, labels = pairs(CONFUSION)
    shuffled = torch.randperm(len(labels))
    found = [score(predictions[order], labels[order], 3) for order in (shuffled, torch.arange(len(labels)))]
    assert replace(found[0], predicted="") == replace(found[1], predicted="")


def test_predictions_are_kept():
    predictions, labels = pairs(CONFUSION)
    assert unpack(score(predictions, labels, 3).predicted).tolist() == predictions.tolist()


def test_ranks_by_hand():
    # Class 1 has the images of 0.9 and 0.4; before the second stands one of the others, behind it another.
    said = torch.tensor([0.9, 0.6, 0.4, 0.1], dtype=torch.float64)
    probabilities, labels = torch.stack((1 - said, said), dim=1), torch.tensor([1, 0, 1, 0])
    found = score(probabilities.argmax(dim=1), labels, 2, probabilities)
    assert [of.auroc for of in found.classes] == pytest.approx([3 / 4, 3 / 4])  # pairs in order
    assert found.classes[1].average_precision == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert found.classes[0].average_precision == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_ranks_of_many_images_are_the_pairs_in_order():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (200,), generator=generator)
    logits = torch.randn(200, 3, generator=generator) + torch.nn.functional.one_hot(labels, 3)
    probabilities = logits.double().softmax(dim=1).mul(8).round() / 8  # with many ties
    found = score(probabilities.argmax(dim=1), labels, 3, probabilities)
    for number, of in enumerate(found.classes):
        own, other = probabilities[labels == number, number], probabilities[labels != number, number]
        ahead = (own[:, None] > other).double() + (own[:, None] == other).double() / 2
        assert of.auroc == pytest.approx(ahead.mean().item())


def test_ranks_need_probabilities_and_images_of_both_kinds():
    labels = torch.tensor([0, 0])
    assert score(labels, labels, 2).classes[0].auroc is None
    found = score(labels, labels, 2, torch.tensor([[0.9, 0.1], [0.8, 0.2]]))
    assert [(of.auroc, of.average_precision) for of in found.classes] == [(None, None)] * 2
