"""Readings of logits: on images whose probabilities are known, the corrected ones are calibrated."""

import pytest
import torch

import gpuaug
from gpuaug.study.arms.objective import AS_TRAINED, POST_HOC, PRIOR_CORRECTED
from gpuaug.study.training.evaluation import evaluate, outputs_of, predictions
from gpuaug.study.training.predictions import unpack

# Ten values of an image: how often each is a cat's and a dog's (columns sum to 1).
# Not alike for both, or the confidence in the predicted class would not depend on the shares.
CATS, DOGS = [10, 9, 8, 7, 6, 4, 3, 2, 1, 0.5], [1, 2, 2, 2, 2, 3, 4, 6, 8, 30]
LOOKS = torch.tensor([CATS, DOGS], dtype=torch.float64).T
LOOKS = LOOKS / LOOKS.sum(0)


def posterior(shares):
    joint = LOOKS * torch.tensor(shares, dtype=torch.float64)
    return joint / joint.sum(1, keepdim=True)


def drawn(shares, count=20000):
    """Values and labels of test images, in expectation."""
    counts = (LOOKS * torch.tensor(shares, dtype=torch.float64) * count).round().long()
    cells = torch.arange(20).repeat_interleave(counts.flatten())
    return cells // 2, cells % 2


@pytest.mark.parametrize("carried", [[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])
@pytest.mark.parametrize("tested", [[0.5, 0.5], [0.9, 0.1]])
def test_corrected_probabilities_are_calibrated(carried, tested):
    natural = [0.9, 0.1]
    values, labels = drawn(tested)
    logits = posterior(carried).log()[values]
    found = evaluate(logits, labels, torch.tensor(carried).double(), torch.tensor(natural).double())
    of = found[AS_TRAINED].calibration
    assert of.test_corrected.ece < 1e-3
    assert of.natural_corrected.ece < 1e-3
    for shares, as_is, corrected in [
        (tested, of.test, of.test_corrected),
        (natural, of.natural, of.natural_corrected),
    ]:
        if carried == shares:
            assert as_is.ece == pytest.approx(corrected.ece, abs=1e-3)
        else:
            assert as_is.ece > 0.03
            assert as_is.brier > corrected.brier


def test_readings_are_the_moved_thresholds():
    values, labels = drawn([0.5, 0.5])
    carried = torch.tensor([0.9, 0.1], dtype=torch.float64)
    found = evaluate(posterior([0.9, 0.1]).log()[values], labels, carried, carried)
    right = {}
    for reading, shares in [(AS_TRAINED, [0.9, 0.1]), (POST_HOC, [0.5, 0.5]), (PRIOR_CORRECTED, [0.9, 0.1])]:
        predicted = posterior(shares).argmax(1)[values]
        right[reading] = (predicted == labels).double().mean().item()
        assert found[reading].score.accuracy == pytest.approx(right[reading])
    assert right[POST_HOC] > right[AS_TRAINED] + 0.05


def test_a_class_without_a_test_image():
    natural = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 0, 1, 1, 0])
    found = evaluate(logits, labels, natural, natural)
    for of in found.values():
        numbers = [n for part in vars(of.calibration).values() for n in vars(part).values()]
        assert all(0 <= n <= 2 for n in numbers)
    # Moved to the test images' shares, the class has no probability.
    two = found[AS_TRAINED].calibration.test_corrected
    kept = evaluate(logits[:, :2], labels, natural[:2] / 0.8, natural[:2] / 0.8)
    assert two.brier == pytest.approx(kept[AS_TRAINED].calibration.test_corrected.brier)


@pytest.mark.parametrize("spoilt", [torch.nan, torch.inf])
def test_a_model_of_logits_that_are_not_finite_is_named(spoilt):
    class Model(torch.nn.Module):
        def forward(self, images):
            first = images.flatten(1)[:, 0]
            return torch.stack((first, torch.where(first > 0, first, spoilt)), dim=1)

    images = torch.tensor([0, 255, 0], dtype=torch.uint8)[:, None, None, None].expand(3, 3, 4, 4)
    augment = gpuaug.Compose([gpuaug.Normalize(0.5, 0.5)])
    with pytest.warns(UserWarning, match="NaN or infinite logits for 2 of 3 test images"):
        assert outputs_of(Model(), augment, images).shape == (3, 2)


def test_images_without_finite_logits_count_as_wrong_and_never_as_class_0():
    logits = torch.tensor([[2.0, 0.0], [torch.nan, torch.nan], [0.0, torch.inf], [0.0, 1.0]])
    shares = torch.tensor([0.5, 0.5], dtype=torch.float64)
    for label in (0, 1):  # of the two images that have none
        found = evaluate(logits, torch.tensor([0, label, label, 1]), shares, shares)
        for of in found.values():
            assert of.calibration is None
            assert of.score.accuracy == 0.5
            assert of.score.confusion == ((1, 0), (0, 1))
            assert unpack(of.score.predicted).tolist() == [0, 2, 2, 1]
            recall = [1.0, 1.0]
            recall[label] = pytest.approx(1 / 3)
            assert [one.recall for one in of.score.classes] == recall
            assert [one.precision for one in of.score.classes] == [1.0, 1.0]
            assert all(one.auroc is one.average_precision is None for one in of.score.classes)


def test_finite_logits_of_every_image_are_predictions():
    assert predictions(torch.tensor([[0.0, 1.0], [1e30, -1e30]])).tolist() == [1, 0]
