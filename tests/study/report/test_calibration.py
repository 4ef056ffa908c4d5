"""The table of what probabilities are worth."""

from dataclasses import dataclass
from types import SimpleNamespace

from gpuaug.study.report.calibration import calibration_table
from gpuaug.study.training.metrics import Score
from gpuaug.study.training.rows import Epoch, Row


@dataclass(frozen=True)
class Calibrated(Epoch):
    calibration: SimpleNamespace | None = None


def row(seed, number, value):
    places = ("test", "test_corrected", "natural", "natural_corrected")
    of = {place: SimpleNamespace(ece=value + n / 10, brier=2 * value) for n, place in enumerate(places)}
    return Row("all", seed, Calibrated(number, 0.5, Score(0.5, ()), calibration=SimpleNamespace(**of)))


def test_means_over_the_last_epochs_and_the_seeds():
    rows = [row(seed, number, 0.1 * number + seed / 100) for seed in (0, 1) for number in (1, 2, 3, 4)]
    table = calibration_table(rows)
    assert table.header == (
        "arm", "calibration error, test images", "Brier, test images",
        "calibration error, training shares", "Brier, training shares",
    )  # fmt: skip
    # Epochs 2 to 4 of seeds 0 and 1: 0.3 and 0.31.
    assert table.rows == (("all", "0.305 → 0.405", "0.610 → 0.610", "0.505 → 0.605", "0.610 → 0.610"),)


def test_runs_that_did_not_measure_it_have_no_table():
    assert calibration_table([Row("all", 0, Epoch(1, 0.5, Score(0.5, ())))]) is None
