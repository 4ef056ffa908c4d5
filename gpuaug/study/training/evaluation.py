"""An evaluation on the test images: the logits as they are, and moved to other shares of the classes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import gpuaug
from gpuaug.study.arms.objective import AS_TRAINED, POST_HOC, PRIOR_CORRECTED
from gpuaug.study.training.calibration import Calibration, Predicted
from gpuaug.study.training.metrics import Score, score

EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Calibrations:
    """The calibration of an arm's logits, and of corrected logits: moved from the shares of the classes that
    they carry to those of the images that they are measured on.

    ``test``: on the test images as they are. ``natural``: on the test images, weighted so that the classes
    have the training set's own shares, as where the model is used on more of the same.
    """

    test: Calibration
    test_corrected: Calibration
    natural: Calibration
    natural_corrected: Calibration


@dataclass(frozen=True)
class Evaluation:
    """Score and calibration of one reading of the logits.

    ``calibration`` is None where a test image has NaN or infinite logits: its probabilities are not defined.
    """

    score: Score
    calibration: Calibrations | None


@torch.no_grad()
def outputs_of(model: nn.Module, augment: gpuaug.Compose, images: Tensor) -> Tensor:
    """The model's outputs for uint8 images, which are normalised and not augmented: float64 ``(n, C)`` on the
    host. Warns where an output is NaN or infinite, as after training that diverged.
    """
    model.eval()
    augment.eval()
    out = torch.cat([model(augment(batch)) for batch in images.split(EVALUATION_BATCH)]).cpu().double()
    if unpredicted := int((~has_prediction(out)).sum()):
        warnings.warn(
            f"the model gives NaN or infinite logits for {unpredicted} of {len(out)} test images: training "
            "diverged. These images count as wrong",
            stacklevel=2,
        )
    return out


def has_prediction(logits: Tensor) -> Tensor:
    """The images whose logits are all finite: a mask ``(n,)`` of logits ``(n, C)``.

    >>> has_prediction(torch.tensor([[0.5, 1.0], [0.5, torch.nan]]))
    tensor([ True, False])
    """
    return logits.isfinite().all(dim=1)


def predictions(logits: Tensor) -> Tensor:
    """The predicted classes of logits ``(n, C)``: int64 ``(n,)``, and C where there is no prediction.

    >>> predictions(torch.tensor([[0.5, 1.0], [0.5, torch.nan]]))
    tensor([1, 2])
    """
    return logits.argmax(dim=1).where(has_prediction(logits), logits.shape[1])


def evaluate(logits: Tensor, labels: Tensor, carried: Tensor, natural: Tensor) -> dict[str, Evaluation]:
    """An evaluation for each reading of the logits. An image without a prediction counts as wrong.

    >>> logits, labels = torch.tensor([[0.5, 0.0], [0.0, 2.0]]), torch.tensor([1, 1])
    >>> shares = torch.tensor([0.75, 0.25])
    >>> found = evaluate(logits, labels, carried=shares, natural=shares)
    >>> {reading: of.score.accuracy for reading, of in found.items()}
    {'as_trained': 0.5, 'post_hoc': 1.0, 'prior_corrected': 0.5}

    Args:
        logits: ``(n, C)``.
        labels: int64 ``(n,)``.
        carried: the shares of the classes that the logits carry, ``(C,)``, above 0.
        natural: those of the training images, ``(C,)``, above 0.
    """
    logits, classes = logits.double(), len(natural)
    all_predicted = bool(has_prediction(logits).all())
    tested = labels.bincount(minlength=classes).double()
    equal, as_natural = torch.ones(len(labels)), (natural / tested)[labels]

    def moved(shares: Tensor) -> Tensor:
        return gpuaug.prior_correction(logits, carried, shares)

    readings = {AS_TRAINED: logits, POST_HOC: moved(torch.ones(classes)), PRIOR_CORRECTED: moved(natural)}
    if not all_predicted:
        return {
            reading: Evaluation(score(predictions(of), labels, classes), None)
            for reading, of in readings.items()
        }
    test_corrected = Predicted(moved(tested), labels).calibration(equal)
    natural_corrected = Predicted(readings[PRIOR_CORRECTED], labels).calibration(as_natural)

    def evaluation(reading: Tensor) -> Evaluation:
        of = Predicted(reading, labels)
        calibrations = Calibrations(
            test=of.calibration(equal),
            test_corrected=test_corrected,
            natural=of.calibration(as_natural),
            natural_corrected=natural_corrected,
        )
        return Evaluation(score(of.classes, labels, classes, of.probabilities), calibrations)

    return {name: evaluation(reading) for name, reading in readings.items()}
