"""Successive halving: who goes on, what is held out, what is spent."""

import json
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gpuaug.study.arms.arms import read_arms
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.search import search as module
from gpuaug.study.search.search import Rung, hold_out, keep_search_settings, ladder, search
from gpuaug.study.training.metrics import ClassScore, Score
from gpuaug.study.training.rows import Epoch, Row
from gpuaug.study.training.training import Protocol


@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 4000), st.integers(2, 4))
def test_a_ladder_keeps_to_its_budget(candidates, seeds, budget, eta):
    rounds = len(ladder(candidates, seeds, 10**9, eta=eta))
    budget = max(budget, rounds * candidates * seeds)  # below that it is refused
    rungs = ladder(candidates, seeds, budget, eta=eta)
    before, spent = 0, 0
    for rung in rungs:
        spent += rung.candidates * seeds * (rung.until - before)
        assert rung.until > before
        before = rung.until
    assert spent <= budget
    assert rungs[0].candidates == candidates
    sizes = [rung.candidates for rung in rungs]
    assert all(many <= eta * few for many, few in pairwise(sizes))
    assert sizes[-1] <= eta  # one of these is the best, and it is not trained alone
    assert 1 not in sizes[1:]


def test_ladder_by_hand():
    # Three rounds with 54 epochs each: 27 x 2, 9 x 6, 3 x 18.
    assert ladder(27, 1, 162) == [Rung(27, 2), Rung(9, 8), Rung(3, 26)]
    assert ladder(6, 2, 400) == [Rung(6, 16), Rung(2, 66)]  # 6 x 2 x 16 and 2 x 2 x 50
    assert ladder(2, 1, 10) == [Rung(2, 5)]
    assert ladder(1, 2, 10) == [Rung(1, 5)]
    with pytest.raises(ValueError, match=r"search must have at least 81 epochs for 27 .* 1 seeds, got 80"):
        ladder(27, 1, 80)


def small(counts):
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    images = torch.arange(len(labels), dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 16, 16)
    return StudyData(tuple("abc"[: len(counts)]), images, labels, images + 100, labels)


def test_the_last_fifth_of_every_class_is_held_out():
    held = hold_out(small((10, 3)))
    assert held.train_images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 10, 11]
    assert held.test_images[:, 0, 0, 0].tolist() == [8, 9, 12]
    assert held.test_labels.tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="an image of every class, and b has 1"):
        hold_out(small((10, 1)))


def test_the_best_go_on_and_stand_first(tmp_path, monkeypatch):
    arms = read_arms([f"hflip({n / 10})" for n in range(1, 10)])
    asked = []

    def planted(data, left, protocol, folder, *, seeds, until, **rest):
        asked.append((list(left), until, protocol.epochs))
        return [
            Row(arm, seed, Epoch(number, 1.0, Score(0.0, (ClassScore(1, float(arm[6:-1]), 0, 0),) * 2)))
            for arm in left
            for seed in seeds
            for number in range(1, until + 1)
        ]

    monkeypatch.setattr(module, "compare", planted)
    found = search(
        small((10, 5)), arms, Protocol(3), tmp_path, seeds=[0, 1], budget=54, said=lambda text: None
    )
    names = [f"hflip({n / 10})" for n in (9, 8, 7, 6, 5, 4, 3, 2, 1)]
    assert [of.arm for of in found] == names
    assert [of.rung for of in found] == [2, 2, 2, 1, 1, 1, 1, 1, 1]
    assert [(sorted(left), until) for left, until, _ in asked] == [
        (sorted(names), 1), (sorted(names[:3]), 5)
    ]  # fmt: skip
    assert {epochs for _, _, epochs in asked} == {5}
    assert [of["arm"] for of in json.loads((tmp_path / "result.json").read_text())] == names
    # What is found is not looked for again.
    assert search(small((10, 5)), arms, Protocol(3), tmp_path, seeds=[0, 1], budget=54) == found
    assert len(asked) == 2


def test_another_search_is_refused(tmp_path):
    begun = {
        "folder": tmp_path, "data": small((10, 5)), "arms": read_arms(["crop", "hflip"]),
        "protocol": Protocol(3), "seeds": [0, 1], "budget": 54,
    }  # fmt: skip
    keep_search_settings(**begun)
    keep_search_settings(**begun)
    for changed, message in [
        ({"budget": 60}, "the study's own search: it was begun with 54, and is now given 60"),
        ({"arms": read_arms(["crop"])}, "the study's own candidates"),
        ({"seeds": [1, 2]}, "the study's own first_seed: it was begun with 0, and is now given 1"),
        ({"data": small((10, 6))}, "the study's own data"),
        ({"protocol": Protocol(3, batch_size=32)}, "the study's own batch_size"),
    ]:
        with pytest.raises(ValueError, match=message):
            search(**{**begun, **changed})
