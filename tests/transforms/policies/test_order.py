"""Which ops of a draw share a pass."""

import itertools

import pytest
import torch

from gpuaug.transforms.policies.order import Kind, OpenPass, passes_of

WARP, LEFT, RIGHT, UP, FADE, GLARE = Kind.WARP, Kind.LEFT, Kind.RIGHT, Kind.UP, Kind.FADE, Kind.GLARE
CURVE, LIFT, SHARPEN, BATCHED, NOTHING = Kind.CURVE, Kind.LIFT, Kind.SHARPEN, Kind.BATCHED, Kind.NOTHING


@pytest.mark.parametrize(
    ("kinds", "passes"),
    [
        ([WARP, SHARPEN, GLARE, CURVE, BATCHED, BATCHED], [0, 0, 0, 0, 0, 0]),  # the order of the stages
        ([LEFT, SHARPEN, SHARPEN], [0, 0, 1]),
        ([SHARPEN, LEFT], [0, 1]),  # what moves in is black beside the border, which is not sharpened
        ([SHARPEN, WARP], [0, 1]),
        ([FADE, SHARPEN], [0, 1]),
        ([CURVE, SHARPEN], [0, 1]),
        ([WARP, WARP, WARP], [0, 1, 2]),  # each would move what the one before left black
        ([LEFT, UP, LEFT], [0, 0, 0]),
        ([LEFT, RIGHT], [0, 1]),  # what was pushed out does not come back
        ([LEFT, WARP], [0, 1]),
        ([WARP, LEFT], [0, 1]),
        ([FADE, WARP], [0, 0]),  # linear, and black stays black
        ([GLARE, WARP], [0, 1]),  # clamped in between
        ([GLARE, LEFT, CURVE], [0, 0, 0]),
        ([CURVE, LEFT], [0, 0]),
        ([CURVE, WARP], [0, 1]),  # interpolated, then curved, is another image
        ([LIFT, LEFT], [0, 1]),  # black would be lifted too
        ([FADE, FADE, GLARE], [0, 0, 0]),
        ([GLARE, FADE], [0, 1]),
        ([CURVE, FADE], [0, 1]),
        ([CURVE, LIFT, CURVE, CURVE], [0, 0, 0, 1]),  # as many as a record holds
        ([BATCHED, NOTHING, LEFT, BATCHED, FADE], [0, 0, 1, 1, 2]),
    ],
)
def test_passes_of_ops_by_hand(kinds, passes):
    assert passes_of(torch.tensor([kinds])).tolist() == [passes]


def test_present_geometry_keeps_ops_out_of_a_pass():
    kinds = torch.tensor([[WARP, LEFT], [LEFT, LEFT], [GLARE, CURVE], [CURVE, WARP]])
    assert passes_of(kinds, warped=True).tolist() == [[1, 2], [1, 1], [0, 0], [0, 1]]


def test_the_table_of_passes_matches_its_rule():
    """Every draw of three ops, one at a time."""
    every = list(itertools.product(Kind, repeat=3))
    expected = []
    for kinds in every:
        state, number, passes = OpenPass(), 0, []
        for kind in kinds:
            number += not state.admits(kind)
            state = state.after(kind)
            passes.append(number)
        expected.append(passes)
    assert passes_of(torch.tensor(every)).tolist() == expected
