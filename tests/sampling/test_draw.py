import copy
import json
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import default_collate

from gpuaug.sampling.draw import Draw, make_draws

PARTS = (st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))


def parts(draw):
    return int(draw), draw.copy, draw.key


def test_a_draw_indexes_like_an_integer():
    draw = Draw(2, copy=1, key=9)
    assert [10, 20, 30][draw] == 30
    assert (10, 20, 30)[draw] == 30
    assert {2: "two"}[draw] == "two"
    assert np.array([10, 20, 30])[draw] == 30
    assert torch.tensor([10, 20, 30])[draw] == 30


def test_a_draw_prints_as_its_index_and_its_repr_shows_all():
    draw = Draw(2, copy=1, key=0xAB)
    assert f"{draw}.png {draw:03d} %d" % draw == "2.png 002 2"
    assert str(draw) == "2"
    assert json.dumps([draw]) == "[2]"
    assert repr(draw) == "Draw(index=2, copy=1, key=0xab)"


def test_arithmetic_gives_plain_integers():
    assert type(Draw(2) + 1) is int
    assert type(Draw(2).index) is int


def test_default_collate_makes_an_index_tensor():
    assert default_collate([Draw(2), Draw(5)]).tolist() == [2, 5]


def test_defaults_are_an_original_with_key_zero():
    assert parts(Draw(4)) == (4, 0, 0)


@settings(deadline=None)
@given(*PARTS)
def test_pickle_and_copy_keep_everything(index, number, key):
    draw = Draw(index, number, key)
    for twin in (pickle.loads(pickle.dumps(draw)), copy.copy(draw), copy.deepcopy(draw)):
        assert type(twin) is Draw
        assert parts(twin) == (index, number, key)


@settings(deadline=None)
@given(*PARTS)
def test_a_draw_survives_a_tensor(index, number, key):
    row = Draw(index, number, key).tensor()
    assert row.dtype == torch.int64
    assert row.tolist() == [index, number, key if key < 2**63 else key - 2**64]
    (back,) = make_draws(row[None])
    assert parts(back) == (index, number, key)


def test_no_rows_give_no_draws():
    assert list(make_draws(torch.empty(0, 3, dtype=torch.int64))) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1,), r"index must be in \[0, 2\*\*63\), got -1"),
        ((2**63,), r"index must be in \[0, 2\*\*63\)"),
        ((0, -1), r"copy must be in \[0, 2\*\*32\), got -1"),
        ((0, 2**32), r"copy must be in \[0, 2\*\*32\)"),
        ((0, 0, -1), r"key must be in \[0, 2\*\*64\), got -1"),
        ((0, 0, 2**64), r"key must be in \[0, 2\*\*64\)"),
    ],
)
def test_parts_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        Draw(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0,), "index must be an int, got float"),
        ((0, "1"), "copy must be an int, got str"),
        ((0, 0, None), "key must be an int, got NoneType"),
    ],
)
def test_parts_of_another_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        Draw(*arguments)
