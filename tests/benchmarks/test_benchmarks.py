"""What the benchmarks rest on: the judge of a peer's output, the turns, the file of figures."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Callable
from itertools import groupby

import pytest
import torch

import gpuaug

CHAINS = ("full", "resize", "one of", "turn")


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")


@pytest.mark.parametrize("name", ["case", "chains", "timing", "marked_part", "speeds_table"])
def test_examples(name):
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0


# ---- The judge


def judge(chain: str, augment: Callable[[torch.Tensor], torch.Tensor]) -> None:
    from case import Case
    from statistics_of_chain import check

    check(Case(chain, side=32, batch=256, threads=1), lambda probe: lambda: augment(probe))


@pytest.mark.filterwarnings("ignore:Mean of empty slice")  # a probe's column may be all black
@pytest.mark.parametrize("given", CHAINS)
@pytest.mark.parametrize("asked", CHAINS)
def test_judge_tells_the_chains_apart(asked, given):
    from case import Case
    from peers import gpuaug_chain

    augment = gpuaug_chain(Case(given, side=32, batch=256, threads=1))
    if asked == given:
        judge(asked, augment)
    else:
        with pytest.raises(AssertionError, match="must be"):
            judge(asked, augment)


WINDOW = (gpuaug.RandomCrop(20), gpuaug.Resize(32))
FLIP, BLUR = gpuaug.RandomHorizontalFlip(), gpuaug.GaussianBlur(5, sigma=1.0)
NOISE = gpuaug.SaltAndPepper(0.25, 0.6)
ALTERED = {
    "no flip": ([*WINDOW, BLUR, NOISE], "flips"),
    "always the middle": ([gpuaug.CenterCrop(20), WINDOW[1], FLIP, BLUR, NOISE], "spread of its places"),
    "a larger window": ([gpuaug.RandomCrop(22), WINDOW[1], FLIP, BLUR, NOISE], "slope"),
    "a weaker blur": ([*WINDOW, FLIP, gpuaug.GaussianBlur(5, sigma=0.7), NOISE], "spread left"),
    "less noise": ([*WINDOW, FLIP, BLUR, gpuaug.SaltAndPepper(0.2, 0.6)], "share of salt"),
    "noise under the blur": ([*WINDOW, FLIP, NOISE, BLUR], "share of salt"),
    "equal salt and pepper": ([*WINDOW, FLIP, BLUR, gpuaug.SaltAndPepper(0.25, 0.5)], "share of salt"),
}


TURN = gpuaug.RandomAffine(15, scale=(0.8, 1.2))
JITTER = gpuaug.ColorJitter(0.2, 0.2, 0.2)
HOLE = gpuaug.RandomErasing(1.0, scale=(1 / 16, 1 / 16), ratio=(1, 1))
ALTERED_TURNS = {
    "no flip": ([TURN, JITTER, HOLE], "flips"),
    "larger angles": ([gpuaug.RandomAffine(18, scale=(0.8, 1.2)), FLIP, JITTER, HOLE], "spread of angle"),
    "to one side": ([gpuaug.RandomAffine((0, 30), scale=(0.8, 1.2)), FLIP, JITTER, HOLE], "mean angle"),
    "no scale": ([gpuaug.RandomAffine(15), FLIP, JITTER, HOLE], "spread of scale"),
    "no contrast": ([TURN, FLIP, gpuaug.ColorJitter(0.2, 0, 0.2), HOLE], "brightness times contrast"),
    "no saturation": ([TURN, FLIP, gpuaug.ColorJitter(0.2, 0.2, 0), HOLE], "spread of saturation"),
    "no hole": ([TURN, FLIP, JITTER], "erased"),
    "holes that reach beyond the image": ([TURN, FLIP, JITTER, gpuaug.CutOut(8)], "erased"),
    "blurred": ([TURN, FLIP, BLUR, JITTER, HOLE], "grain"),
}


@pytest.mark.parametrize(
    ("chain", "alteration"),
    [*(("full", name) for name in ALTERED), *(("turn", name) for name in ALTERED_TURNS)],
)
def test_judge_refuses(chain, alteration):
    from case import MEAN, STD

    transforms, complaint = {"full": ALTERED, "turn": ALTERED_TURNS}[chain][alteration]
    augment = gpuaug.Compose([*transforms, gpuaug.Normalize(MEAN, STD)])
    with pytest.raises(AssertionError, match=complaint):
        judge(chain, augment)


def test_judge_refuses_one_parameter_for_the_whole_batch():
    from case import MEAN, STD

    augment = gpuaug.Compose([*WINDOW, FLIP, BLUR, NOISE, gpuaug.Normalize(MEAN, STD)])
    with pytest.raises(AssertionError, match="must be"):
        judge("full", lambda images: augment(images[:1]).expand(len(images), -1, -1, -1))


# ---- The turns


def test_libraries_take_turns():
    from timing import Run, take_turns

    calls: list[str] = []
    runs = {name: Run(lambda name=name: calls.append(name)) for name in "ABC"}
    taken = take_turns(runs, rounds=4, seconds=1e-5)
    assert {name: len(seconds) for name, seconds in taken.items()} == {"A": 4, "B": 4, "C": 4}
    assert "".join(name for name, _ in groupby(calls)) == "ABC" * 5  # once to warm up, then the rounds


def test_every_turn_begins_with_a_batch_that_is_not_timed():
    from timing import Run, turn

    calls: list[str] = []
    turn(Run(lambda: calls.append("batch")), count=3, device="cpu")
    assert len(calls) == 1 + 3


def test_going_on_in_another_environment_is_refused(tmp_path):
    from chains import stored, write

    figures = tmp_path / "chains.json"
    assert stored(figures, "calls", {"python": "3.11"}) == {}
    write(figures, "calls", {"environment": {"python": "3.11"}, "cases": {"one": {"side": 32}}})
    write(figures, "growth", {"environment": {"python": "3.12"}, "cases": {}})
    assert stored(figures, "calls", {"python": "3.11"}) == {"one": {"side": 32}}
    with pytest.raises(SystemExit, match=r"calls were measured with .*3\.11.*3\.12"):
        stored(figures, "calls", {"python": "3.12"})
