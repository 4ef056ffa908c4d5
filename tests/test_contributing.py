"""CONTRIBUTING.md: every room stands in its map, what it names is there, and pages list every stage."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gpuaug.recipe.layout import FIELDS, Stage

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


KERNEL = [stage.name.lower() for stage in Stage if Stage.GEOMETRY <= stage <= Stage.OUTPUT]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/how/recipe.md"])
def test_pages_list_the_stages_in_the_kernel_s_order(page: str):
    listed = re.search(r"fixed order: (.*?)(?: \||\.)", (ROOT / page).read_text(), re.DOTALL)[1]
    assert [name.split()[0] for name in listed.split(", ")] == KERNEL


def test_the_page_of_the_kernel_has_a_row_for_every_stage():
    rows = re.findall(r"^\| (?!stage )(\w+).* \|$", (ROOT / "docs/how/kernel.md").read_text(), re.MULTILINE)
    assert rows == KERNEL


def test_the_page_of_the_recipe_counts_its_words():
    assert f"({len(FIELDS)} words" in (ROOT / "docs/how/recipe.md").read_text()
