"""A study in which a run diverges: it is named, its images count as wrong, and report.json stays JSON."""

import json

import pytest

from gpuaug.__main__ import main
from gpuaug.study.report.divergences import Divergence, divergences_text
from gpuaug.study.training.training import Training

pytestmark = pytest.mark.slow

STUDY = [
    *("study", "--majority-count", "64", "--ratio", "4", "--epochs", "3", "--seeds", "2", "--device", "cpu"),
    *("--arms", "natural", "focal", "hflip"),
]


def refused(constant):
    raise AssertionError(f"{constant} is not JSON")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refused)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A study whose arm "focal" has a NaN loss from epoch 2 on under seed 1."""
    folder, own = tmp_path_factory.mktemp("diverged") / "out", Training._loss

    def loss(self, outputs, labels):
        nan = self.loss is not None and self.seed == 1 and self.done == 1
        return own(self, outputs, labels) * (float("nan") if nan else 1.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "_loss", loss)
        with pytest.warns(UserWarning, match="training diverged"):
            main([*STUDY, "--out", str(folder)])
    return folder


def test_a_diverged_run_is_named_in_every_form_of_the_report(out):
    sentence = (
        "Training diverged: “focal” (seed 1 in epoch 2); test images without finite logits count as wrong."
    )
    report = read(out / "report.json")
    assert report["diverged"] == [{"arm": "focal", "seed": 1, "epoch": 2, "unpredicted": 1200}]
    assert report["conclusion"].endswith(sentence)
    for form in ("report.md", "report.html"):
        assert sentence in (out / form).read_text(encoding="utf-8")
    assert "| run that diverged | seed | first in epoch |" in (out / "report.md").read_text(encoding="utf-8")


def test_images_of_a_diverged_run_are_wrong_and_probabilities_not_defined(out):
    arms = read(out / "report.json")["arms"]
    # Of the last three epochs under seed 1 the first alone has predictions.
    runs = {path.parent.name: read(path) for path in out.glob("runs/*/run.json")}
    (spoilt,) = [run for name, run in runs.items() if name.startswith("focal") and name.endswith("-1")]
    assert [epoch["loss"] is None for epoch in spoilt] == [False, True, True]
    assert [epoch["unpredicted"] for epoch in spoilt] == [0, 1200, 1200]
    assert arms["focal"]["accuracy"]["by_seed"][1] == pytest.approx(spoilt[0]["score"]["accuracy"] / 3)
    for name, of in arms["focal"]["classes"].items():
        assert of["recall"]["by_seed"][1] <= 1 / 3, name
    for measure in ("auroc", "minority-average-precision"):
        assert arms["focal"]["measures"][measure] is None
        assert 0 < arms["hflip"]["measures"][measure]["mean"] <= 1
    markdown = (out / "report.md").read_text(encoding="utf-8")
    calibration = markdown.split("## Calibration")[1].split("\n## ")[0]
    (line,) = [line for line in calibration.splitlines() if line.startswith("| focal")]
    assert line.count("not defined") == 4


def test_a_metric_of_probabilities_leaves_the_arm_out(out):
    main([*STUDY, "--metric", "auroc", "--resume", "--out", str(out)])
    report = read(out / "report.json")
    assert list(report["effects"]["arms"]) == ["hflip"]
    assert report["effects"]["left_out"] == ["focal"]
    assert "Not compared, for auroc is not defined: “focal”." in report["conclusion"]


def test_a_baseline_without_the_metric_ends_the_study_in_one_line(out, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*STUDY, "--metric", "auroc", "--baseline", "focal", "--resume", "--out", str(out)])
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(
        "python -m gpuaug study: error: metric must be defined for the baseline, and auroc"
    )
    assert said.endswith("give another --metric or --baseline with --resume")


def test_many_arms_that_diverged_are_counted():
    found = [Divergence(f"arm {number}", 0, 1, 9) for number in range(5)]
    assert "“arm 2” (seed 0 in epoch 1), 2 more; test images" in divergences_text(found)
