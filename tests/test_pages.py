"""README.md and the pages under docs/: their Python runs, their links lead somewhere, commands are taken."""

from __future__ import annotations

import argparse
import doctest
import importlib.util
import os
import re
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pages
import pytest

from gpuaug.images.batch import MOST_CHANNELS
from gpuaug.recipe.layout import FIELDS
from gpuaug.sampling import BalancedSampler, Schedule
from gpuaug.study.arms.arms import read_arms
from gpuaug.study.cli.options import add_arguments

PAGES = {path.relative_to(pages.ROOT).as_posix(): path for path in pages.pages()}
# What a block may ask for, and is then left out without: it is no requirement of gpuaug or of its tests.
FRAMEWORKS = {"accelerate", "albumentations", "datasets", "lightning", "torchdata", "transformers"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with images in ``train`` and ``test``."""
    pages.write_images(tmp_path)
    monkeypatch.chdir(tmp_path)
    # What Hugging Face's libraries keep, they keep here, and they ask no server.
    monkeypatch.setenv("HF_HOME", str(tmp_path / "kept"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    if "datasets" in sys.modules:
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "kept")
    interrupt = signal.getsignal(signal.SIGINT)  # a page has a handler of its own
    yield tmp_path
    signal.signal(signal.SIGINT, interrupt)


def missing(block: pages.Block) -> list[str]:
    return [name for name in block.needs if importlib.util.find_spec(name) is None]


@pytest.mark.parametrize("name", [name for name, path in PAGES.items() if pages.python_of(path)])
def test_blocks_of_python_run(name: str, folder: Path) -> None:
    """One after another, as a reader types them, in a folder of images."""
    names: dict[str, object] = {"__name__": "__main__"}
    left_out = []
    for block in pages.python_of(PAGES[name]):
        if absent := missing(block):
            left_out += absent
            continue
        pages.run(block, name, names)
    if left_out:
        pytest.skip(f"all but the blocks for want of {', '.join(sorted(set(left_out)))} ran")


def test_blocks_ask_for_frameworks_alone() -> None:
    asked = {module for path in PAGES.values() for block in pages.python_of(path) for module in block.needs}
    assert asked <= FRAMEWORKS


def test_each_comment_about_needs_belongs_to_a_block() -> None:
    for name, path in PAGES.items():
        text = path.read_text()
        written = text.count("<!-- needs:")
        assert written == sum(bool(block.needs) for block in pages.blocks(text)), name


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("docs/")])
def test_code_is_no_wider_than_a_page(name: str) -> None:
    code = [block for block in pages.blocks(PAGES[name].read_text()) if block.language in ("python", "bash")]
    assert [line for block in code for line in block.text.splitlines() if len(line) > 88] == []


# ---- Links


def inner_links() -> list[tuple[str, str]]:
    found = [(name, target) for name, path in PAGES.items() for target in pages.links(path.read_text())]
    return [(name, target) for name, target in found if not target.startswith(("https://", "http://"))]


@pytest.mark.parametrize(("name", "target"), inner_links())
def test_a_link_leads_to_a_file_and_a_heading(name: str, target: str) -> None:
    file, _, anchor = target.partition("#")
    path = PAGES[name].parent / file if file else PAGES[name]
    assert path.exists(), f"{name} links to {target}"
    assert path.resolve().is_relative_to(pages.ROOT)
    if anchor:
        assert path.suffix == ".md"
        assert anchor in pages.anchors(pages.read(path)), f"{name} links to {target}"


@pytest.mark.parametrize("room", pages.ROOMS)
def test_each_page_is_in_the_table_of_contents_of_its_room(room: str) -> None:
    index = pages.ROOT / "docs" / room / "index.md"
    others = {path.stem for path in index.parent.glob("*.md")} - {"index"}
    assert sorted(pages.entries(index.read_text())) == sorted(others)


# ---- Figures

_MARKED = re.compile(r"<!-- ([\w ]+): benchmarks/(\w+\.py) -->\n(.*?)<!-- end of \1 -->", re.DOTALL)
# What only a measurement says: rates, spreads, intervals, how many times as fast, a share of correct answers.
MEASURED = re.compile(
    r"\d (?:images|draws|frames|GB)/s|\d ± \d|[+-]0\.\d+ \[|\b0\.\d{3}\b|"
    r"\d (?:times|×) (?:faster|slower|as fast|as long)|\d (?:µs|ms)\b"
)
WHOLE = "docs/results/techniques.md"  # a program writes all of it


@pytest.mark.parametrize("name", [name for name in PAGES if name != WHOLE])
def test_what_was_measured_is_in_a_part_that_a_program_writes(name: str) -> None:
    """tests/benchmarks/test_figures.py runs the programs."""
    text = PAGES[name].read_text()
    for _, program, _ in _MARKED.findall(text):
        assert (pages.ROOT / "benchmarks" / program).is_file()
    assert MEASURED.findall(pages.prose(_MARKED.sub("", text))) == []


def test_measured_figures_are_told_from_settings() -> None:
    for figure in ("2,596 images/s", "0.735 ± 0.010", "+0.006 [-0.034, +0.045]", "8 times as fast", "66 µs"):
        assert MEASURED.search(figure), figure
    for setting in ("4,800 cats", "a rate of 0.5", "within ±0.02", "ratio 1/8", "10 epochs", "1 MiB or more"):
        assert not MEASURED.search(setting), setting


def test_numbers_of_the_design_are_those_of_the_code() -> None:
    how = {path.stem: path.read_text() for path in (pages.ROOT / "docs/how").glob("*.md")}
    assert f"({len(FIELDS)} words," in how["recipe"]
    assert f"up to {MOST_CHANNELS} channels" in how["limits"]
    floor = (pages.ROOT / "requirements-floor.txt").read_text()
    torch, kornia = (
        re.search(rf"^{name}==(\d+\.\d+)", floor, re.MULTILINE)[1] for name in ("torch", "kornia")
    )
    assert f"Python 3.11, PyTorch {torch} and kornia {kornia} are the oldest" in how["limits"]
    assert f"Python 3.11, PyTorch {torch} or later" in PAGES["README.md"].read_text()


# ---- Commands


def commands(kind: str) -> list[tuple[str, str]]:
    found = []
    for name, path in PAGES.items():
        for block in pages.blocks(path.read_text()):
            joined = block.text.replace("\\\n", " ")
            found += [(name, words) for words in re.findall(rf"^{kind} (.*)$", joined, re.MULTILINE)]
    return found


def test_studies_have_options_and_arms_that_do_something() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    studies = commands("gpuaug study")
    assert len(studies) >= 4
    for _, words in studies:
        asked = parser.parse_args(shlex.split(words))
        for name, arm in read_arms(asked.arms or ["balancing"], epochs=asked.epochs).items():
            if isinstance(arm.target, Schedule):
                sampler, plans = BalancedSampler([0, 0, 0, 1], arm.target), []
                for epoch in (0, asked.epochs - 1):
                    sampler.set_epoch(epoch)
                    plans.append(sampler.plan_)
                assert plans[0] != plans[1], f"{name} is one target through all epochs of: {words}"


def test_targets_of_make_exist() -> None:
    makefile = (pages.ROOT / "Makefile").read_text()
    named = commands("make")
    assert named
    for name, words in named:
        assert re.search(rf"^{words.split()[0]}:", makefile, re.MULTILINE), f"{name}: make {words}"


# ---- The checks themselves


def test_a_block_that_is_wrong_fails_with_its_line(folder: Path) -> None:
    page = "Text\n\n```python\nx = 1\n1 / (x - 1)\n```\n"
    with pytest.raises(ZeroDivisionError) as caught:
        pages.run(next(pages.blocks(page)), "page", {})
    assert caught.traceback[-1].lineno + 1 == 5
    assert os.getcwd() == str(folder)


def test_a_session_whose_answer_is_wrong_fails() -> None:
    with pytest.raises(doctest.DocTestFailure):
        pages.run(pages.Block(1, "python", ">>> 1 + 1\n3\n"), "page", {})


def test_examples() -> None:
    failed, attempted = doctest.testmod(pages)
    assert attempted > 4
    assert failed == 0
