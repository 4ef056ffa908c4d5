"""What one evaluation says: accuracy, four numbers for every class, and which class was taken for which."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torchmetrics.functional import classification

from gpuaug.study.training.predictions import pack


@dataclass(frozen=True)
class ClassScore:
    """Of one class: its test images, and recall, precision and F1 in [0, 1]; 0 where they are 0 / 0."""

    support: int
    recall: float
    precision: float
    f1: float


@dataclass(frozen=True)
class Score:
    """Of one evaluation; ``classes`` in the order of the labels, ``confusion[true][predicted]`` in images,
    ``predicted`` the label that each test image was given (``predictions.unpack`` reads it).
    """

    accuracy: float
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...] = ()
    predicted: str = ""


def score(predictions: Tensor, labels: Tensor, classes: int) -> Score:
    """The score of predicted labels, by torchmetrics.

    >>> import torch
    >>> result = score(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 0, 1]), classes=2)
    >>> result.accuracy, result.classes[1]
    (0.75, ClassScore(support=1, recall=1.0, precision=0.5, f1=0.6666666865348816))
    >>> result.confusion
    ((2, 1), (0, 1))

    Args:
        predictions, labels: int64 ``(n,)``, each in [0, classes).
        classes: how many there are. They are never averaged: a mean over classes would hide the rare one, and
            torchmetrics leaves a class that does not occur out of its means.
    """
    # Columns: true positives, false positives, true negatives, false negatives, support.
    counted = classification.multiclass_stat_scores(predictions, labels, classes, average="none")
    recall = classification.multiclass_recall(predictions, labels, classes, average="none")
    precision = classification.multiclass_precision(predictions, labels, classes, average="none")
    f1 = classification.multiclass_f1_score(predictions, labels, classes, average="none")
    columns = (counted[:, 4].tolist(), recall.tolist(), precision.tolist(), f1.tolist())
    accuracy = classification.multiclass_accuracy(predictions, labels, classes, average="micro")
    confusion = classification.multiclass_confusion_matrix(predictions, labels, classes)
    return Score(
        accuracy.item(),
        tuple(ClassScore(*row) for row in zip(*columns, strict=True)),
        tuple(map(tuple, confusion.tolist())),
        pack(predictions.cpu().numpy()),
    )
