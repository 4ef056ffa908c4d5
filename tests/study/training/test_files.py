"""The names of a study's files: one for each run, and the ones that earlier studies have."""

import pytest

from gpuaug.study.training.files import file_stem, replace_file, run_folder


def test_folders_of_arms_that_read_alike_differ(tmp_path):
    names = {run_folder(tmp_path, arm, seed) for arm in ("a + b", "a: b", "a @ b") for seed in (0, 1)}
    assert len(names) == 6
    assert len(file_stem(" + ".join(["RandomRotation((-10, 0))"] * 20))) < 50


def test_runs_of_earlier_studies_are_found(tmp_path):
    assert run_folder(tmp_path, "natural: crop + hflip", 3) == tmp_path / "natural_crop_hflip-753295f7-3"
    long = "RandomResizedCrop(32, scale=(0.6, 1.0)) @ copies"
    assert run_folder(tmp_path, long, 0).name == "RandomResizedCrop_32_scale_0.6_1.0_copie-b44915ff-0"


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "run.json"
    replace_file(path, lambda part: part.write_text("first"))

    def dies(part):
        part.write_text("ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(path, dies)
    assert path.read_text() == "first"
    replace_file(path, lambda part: part.write_text("second"))
    assert path.read_text() == "second"
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]
