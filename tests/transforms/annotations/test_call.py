"""A transform's call with masks, boxes and keypoints as plain tensors: gathered, and checked."""

import numpy as np
import pytest
import torch

import gpuaug as ga
from gpuaug.transforms.annotations.geometry import Augmented

WIDTH, HEIGHT, COUNT = 20, 15, 12
DRAWS = torch.stack((torch.arange(COUNT), torch.ones(COUNT).long(), torch.arange(COUNT) * 7919), dim=1)
IMAGES = torch.randint(256, (COUNT, 1, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(0)).byte()


def test_annotations_come_back_by_name():
    boxes = torch.tensor([[[1.0, 2.0, 4.0, 5.0]]]).repeat(COUNT, 1, 1)
    given = {"masks": IMAGES[:, 0], "boxes": boxes, "keypoints": boxes[..., :2]}
    flip = ga.RandomHorizontalFlip(1.0)
    alone = flip(IMAGES, DRAWS)
    assert type(alone) is torch.Tensor
    for some in ({"masks"}, {"boxes", "keypoints"}, {"masks", "boxes", "keypoints"}):
        out = flip(IMAGES, DRAWS, **{name: given[name] for name in some})
        assert type(out) is Augmented
        assert torch.equal(out.images, alone)
        assert {name for name in given if getattr(out, name) is not None} == some
    torch.testing.assert_close(out.boxes, torch.tensor([[[16.0, 2.0, 19.0, 5.0]]]).expand(COUNT, 1, 4))


def test_index_gathers_masks_with_their_images():
    index = torch.tensor([3, 3, 0])
    draws = DRAWS[:3]
    out = ga.RandomHorizontalFlip()(IMAGES, draws, index=index, masks=IMAGES[:, 0])
    assert torch.equal(out.masks, out.images[:, 0])


def test_annotations_that_cannot_move_or_fit_are_refused():
    masks = IMAGES[:, 0]
    for call, message in (
        (
            lambda: ga.ElasticTransform()(IMAGES, DRAWS, masks=masks, boxes=torch.zeros(12, 1, 4)),
            r"boxes cannot follow ElasticTransform\(.*\): only masks can",
        ),
        (
            lambda: ga.CenterCrop(8)(IMAGES, DRAWS, masks=masks[:, 1:]),
            r"masks must be .* got shape \(12, 14, 20\)",
        ),
        (
            lambda: ga.CenterCrop(8)(IMAGES, DRAWS, boxes=torch.zeros(12, 4)),
            r"boxes must be .* \(12, 4\)",
        ),
        (
            lambda: ga.Resize((8, 8))(ga.pack(list(IMAGES)), DRAWS, masks=masks),
            "masks must not be given for images of different sizes",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("name", ["masks", "boxes", "keypoints"])
@pytest.mark.parametrize("value", [[[0.0, 1.0, 3.0, 5.0]], np.zeros((COUNT, 4, 4))], ids=["list", "ndarray"])
def test_annotations_must_be_tensors(name, value):
    kind = type(value).__name__
    with pytest.raises(TypeError, match=f"{name} must be a tensor .*, got {kind}: use torch.as_tensor"):
        ga.CenterCrop(8)(IMAGES, DRAWS, **{name: value})
    with pytest.raises(TypeError, match=f"{name} must be a tensor"):
        ga.CenterCrop(8)(ga.pack(list(IMAGES)), DRAWS, **{name: value})
