"""CONTRIBUTING.md: every room stands in its map, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()


@pytest.mark.parametrize("folder", ["gpuaug", "csrc"])
def test_the_map_has_every_room(folder: str):
    part = re.search(rf"^{folder}/\n((?:  .*\n)+)", PAGE, re.MULTILINE)[1]
    named = set(re.findall(r"^  (\S+)", part, re.MULTILINE))
    there = {path.name + "/" * path.is_dir() for path in (ROOT / folder).glob("[!_.]*")}
    leaves = {"arguments.py", "lazy_kornia.py", "py.typed"}  # small, and any room may use them
    assert named == there - leaves


def test_files_that_it_names_exist():
    """Names in backquotes with a folder; a placeholder such as <name> is no name."""
    names = re.findall(r"`((?:gpuaug|csrc|tests|benchmarks)/[\w/.]+)`", PAGE)
    assert len(names) > 12
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_targets_of_make_that_it_names_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", PAGE, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_page_has_ten_words():
    glossary = re.findall(r"^\| (\w+) \| (?!meaning)\S", PAGE, re.MULTILINE)
    expected = "sample draw key plan transform stage pass recipe selection level"
    assert glossary == expected.split()
