"""The settings that a study shares with its continuation."""

import json

import pytest

from gpuaug.study.training.settings import keep_settings

SETTINGS = {"epochs": 3, "versions": {"torch": "2.14.1"}, "candidates": ("crop", "hflip")}


def test_a_study_goes_on_with_its_own_settings_alone(tmp_path):
    keep_settings(tmp_path / "runs", SETTINGS)
    before = (tmp_path / "runs" / "plan.json").read_bytes()
    keep_settings(tmp_path / "runs", SETTINGS)
    with pytest.raises(ValueError, match="the study's own epochs: it was begun with 3, and is now given 4"):
        keep_settings(tmp_path / "runs", {**SETTINGS, "epochs": 4})
    assert (tmp_path / "runs" / "plan.json").read_bytes() == before


def test_the_settings_of_studies_begun_before_are_read(tmp_path):
    (tmp_path / "plan.json").write_text(json.dumps(SETTINGS, indent=1) + "\n")
    keep_settings(tmp_path, SETTINGS)
    with pytest.raises(ValueError, match=r"own versions: it was begun with \{'torch': '2\.14\.1'\}"):
        keep_settings(tmp_path, {**SETTINGS, "versions": {"torch": "2.15.0"}})
