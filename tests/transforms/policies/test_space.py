"""The spaces beside torchvision's: ops, magnitudes, signs, and how many pixels a share is."""

import pytest
import torch
from torchvision.transforms import v2

from gpuaug.transforms.policies.ops import COLUMNS
from gpuaug.transforms.policies.policy import corners
from gpuaug.transforms.policies.space import (
    STANDARD,
    STANDARD_SHARE,
    WIDE,
    Entry,
    Space,
    torchvision_space,
)


@pytest.mark.parametrize(
    ("magnitudes", "theirs", "bins", "share"),
    [
        (STANDARD, v2.RandAugment, 31, STANDARD_SHARE),
        (STANDARD, v2.RandAugment, 10, STANDARD_SHARE),
        (STANDARD, v2.AutoAugment, 10, STANDARD_SHARE),
        (WIDE, v2.TrivialAugmentWide, 31, None),
        (WIDE, v2.TrivialAugmentWide, 6, None),
    ],
)
def test_entries_of_a_space_have_their_magnitudes_and_signs(magnitudes, theirs, bins, share):
    expected = theirs._AUGMENTATION_SPACE
    space = torchvision_space(list(expected), magnitudes, bins, range(bins), share=share, pixels=32.0)
    for entry in space.entries:
        make, signed = expected[entry.name]
        values = make(bins, 224, 300)
        assert entry.signed == signed
        if values is None:
            assert entry.magnitudes is None
        elif entry.of_side is None:
            assert list(entry.magnitudes) == [float(value) for value in values]


@pytest.mark.parametrize("bins", [2, 10, 31, 40])
def test_a_share_of_a_side_matches_torchvisions_pixels(bins):
    space = torchvision_space(["TranslateX"], STANDARD, bins, range(bins), share=STANDARD_SHARE)
    rows = space.rows(torch.zeros(bins, dtype=torch.int64), torch.arange(bins), torch.tensor(True))
    row = space.table[rows]
    for width in range(1, 700):
        moved = -corners(row, (width, 9))
        values = v2.RandAugment._AUGMENTATION_SPACE["TranslateX"][0](bins, 9, width)
        assert moved[:, 0].tolist() == [int(-value) for value in values.tolist()], width
        assert not moved[:, 1].any()


def test_rows_of_a_space_match_a_table_by_hand():
    space = Space([Entry("Rotate", [0.0, 180.0], signed=True), Entry("Posterize", [8.0, 2.0])])
    assert (space.levels, space.nothing) == (2, 8)
    assert space.ops.tolist() == [0] * 4 + [1] * 4 + [-1]
    turned, posterized = space.table[[2, 3]], space.table[[6, 7]]
    torch.testing.assert_close(turned[:, COLUMNS["inverse"]].diag().sum(), torch.tensor(-1.0).double())
    assert posterized[:, COLUMNS["mixed"]].tolist() == [[1, 1, 1 + 256 * 2]] * 2  # no sign
