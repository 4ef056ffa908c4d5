"""The gallery: what was tried, and changes such images."""

import torch

from gpuaug.study.arms.arms import read_arms
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.report.gallery import exhibits


def test_arms_that_leave_the_images_as_they_are_have_no_picture():
    images = torch.randint(256, (6, 1, 28, 28), generator=torch.Generator().manual_seed(0)).byte()
    labels = torch.tensor([0, 0, 0, 0, 1, 1])
    data = StudyData(("cat", "dog"), images, labels, images, labels)
    # Nothing is drawn more than once of a color that is not there; a mix is of two images.
    arms = read_arms(["natural", "hflip", "saturation", "mixup", "copies", "vflip(0.05) @ copies"])
    assert [of.name for of in exhibits(data, ["dog"], arms)] == ["hflip", "copies", "vflip(0.05) @ copies"]
