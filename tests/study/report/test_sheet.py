"""The sheet of draws."""

import torch

from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load
from gpuaug.study.report.sheet import draw_sheet, sheet_images

TITLES = ["original", "crop", "flip", "noise", "blur", "resized crop", "all (1)", "all (2)", "all (3)"]


def test_columns_show_the_first_of_the_minority_and_their_transforms():
    data = load(Request("embedded"))
    columns = sheet_images(data, ["shirt"])
    assert list(columns) == TITLES
    assert torch.equal(columns["original"], data.train_images[data.train_labels == 1][:5])
    assert torch.equal(columns["flip"], columns["original"].flip(3))
    for title in TITLES[1:]:
        assert columns[title].dtype == torch.uint8
        assert columns[title].shape == (5, 1, 28, 28)
        assert not torch.equal(columns[title], columns["original"])
    assert not torch.equal(columns["all (1)"], columns["all (2)"])


def test_each_row_of_the_sheet_is_an_original():
    figure = draw_sheet(load(Request("embedded")), ["shirt"])
    assert len(figure.axes) == 5 * len(TITLES)
    assert [axes.get_title() for axes in figure.axes[: len(TITLES)]] == TITLES
