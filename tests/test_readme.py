"""README.md: one page, whose program makes balanced batches of a folder of images."""

from __future__ import annotations

import pages
import torch

README = pages.ROOT / "README.md"


def test_it_is_one_page():
    assert len(README.read_text().splitlines()) <= 120


def test_its_program_is_ten_lines_and_makes_balanced_batches(tmp_path, monkeypatch):
    pages.write_images(tmp_path)
    monkeypatch.chdir(tmp_path)
    [program] = pages.python_of(README)
    assert len(program.text.strip().splitlines()) <= 10
    names = {}
    pages.run(program, "README.md", names)
    assert names["images"].shape == (16, 3, 224, 224)
    assert names["images"].dtype == torch.float32
    assert sorted(names["labels"].tolist()) == [0] * 8 + [1] * 8
