"""One run: what it depends on, and that it learns."""

import pytest
import torch

from gpuaug.study.arms import ARMS
from gpuaug.study.comparison import compare
from gpuaug.study.data import StudyData, imbalance
from gpuaug.study.training import train


@pytest.fixture
def easy():
    """Three classes told apart by brightness; 60 training images, 30 for testing."""
    generator = torch.Generator().manual_seed(0)

    def split(n):
        labels = torch.arange(n) % 3
        noise = torch.randint(60, (n, 1, 16, 16), generator=generator)
        return (labels[:, None, None, None] * 90 + noise).to(torch.uint8), labels

    return StudyData(("dark", "grey", "bright"), *split(60), *split(30))


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_learns_three_easy_classes(easy, arm, device):
    data = imbalance(easy, ["grey", "bright"], ratio=2)
    epochs = list(train(data, ARMS[arm], seed=0, epochs=20, batch_size=8, device=device))
    assert [epoch.number for epoch in epochs] == list(range(1, 21))
    assert epochs[-1].loss < epochs[0].loss
    assert epochs[-1].score.accuracy > 0.8
    assert [of.support for of in epochs[-1].score.classes] == [10, 10, 10]


def test_a_run_is_a_function_of_its_arguments(easy):
    torch.manual_seed(1)
    first = list(train(easy, ARMS["all"], seed=3, epochs=2, batch_size=8))
    torch.manual_seed(2)
    assert list(train(easy, ARMS["all"], seed=3, epochs=2, batch_size=8)) == first
    assert list(train(easy, ARMS["all"], seed=4, epochs=2, batch_size=8)) != first


def test_all_arms_under_all_seeds(easy):
    rows = compare(easy, ["duplicates", "all"], seeds=2, epochs=2, batch_size=32)
    assert [(row.arm, row.seed, row.epoch.number) for row in rows] == [
        (arm, seed, number) for seed in (0, 1) for arm in ("duplicates", "all") for number in (1, 2)
    ]


def test_runs_do_not_touch_each_other(easy):
    alone = compare(easy, ["all"], seeds=1, epochs=1, batch_size=32)
    after_another = compare(easy, ["duplicates", "all"], seeds=1, epochs=1, batch_size=32)
    assert after_another[1:] == alone
