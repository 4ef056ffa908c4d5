"""CIFAR-10's cats and dogs, from real JPEG files."""

import json
import zipfile

import pytest

from gpuaug.__main__ import main

pytestmark = pytest.mark.slow

TRAIN, TEST = 12, 6


@pytest.fixture
def few(shared_data, tmp_path):
    """A folder with the first few images of every class."""
    with zipfile.ZipFile(shared_data / "cifar10-catdog.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        for split, count in (("train", TRAIN), ("test", TEST)):
            for animal in ("cat", "dog"):
                of_class = [name for name in names if name.startswith(f"{split}/{animal}/")]
                archive.extractall(tmp_path / "catdog", of_class[:count])
    return tmp_path / "catdog"


@pytest.mark.slow
def test_the_article_on_a_few_images(few, tmp_path, capsys):
    main(
        [
            "study",
            "--data",
            str(few),
            "--ratio",
            "4",
            "--epochs",
            "1",
            "--seeds",
            "1",
            "--out",
            str(tmp_path / "out"),
        ]
    )
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["settings"]["image_shape"] == [3, 32, 32]
    assert report["settings"]["train_images"] == {"cat": TRAIN, "dog": TRAIN // 4}
    assert report["settings"]["test_images"] == {"cat": TEST, "dog": TEST}
    assert report["settings"]["minority"] == ["dog"]
    assert list(report["arms"]) == ["imbalanced", "undersampled", "duplicates", "copies", "all"]
    assert "dog recall" in capsys.readouterr().out
