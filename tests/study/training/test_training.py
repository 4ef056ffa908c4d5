"""One run: what it depends on, and that it learns."""

import io
from itertools import pairwise

import pytest
import torch

from gpuaug.study.arms.arms import ARMS, NAMED
from gpuaug.study.data.imbalance import imbalance
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.training.training import Protocol, Training

pytestmark = pytest.mark.slow


@pytest.fixture
def easy():
    """Three classes told apart by brightness; 60 training images, 30 for testing."""
    generator = torch.Generator().manual_seed(0)

    def split(n):
        labels = torch.arange(n) % 3
        noise = torch.randint(60, (n, 1, 16, 16), generator=generator)
        return (labels[:, None, None, None] * 90 + noise).to(torch.uint8), labels

    return StudyData(("dark", "grey", "bright"), *split(60), *split(30))


def epochs_of(data, arm, seed=0, count=2, **protocol):
    training = Training(data, NAMED[arm], seed, Protocol(count, **{"batch_size": 8, **protocol}))
    return [training.epoch() for _ in range(count)]


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_learns_three_easy_classes(easy, arm, device):
    data = imbalance(easy, ["grey", "bright"], ratio=2)
    epochs = epochs_of(data, arm, count=20, device=device)
    assert [epoch.number for epoch in epochs] == list(range(1, 21))
    assert epochs[-1].loss < epochs[0].loss
    assert epochs[-1].score.accuracy > 0.8
    assert [of.support for of in epochs[-1].score.classes] == [10, 10, 10]
    assert sum(map(sum, epochs[-1].score.confusion)) == 30


def test_draws_are_the_plan(easy):
    data = imbalance(easy, ["grey", "bright"], ratio=2)
    assert [epochs_of(data, arm, count=1)[0].draws for arm in ARMS] == [40, 30, 60, 60, 60]


def test_a_last_batch_of_one_draw_is_left_out(easy):
    # resnet18-paper halves 16 pixels five times: a batch norm then has one value of a single image.
    (epoch,) = epochs_of(easy, "imbalanced", count=1, network="resnet18-paper", batch_size=59)
    assert epoch.draws == 59
    assert epochs_of(easy, "imbalanced", count=1, batch_size=60)[0].draws == 60


@pytest.mark.parametrize("network", ["convnet", "resnet18-paper"])
def test_a_run_is_a_function_of_its_arguments(easy, network):
    torch.manual_seed(1)
    first = epochs_of(easy, "all", seed=3, network=network, batch_size=32)
    torch.manual_seed(2)  # which dropout would see, were it not the run's own
    assert epochs_of(easy, "all", seed=3, network=network, batch_size=32) == first
    assert epochs_of(easy, "all", seed=4, network=network, batch_size=32) != first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "arm"),
    [
        *(
            ("convnet", arm)
            for arm in ("copies", "curriculum", "mixup", "cutmix", "cmo", "remix", "balanced_mixup")
        ),
        *((network, "copies") for network in ("resnet32", "resnet18-paper")),
    ],
)
def test_a_run_goes_on_from_its_state(easy, network, arm):
    protocol = Protocol(3, 32, network)
    whole = Training(easy, NAMED[arm], 0, protocol)
    epochs = [whole.epoch() for _ in range(3)]
    first = Training(easy, NAMED[arm], 0, protocol)
    first.epoch()
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = Training(easy, NAMED[arm], 0, protocol)
    second.load_state_dict(torch.load(file, weights_only=True))
    assert [second.epoch(), second.epoch()] == epochs[1:]
    assert all(
        torch.equal(a, b) for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True)
    )


@pytest.mark.parametrize("network", ["convnet", "resnet18-paper"])
def test_a_mix_is_trained_on_both_labels_by_their_shares(easy, network):
    training = Training(easy, NAMED["mixup"], 0, Protocol(1, 8, network))
    training.model.eval()
    images, (first, second, share) = next(iter(training.loader))
    outputs = training.model(images).log_softmax(1)
    expected = torch.stack(
        [
            -share[n] * outputs[n, first[n]] - (1 - share[n]) * outputs[n, second[n]]
            for n in range(len(images))
        ]
    ).mean()
    torch.testing.assert_close(training._loss(outputs, (first, second, share)), expected)
    assert ((share > 0) & (share < 1)).all()


def test_only_batches_for_training_are_mixed(easy):
    data = imbalance(easy, ["grey", "bright"], ratio=2)
    training = Training(data, NAMED["cmo"], 0, Protocol(10, 8))
    assert training.loader.mix.weights.tolist() == [1 / 20, 1 / 10, 1 / 10]
    assert [training.epoch() for _ in range(10)][-1].score.accuracy > 0.8


def test_a_curriculum_follows_what_the_model_learns(easy):
    training, levels = Training(easy, NAMED["curriculum"], 0, Protocol(8, 8)), [[0, 0, 0]]
    for _ in range(8):
        epoch = training.epoch()
        levels.append(list(training.curriculum.level_.values()))
    assert epoch.score.accuracy > 0.8
    assert max(levels[-1]) > 1  # brightness is soon known
    assert all(abs(b - a) <= 1 for old, new in pairwise(levels) for a, b in zip(old, new, strict=True))


def test_arms_of_a_seed_begin_with_the_same_weights(easy):
    protocol = Protocol(1, 8)
    one, other, later = (
        Training(easy, ARMS[arm], seed, protocol).model.state_dict()
        for arm, seed in [("all", 0), ("copies", 0), ("all", 1)]
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not all(torch.equal(one[name], later[name]) for name in one)


def test_the_learning_rate_follows_the_network(easy):
    training = Training(easy, ARMS["all"], 0, Protocol(10, 32, "resnet32"))
    rates = []
    for _ in range(10):
        training.epoch()
        rates.append(training.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.1] * 8 + [1e-3, 1e-5])
