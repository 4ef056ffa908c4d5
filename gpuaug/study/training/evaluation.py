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
    """Of the logits as an arm reads them, and corrected: moved from the shares of the classes that they carry
    to those of the images that they are measured on.

    ``test``: on the test images as they are. ``natural``: on the test images, weighted so that the classes
    have the training set's own shares, as where the model is used on more of the same.
    """

    test: Calibration
    test_corrected: Calibration
    natural: Calibration
    natural_corrected: Calibration


@dataclass(frozen=True)
class Evaluation:
    """What one reading of the logits gives."""

    score: Score
    calibration: Calibrations


@torch.no_grad()
def outputs_of(model: nn.Module, augment: gpuaug.Compose, images: Tensor) -> Tensor:
    """What the model gives for uint8 images, which are normalised and not augmented: float64 ``(n, C)`` on
    the host. Warns where that is NaN or infinite, as after a training that diverged.
    """
    model.eval()
    augment.eval()
    out = torch.cat([model(augment(batch)) for batch in images.split(EVALUATION_BATCH)]).cpu().double()
    if spoilt := int((~out.isfinite()).any(dim=1).sum()):
        warnings.warn(
            f"the model gives NaN or infinite logits for {spoilt} of {len(out)} test images, so its figures "
            "mean nothing: the training diverged",
            stacklevel=2,
        )
    return out


def evaluate(logits: Tensor, labels: Tensor, carried: Tensor, natural: Tensor) -> dict[str, Evaluation]:
    """An evaluation for each reading of the logits.

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
    tested = labels.bincount(minlength=classes).double()
    equal, as_natural = torch.ones(len(labels)), (natural / tested)[labels]

    def moved(shares: Tensor) -> Predicted:
        return Predicted(gpuaug.prior_correction(logits, carried, shares), labels)

    readings = {
        AS_TRAINED: Predicted(logits, labels),
        POST_HOC: moved(torch.ones(classes)),
        PRIOR_CORRECTED: moved(natural),
    }
    test_corrected = moved(tested).calibration(equal)
    natural_corrected = readings[PRIOR_CORRECTED].calibration(as_natural)
    return {
        reading: Evaluation(
            score(of.classes, labels, classes, of.probabilities),
            Calibrations(
                test=of.calibration(equal),
                test_corrected=test_corrected,
                natural=of.calibration(as_natural),
                natural_corrected=natural_corrected,
            ),
        )
        for reading, of in readings.items()
    }
