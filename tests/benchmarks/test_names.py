"""The tables of names: what they say is what a translation makes."""

from __future__ import annotations

import importlib
import warnings

import pytest

import gpuaug
from gpuaug.transforms.compose import Compose, OneOf, RandomApply

# What a transform needs to be built; others have a default for every setting, or are left out of this test.
NEEDED = {
    "CenterCrop": {"size": 8},
    "Pad": {"padding": 2},
    "RandomAdjustSharpness": {"sharpness_factor": 2},
    "RandomAffine": {"degrees": 10},
    "RandomCrop": {"size": 8},
    "RandomPosterize": {"bits": 4},
    "RandomResizedCrop": {"size": 8},
    "RandomRotation": {"degrees": 10},
    "RandomSolarize": {"threshold": 128},
    "Resize": {"size": 8},
    "ColorJitter": {"brightness": 0.5},
}


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")


def leaves(transform):
    if isinstance(transform, (Compose, OneOf, RandomApply)):
        return {name for inner in transform.transforms for name in leaves(inner)}
    return {type(transform).__name__}


def said(library):
    """The names of the page's tables, with what stands beside them."""
    table = importlib.import_module("names_table")
    part = table.PARTS[[table.TORCHVISION, table.ALBUMENTATIONS].index(library)]
    rows = [line.strip("| ").split(" | ") for line in part.text().splitlines() if line.startswith("| `")]
    return {name.strip("`"): beside for name, beside in rows}


@pytest.mark.parametrize("name", ["torchvision", "albumentations"])
def test_every_name_that_a_translation_knows_is_on_the_page(name):
    table = importlib.import_module("names_table")
    library = {"torchvision": table.TORCHVISION, "albumentations": table.ALBUMENTATIONS}[name]
    page = table.PAGE.read_text()
    for known in {*library.rules, *library.absent}:
        assert f"`{known}`" in page


@pytest.mark.parametrize("name", ["torchvision", "albumentations"])
def test_a_translation_makes_what_the_page_says(name):
    table = importlib.import_module("names_table")
    if name == "torchvision":
        module = importlib.import_module("torchvision.transforms.v2")
        library, translate = table.TORCHVISION, gpuaug.from_torchvision
    else:
        module = pytest.importorskip("albumentations", reason="needs albumentations")
        library, translate = table.ALBUMENTATIONS, gpuaug.from_albumentations
    tried = 0
    for theirs, ours in said(library).items():
        if theirs in library.absent or not hasattr(module, theirs):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = translate(getattr(module, theirs)(**NEEDED.get(theirs, {})))
        except (TypeError, ValueError):  # it has no defaults, or its defaults have no counterpart
            continue
        tried += 1
        assert leaves(made) == set(ours.replace("`", "").split(", ")), theirs
    assert tried >= 20
