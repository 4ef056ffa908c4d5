"""Boxes after a rotation, beside the boxes of the masks that it moves.

A pixel of a rotated mask is one whose centre the rotation takes from within the mask. So the mask's box goes
beyond the box around the rotated corners by half a pixel at most. Where the mask fills its box, the corners
are right angles, whose tip is empty for less than a pixel.
"""

import pytest
import torch

import gpuaug as ga
from gpuaug.transforms.annotations.boxes import corners_of

tv_tensors = pytest.importorskip("torchvision.tv_tensors")
from torchvision.ops import masks_to_boxes  # noqa: E402
from torchvision.transforms.v2 import functional as tv  # noqa: E402

N, HEIGHT, WIDTH = 24, 61, 74
SIZE = (HEIGHT, WIDTH)
DRAWS = torch.stack((torch.arange(N), torch.ones(N).long(), 5 + 31 * torch.arange(N)), dim=1)
IMAGES = torch.zeros(N, 1, *SIZE, dtype=torch.uint8)
ROUNDING = 1e-3

TURNS = {
    "any angle": ga.RandomRotation(180),
    "a little": ga.RandomRotation(7),
    "a quarter": ga.RandomRotation((90, 90)),
    "and a flip": ga.Compose([ga.RandomHorizontalFlip(), ga.RandomRotation(60)]),
    "and larger": ga.Compose([ga.RandomRotation(180), ga.Resize((2 * HEIGHT, 3 * WIDTH))]),
    "affine": ga.RandomAffine(90, translate=(0.1, 0.1), scale=(0.7, 1.4), shear=20),
    "twice": ga.Compose([ga.RandomRotation(30), ga.RandomRotation(30)]),
}
RIGHT_ANGLES = ["any angle", "a little", "a quarter", "and a flip"]  # stay so


def rectangles(seed, margin):
    """Of whole pixels, at least eight wide and high, as left, top, right, bottom."""
    random = torch.Generator().manual_seed(seed)
    x, y, width, height = torch.rand(4, N, generator=random)
    width, height = (8 + 14 * width).floor(), (8 + 12 * height).floor()
    left = (margin + x * (WIDTH - 2 * margin - width)).floor()
    top = (margin + y * (HEIGHT - 2 * margin - height)).floor()
    return torch.stack((left, top, left + width, top + height), dim=1)


def centres():
    return torch.arange(WIDTH) + 0.5, torch.arange(HEIGHT)[:, None] + 0.5


def filled(boxes):
    x, y = centres()
    left, top, right, bottom = boxes[:, :, None, None].unbind(1)
    return (x > left) & (x < right) & (y > top) & (y < bottom)


def inscribed(boxes):
    """The ellipses that the boxes are around."""
    x, y = centres()
    left, top, right, bottom = boxes[:, :, None, None].unbind(1)
    across = (2 * x - left - right) / (right - left)
    down = (2 * y - top - bottom) / (bottom - top)
    return across**2 + down**2 < 1


def boxes_of(masks):
    """Around the pixels, rather than their first and last ones."""
    return masks_to_boxes(masks) + torch.tensor([0, 0, 1, 1])


SHAPES = {"rectangles": filled, "ellipses": inscribed}


@pytest.mark.parametrize("margin", [20, 0], ids=["in the middle", "anywhere"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("turn", TURNS)
def test_a_moved_box_holds_the_mask(turn, shape, margin):
    boxes = rectangles(3, margin)
    masks = SHAPES[shape](boxes)
    assert torch.equal(boxes_of(masks)[:, 2:] - boxes_of(masks)[:, :2], boxes[:, 2:] - boxes[:, :2])
    out = TURNS[turn](IMAGES, DRAWS, masks=masks, boxes=boxes[:, None])
    there = out.masks.flatten(1).any(1)  # others were turned out of the image
    assert there.sum() >= N - 3 * (margin == 0)
    # How far the box lies outside the mask's, on each side.
    outside = (boxes_of(out.masks[there]) - out.boxes[there, 0]) * torch.tensor([1, 1, -1, -1])
    # The second of two readings may take a pixel whose middle is half a diagonal away.
    assert outside.min() >= -0.5 - (0.5**0.5 if turn == "twice" else 0) - ROUNDING
    if shape == "rectangles" and margin and turn in RIGHT_ANGLES:
        assert outside.max() <= 1 + ROUNDING


@pytest.mark.parametrize("turns", [2, 4])
def test_boxes_do_not_grow_with_the_number_of_passes(turns):
    """Turned by an angle and back, once or twice: none is around the box of the pass before."""
    chain = ga.Compose([ga.RandomRotation((angle, angle)) for angle in (40, -40) * (turns // 2)])
    assert chain.step.passes == turns
    boxes = rectangles(5, 20)
    out = chain(IMAGES, DRAWS, boxes=boxes[:, None])
    torch.testing.assert_close(out.boxes[:, 0], boxes, atol=0.02, rtol=0)


@pytest.mark.parametrize("form", ["XYXY", "XYWH", "CXCYWH", "XYWHR", "CXCYWHR", "XYXYXYXY"])
@pytest.mark.parametrize("shape", SHAPES)
def test_boxes_of_every_format_hold_the_mask(shape, form):
    """Those with an angle turn along: the mask fills them as it did before."""
    boxes = rectangles(4, 20)
    masks = SHAPES[shape](boxes)
    turned = form in ("XYWHR", "CXCYWHR", "XYXYXYXY")
    middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    first = torch.cat((middle, sides, torch.zeros(N, 1))[: 3 if turned else 2], dim=1)
    old = tv_tensors.BoundingBoxFormat["CXCYWHR" if turned else "CXCYWH"]
    new = tv_tensors.BoundingBoxFormat[form]
    given = [
        tv_tensors.BoundingBoxes(
            tv.convert_bounding_box_format(box[None], old, new), format=new, canvas_size=SIZE
        )
        for box in first
    ]
    out = TURNS["any angle"](
        tv_tensors.Image(IMAGES), DRAWS, masks=[tv_tensors.Mask(mask[None]) for mask in masks], boxes=given
    )
    for mask, box, size in zip(out.masks, out.boxes, sides, strict=True):
        (corners,) = corners_of(box.as_subclass(torch.Tensor).double(), form)
        across, down = corners[1] - corners[0], corners[3] - corners[0]
        places = mask.as_subclass(torch.Tensor)[0].nonzero().flip(1) + 0.5 - corners[0]
        for side in (across, down):
            share = places @ side / side.norm()
            assert share.min() >= -0.01
            assert share.max() <= side.norm() + 0.01
        if turned:
            now = torch.stack((across.norm(), down.norm()))
            torch.testing.assert_close(now, size.double(), atol=0.02, rtol=0)
