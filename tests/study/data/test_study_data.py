"""The images of a study: what is counted of their classes, and what their fingerprint tells apart."""

from dataclasses import replace

import torch

from gpuaug.study.data.study_data import StudyData


def of_counts(*counts):
    """Classes a, b, c with so many black training images each, and one white test image."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    black, white = torch.zeros(len(labels), 1, 2, 2).byte(), torch.full((1, 1, 2, 2), 255).byte()
    return StudyData(tuple("abc"[: len(counts)]), black, labels, white, torch.tensor([0]))


def test_the_smallest_class_is_the_last_of_equals():
    assert of_counts(4, 2, 2).smallest_class() == "c"
    assert of_counts(4, 2, 3).smallest_class() == "b"


def test_rare_classes_have_fewer_images_than_the_mean():
    assert of_counts(9, 2, 1).rare_classes() == ("b", "c")
    assert of_counts(2, 2).rare_classes() == ()


def test_the_fingerprint_is_of_classes_images_and_labels():
    data = of_counts(3, 2)
    assert data.fingerprint() == of_counts(3, 2).fingerprint()
    changed = data.train_images.clone()
    changed[4, 0, 1, 1] = 1
    others = [
        replace(data, classes=("a", "c")),
        replace(data, train_images=changed),
        replace(data, train_labels=data.train_labels.flip(0)),
        replace(data, test_images=data.test_images - 1),
        replace(data, test_labels=data.test_labels + 1),
    ]
    assert len({of.fingerprint() for of in (data, *others)}) == 6
