"""The settings that a study shares with its continuation."""

import json

import pytest

from gpuaug.__main__ import Parser
from gpuaug.study.cli.options import add_arguments
from gpuaug.study.cli.prepared import prepare
from gpuaug.study.search import search
from gpuaug.study.training import settings
from gpuaug.study.training.settings import keep_settings

SETTINGS = {"epochs": 3, "versions": {"torch": "2.14.1"}, "candidates": ("crop", "hflip")}


def test_a_study_goes_on_with_its_own_settings_alone(tmp_path):
    keep_settings(tmp_path / "runs", SETTINGS)
    before = (tmp_path / "runs" / "plan.json").read_bytes()
    keep_settings(tmp_path / "runs", SETTINGS)
    with pytest.raises(
        ValueError, match="own epochs: it was begun with 3, and is now given 4; give --epochs 3"
    ):
        keep_settings(tmp_path / "runs", {**SETTINGS, "epochs": 4})
    assert (tmp_path / "runs" / "plan.json").read_bytes() == before


def test_the_settings_of_studies_begun_before_are_read(tmp_path):
    (tmp_path / "plan.json").write_text(json.dumps(SETTINGS, indent=1) + "\n")
    keep_settings(tmp_path, SETTINGS)
    with pytest.raises(ValueError, match=r"own versions: it was begun with \{'torch': '2\.14\.1'\}"):
        keep_settings(tmp_path, {**SETTINGS, "versions": {"torch": "2.15.0"}})


def test_a_study_with_other_looks_names_the_options_to_give(tmp_path):
    grown = {"looks": [3, 4, 6], "until": 0.02}
    keep_settings(tmp_path / "grown", grown)
    with pytest.raises(ValueError, match=r"own looks: .* give --until 0.02 --seeds 3 --max-seeds 6"):
        keep_settings(tmp_path / "grown", {"looks": None, "until": None})
    with pytest.raises(ValueError, match=r"own until: .* give --until 0.02 --seeds 3 --max-seeds 6"):
        keep_settings(tmp_path / "grown", {**grown, "until": 0.01})
    keep_settings(tmp_path / "fixed", {"looks": None, "until": None})
    with pytest.raises(ValueError, match=r"own looks: it was begun with None, .*; give no --until"):
        keep_settings(tmp_path / "fixed", grown)


def test_every_setting_of_a_study_names_its_options(tmp_path, monkeypatch):
    """``OPTIONS`` has all that ``prepared`` keeps."""
    kept = []
    monkeypatch.setattr(settings, "keep_settings", lambda folder, wanted: kept.extend(wanted))
    words = ["--search", "99", "--candidates", "crop", "--out", str(tmp_path / "out")]
    parser = Parser()
    add_arguments(parser)
    monkeypatch.setattr(search, "keep_settings", settings.keep_settings)
    prepare(parser.parse_args(words), "")
    assert set(kept) == set(settings.OPTIONS)
