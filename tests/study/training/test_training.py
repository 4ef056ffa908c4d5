"""One run: what it depends on, and that it learns."""

import io
from itertools import pairwise

import pytest
import torch

from gpuaug.study.arms.arms import ARMS, NAMED, read_arm
from gpuaug.study.data.imbalance import imbalance
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.training import training
from gpuaug.study.training.calibration import Predicted
from gpuaug.study.training.evaluation import evaluate, outputs_of
from gpuaug.study.training.networks import long_tailed_rate
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
    run = Training(
        data, read_arm(arm, epochs=count)[1], seed, Protocol(count, **{"batch_size": 8, **protocol})
    )
    return [run.epoch() for _ in range(count)]


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
        *(("convnet", arm) for arm in ("ldam_drw(2): all", "decoupled(2)", "ldam_drw(1) + decoupled(1)")),
        *(("resnet32", arm) for arm in ("decoupled(1)", "deferred(1) + logit_adjusted: mixup")),
    ],
)
def test_a_run_goes_on_from_its_state(easy, network, arm):
    protocol, asked = Protocol(3, 32, network), read_arm(arm, epochs=3)[1]
    whole = Training(easy, asked, 0, protocol)
    epochs = [whole.epoch() for _ in range(3)]
    first = Training(easy, asked, 0, protocol)
    for done in (1, 2):
        first.epoch()
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
        file.seek(0)
        second = Training(easy, asked, 0, protocol)
        second.load_state_dict(torch.load(file, weights_only=True))
        assert [second.epoch() for _ in range(done, 3)] == epochs[done:]
        assert all(
            torch.equal(a, b)
            for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True)
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


@pytest.mark.parametrize(
    "arm",
    [
        *("cross_entropy", "class_weights", "natural + effective_number(0.9)", "focal", "label_smoothing"),
        *("balanced_softmax", "logit_adjusted: mixup", "ldam_drw", "decoupled", "majority + logit_adjusted"),
    ],
)
def test_arms_of_losses_learn_three_easy_classes(easy, arm, device):
    data = imbalance(easy, ["grey", "bright"], ratio=2)
    epochs = epochs_of(data, arm, count=20, device=device)
    assert epochs[-1].score.accuracy > 0.8
    for epoch in epochs:
        assert set(epoch.readings) == {"post_hoc", "prior_corrected"}
        assert 0 <= epoch.calibration.test.ece <= 1


def test_the_networks_loss_is_the_plain_arms(easy):
    """torch's cross-entropy by another way: the same runs but for the last digits."""
    plain, named = (epochs_of(easy, arm, count=3) for arm in ("natural", "cross_entropy"))
    assert [of.loss for of in named] == pytest.approx([of.loss for of in plain], rel=1e-3)


@pytest.mark.parametrize(
    ("arm", "carried"),
    [
        ("natural", [0.5, 0.25, 0.25]),
        ("majority", [1 / 3] * 3),
        ("class_weights", [1 / 3] * 3),
        ("balanced_softmax", [1 / 3] * 3),
        ("logit_adjusted(0.0)", [0.5, 0.25, 0.25]),
        ("majority + logit_adjusted", [1 / 3] * 3),
    ],
)
def test_post_hoc_moves_what_draws_and_loss_leave(easy, arm, carried, monkeypatch):
    data, seen = imbalance(easy, ["grey", "bright"], ratio=2), []

    def seeing(logits, labels, carried, natural):
        seen.append((carried.tolist(), natural.tolist()))
        return evaluate(logits, labels, carried, natural)

    monkeypatch.setattr(training, "evaluate", seeing)
    epochs_of(data, arm, count=1)
    assert seen[0][0] == pytest.approx(carried)
    assert seen[0][1] == [0.5, 0.25, 0.25]


def test_decoupled_trains_the_classifier_alone_on_balanced_draws(easy):
    data = imbalance(easy, ["grey", "bright"], ratio=2)
    run = Training(data, read_arm("decoupled(2)", epochs=4)[1], 0, Protocol(4, 8, "resnet32"))
    epochs, states = [], []
    for _ in range(4):
        epochs.append(run.epoch())
        states.append({name: value.clone() for name, value in run.model.state_dict().items()})
    changed = [
        {name for name in new if not torch.equal(old[name], new[name])} for old, new in pairwise(states)
    ]
    assert [epoch.draws for epoch in epochs] == [40, 40, 60, 60]
    assert {"features.0.weight", "features.1.running_mean"} <= changed[0]
    assert changed[1:] == [{"head.weight", "head.bias"}] * 2
    # The learning rate begins anew: that of a run of two epochs.
    assert run.optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * long_tailed_rate(1, 2))


def test_the_first_part_of_decoupled_is_the_natural_arm(easy):
    data = imbalance(easy, ["grey", "bright"], ratio=2)
    natural, decoupled = (epochs_of(data, arm, count=4) for arm in ("natural", "decoupled(2)"))
    assert decoupled[:2] == natural[:2]


def test_ldam_ends_in_cosines_and_predicts_with_scaled_ones(easy):
    run = Training(easy, read_arm("ldam_drw")[1], 0, Protocol(2, 8))
    run.epoch()
    out = outputs_of(run.model, run.augment, run.test_images)
    assert out.abs().max() <= 1
    wanted = Predicted(30 * out, run.test_labels).calibration(torch.ones(30))
    again = Training(easy, read_arm("ldam_drw")[1], 0, Protocol(2, 8))
    assert again.epoch().calibration.test == wanted
