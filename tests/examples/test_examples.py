"""Every example runs, on little data, and what it prints is so."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gpuaug.study import extras

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def needs(*packages: str) -> None:
    """Skips a test where a package is absent; imports none, for that takes seconds."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: pip install -r requirements.txt -r tests/requirements.txt")


def shares(text: str) -> dict[str, float]:
    """The numbers of a printed dictionary, each of which must be a share."""
    found = ast.literal_eval(text)
    assert all(0 <= value <= 1 for value in found.values()), found
    return found


def write_images(folder: Path, counts: dict[str, int]) -> None:
    from PIL import Image

    generator = np.random.default_rng(0)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = generator.integers(0, 256, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.jpg")


def test_image_folder_balances_the_classes_of_a_folder(example, tmp_path):
    needs("PIL", "torchvision")
    write_images(tmp_path / "data" / "train", {"cat": 24, "dog": 6})
    write_images(tmp_path / "data" / "test", {"cat": 5, "dog": 5})
    printed = example("image_folder", "--data", tmp_path / "data", "--size", 16, "--epochs", 1)
    drawn = dict(re.findall(r"(\w+): an epoch draws (.*)", printed))
    assert ast.literal_eval(drawn["natural"]) == {"cat": 24, "dog": 6}
    assert ast.literal_eval(drawn["majority"]) == {"cat": 24, "dog": 24}
    recalls = dict(re.findall(r"(\w+): recall on the test images (.*)", printed))
    assert list(recalls) == ["natural", "majority"]
    assert all(list(shares(text)) == ["cat", "dog"] for text in recalls.values())


def test_arrays_draws_every_sample_of_a_class_equally_often(example, tmp_path):
    generator = np.random.default_rng(0)
    arrays = {}
    for part, counts in {"train": (30, 5), "test": (4, 4)}.items():
        arrays[f"{part}_images"] = generator.integers(0, 256, (sum(counts), 16, 20, 3), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.repeat([0, 1], counts)
    np.savez(tmp_path / "arrays.npz", **arrays)
    printed = example("arrays", "--data", tmp_path / "arrays.npz", "--epochs", 2)
    assert "class 0: 60 draws of 30 samples, each 2 to 2 times" in printed
    assert "class 1: 60 draws of 5 samples, each 12 to 12 times" in printed
    assert len(re.findall(r"epoch \d: recall by class [01]\.\d+, [01]\.\d+", printed)) == 2


@pytest.mark.parametrize("stop", [5, 13])  # in the middle of an epoch, and at the end of one
def test_resume_goes_on_with_the_same_draws_and_losses(example, stop):
    printed = example("resume", "--epochs", 2, "--stop-after", stop)
    assert f"whole: 26 steps; in two parts: {stop} + {26 - stop}" in printed
    assert "same draws, same pixels: True" in printed
    assert "same losses: True" in printed


@pytest.mark.processes
def test_ddp_gives_the_losses_of_one_process(example):
    alone, both = (example("ddp", "--epochs", 2, ranks=ranks) for ranks in (1, 2))
    pattern = r"epoch (\d): loss ([\d.]+); draws (\{.*\}), of which rank 0 had (\d+)"
    rows = [re.findall(pattern, printed) for printed in (alone, both)]
    assert [len(of) for of in rows] == [2, 2]
    for number, (one, other) in enumerate(zip(*rows, strict=True)):
        assert one[0] == other[0] == str(number)
        assert float(one[1]) == pytest.approx(float(other[1]), abs=1e-3)
        assert ast.literal_eval(one[2]) == ast.literal_eval(other[2]) == {"t-shirt": 600, "shirt": 600}
        assert (one[3], other[3]) == ("1200", "600")


@pytest.mark.frameworks
def test_lightning_example_trains_on_balanced_draws(example):
    needs("lightning", "torchmetrics")
    printed = example("with_lightning", "--epochs", 2)
    assert "BalancedSampler: 2000 draws an epoch, 2000 on rank 0 of 1" in printed
    recalls = re.findall(r"recall of ([\w-]+): ([\d.]+) before, ([\d.]+) after 2 epochs", printed)
    assert [name for name, *_ in recalls] == ["t-shirt", "shirt"]
    assert sum(float(after) for _, _, after in recalls) > 1.3  # a guess has 1 in the mean


@pytest.mark.frameworks
def test_trainer_example_goes_on_in_the_middle_of_an_epoch(example, tmp_path):
    needs("transformers", "accelerate", "torchvision")
    whole = example("with_hf_trainer", "--epochs", 2, "--output", tmp_path / "out")
    # An epoch is 19 steps, and a checkpoint every tenth step.
    again = example("with_hf_trainer", "--epochs", 2, "--resume", tmp_path / "out" / "checkpoint-30")
    # Of the second epoch's 1,200 draws, eleven batches of 64 lie behind it.
    state = ast.literal_eval(re.search(r"goes on from (.*)", again)[1])
    assert (state["epoch"], state["position"]) == (1, 11 * 64)
    assert all("38 steps" in printed for printed in (whole, again))
    recalls = [re.search(r"recall on the test images (.*)", printed)[1] for printed in (whole, again)]
    assert list(shares(recalls[0])) == ["t-shirt", "shirt"]
    assert recalls[0] == recalls[1]


def test_segmentation_moves_masks_with_their_images(example):
    needs("torchvision")
    printed = example("segmentation", "--images", 48, "--epochs", 1)
    inside, outside = re.search(r"pixels: (\S+) inside the masks, (\S+) outside", printed).groups()
    # Shapes are 100 levels of 255 lighter than the noise around them; in [-1, 1] that is 0.78.
    assert float(inside) - float(outside) > 0.7
    ious = dict(re.findall(r"(\w+): IoU (.*)", printed))
    assert list(ious) == ["natural", "majority"]
    assert all(list(shares(text)) == ["background", "disc", "ring"] for text in ious.values())


def test_study_from_python_prints_every_arm_with_a_verdict(example, tmp_path):
    needs(*extras.ALWAYS, *extras.IMAGE_FILES)
    write_images(tmp_path / "data" / "train", {"cat": 24, "dog": 6})
    write_images(tmp_path / "data" / "test", {"cat": 5, "dog": 5})
    words = ("--data", tmp_path / "data", "--size", 16, "--epochs", 1, "--seeds", 2)
    printed = example("study_from_python", *words)
    assert "{'cat': 24, 'dog': 6}" in printed
    # A row in each of two tables, but for the baseline, which has no effect.
    for arm in ("resized_crop + hflip", "logit_adjusted: resized_crop + hflip"):
        assert len(re.findall(rf"^\| {re.escape(arm)} +\|", printed, re.M)) == 2
    assert len(re.findall(r"^\| imbalanced +\|", printed, re.M)) == 1


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_every_example_is_a_page_of_the_gallery(script):
    text = script.read_text()
    title, rule, *_ = ast.get_docstring(ast.parse(text), clean=True).splitlines()
    assert rule == "=" * len(title)
    assert "\n# %%\n" in text
    assert len(text.splitlines()) <= 125
    assert (ROOT / "tests/examples/test_examples.py").read_text().count(f'"{script.stem}"') >= 1
