"""Recordings: what was written for a table of draws, repeated for the draws of a batch."""

import pytest
import torch

from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import POSTERIZE, SOLARIZE, STATISTICS

ROWS = 5


def write(builder: RecipeBuilder, angle: torch.Tensor, chosen: torch.Tensor, words: torch.Tensor) -> None:
    builder.border("zero", chosen)
    builder.affine(torch.stack((angle.cos(), -angle.sin(), angle.sin(), angle.cos()), 1), (0, 0), chosen)
    builder.adjust(angle, 1.0, angle, True, selection=~chosen)
    builder.curve_words(words, chosen, chosen)


@pytest.mark.parametrize("before", [False, True])
def test_repeated_as_written(before):
    """Twice, for rows of which some are told to do nothing."""
    angle = torch.linspace(-1, 1, ROWS, dtype=torch.float64)
    chosen, words = torch.tensor([True, False, True, True, False]), torch.arange(ROWS) * 256 + POSTERIZE
    recorded = RecipeBuilder(ROWS, 3, (8, 8), 0, 0)
    write(recorded, angle, chosen, words)
    recording = recorded.record()
    picked = torch.tensor([[3, 0], [1, 1], [4, 2]])
    for _ in range(2):  # the second time it is known where it was written
        expected, got = (RecipeBuilder.of_batch((3, 3, 8, 8)) for _ in range(2))
        for builder in (expected, got):
            if before:
                builder.flip(0, torch.tensor([True, False, True]))
                builder.curve(SOLARIZE, 7)
        for turn in (0, 1):
            rows = picked[:, turn]
            write(expected, angle[rows], chosen[rows], words[rows])
        got.repeat(recording, recording.table[picked])
        assert torch.equal(got.recipes((8, 8)).records, expected.recipes((8, 8)).records)
        assert got.recipes((8, 8)).stages & STATISTICS
    nothing = RecipeBuilder.of_batch((3, 3, 8, 8))
    nothing.repeat(recording, torch.zeros(3, 2, recording.table.shape[1], dtype=torch.float64))
    assert set(nothing.recipes((8, 8)).field("curve0").tolist()) == {0}
