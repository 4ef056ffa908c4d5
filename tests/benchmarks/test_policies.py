"""The benchmark of policies: the judge of what a library gives, the aims, a run of a few small images."""

from __future__ import annotations

import doctest
import importlib
import json
import subprocess
import sys

import pytest
import torch

import gpuaug


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")


@pytest.mark.parametrize("name", ["policy_cases", "policy_targets"])
def test_examples(name):
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0


# ---- The judge


def judge(chain: str, augment: torch.nn.Module | None = None) -> None:
    from policy_cases import ALONE, CLIPS, PolicyCase
    from policy_peers import gpuaug_chain
    from statistics_of_policies import check

    side, batch = (224, 16) if chain in ALONE else (32, 128)
    case = PolicyCase(chain, side, batch, threads=1, frames=2 * (chain == CLIPS))
    chosen = augment or gpuaug_chain(case)
    check(case, lambda probe: lambda: chosen(probe))


@pytest.mark.slow
@pytest.mark.parametrize(
    "chain",
    [
        *("RandAugment", "TrivialAugmentWide", "AugMix"),
        *("Equalize", "AutoContrast", "CLAHE", "mean contrast", "clips"),
    ],
)
def test_the_check_accepts_gpuaugs_policies(chain):
    torch.manual_seed(0)
    judge(chain)


def window_and(*steps, flip=0.5, scale=(0.08, 1), noise_per="clip"):
    from case import MEAN, STD

    window = [gpuaug.RandomResizedCrop(32, scale=scale), gpuaug.RandomHorizontalFlip(flip)]
    return gpuaug.Compose([*window, *steps, gpuaug.Normalize(MEAN, STD)], noise_per=noise_per)


ALTERED = {
    "no flip": ("RandAugment", lambda: window_and(gpuaug.RandAugment(), flip=0), "share of flips"),
    "whole images": ("RandAugment", lambda: window_and(gpuaug.RandAugment(), scale=(1, 1)), "slope across"),
    "one op": ("RandAugment", lambda: window_and(gpuaug.RandAugment(1)), "must be"),
    "stronger": ("RandAugment", lambda: window_and(gpuaug.RandAugment(2, 20)), "must be"),
    "no policy": ("TrivialAugmentWide", lambda: window_and(), "must be"),
    "another policy": ("TrivialAugmentWide", lambda: window_and(gpuaug.RandAugment()), "must be"),
    "one chain": ("AugMix", lambda: window_and(gpuaug.AugMix(10, 1)), "must be"),
    "weaker colors": ("clips", lambda: window_and(gpuaug.ColorJitter(0.1, 0.1, 0.1)), "must be"),
    "noise of each frame": (
        "clips",
        lambda: window_and(gpuaug.SaltAndPepper(), noise_per="frame"),
        "all frames of a clip must be equal",
    ),
    "stretched": ("Equalize", lambda: gpuaug.AutoContrast(), "difference of Equalize"),
    "nothing": ("AutoContrast", lambda: torch.nn.Identity(), "difference of AutoContrast"),
    "a larger limit": ("CLAHE", lambda: gpuaug.CLAHE(4.0), "difference of CLAHE"),
    "about the middle": (
        "mean contrast",
        lambda: gpuaug.ColorJitter(brightness=(0.8, 1.2)),
        "contrast about the mean",
    ),
    "one contrast": (
        "mean contrast",
        lambda: gpuaug.RandomMeanContrast((0.99, 1.01)),
        "spread of the factors",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("alteration", ALTERED)
def test_the_check_refuses_wrong_policies(alteration):
    torch.manual_seed(0)
    chain, augment, complaint = ALTERED[alteration]
    with pytest.raises(AssertionError, match=complaint):
        judge(chain, augment())


# ---- Processes


def test_results_of_processes_come_in_the_order_of_the_images():
    from policy_cases import PolicyCase
    from policy_peers import torchvision_batch
    from torchvision.transforms.v2 import functional as F

    case = PolicyCase("Equalize", side=16, batch=5, threads=2)
    images = case.images()
    with torchvision_batch(case, images) as run:
        for _ in range(3):
            assert torch.equal(run.images(), F.equalize(images))


# ---- The aims


def test_the_fastest_of_a_librarys_rows_counts():
    from policy_targets import targets

    times = {"torchvision": 30.0, "torchvision, threads": 19.5}
    case = {
        "chain": "clips",
        "side": 112,
        "libraries": {name: {"times_gpuaug": value} for name, value in times.items()},
    }
    (row,) = targets({"clips": {"cases": {"clips": case}}})
    assert (row["value"], row["at_least"], row["met"]) == (19.5, 20, False)


# ---- A run


@pytest.mark.slow
@pytest.mark.thorough
def test_the_benchmark_of_policies_runs_and_makes_tables(tmp_path, request):
    from policies_table import tables
    from policy_cases import sections

    out = tmp_path / "policies.json"
    script = request.config.rootpath / "benchmarks/policies.py"
    command = [sys.executable, script, "--small", "--rounds", "3", "--seconds", "0.01", "--out", out]
    subprocess.run(command, check=True, cwd=request.config.rootpath, timeout=500)
    report = json.loads(out.read_text())
    assert set(report) == {*sections(2, small=True), "targets"}
    for name, cases in sections(2, small=True).items():
        assert list(report[name]["cases"]) == [str(case) for case in cases]
        for case in report[name]["cases"].values():
            assert len(case["libraries"]) > 1
            for row in case["libraries"].values():
                low, high = row["us_quartiles"]
                assert 0 < low <= row["us"] <= high
    page = tables(report)
    assert all(
        f"| {name} | " in page
        for section in report.values()
        if isinstance(section, dict)
        for name in section["cases"]
    )
    assert page.count("| yes |") + page.count("| **no** |") == len(report["targets"]) > 0


# ---- The figures that are committed


def test_the_page_shows_the_results():
    from policies_table import PART

    assert PART.is_current()


def test_figures_are_whole_and_their_aims_are_theirs():
    from policies_table import RESULTS
    from policy_cases import sections
    from policy_peers import PEERS
    from policy_targets import AIMS, targets

    report = json.loads(RESULTS.read_text())
    for name, cases in sections(2, small=False).items():
        assert list(report[name]["cases"]) == [str(case) for case in cases]
        for case in report[name]["cases"].values():
            assert case["libraries"].keys() == {"gpuaug", *PEERS[case["chain"]]}
    assert report["targets"] == targets(report)
    assert len(report["targets"]) == sum(len(aims) for aims in AIMS.values())
