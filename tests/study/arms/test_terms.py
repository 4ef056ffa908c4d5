"""Arms with losses: what their texts mean, and what is refused."""

import pytest
import torch

import gpuaug
from gpuaug.losses import BalancedSoftmaxLoss, FocalLoss, LDAMLoss, LogitAdjustedLoss
from gpuaug.study.arms.arms import NAMED, RECIPES, groups, read_arm, read_arms
from gpuaug.study.arms.objective import SmoothedLoss
from gpuaug.study.arms.terms import terms

LABELS = [0] * 8 + [1] * 2
SAMPLES = torch.tensor([8.0, 2.0], dtype=torch.float64)
NATURAL, BALANCED = torch.tensor([0.8, 0.2]).double(), torch.tensor([0.5, 0.5]).double()


def loss_of(text, epoch=0, drawn=NATURAL, epochs=10):
    return read_arm(text, epochs=epochs)[1].objective.of_epoch(epoch, SAMPLES, drawn)


@pytest.mark.parametrize(
    ("text", "name", "plan"),
    [
        ("focal", "focal", [8, 2]),
        ("natural + focal(gamma=1)", "focal(gamma=1)", [8, 2]),
        ("natural+logit_adjusted : all", "logit_adjusted: all", [8, 2]),
        ("natural + effective_number", "natural + effective_number", [8, 2]),
        ("focal + effective_number(0.9)", "focal + effective_number(0.9)", [8, 2]),
        ("effective_number(0.0) + focal", "effective_number(0.0) + focal", [8, 2]),
        ("majority + focal", "majority + focal", [8, 8]),
        ("5 + focal: hflip @ copies", "5 + focal: hflip @ copies", [5, 5]),
        ("majority: all", "all", [8, 8]),
        ("natural: all", "natural: all", [8, 2]),
        ("natural: cmo", "cmo", [8, 2]),
        ("majority: cmo", "majority: cmo", [8, 8]),
        ("minority: copies", "minority: copies", [2, 2]),
        ("minority: copies @ all", "minority: copies @ all", [2, 2]),
        ("post_hoc", "post_hoc", [8, 2]),
    ],
)
def test_a_text_its_name_and_its_draws(text, name, plan):
    found, arm = read_arm(text, target="power(0.5)", apply_to="all")
    assert found == name
    assert list(gpuaug.BalancedSampler(LABELS, arm.target).plan_.values()) == plan
    again = read_arm(name)
    assert again[0] == name
    assert again[1].about == arm.about


@pytest.mark.parametrize("name", RECIPES)
def test_a_named_arm_as_a_chain_is_that_arm_with_other_draws_and_loss(name):
    arm = read_arm(f"minority + focal: {name}")[1]
    named = NAMED[name]
    assert (arm.transforms, arm.mix, arm.curriculum) == (named.transforms, named.mix, named.curriculum)
    assert arm.apply_to == named.apply_to
    assert arm.target == "minority"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("cross_entropy", FocalLoss),
        ("class_weights", FocalLoss),
        ("focal(1.5)", FocalLoss),
        ("label_smoothing(0.2)", SmoothedLoss),
        ("balanced_softmax", BalancedSoftmaxLoss),
        ("logit_adjusted(2.0)", LogitAdjustedLoss),
        ("ldam_drw", LDAMLoss),
    ],
)
def test_the_losses(text, kind):
    assert type(loss_of(text)) is kind
    assert read_arm(text)[1].about.startswith("target natural; ")


def test_settings_of_losses():
    assert loss_of("focal").gamma == 2.0
    assert loss_of("focal(1.5)").gamma == 1.5
    assert loss_of("logit_adjusted(tau=2.0)").tau == 2.0
    assert loss_of("label_smoothing").smoothing == 0.1
    assert loss_of("cross_entropy").gamma == 0.0
    assert loss_of("natural") is None


def test_weights_by_hand():
    assert loss_of("class_weights").weight.tolist() == pytest.approx([0.4, 1.6])  # as 2 to 8; their sum is 2
    # Effective numbers with beta 0.5: 1 - 2^-8 and 1 - 2^-2, weights as 192 to 255.
    found = loss_of("natural + effective_number(0.5)").weight.tolist()
    assert found == pytest.approx([384 / 447, 510 / 447])
    assert loss_of("focal + class_weights").weight.tolist() == pytest.approx([0.4, 1.6])


def test_what_draws_have_balanced_is_not_balanced_again():
    assert loss_of("majority + class_weights", drawn=BALANCED).weight.tolist() == pytest.approx([1, 1])
    assert loss_of("majority + logit_adjusted", drawn=BALANCED).adjustment.diff().item() == 0
    assert loss_of("logit_adjusted").adjustment.exp().tolist() == pytest.approx([0.8, 0.2])
    assert loss_of("balanced_softmax").adjustment.exp().tolist() == pytest.approx([0.8, 0.2])
    # Margins are for how few samples there are, however often they are drawn.
    margins = [loss_of("ldam_drw", drawn=drawn).margins.tolist() for drawn in (NATURAL, BALANCED)]
    assert margins[0] == margins[1] == pytest.approx([0.5 / 4**0.25, 0.5])


def test_ldam_defers_its_weights():
    for text, epochs, since in [("ldam_drw", 10, 8), ("ldam_drw", 200, 160), ("ldam_drw(3)", 10, 3)]:
        before, after = (loss_of(text, epoch, epochs=epochs) for epoch in (since - 1, since))
        logits, labels = torch.zeros(2, 2).double(), torch.tensor([0, 1])
        plain = LDAMLoss(SAMPLES)(logits, labels)
        torch.testing.assert_close(before(logits, labels), plain)
        assert abs(after(logits, labels) - plain) > 0.1
        assert read_arm(text, epochs=epochs)[1].changes


def test_decoupled_draws_balanced_late():
    for text, start, since in [
        ("decoupled", [8, 2], 8),
        ("decoupled(3): all", [8, 2], 3),
        ("minority + decoupled(1)", [2, 2], 1),
    ]:
        arm = read_arm(text)[1]
        sampler = gpuaug.BalancedSampler(LABELS, arm.target)
        for epoch, plan in [(since - 1, start), (since, [8, 8])]:
            sampler.set_epoch(epoch)
            assert list(sampler.plan_.values()) == plan
        assert arm.objective.retrained == since
        assert arm.changes


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("post_hoc", "natural"),
        ("imbalanced", "natural"),
        ("undersampled", "minority"),
        ("duplicates", "majority"),
        ("natural + post_hoc: all", "natural: all"),
        ("majority + prior_corrected: all", "all"),
        ("majority + prior_corrected", "majority"),
        ("focal + prior_corrected: mixup", "focal: mixup"),
        ("post_hoc: cmo", "cmo"),
        ("focal", None),
        ("all", None),
    ],
)
def test_arms_of_the_same_training_share_their_runs(text, run):
    arm = read_arm(text)[1]
    assert arm.run == run
    if run:
        assert read_arm(run)[0] == run
        assert (read_arm(run)[1].target or "natural") == (arm.target or "natural")


def test_the_group_of_losses():
    arms = read_arms(["losses"], epochs=5)
    assert list(arms) == groups(5)["losses"]
    assert arms["decoupled"].objective.retrained == 4
    assert len({arm.about for arm in arms.values()}) == len(arms)


def test_smoothing_is_torchs():
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 1])
    theirs = torch.nn.CrossEntropyLoss(label_smoothing=0.2)
    torch.testing.assert_close(SmoothedLoss(0.2)(logits, labels), theirs(logits, labels))
    share = torch.rand(5)
    first, second = torch.nn.functional.one_hot(labels), torch.nn.functional.one_hot(labels.flip(0))
    soft = share[:, None] * first + (1 - share[:, None]) * second
    torch.testing.assert_close(
        SmoothedLoss(0.2)(logits, (labels, labels.flip(0), share)), theirs(logits, soft)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("natural + hflip", "term 'hflip': must be of .*logit_adjusted.*; got hflip"),
        ("natural + foca", "got foca; did you mean focal"),
        ("focl", "got 'focl'; did you mean focal"),
        ("focal + ldam_drw", "focal and ldam_drw both say the loss of an arm"),
        ("ldam_drw + class_weights", "ldam_drw and class_weights both say the weights of an arm"),
        ("post_hoc + prior_corrected", "post_hoc and prior_corrected both say the reading of an arm"),
        ("effective_number", "missing 1 required positional argument: 'beta'"),
        ("natural + focal(-1)", "gamma must be finite and at least 0, got -1"),
        ("natural + effective_number(1)", r"beta must be in \[0, 1\), got 1"),
        ("label_smoothing(2)", r"smoothing must be in \[0, 1\], got 2"),
        ("label_smoothing('a')", r"smoothing must be a number in \[0, 1\], got str"),
        ("ldam_drw(-1)", r"since must be in \[0, 10\), so that the change comes within .* \(10\), got -1"),
        ("ldam_drw(1.5)", "since must be an int, got float"),
        ("ldam_drw(1, -1.0)", "max_margin must be finite and at least 0, got -1.0"),
        ("ldam_drw(20)", r"since must be in \[0, 10\), so that the change comes within .* \(10\), got 20"),
        ("decoupled(10)", r"since must be in \[1, 10\), so that the change comes within .* \(10\), got 10"),
        ("decoupled(0)", r"since must be in \[1, 10\), .* got 0"),
        ("deferred(20)", r"epochs must be in \[0, 10\), so that the change comes within .* \(10\), got 20"),
        ("progressive(11): all", r"epochs must be in \[1, 11\), so that the change .* \(10\), got 11"),
        ("deferred(epochs=10) + focal", r"epochs must be in \[0, 10\), .* got 10"),
        ("deferred(3) + decoupled", r"decoupled must follow draws of one target, got deferred\(3\)"),
        (
            "majority + decoupled(2) + decoupled(3)",
            r"decoupled\(2\) and decoupled\(3\) both say the classifier",
        ),
        ("mixup @ copies", "arms that mix images mix those of every draw, without an '@'"),
        ("hflip + focal", "transform 'hflip \\+ focal'"),
        ("natural: focal", "must be a name that is known; got focal"),
    ],
)
def test_wrong_terms(text, message):
    with pytest.raises(ValueError, match=message):
        read_arm(text)


def test_one_epoch_is_too_few_to_decouple():
    with pytest.raises(ValueError, match=r"in \[1, 1\), .* got 0"):
        read_arm("decoupled", epochs=1)


def test_every_term_is_built_by_its_bare_name():
    for name, make in terms(10).items():
        assert make().about, name
