"""The score of one evaluation: accuracy, rates of every class, and the confusion of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torchmetrics.functional import classification

from gpuaug.study.training.predictions import pack


@dataclass(frozen=True)
class ClassScore:
    """The score of one class: its test images, and recall, precision and F1 in [0, 1] (0 where 0 / 0).

    ``auroc`` and ``average_precision`` say how well the class's probability tells its images from others.
    They are None where they are not defined: without probabilities, without images of the class, or without
    images of others.
    """

    support: int
    recall: float
    precision: float
    f1: float
    auroc: float | None = None
    average_precision: float | None = None


@dataclass(frozen=True)
class Score:
    """The score of one evaluation: ``classes`` in the order of the labels, ``confusion[true][predicted]`` in
    images, ``predicted`` the label that each test image was given (``predictions.unpack`` reads it).

    An image without a prediction (``evaluation.predictions``) counts as wrong. ``confusion`` leaves it out,
    and ``predicted`` has the number of classes in its place.
    """

    accuracy: float
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...] = ()
    predicted: str = ""


def score(predictions: Tensor, labels: Tensor, classes: int, probabilities: Tensor | None = None) -> Score:
    """The score of predicted labels, by torchmetrics.

    >>> import torch
    >>> result = score(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 0, 1]), classes=2)
    >>> result.accuracy, result.classes[1].recall, result.classes[1].precision
    (0.75, 1.0, 0.5)
    >>> result.confusion
    ((2, 1), (0, 1))

    Args:
        predictions: int64 ``(n,)``, each in [0, classes]: ``classes`` is an image without a prediction.
        labels: int64 ``(n,)``, each in [0, classes).
        classes: how many there are. They are never averaged: a mean over classes would hide the rare one, and
            torchmetrics leaves a class that does not occur out of its means.
        probabilities: ``(n, classes)``, for what depends on the ranks of images.
    """
    among = classes + 1  # the last one is "no prediction", which is no image's label
    # Columns: true positives, false positives, true negatives, false negatives, support.
    counted = classification.multiclass_stat_scores(predictions, labels, among, average="none")[:classes]
    recall = classification.multiclass_recall(predictions, labels, among, average="none")[:classes]
    precision = classification.multiclass_precision(predictions, labels, among, average="none")[:classes]
    f1 = classification.multiclass_f1_score(predictions, labels, among, average="none")[:classes]
    support = counted[:, 4].tolist()
    ranks = ranked(probabilities, labels, support)
    columns = (support, recall.tolist(), precision.tolist(), f1.tolist(), *ranks)
    accuracy = classification.multiclass_accuracy(predictions, labels, among, average="micro")
    confusion = classification.multiclass_confusion_matrix(predictions, labels, among)[:classes, :classes]
    return Score(
        accuracy.item(),
        tuple(ClassScore(*row) for row in zip(*columns, strict=True)),
        tuple(map(tuple, confusion.tolist())),
        pack(predictions.cpu().numpy()),
    )


def ranked(
    probabilities: Tensor | None, labels: Tensor, support: Sequence[int]
) -> tuple[list[float | None], list[float | None]]:
    """The area under the ROC curve and the average precision of each class against the rest.

    >>> import torch
    >>> said = torch.tensor([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6]])
    >>> ranked(said, torch.tensor([0, 1, 0]), [2, 1])
    ([1.0, 1.0], [1.0, 1.0])
    """
    classes = len(support)
    if probabilities is None:
        return [None] * classes, [None] * classes
    # On the host: sums over ranks are not in a fixed order on every device.
    probabilities, labels = probabilities.detach().cpu().double(), labels.cpu().long()
    told = [0 < count < len(labels) for count in support]
    found = []
    for measure in (classification.binary_auroc, classification.binary_average_precision):
        found.append(
            [
                measure(probabilities[:, number], (labels == number).long()).item() if there else None
                for number, there in enumerate(told)
            ]
        )
    return found[0], found[1]
