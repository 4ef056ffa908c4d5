"""Priors taken back: Bayes' rule by hand, and a model whose probabilities are known."""

import math

import pytest
import torch

import gpuaug
from gpuaug.losses import logit_adjustment


def bayes(probabilities, drawn, natural):
    """The posterior where classes come as often as ``natural`` says, one by one."""
    odds = [p * n / d for p, d, n in zip(probabilities, drawn, natural, strict=True)]
    return [o / sum(odds) for o in odds]


DRAWN, NATURAL = [0.5, 0.25, 0.25], [0.9, 0.09, 0.01]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_prior_correction_matches_bayes_by_hand(dtype, device):
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).to(device, dtype)
    found = gpuaug.prior_correction(logits, DRAWN, NATURAL)
    assert (found.dtype, found.device) == (dtype, logits.device)
    wanted = [bayes(row, DRAWN, NATURAL) for row in logits.double().softmax(1).tolist()]
    digits = {torch.float64: 1e-12, torch.float32: 1e-6}.get(dtype, 3e-2)
    torch.testing.assert_close(
        found.double().softmax(1).cpu(), torch.tensor(wanted, dtype=torch.float64), atol=digits, rtol=0
    )


def test_prior_correction_restores_natural_probabilities():
    """Two values of an image, whose counts in each class are known: nothing is estimated."""
    images = {"cat": (60, 20), "dog": (2, 8)}  # naturally, 80 cats to 10 dogs
    sampler = gpuaug.BalancedSampler(["cat"] * 80 + ["dog"] * 10)
    drawn = {name: 80 / sum(of) for name, of in images.items()}  # draws of each image
    for value in (0, 1):
        cats, dogs = images["cat"][value], images["dog"][value]
        logits = torch.tensor([[cats * drawn["cat"], dogs * drawn["dog"]]], dtype=torch.float64).log()
        found = gpuaug.prior_correction(logits, sampler.priors(0), [80, 10]).softmax(1)
        assert found[0].tolist() == pytest.approx([cats / (cats + dogs), dogs / (cats + dogs)])


def test_prior_correction_there_and_back_is_the_identity():
    logits = torch.randn(4, 3, dtype=torch.float64)
    there = gpuaug.prior_correction(logits, DRAWN, NATURAL)
    torch.testing.assert_close(gpuaug.prior_correction(there, NATURAL, DRAWN), logits)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_prior_correction_of_equal_shares_changes_no_bit(dtype):
    logits = torch.randn(4, 3).to(dtype)
    assert torch.equal(gpuaug.prior_correction(logits, [2, 5, 3], [0.2, 0.5, 0.3]), logits)


def test_a_class_of_share_0_has_probability_0():
    found = gpuaug.prior_correction(torch.zeros(1, 3), [1, 1, 1], [3, 0, 1]).softmax(1)[0]
    assert found[1] == 0
    assert found.tolist() == pytest.approx([0.75, 0.0, 0.25])


@pytest.mark.parametrize("shape", [(3,), (0, 3), (2, 3), (2, 4, 5, 3)])
def test_prior_correction_takes_any_shape_that_ends_in_classes(shape):
    logits = torch.randn(shape)
    found = gpuaug.prior_correction(logits, DRAWN, NATURAL)
    assert found.shape == shape
    flat = gpuaug.prior_correction(logits.reshape(-1, 3), DRAWN, NATURAL)
    assert torch.equal(found.reshape(-1, 3), flat)


def test_prior_correction_has_gradients_and_compiles():
    logits = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: gpuaug.prior_correction(z, DRAWN, NATURAL), logits)
    shares = [torch.tensor(of, dtype=torch.float64) for of in (DRAWN, NATURAL)]
    compiled = torch.compile(gpuaug.prior_correction, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(logits, *shares), gpuaug.prior_correction(logits, *shares))
    torch.testing.assert_close(compiled(logits, DRAWN, NATURAL), gpuaug.prior_correction(logits, *shares))


def test_prior_correction_does_not_write_its_arguments():
    logits, drawn, natural = torch.zeros(1, 2), torch.tensor([3.0, 1.0]), torch.tensor([1.0, 1.0])
    gpuaug.prior_correction(logits, drawn, natural)
    assert (logits.tolist(), drawn.tolist(), natural.tolist()) == ([[0, 0]], [3, 1], [1, 1])


def test_logit_adjustment_matches_a_table_by_hand():
    counts = [6, 3, 1]
    found = logit_adjustment(torch.zeros(1, 3, dtype=torch.float64), counts, tau=2.0)
    assert found[0].tolist() == pytest.approx([-2 * math.log(n / 10) for n in counts])
    logits = torch.randn(4, 3, dtype=torch.float64)
    equal = gpuaug.prior_correction(logits, counts, [1, 1, 1])
    torch.testing.assert_close(logit_adjustment(logits, counts).softmax(1), equal.softmax(1))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            (torch.zeros(1, 2), [1, 0], [1, 1]),
            ValueError,
            "drawn must be finite and above 0, got 0.0 for class 1",
        ),
        (
            (torch.zeros(1, 2), [1, 1], [1, -1]),
            ValueError,
            "natural must be finite and at least 0, got -1.0 for",
        ),
        (
            (torch.zeros(1, 2), [1, 1], [0, 0]),
            ValueError,
            r"natural must be above 0 for at least one class, got \[0.0, 0.0",
        ),
        ((torch.zeros(1, 2), [1, 1], [1, math.nan]), ValueError, "natural must be .* got nan for class 1"),
        ((torch.zeros(1, 2), [1, 1], [1, 1, 1]), ValueError, "have the same classes, got 2 and 3"),
        ((torch.zeros(1, 3), [1, 1], [1, 1]), ValueError, r"logits must be \(..., 2\), got shape \(1, 3\)"),
        ((torch.tensor(0.0), [1, 1], [1, 1]), ValueError, r"logits must be \(..., 2\), got shape \(\)"),
        ((torch.zeros(1, 2).long(), [1, 1], [1, 1]), TypeError, "logits must be floating, got torch.int64"),
        (([0.0, 0.0], [1, 1], [1, 1]), TypeError, r"logits must be a tensor \(..., C\), got list"),
        (
            (torch.zeros(1, 2), 0.5, [1, 1]),
            TypeError,
            "drawn must be a tensor, a sequence or a mapping, got float",
        ),
        (
            (torch.zeros(1, 2), torch.ones(1, 2), [1, 1]),
            ValueError,
            r"drawn must be \(C,\), .* got shape \(1, 2\)",
        ),
    ],
)
def test_bad_arguments_of_prior_correction_are_refused(given, error, message):
    with pytest.raises(error, match=message):
        gpuaug.prior_correction(*given)
