"""The benchmark of files: the files it makes, the judge of loaders, the aims, a run of a few tiny files."""

from __future__ import annotations

import doctest
import importlib
import json
import math
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

SIZE = (160, 120)


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")


@pytest.mark.parametrize("name", ["alternate", "file_decoders", "file_targets", "reducing_gaps"])
def test_examples(name):
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0


def test_no_module_hides_another(request):
    """Tests import those of both folders by their plain names."""
    root = request.config.rootpath
    folders = [root / "tests", root / "benchmarks", root / "benchmarks/gpu"]
    names = [path.name for folder in folders for path in folder.glob("*.py") if path.name != "conftest.py"]
    assert len(names) > 50
    assert sorted(names) == sorted(set(names))


# ---- The files


def test_files_are_jpegs_of_their_size_and_half_of_each_class(tmp_path):
    from image_files import paths_of, write_photographs

    paths = paths_of(write_photographs(tmp_path, SIZE, 6))
    assert [path.parent.name for path in paths] == ["first"] * 3 + ["second"] * 3
    for path in paths:
        image = Image.open(path)
        assert (image.format, image.size) == ("JPEG", SIZE)
        assert [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)]  # 4:2:0


def test_the_same_number_makes_the_same_file_and_another_a_different_one(tmp_path):
    from image_files import paths_of, write_photographs

    first, second = (paths_of(write_photographs(tmp_path / name, SIZE, 4)) for name in "ab")
    data = [path.read_bytes() for path in first]
    assert data == [path.read_bytes() for path in second]
    assert len(set(data)) == 4


def test_noise_has_the_spectrum_of_photographs():
    from image_files import pink_noise

    image = pink_noise((256, 256), 0)[..., 1].astype(float)
    amplitude = np.abs(np.fft.fft2(image - image.mean()))
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(256)] * 2))
    low, high = (amplitude[(frequency > f) & (frequency < 1.2 * f)].mean() for f in (0.05, 0.2))
    assert low / high == pytest.approx(4, rel=0.1)  # four times the frequency, a quarter of the amplitude


# ---- The judge


@pytest.fixture
def probes(tmp_path):
    from image_files import write_photographs, write_ramps

    return (
        write_photographs(tmp_path / "photographs", SIZE, 16),
        write_ramps(tmp_path / "ramps", SIZE, 16),
    )


def library(area=1.0, flip=1.0, label=0, skip=0, twice=0, shift=0, levels=0.0):
    """torchvision's transforms, one image after the other, altered as said."""
    from case import MEAN, STD
    from file_loaders import SIDE
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    @contextmanager
    def opened(case):
        window = v2.RandomResizedCrop(SIDE, (min(1.0, area * case.scale[0]), case.scale[1]), case.ratio)
        flipped = v2.RandomHorizontalFlip(flip * case.flip)
        output = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
        folder = ImageFolder(case.root, v2.Compose([window, flipped, *output]))

        def epoch():
            order = [*range(skip, len(folder)), *range(twice)]
            for begin in range(0, len(order), case.batch):
                images, labels = zip(*(folder[i] for i in order[begin : begin + case.batch]), strict=True)
                moved = torch.stack(images).roll(shift, -1) + levels / 255 / min(STD)
                yield moved, (torch.tensor(labels) + label) % 2

        yield epoch

    return opened


def test_judge_takes_what_is_right(probes):
    from file_checks import check

    torch.manual_seed(0)
    check(library(), *probes, SIZE)


@pytest.mark.parametrize(
    ("alteration", "complaint"),
    [
        ({"flip": 0.0}, "share of flips"),
        ({"area": 4.0}, "of a window"),
        ({"label": 1}, "label"),
        ({"skip": 1}, "every file once"),
        ({"twice": 1}, "every file once"),
        ({"shift": 8}, "difference from Pillow"),
        ({"levels": 6.0}, "levels must be"),
    ],
)
def test_the_check_refuses_wrong_batches_of_files(probes, alteration, complaint):
    from file_checks import check

    torch.manual_seed(0)
    with pytest.raises(AssertionError, match=complaint):
        check(library(**alteration), *probes, SIZE)


@pytest.mark.parametrize("name", ["gpuaug", "gpuaug, full scale"])
def test_the_check_accepts_gpuaugs_batches_of_files(probes, name):
    from file_checks import check
    from file_loaders import OURS

    check(OURS[name], *probes, SIZE)


def test_decoders_are_compared_with_pillow(probes):
    from file_decoders import DECODERS, check, loops
    from image_files import paths_of

    assert loops(probes[0], SIZE, threads=2)["whole"]["pillow"]() == 16
    path = str(paths_of(probes[0])[0])
    _, pillow, _ = DECODERS["pillow"]
    with pytest.raises(AssertionError, match="differs from Pillow"):
        check("a negative", lambda *asked: 255 - np.asarray(pillow(*asked)), path, SIZE, 1)


# ---- The aims


def test_aims_are_met_or_not():
    from file_targets import targets

    def rates(**values):
        return {name.replace("_", ", "): {"images_per_second": value} for name, value in values.items()}

    small = {"loaders": rates(gpuaug=1000, dali=400, torchvision_pillow=500), "limits": {"gpuaug": 1300}}
    memory = {"gpuaug": {"peak": 580, "epochs": [{"most": 601, "end": 10}]}}
    arrays = {"rows": {"gpuaug, 0 workers": {"images_per_second": 150_000}}}
    found = targets({"sets": {"500x375": small}, "memory": memory, "arrays": arrays})
    assert [(row["value"], row["met"]) for row in found] == [
        (2.5, True),
        (2.0, False),
        (0.77, False),
        (601, False),
        (150_000, True),
    ]


def test_share_of_windows_that_are_halved():
    from file_targets import share_at_half

    # Squares of areas uniform in 8 to 100 %, ratios near 1: both sides of 448 pixels, of 1000.
    share = share_at_half((1000, 1000), 1.0)
    ratio_costs = math.exp(math.log(4 / 3))  # at most
    assert (1 - 0.448**2 * ratio_costs) / 0.92 <= share <= (1 - 0.448**2) / 0.92


# ---- A run


@pytest.mark.slow
@pytest.mark.thorough
def test_the_benchmark_of_files_runs_without_peers(tmp_path, request):
    from files_chart import draw

    script = request.config.rootpath / "benchmarks/files.py"
    out = tmp_path / "files.json"
    command = [sys.executable, script, "--small", "--rounds", "2", "--out", out, "--peers"]
    subprocess.run(command, check=True, cwd=request.config.rootpath, timeout=300)
    report = json.loads(out.read_text())
    assert set(report) == {"environment", "arrays", "memory", "gaps", "sets", "targets"}
    assert list(report["sets"]) == ["250x188", "512x384"]
    ours = ["gpuaug", "gpuaug, full scale", "gpuaug, processes"]
    for measured in report["sets"].values():
        assert list(measured["loaders"]) == ours
        assert measured["left_out"] == {}
        assert {"pillow", "torchvision"} <= set(measured["decoders"]["whole"])
        assert "pillow" in measured["decoders"]["half"]
        for row in measured["loaders"].values():
            low, high = row["quartiles"]
            assert 0 < low <= row["images_per_second"] <= high
    assert list(report["gaps"]) == ["None", "3.0", "2.0", "1.5", "1.0"]
    assert report["gaps"]["None"]["changed"] == 0
    assert list(report["memory"]) == ours[:2]
    assert all(len(row["epochs"]) == 2 for row in report["memory"].values())
    assert len(report["arrays"]["rows"]) == 4
    assert all(row["met"] in (True, False) for row in report["targets"])
    draw(out, Path(tmp_path / "files.svg"))
    assert ">gpuaug, full scale<" in (tmp_path / "files.svg").read_text()


# ---- The figures that are committed


def test_figures_are_whole_and_their_aims_and_chart_are_theirs():
    from chart import digest
    from file_loaders import OURS
    from file_targets import targets
    from files import RESULTS, SECTIONS, WHOLE

    text = RESULTS.read_text()
    report = json.loads(text)
    assert set(report) == {"environment", *SECTIONS, "targets"}
    assert list(report["sets"]) == [f"{width}x{height}" for width, height in WHOLE.sets]
    for measured in report["sets"].values():
        assert set(measured["loaders"]) >= {*OURS, "torchvision, pillow", "torchvision, decode_image", "dali"}
    assert report["targets"] == targets(report)
    assert digest(text) in RESULTS.with_suffix(".svg").read_text()
