"""Folders without a test part: which images are held out of them, and what is said of it."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from gpuaug.__main__ import main
from gpuaug.study.cli import options
from gpuaug.study.data import holdout
from gpuaug.study.data.holdout import held_out
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load

pytestmark = pytest.mark.slow

COUNTS = {"cat": 20, "dog": 11, "eel": 3}


def write_classes(root, counts=COUNTS, size=(16, 16)):
    """Image n of class number k is of the color (n, 100 k, 7)."""
    for number, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for n in range(count):
            Image.new("RGB", size, (n, 100 * number, 7)).save(root / name / f"{n:03}.png")
    return root


def colors(images):
    return [tuple(of) for of in images[:, :2, 0, 0].tolist()]


def test_every_image_is_in_one_part_with_its_label(tmp_path):
    data = load(Request(str(write_classes(tmp_path))))
    train, test = colors(data.train_images), colors(data.test_images)
    assert sorted(train + test) == sorted(
        (n, 100 * k) for k, count in enumerate(COUNTS.values()) for n in range(count)
    )
    assert [green // 100 for _, green in train] == data.train_labels.tolist()
    assert [green // 100 for _, green in test] == data.test_labels.tolist()
    assert train == sorted(train, key=lambda of: (of[1], of[0]))  # within a class by file name


@pytest.mark.parametrize(
    ("share", "test"),
    [
        (None, [4, 2, 1]),  # of 0.2: 4, 2.2 and 0.6
        (0.2, [4, 2, 1]),
        (0.5, [10, 6, 2]),  # halves to even
        (0.01, [1, 1, 1]),  # one at the least
        (0.99, [19, 10, 2]),  # and never all: 19.8, 10.9 and 3.0
    ],
)
def test_a_share_of_every_class(tmp_path, share, test):
    data = load(Request(str(write_classes(tmp_path)), holdout=share))
    assert data.test_labels.bincount().tolist() == test
    assert list(data.counts().values()) == [of - out for of, out in zip(COUNTS.values(), test, strict=True)]
    assert list(data.holdout.test.values()) == test
    assert data.holdout.train == data.counts()


def test_a_seed_repeats_and_another_does_not(tmp_path):
    write_classes(tmp_path)
    first, again, other = (
        colors(load(Request(str(tmp_path), holdout_seed=seed)).test_images) for seed in (None, 0, 1)
    )
    assert first == again != other
    # The very images, so that no version moves them unnoticed.
    assert first == [(7, 0), (9, 0), (13, 0), (16, 0), (6, 100), (8, 100), (0, 200)]


def paths(counts):
    return [Path(name) / f"{n:03}.png" for name, count in counts.items() for n in range(count)]


def labels(counts):
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(list(counts.values())))


def test_further_images_leave_the_others_where_they_are():
    few, many = {"cat": 100, "dog": 100}, {"cat": 110, "dog": 100}
    before = dict(zip(paths(few), held_out(paths(few), labels(few), 0.2, 0).tolist(), strict=True))
    after = dict(zip(paths(many), held_out(paths(many), labels(many), 0.2, 0).tolist(), strict=True))
    moved = [path for path in before if before[path] != after[path]]
    assert len(moved) <= 10
    assert all(path.parts[0] == "cat" for path in moved)


@pytest.mark.slow
def test_all_images_are_held_out_as_often():
    counts = {"cat": 10, "dog": 5}
    seeds = 500
    found = sum(held_out(paths(counts), labels(counts), 0.2, seed).int() for seed in range(seeds))
    # 100 each, deviation 8.9: none further than five of these.
    assert (found - seeds // 5).abs().max() < 45


def test_a_class_of_one_image(tmp_path):
    write_classes(tmp_path, {"cat": 3, "dog": 1})
    with pytest.raises(ValueError, match="two images or more, one to hold out; dog has 1"):
        load(Request(str(tmp_path)))


def test_a_folder_with_both_parts_takes_no_holdout(tmp_path):
    for part in ("train", "test"):
        write_classes(tmp_path / part)
    with pytest.raises(ValueError, match=r"holdout is for a folder without .* has both; got 0.3"):
        load(Request(str(tmp_path), holdout=0.3))
    assert load(Request(str(tmp_path))).holdout is None


def test_a_folder_without_folders_of_classes(tmp_path):
    (tmp_path / "image.png").touch()
    with pytest.raises(ValueError, match="has no folder in it"):
        load(Request(source=str(tmp_path)))


def test_the_report_says_how_the_folder_was_split(tmp_path, capsys):
    write_classes(tmp_path / "animals")
    out = tmp_path / "out"
    words = ["--epochs", "1", "--seeds", "1", "--arms", "imbalanced", "--minority", "dog", "--device", "cpu"]
    split = ["--holdout", "0.25", "--holdout-seed", "7"]
    main(["study", "--data", str(tmp_path / "animals"), *words, *split, "--out", str(out)])
    said = "0.25 of every class held out by seed 7, train and test: 15 and 5 cat, 8 and 3 dog, 2 and 1 eel"
    assert said in capsys.readouterr().out
    for form in ("report.html", "report.md"):
        assert said in (out / form).read_text(encoding="utf-8")
    assert json.loads((out / "report.json").read_text())["settings"]["holdout"] == {
        "share": 0.25,
        "seed": 7,
        "train": {"cat": 15, "dog": 8, "eel": 2},
        "test": {"cat": 5, "dog": 3, "eel": 1},
    }
    # The seed is part of what a study can go on with.
    with pytest.raises(SystemExit):
        main(["study", "--data", str(tmp_path / "animals"), *words, "--resume", "--out", str(out)])
    assert "resume needs the study's own data" in capsys.readouterr().err


def test_the_option_has_the_same_default():
    assert options.HOLDOUT == holdout.SHARE
