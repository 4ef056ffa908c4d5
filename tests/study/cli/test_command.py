"""The study from the command line, end to end, and what it says to wrong options."""

import csv
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from gpuaug.__main__ import main
from gpuaug.study import extras
from gpuaug.study.arms.arms import groups, read_arms
from gpuaug.study.arms.techniques import TECHNIQUES
from gpuaug.study.cli.prepared import without_refused
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load

pytestmark = pytest.mark.slow

TINY = ["--majority-count", "64", "--ratio", "4", "--epochs", "1", "--seeds", "1"]
FILES = [
    *("confusion.png", "curves.png", "differences.png", "draws.png", "gallery", "metrics.csv"),
    *("report.html", "report.json", "report.md", "runs"),
]


@pytest.fixture
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("_here")
def test_study_of_the_embedded_set(capsys):
    main(["study", *TINY, "--seeds", "2", "--epochs", "2", "--arms", "imbalanced", "all", "--out", "out"])
    printed = capsys.readouterr().out
    assert "64 t-shirt, 16 shirt; arms: 2, seeds: 2, epochs: 2" in printed
    assert "| imbalanced |" in printed
    assert sorted(path.name for path in Path("out").iterdir() if path.name != "tensorboard") == FILES

    report = json.loads(Path("out/report.json").read_text())
    assert report["command"] == (
        "python -m gpuaug study --majority-count 64 --ratio 4 --epochs 1 --seeds 1 --seeds 2 --epochs 2 "
        "--arms imbalanced all --out out"
    )
    assert report["settings"] == {
        "data": "embedded",
        "arms": ["imbalanced", "all"],
        "left_out": {},
        "seeds": 2,
        "first_seed": 0,
        "epochs": 2,
        "batch_size": 64,
        "device": str(torch.device("cuda" if torch.cuda.is_available() else "cpu")),
        "model": "convnet",
        "image_shape": [1, 28, 28],
        "train_images": {"t-shirt": 64, "shirt": 16},
        "test_images": {"t-shirt": 600, "shirt": 600},
        "minority": ["shirt"],
        "holdout": None,
    }
    assert {"gpuaug", "python", "torch", "torchmetrics"} < set(report["versions"])
    assert list(report["arms"]) == ["imbalanced", "all"]

    with open("out/metrics.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * 2 * 2 * 2  # arms, seeds, epochs, classes
    assert {line["support"] for line in lines} == {"600"}
    # The report's numbers are the rows' means.
    shirts = [float(line["recall"]) for line in lines if (line["arm"], line["class"]) == ("all", "shirt")]
    assert report["arms"]["all"]["classes"]["shirt"]["recall"]["mean"] == pytest.approx(sum(shirts) / 4)
    for picture in ("curves.png", "draws.png"):
        with Image.open(Path("out") / picture) as image:
            assert image.width > 500


@pytest.mark.slow
@pytest.mark.usefixtures("_here")
def test_study_of_a_folder_with_three_classes(capsys):
    for split, count in (("train", 8), ("test", 4)):
        for name, grey in (("night", 20), ("dusk", 110), ("noon", 230)):
            folder = Path("sky") / split / name
            folder.mkdir(parents=True)
            for n in range(count):
                Image.new("L", (20 + n, 20), grey + n).save(folder / f"{n}.png")
    options = (
        "--size 16 --minority dusk noon --minority-count 2 --epochs 1 --seeds 1 --arms all --batch-size 4"
    )
    main(["study", "--data", "sky", *options.split(), "--out", "out"])
    assert "2 dusk, 8 night, 2 noon; arms: 1" in capsys.readouterr().out
    report = json.loads(Path("out/report.json").read_text())
    assert report["settings"]["image_shape"] == [3, 16, 16]
    assert list(report["arms"]["all"]["classes"]) == ["dusk", "night", "noon"]


@pytest.mark.slow
@pytest.mark.usefixtures("_here")
def test_a_folder_with_results_is_not_overwritten_unasked(capsys):
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine")
    Path("out/gallery").mkdir()
    Path("out/gallery/old.png").write_bytes(b"of the study before")
    with pytest.raises(SystemExit):
        main(["study", *TINY, "--out", "out"])
    assert "out must be a new or empty folder, and out is not; --overwrite" in capsys.readouterr().err
    assert sorted(path.name for path in Path("out").iterdir()) == ["gallery", "mine.txt"]
    main(["study", *TINY, "--arms", "imbalanced", "--out", "out", "--overwrite"])
    there = sorted(path.name for path in Path("out").iterdir() if path.name != "tensorboard")
    assert there == sorted([*FILES, "mine.txt"])
    assert Path("out/mine.txt").read_text() == "mine"
    assert not Path("out/gallery/old.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--margin", "0"], "argument --margin: must be above 0 and below 1, got 0"),
        (["--margin", "two"], "argument --margin: must be a number, got 'two'"),
        (["--until", "0"], "argument --until: must be above 0 and below 1, got 0"),
        (["--until", "0.02", "--margin", "0.01"], "give until or margin, not both, got 0.02 and 0.01"),
        (["--max-seeds", "9", "--max-minutes", "2"], "max_seeds and max_minutes need until: give the"),
        (["--max-minutes", "2"], "max_minutes needs until: give the"),
        (["--until", "0.02", "--seeds", "1"], "first look must have at least 2 seeds, for one has no spread"),
        (
            ["--until", "0.02", "--max-seeds", "2"],
            "max_seeds must be at least the seeds of the first look, 3",
        ),
        (["--metric", "acuracy"], "got acuracy; did you mean accuracy?"),
        (["--metric", "few-recall"], "metric must be of accuracy, balanced-accuracy, macro-f1, worst-recall"),
        (["--metric", "recall:shrt"], "such as recall:t-shirt; got recall:shrt; did you mean recall:shirt"),
        (["--holdout", "1"], "argument --holdout: must be above 0 and below 1, got 1"),
        (["--holdout", "0.1"], "holdout is for a folder without train/ and test/, and embedded has"),
        (["--arms", "hflp"], "got 'hflp'; did you mean hflip?"),
        (["--arms", "crop + gausian_blur"], "got gausian_blur; did you mean gaussian_blur or GaussianBlur?"),
        (["--arms", "duplicats"], "got 'duplicats'; did you mean duplicates?"),
        (
            ["--arms", "imbalanced + focal"],
            "got 'imbalanced + focal'; as a target imbalanced is called natural",
        ),
        (
            ["--arms", "duplicates: hflip"],
            "got 'duplicates: hflip'; as a target duplicates is called majority",
        ),
        (["--baseline", "duplicates", "--arms", "duplicate"], "got 'duplicate'; did you mean duplicates?"),
        (["--minority", "shrt"], "minority must be of t-shirt, shirt; got shrt; did you mean shirt?"),
        (["--model", "resnet81"], "for classification; got resnet81; did you mean resnet18"),
        (["--epochs", "0"], "argument --epochs: must be finite and at least 1, got 0"),
        (["--seeds", "20000"], "argument --seeds: must be from 1 to 10,000, got 20000"),
        (["--until", "0.1", "--max-seeds", "1e9"], "argument --max-seeds: must be an integer, got '1e9'"),
        (["--until", "0.1", "--max-seeds", "10001"], "argument --max-seeds: must be from 2 to 10,000, got 1"),
        (["--first-seed", "4294967296"], "argument --first-seed: must be from 0 to 4,294,967,295, got 4"),
        (["--holdout-seed", "-1"], "argument --holdout-seed: must be from 0 to 4,294,967,295, got -1"),
        (["--threads", "1025"], "argument --threads: must be from 1 to 1,024, got 1025"),
        (["--seeds", "two"], "argument --seeds: must be an integer, got 'two'"),
        (["--ratio", "nan"], "argument --ratio: must be finite and at least 1, got nan"),
        (
            ["--ratio", "4", "--minority-count", "3"],
            "argument --minority-count: not allowed with argument --ratio",
        ),
        (["--arms", "every"], "arms must be names of"),
        (["--data", "nowhere"], "nowhere is not a folder"),
        (["--minority", "shoe"], "minority must be of t-shirt, shirt; got shoe"),
        (
            ["--minority-count", "2001"],
            "counts['shirt'] must be in [1, 2000], the samples that the class has, got 2001",
        ),
        (["--device", "tpu"], "device must be cpu, cuda or cuda:N, got tpu"),
        (["--device", "cuda:99"], "device cuda:99 is not here"),
        (["--out", "file"], "out must be a folder, and file is a file"),
        (["--baseline", "all", "--arms", "hflip"], "baseline must be of the arms, hflip; got all"),
        (
            ["--model", "resnet9"],
            "model must be of convnet, resnet18-paper, resnet32, or one of torchvision's",
        ),
        (["--model", "alexnet"], "model alexnet does not take images of 1 x 28 x 28"),
        (
            ["--arms", "RandomCrop(20)"],
            "RandomCrop(20) makes them 20 x 20: end its geometry with Resize((28, 28))",
        ),
        (["--arms", "all", "sepia"], "Sepia: images must have 3 or 4 channels, got 1"),
        (
            ["--arms", "techniques", "--baseline", "sepia"],
            "Sepia: images must have 3 or 4 channels, got 1",
        ),
        (
            ["--arms", "decoupled", "--epochs", "1"],
            "since must be in [1, 1), so that the change comes within",
        ),
        (["--arms", "focal + ldam_drw"], "focal and ldam_drw both say the loss of an arm"),
        (["--arms", "logit_ajusted"], "got 'logit_ajusted'; did you mean logit_adjusted?"),
        (
            ["--search", "99", "--candidates", "focal", "ldam_drw", "decoupled"],
            "one target and loss for all epochs, for a search has other epochs than the study (arms may have "
            "schedules); got ldam_drw, decoupled",
        ),
        (["--candidates", "hflip"], "candidates are those of a search: give its epochs too (--search)"),
        (["--search", "20"], "and 2 seeds, got 20"),
        (
            ["--search", "99", "--candidates", "crop", "deferred(4): hflip", "schedules"],
            "(arms may have schedules); got deferred(4): hflip, progressive(5), deferred(4)",
        ),
        (
            ["--search", "99", "--candidates", "crop", "--minority-count", "1"],
            "search must hold out an image of every class, and shirt has 1",
        ),
        (["--long-tailed", "4", "--minority-count", "9"], "not allowed with argument --long-tailed"),
        (["--resume", "--overwrite"], "argument --overwrite: not allowed with argument --resume"),
        (["--epoch", "2"], "unrecognized arguments: --epoch 2"),
    ],
)
@pytest.mark.usefixtures("_here")
def test_wrong_options_are_one_line_and_exit_2(words, message, capsys):
    Path("file").write_text("")
    with pytest.raises(SystemExit) as exit_:
        main(["study", "--out", "out", *words])
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("python -m gpuaug")
    assert error.count("\n") == 1
    assert not Path("out").exists()


def test_a_group_leaves_out_what_does_not_take_such_images():
    usual = {"target": "natural", "apply_to": "all"}
    arms = read_arms(["techniques"], **usual)
    data = load(Request("embedded"))
    left, refused = without_refused(arms, data, ["techniques"], usual)
    assert set(arms) - set(left) == set(refused)
    assert set(refused) == {
        f"natural: {name}"
        for name in ("channel_dropout", "channel_shuffle", "random_photometric_distort", "rgb_shift", "sepia")
    }
    assert refused["natural: sepia"] == "Sepia: images must have 3 or 4 channels, got 1"
    named, _ = without_refused(arms, data, ["techniques", "sepia"], usual)
    assert set(named) - set(left) == {"natural: sepia"}


@pytest.mark.slow
@pytest.mark.usefixtures("_here")
def test_arms_that_a_group_leaves_out_are_named(monkeypatch, capsys):
    for name in set(TECHNIQUES) - {"crop", "salt_and_pepper", "sepia"}:  # the first two are in draws.png
        monkeypatch.delitem(TECHNIQUES, name)
    main(["study", *TINY, "--arms", "duplicates", "techniques", "--out", "out"])
    reason = "Sepia: images must have 3 or 4 channels, got 1"
    assert f"left out, sepia: {reason}\n" in capsys.readouterr().out
    assert json.loads(Path("out/report.json").read_text())["settings"]["left_out"] == {"sepia": reason}
    for report in ("out/report.html", "out/report.md"):
        assert reason in Path(report).read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("_here")
def test_a_study_of_losses(capsys):
    arms = ["losses", "majority + prior_corrected", "logit_adjusted: all"]
    main(["study", *TINY, "--epochs", "2", "--arms", *arms, "--out", "out"])
    report = json.loads(Path("out/report.json").read_text())
    assert list(report["arms"]) == [*groups(2)["losses"], *arms[1:]]
    runs = {path.parent.name.rpartition("-")[0] for path in Path("out/runs").glob("*/run.json")}
    assert len(runs) == len(report["arms"]) - 1  # post_hoc has no run of its own
    assert not any(name.startswith("post_hoc") for name in runs)
    assert "post_hoc, seed 0: accuracy" in capsys.readouterr().out
    for path in Path("out/runs").glob("*/run.json"):
        epochs = json.loads(path.read_text())
        assert [sorted(epoch["calibration"]) for epoch in epochs] == [
            ["natural", "natural_corrected", "test", "test_corrected"]
        ] * 2


@pytest.mark.usefixtures("_here")
def test_too_small_images(capsys):
    for split in ("train", "test"):
        for name in ("a", "b"):
            folder = Path("small") / split / name
            folder.mkdir(parents=True)
            Image.new("L", (8, 8)).save(folder / "0.png")
    with pytest.raises(SystemExit):
        main(["study", "--data", "small"])
    assert "images must be at least 16 pixels high and wide, got 8 x 8" in capsys.readouterr().err


@pytest.mark.usefixtures("_here")
def test_packages_that_are_missing(monkeypatch, capsys):
    there = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "torchmetrics" else there(name))
    with pytest.raises(SystemExit) as exit_:
        main(["study"])
    assert exit_.value.code == 2
    assert "the study needs torchmetrics: pip install 'gpuaug[study]'" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="needs torchmetrics: pip install 'gpuaug"):
        extras.require("tqdm", "torchmetrics")
