"""The pictures of the techniques: what they are made of, and that each shows its technique."""

import pytest
import torch

pytest.importorskip("skimage")
import technique_pictures
from technique_pictures import COUNT, SETTINGS, build, call_of, copies

import gpuaug
from gpuaug.transforms import catalogue

ENTRIES = {entry.name: entry for entry in catalogue()}
SLOW = {"Superpixels", "ElasticTransform", "AugMix", "MedianBlur", "GlassBlur"}


def test_a_call_is_the_docstrings_first_that_is_written_out():
    assert call_of(gpuaug.GaussianBlur) == "gpuaug.GaussianBlur(sigma=(0.1, 2.0))"
    assert call_of(gpuaug.CutMix) == "gpuaug.CutMix()"


def test_settings_are_those_of_techniques_that_are_there():
    assert [name for name in SETTINGS if name not in gpuaug.__all__] == []


@pytest.mark.parametrize("name", ENTRIES)
def test_every_call_builds_its_transform(name):
    assert type(build(call_of(ENTRIES[name].kind))) is ENTRIES[name].kind


@pytest.mark.parametrize("name", [name for name in ENTRIES if name not in SLOW])
def test_some_draw_differs_from_the_original(name):
    original = technique_pictures.photograph("chelsea")
    draws = technique_pictures.draws_of_transform(ENTRIES[name])
    assert len(draws) in (1, COUNT)
    assert any(draw.shape != original.shape or not torch.equal(draw, original) for draw in draws)


def test_draws_are_the_copies_of_one_sample():
    draws = copies(COUNT)
    assert draws[:, 0].tolist() == [0] * COUNT
    assert draws[:, 1].tolist() == [1, 2, 3, 4, 5, 6]
    assert len(draws[:, 2].unique()) == COUNT
