"""The table of what probabilities are worth."""

from gpuaug.study.report.calibration import calibration_table
from gpuaug.study.training.calibration import Calibration
from gpuaug.study.training.evaluation import Calibrations
from gpuaug.study.training.metrics import Score
from gpuaug.study.training.rows import Epoch, Row


def row(seed, number, value):
    of = Calibrations(*(Calibration(value + n / 10, 2 * value) for n in range(4)))
    return Row("all", seed, Epoch(number, 0.5, Score(0.5, ()), calibration=of))


def test_means_over_the_last_epochs_and_the_seeds():
    rows = [row(seed, number, 0.1 * number + seed / 100) for seed in (0, 1) for number in (1, 2, 3, 4)]
    table = calibration_table(rows)
    assert table.header == (
        "arm", "calibration error, test images", "Brier, test images",
        "calibration error, training shares", "Brier, training shares",
    )  # fmt: skip
    # Epochs 2 to 4 of seeds 0 and 1: 0.3 and 0.31.
    assert table.rows == (("all", "0.305 → 0.405", "0.610 → 0.610", "0.505 → 0.605", "0.610 → 0.610"),)


def test_runs_without_calibration_have_no_table():
    assert calibration_table([Row("all", 0, Epoch(1, 0.5, Score(0.5, ())))]) is None
