"""Masks, boxes and keypoints go where the geometry takes the pixels."""

import pytest
import torch
from waiting import no_waiting

import gpuaug as ga
from gpuaug.transforms.annotations.geometry import MOVES
from gpuaug.travel.to_device import travel

WIDTH, HEIGHT, COUNT = 20, 15, 12
DRAWS = torch.stack((torch.arange(COUNT), torch.ones(COUNT).long(), torch.arange(COUNT) * 7919), dim=1)
IMAGES = torch.randint(256, (COUNT, 1, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(0)).byte()

WHOLE_PIXELS = [
    ga.RandomHorizontalFlip(),
    ga.Compose([ga.RandomVerticalFlip(), ga.CenterCrop((9, 13)), ga.RandomHorizontalFlip()]),
    ga.RandomCrop(16, padding=4),
    ga.RandomCrop(16, padding=4, padding_mode="edge"),
    ga.RandomCrop(16, padding=4, padding_mode="reflect"),
    ga.Compose([ga.RandomCrop(12), ga.RandomVerticalFlip()]),
    ga.Compose([ga.RandomCrop(12), ga.RandomTranspose()]),
]


@pytest.mark.parametrize("transform", WHOLE_PIXELS, ids=str)
@pytest.mark.parametrize("shape", [(COUNT, HEIGHT, WIDTH), (COUNT, 1, HEIGHT, WIDTH)])
def test_masks_move_with_the_pixels(transform, shape):
    out = transform(IMAGES, DRAWS, masks=IMAGES.view(shape).int())
    assert out.masks.shape == (COUNT, *shape[1:-2], *out.images.shape[2:])
    assert torch.equal(out.masks.view(out.images.shape), out.images.int())
    assert out.boxes is None


FIELDS = [
    ga.OpticalDistortion((0.3, 0.5), padding_mode="reflect"),
    ga.OpticalDistortion((0.3, 0.5), padding_mode="edge"),
    ga.GridDistortion(4, (-0.5, 0.5)),
    ga.ElasticTransform(20.0, 3.0),
    ga.Compose([ga.RandomHorizontalFlip(), ga.RandomApply([ga.ElasticTransform()]), ga.RandomCrop(9)]),
    ga.OneOf([ga.GridDistortion(), ga.ElasticTransform(), ga.RandomRotation(40, padding_mode="edge")]),
]


@pytest.mark.parametrize("transform", FIELDS, ids=str)
@pytest.mark.parametrize("shape", [(COUNT, HEIGHT, WIDTH), (COUNT, 1, HEIGHT, WIDTH)])
def test_masks_move_with_distortions(transform, shape):
    """Of a picture whose values rise by little: the nearest pixel's is within half a step of the blend."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    slope = (100 + 2 * x + 3 * y).expand(COUNT, 1, HEIGHT, WIDTH)
    out = transform(slope.double() / 255, DRAWS, masks=slope.reshape(shape))
    assert out.masks.shape == (COUNT, *shape[1:-2], *out.images.shape[2:])
    masks = out.masks.view(out.images.shape)
    assert set(masks.unique().tolist()) <= {0, *slope.unique().tolist()}
    assert (out.images * 255 - masks).abs().max() <= 2.5 + 1e-3
    moved = (masks != slope[:, :, : masks.shape[2], : masks.shape[3]]).flatten(1).any(1)
    assert moved.sum() >= COUNT // 2


def test_masks_are_0_where_a_zero_border_shows():
    whole = torch.ones(COUNT, 1, HEIGHT, WIDTH, dtype=torch.float64)
    out = ga.OpticalDistortion((0.3, 0.5))(whole, DRAWS, masks=whole.bool())
    assert out.masks.dtype == torch.bool
    # Within half a pixel of the border in both axes at least a quarter of a blend is the image.
    assert (out.images[out.masks] > 0.25 - 1e-6).all()
    assert (out.images[~out.masks] < 0.5 + 1e-6).all()
    assert 0.02 < (~out.masks).double().mean() < 0.5


def test_keypoints_move_with_the_pixels():
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    points = (torch.stack((x, y), dim=-1).view(1, -1, 2) + 0.5).repeat(COUNT, 1, 1)
    names = torch.arange(1, HEIGHT * WIDTH + 1).float().view(1, 1, HEIGHT, WIDTH).repeat(COUNT, 1, 1, 1)
    for transform in WHOLE_PIXELS[:3]:
        out = transform(names.double(), DRAWS, keypoints=points)
        height, width = out.images.shape[2:]
        for n in range(COUNT):
            column, row = (out.keypoints[n] - 0.5).round().long().unbind(1)
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            assert inside.sum() > 50
            seen = out.images[n, 0, row[inside], column[inside]]
            assert torch.equal(seen.float(), names[n, 0].flatten()[inside])


def test_a_resize_scales_boxes_and_keypoints():
    points = torch.tensor([[[0.0, 0.0], [20.0, 15.0], [5.0, 3.0]]]).repeat(COUNT, 1, 1)
    boxes = torch.tensor([[[4.0, 3.0, 10.0, 6.0]]]).repeat(COUNT, 1, 1)
    chain = ga.Compose([ga.Resize((30, 10)), ga.SaltAndPepper(), ga.RandomHorizontalFlip(1.0)])
    out = chain(IMAGES, DRAWS, keypoints=points, boxes=boxes)
    expected = torch.tensor([[10.0, 0.0], [0.0, 30.0], [7.5, 6.0]]).expand(COUNT, -1, -1)
    torch.testing.assert_close(out.keypoints, expected)
    torch.testing.assert_close(out.boxes, torch.tensor([[[5.0, 6.0, 8.0, 12.0]]]).expand(COUNT, -1, -1))


def test_boxes_have_a_gradient():
    boxes = torch.tensor([[[4.0, 3.0, 10.0, 6.0]]]).repeat(COUNT, 1, 1).requires_grad_()
    ga.Resize((30, 10))(IMAGES, DRAWS, boxes=boxes).boxes.sum().backward()
    expected = torch.tensor([0.5, 2.0, 0.5, 2.0]).expand(COUNT, 1, 4)  # the share of width and of height
    torch.testing.assert_close(boxes.grad, expected)


def test_boxes_are_cut_off_and_masks_move_with_windows():
    mask = torch.zeros(COUNT, HEIGHT, WIDTH, dtype=torch.bool)
    mask[:, 4:11, 6:15] = True
    boxes = torch.tensor([[[6.0, 4.0, 15.0, 11.0]]]).repeat(COUNT, 1, 1)
    out = ga.RandomResizedCrop(64, scale=(0.2, 0.9))(IMAGES, DRAWS, masks=mask, boxes=boxes)
    for n, (left, top, right, bottom) in enumerate(out.boxes[:, 0].tolist()):
        assert 0 <= left <= right <= 64
        assert 0 <= top <= bottom <= 64
        at = torch.arange(64) + 0.5
        inside = ((at > top) & (at < bottom))[:, None] & ((at > left) & (at < right))
        assert (inside != out.masks[n]).float().mean() < 0.04  # a line of pixels on a side


def test_moving_annotations_waits_for_nothing(device):
    passes = tuple(travel(p, device) for p in WHOLE_PIXELS[1].recipes(DRAWS, tuple(IMAGES.shape)))
    corners = torch.tensor([[[0.0, 1.0, 30.0, 5.0]]], device=device).repeat(COUNT, 1, 1)
    for name, value in {"masks": IMAGES.to(device), "boxes": corners, "keypoints": corners[..., :2]}.items():
        with no_waiting(device):
            MOVES[name](value, passes)
