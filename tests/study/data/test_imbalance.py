"""Imbalance made of a balanced set: which images stay, and what is said about a wrong request."""

import pytest
import torch

from gpuaug.study.data.imbalance import imbalance, long_tail
from gpuaug.study.data.study_data import StudyData


def small_data(counts=(6, 6, 6)):
    """Classes a, b, c; the pixels of training image i are all i."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    images = torch.arange(len(labels), dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 16, 16)
    return StudyData(tuple("abc"[: len(counts)]), images, labels, images, labels)


def kept(data):
    return data.train_images[:, 0, 0, 0].tolist()


def test_imbalance_keeps_the_first_of_every_class():
    data = imbalance(small_data(), ["c"], majority_count=3, minority_count=1)
    assert kept(data) == [0, 1, 2, 6, 7, 8, 12]
    assert data.train_labels.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert len(data.test_labels) == 18


def test_imbalance_by_ratio_is_of_the_largest_other_class():
    assert imbalance(small_data((6, 4, 6)), ["a"], ratio=3).counts() == {"a": 2, "b": 4, "c": 6}
    assert imbalance(small_data(), ["a", "b"], majority_count=4, ratio=2).counts() == {"a": 2, "b": 2, "c": 4}


def test_imbalance_without_options_drops_nothing():
    assert kept(imbalance(small_data(), ["a"])) == list(range(18))


@pytest.mark.parametrize(
    ("minority", "options", "message"),
    [
        (["d"], {}, "minority must be of a, b, c; got d"),
        (["a", "b", "c"], {}, "minority must name some, not all, of a, b, c; got a, b, c"),
        ([], {}, "minority must name some, not all"),
        (["a"], {"minority_count": 7}, r"counts\['a'\] must be in \[1, 6\].*got 7"),
        (["a"], {"majority_count": 7}, r"counts\['b'\] must be in \[1, 6\].*got 7"),
        (["a"], {"minority_count": 0}, r"counts\['a'\] must be in \[1, 6\].*got 0"),
        (["a"], {"ratio": 0.5}, "ratio must be finite and at least 1, got 0.5"),
        (["a"], {"ratio": 2, "minority_count": 2}, "give minority_count or ratio, not both, got 2 and 2"),
    ],
)
def test_wrong_imbalance(minority, options, message):
    with pytest.raises(ValueError, match=message):
        imbalance(small_data(), minority, **options)


def test_long_tail_keeps_the_first_of_every_class_of_majority_count():
    data = long_tail(small_data((20, 20, 20)), 4, majority_count=8)
    assert data.counts() == {"a": 8, "b": 4, "c": 2}
    assert kept(data) == [*range(8), *range(20, 24), *range(40, 42)]
    with pytest.raises(ValueError, match="30"):
        long_tail(small_data((20, 20, 20)), 4, majority_count=30)
