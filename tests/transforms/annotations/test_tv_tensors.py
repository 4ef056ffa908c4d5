"""torchvision's tv_tensors, beside what torchvision's own transforms make of them."""

import pytest
import torch
from every_transform import ENTRIES, build

import gpuaug as ga
from gpuaug.recipe.layout import FIXED_POINT
from gpuaug.transforms.annotations.boxes import boxes_around, corners_of
from gpuaug.transforms.annotations.tv_tensors import has_tv_tensors, kind_of

tv_tensors = pytest.importorskip("torchvision.tv_tensors")
from torchvision.transforms.v2 import functional as tv  # noqa: E402

N, HEIGHT, WIDTH = 8, 30, 40
SIZE = (HEIGHT, WIDTH)
DRAWS = torch.stack((torch.arange(N), torch.ones(N).long(), 1000 + 7 * torch.arange(N)), dim=1)
FORMATS = ["XYXY", "XYWH", "CXCYWH", "XYWHR", "CXCYWHR", "XYXYXYXY"]


def random_images(seed=0):
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(256, (N, 3, *SIZE), dtype=torch.uint8, generator=generator)
    return tv_tensors.Image(pixels)


def random_boxes(form, count, seed, dtype=torch.float32, margin=9.0):
    """Boxes well inside the image, so that no border takes part; rotated where the format says so."""
    generator = torch.Generator().manual_seed(seed)
    x, y, w, h, angle = torch.rand(5, count, generator=generator, dtype=torch.float64)
    x, y = margin + x * (WIDTH - 2 * margin), margin + y * (HEIGHT - 2 * margin)
    w, h, angle = 2 + 6 * w, 2 + 4 * h, 80 * angle - 40
    boxes = torch.stack((x, y, w, h, angle), dim=1)
    name = "CXCYWHR" if form in FORMATS[3:] else "CXCYWH"
    given = tv_tensors.BoundingBoxes(
        (boxes if name == "CXCYWHR" else boxes[:, :4]).float(), format=name, canvas_size=SIZE
    )
    given = tv.convert_bounding_box_format(given, new_format=tv_tensors.BoundingBoxFormat[form])
    plain = given.as_subclass(torch.Tensor)
    plain = plain.to(dtype) if dtype.is_floating_point else plain.round().to(dtype)
    return tv_tensors.BoundingBoxes(plain, format=form, canvas_size=SIZE)


def random_points(shape, seed):
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(*shape, 2, generator=generator) * torch.tensor([WIDTH - 1.0, HEIGHT - 1.0])
    return tv_tensors.KeyPoints(points, canvas_size=SIZE)


def crop_of(transform):
    """Left and top of each draw's window of ``RandomCrop``."""
    (recipes,) = transform.recipes(DRAWS, (N, 3, *SIZE))
    left, top = ((recipes.field(name) // FIXED_POINT).long() for name in ("x1", "y1"))
    return list(zip(left.tolist(), top.tolist(), strict=True))


def angle_of(transform):
    """The angle of each draw, from its record: what torchvision's ``rotate`` takes."""
    (recipes,) = transform.recipes(DRAWS, (N, 3, *SIZE))
    return torch.rad2deg(torch.atan2(-recipes.field("xy").double(), recipes.field("xx").double())).tolist()


CROP, TURN = ga.RandomCrop(20), ga.RandomRotation(40)
SAME = {
    "horizontal flip": (ga.RandomHorizontalFlip(1.0), lambda value, n: tv.horizontal_flip(value)),
    "vertical flip": (ga.RandomVerticalFlip(1.0), lambda value, n: tv.vertical_flip(value)),
    "both flips": (
        ga.Compose([ga.RandomHorizontalFlip(1.0), ga.RandomVerticalFlip(1.0)]),
        lambda value, n: tv.vertical_flip(tv.horizontal_flip(value)),
    ),
    "crop": (CROP, lambda value, n: tv.crop(value, *reversed(crop_of(CROP)[n]), 20, 20)),
    "centre crop": (ga.CenterCrop((21, 25)), lambda value, n: tv.center_crop(value, [21, 25])),
    "resize": (ga.Resize((60, 52)), lambda value, n: tv.resize(value, [60, 52])),
    "rotation": (TURN, lambda value, n: tv.rotate(value, angle_of(TURN)[n])),
    "resized crop": (
        ga.Compose([ga.CenterCrop((20, 24)), ga.Resize((40, 12)), ga.RandomHorizontalFlip(1.0)]),
        lambda value, n: tv.horizontal_flip(tv.resize(tv.center_crop(value, [20, 24]), [40, 12])),
    ),
}  # fmt: skip


def as_corners(boxes):
    """Sorted corners: a rotated box may name them from another one on."""
    corners = corners_of(boxes.as_subclass(torch.Tensor).double(), boxes.format.name)
    order = (corners[..., 0].mul(100).round() * 10000 + corners[..., 1]).argsort(1)
    return corners.gather(1, order[..., None].expand(-1, -1, 2))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", SAME)
def test_boxes_match_torchvision(name, form):
    transform, expected = SAME[name]
    given = [random_boxes(form, count, seed=count) for count in range(N)]  # also none
    out = transform(random_images(), DRAWS, boxes=given)
    for n, (boxes, own) in enumerate(zip(out.boxes, given, strict=True)):
        wanted = expected(own, n)
        assert (type(boxes), boxes.format) == (tv_tensors.BoundingBoxes, own.format)
        assert tuple(boxes.canvas_size) == tuple(wanted.canvas_size)
        assert (boxes.shape, boxes.dtype) == (wanted.shape, wanted.dtype)
        if not (form in FORMATS[3:] and "crop" in name):  # torchvision's cut of rotated boxes is its own
            torch.testing.assert_close(as_corners(boxes), as_corners(wanted), atol=0.02, rtol=0)


@pytest.mark.parametrize("form", FORMATS[:3])
@pytest.mark.parametrize("name", ["horizontal flip", "vertical flip", "crop", "centre crop"])
def test_integer_boxes_match_torchvision(name, form):
    transform, expected = SAME[name]
    given = [random_boxes(form, 5, seed=n, dtype=torch.int64) for n in range(N)]
    out = transform(random_images(), DRAWS, boxes=given).boxes
    for n, (boxes, own) in enumerate(zip(out, given, strict=True)):
        assert torch.equal(boxes.as_subclass(torch.Tensor), expected(own, n).as_subclass(torch.Tensor))


@pytest.mark.parametrize("shape", [(5,), (2, 3), (0,), (2, 3, 2)], ids=str)
@pytest.mark.parametrize("name", SAME)
def test_keypoints_match_torchvision(name, shape):
    transform, expected = SAME[name]
    given = [random_points(shape, seed=n) for n in range(N)]
    out = transform(random_images(), DRAWS, keypoints=given)
    for n, (points, own) in enumerate(zip(out.keypoints, given, strict=True)):
        wanted = expected(own, n)
        assert type(points) is tv_tensors.KeyPoints
        assert tuple(points.canvas_size) == tuple(wanted.canvas_size)
        torch.testing.assert_close(
            points.as_subclass(torch.Tensor), wanted.as_subclass(torch.Tensor), atol=0.02, rtol=0
        )


@pytest.mark.parametrize("name", ["horizontal flip", "vertical flip", "both flips", "crop", "centre crop"])
def test_images_and_masks_match_torchvision(name):
    transform, expected = SAME[name]
    images = random_images()
    masks = [tv_tensors.Mask(images[n, :k].clone()) for n, k in enumerate([1, 3, 2, 0, 1, 1, 2, 3])]
    out = transform(images, DRAWS, masks=masks)
    assert type(out.images) is tv_tensors.Image
    for n, (mask, own) in enumerate(zip(out.masks, masks, strict=True)):
        assert type(mask) is tv_tensors.Mask
        assert torch.equal(mask.as_subclass(torch.Tensor), expected(own, n).as_subclass(torch.Tensor))
        wanted = expected(tv_tensors.Image(images[n]), n)
        assert torch.equal(out.images[n].as_subclass(torch.Tensor), wanted.as_subclass(torch.Tensor))


@pytest.mark.parametrize("shape", [(N, *SIZE), (N, 2, *SIZE)], ids=["one", "two"])
def test_one_mask_of_the_whole_batch(shape):
    mask = tv_tensors.Mask(torch.randint(9, shape, generator=torch.Generator().manual_seed(3)))
    out = ga.RandomHorizontalFlip()(random_images(), DRAWS, masks=mask)
    plain = ga.RandomHorizontalFlip()(
        random_images().as_subclass(torch.Tensor), DRAWS, masks=mask.as_subclass(torch.Tensor)
    )
    assert (type(out.masks), type(plain.masks)) == (tv_tensors.Mask, torch.Tensor)
    assert torch.equal(out.masks.as_subclass(torch.Tensor), plain.masks)
    assert torch.equal(out.images.as_subclass(torch.Tensor), plain.images)


def test_images_alone_come_back_as_images():
    augment = ga.Compose([ga.Resize((9, 9)), ga.Normalize(0.5, 0.5)])
    images = random_images()
    out = augment(images, DRAWS)
    assert type(out) is tv_tensors.Image
    assert torch.equal(out.as_subclass(torch.Tensor), augment(images.as_subclass(torch.Tensor), DRAWS))


def test_boxes_are_cut_off_as_their_clamping_mode_says():
    for mode in ("soft", None):
        box = tv_tensors.BoundingBoxes(
            [[0.0, 0.0, 40.0, 30.0]], format="XYXY", canvas_size=SIZE, clamping_mode=mode
        )
        out = CROP(random_images(), DRAWS, boxes=[box] * N).boxes
        for n, boxes in enumerate(out):
            wanted = tv.crop(box, *reversed(crop_of(CROP)[n]), 20, 20)
            assert boxes.clamping_mode == mode
            torch.testing.assert_close(boxes.as_subclass(torch.Tensor), wanted.as_subclass(torch.Tensor))


@pytest.mark.parametrize("form", FORMATS[3:])
def test_parallelograms_become_torchvisions_rectangles(form):
    """What a resize makes of rotated boxes, beside torchvision's."""
    boxes = random_boxes(form, 40, seed=5)
    wanted = tv.resize(boxes, [90, 40])
    corners = corners_of(boxes.as_subclass(torch.Tensor).double(), form) * torch.tensor([1.0, 3.0])
    out = boxes_around(corners, form, (90, 40), "soft", torch.zeros(40, dtype=torch.bool))
    out = tv_tensors.BoundingBoxes(out, format=form, canvas_size=(90, 40))
    torch.testing.assert_close(as_corners(out), as_corners(wanted), atol=0.02, rtol=0)


def test_images_of_different_sizes_with_masks_boxes_and_keypoints():
    sizes = [(30, 40), (24, 31), (50, 22)]
    images = [torch.randint(256, (3, *size), dtype=torch.uint8) for size in sizes]
    masks = [tv_tensors.Mask(image[:1].clone()) for image in images]
    boxes = [
        tv_tensors.BoundingBoxes([[2.0, 3.0, 12.0, 9.0]] * n, format="XYXY", canvas_size=size)
        for n, size in enumerate(sizes)
    ]
    augment = ga.Compose([ga.RandomCrop(20), ga.RandomHorizontalFlip()])
    out = augment(ga.pack(images), DRAWS[:3], masks=masks, boxes=boxes)
    for n, image in enumerate(images):
        own = augment(tv_tensors.Image(image[None]), DRAWS[n : n + 1], masks=[masks[n]], boxes=[boxes[n]])
        assert torch.equal(out.images[n], own.images[0].as_subclass(torch.Tensor))
        assert torch.equal(
            out.masks[n].as_subclass(torch.Tensor), own.images[0, :1].as_subclass(torch.Tensor)
        )
        assert torch.equal(out.boxes[n].as_subclass(torch.Tensor), own.boxes[0].as_subclass(torch.Tensor))


def test_masks_of_a_list_move_with_distortions():
    images = random_images()
    masks = [tv_tensors.Mask(image[:1].clone()) for image in images]
    augment = ga.ElasticTransform(20.0, 3.0)
    out = augment(images, DRAWS, masks=masks)
    plain = augment(images.as_subclass(torch.Tensor), DRAWS, masks=images[:, :1].as_subclass(torch.Tensor))
    assert torch.equal(torch.stack(list(out.masks)), plain.masks)


def test_index_gathers_annotations_with_their_images():
    index = torch.tensor([3, 3, 0])
    boxes = [random_boxes("XYWH", n + 1, seed=n) for n in range(N)]
    images = random_images()
    masks = tv_tensors.Mask(images[:, 0].clone())
    out = ga.RandomHorizontalFlip(1.0)(images, DRAWS[:3], index=index, boxes=boxes, masks=masks)
    assert torch.equal(out.masks.as_subclass(torch.Tensor), out.images[:, 0].as_subclass(torch.Tensor))
    for own, n in zip(out.boxes, index.tolist(), strict=True):
        wanted = tv.horizontal_flip(boxes[n])
        torch.testing.assert_close(own.as_subclass(torch.Tensor), wanted.as_subclass(torch.Tensor))


def stacked(values):
    return torch.stack([value.as_subclass(torch.Tensor) for value in values])


GEOMETRY = [name for name, entry in ENTRIES.items() if entry.stage == "geometry"]
CHAINS = {
    "perspective of some": [ga.RandomPerspective(p=0.5)],
    "perspective after a flip": [ga.RandomVerticalFlip(1.0), ga.RandomPerspective(p=1.0)],
    "perspective twice": [ga.RandomPerspective(p=1.0), ga.RandomAffine(30), ga.RandomPerspective(p=1.0)],
}
# What keypoints of a list lose where an axis is mirrored: torchvision counts them in whole pixels.
LOST = {
    "RandomHorizontalFlip": (1.0, 0.0),
    "RandomVerticalFlip": (0.0, 1.0),
    "perspective after a flip": (0.0, 1.0),
}


@pytest.mark.parametrize("name", [*GEOMETRY, *CHAINS])
def test_lists_match_tensors(name):
    transform = ga.Compose(CHAINS[name]) if name in CHAINS else build(name)
    images = random_images().as_subclass(torch.Tensor)
    boxes = [random_boxes("XYXY", 5, seed=n) for n in range(N)]
    points = [random_points((7,), seed=n) for n in range(N)]
    lists = transform(images, DRAWS, boxes=boxes, keypoints=points)
    tensors = transform(images, DRAWS, boxes=stacked(boxes), keypoints=stacked(points))
    torch.testing.assert_close(stacked(lists.boxes), tensors.boxes, atol=1e-4, rtol=0)
    wanted = tensors.keypoints - torch.tensor(LOST.get(name, (0.0, 0.0)))
    torch.testing.assert_close(stacked(lists.keypoints), wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("form", FORMATS[3:])
@pytest.mark.parametrize("flips", [0, 1], ids=["upright", "mirrored"])
def test_rotated_boxes_hold_their_corners_under_perspective(flips, form):
    transform = ga.Compose([ga.RandomVerticalFlip(float(flips)), ga.RandomPerspective(p=1.0)])
    boxes = [random_boxes(form, 5, seed=n) for n in range(N)]
    corners = torch.stack([corners_of(box.as_subclass(torch.Tensor).double(), form) for box in boxes])
    given = [tv_tensors.wrap(box, like=box, clamping_mode=None) for box in boxes]
    images = random_images().as_subclass(torch.Tensor)
    moved = transform(images, DRAWS, keypoints=corners.flatten(1, 2)).keypoints.view_as(corners)
    out = transform(images, DRAWS, boxes=given).boxes
    held = torch.stack([corners_of(box.as_subclass(torch.Tensor).double(), form) for box in out])
    for corner in range(4):  # each side has all corners on its right hand, as it runs round clockwise
        start, side = held[..., corner, :], (held.roll(-1, 2) - held)[..., corner, :]
        away = moved - start[..., None, :]
        right = side[..., None, 0] * away[..., 1] - side[..., None, 1] * away[..., 0]
        assert (right / side.norm(dim=-1, keepdim=True)).min() > -0.02


BOXES = random_boxes("XYXY", 1, 0)


@pytest.mark.parametrize(
    ("transform", "given", "error", "message"),
    [
        (ga.ElasticTransform(), {"boxes": [BOXES] * N}, ValueError, "boxes cannot follow Elas"),
        (CROP, {"boxes": [BOXES] * 2}, ValueError, "one for each of the 8 images, got 2"),
        (CROP, {"boxes": BOXES}, TypeError, "boxes must be a list .* got one BoundingBoxes"),
        (CROP, {"keypoints": [BOXES] * N}, TypeError, "KeyPoints, got BoundingBoxes at position 0"),
        (
            CROP,
            {"masks": [tv_tensors.Mask(torch.zeros(1, 9, 9))] * N},
            ValueError,
            r"their images' size, got \(9, 9\) at position 0, where the image has \(30, 40\)",
        ),
    ],
)
def test_wrong_tv_tensors_are_refused(transform, given, error, message):
    with pytest.raises(error, match=message):
        transform(random_images(), DRAWS, **given)


def test_kind_of_names_each_tv_tensor():
    assert kind_of(random_images()) == "Image"
    assert kind_of(tv_tensors.Video(torch.zeros(1, 1, 2, 2))) == "Video"
    assert kind_of(torch.zeros(2)) is None
    assert not has_tv_tensors(torch.zeros(2), None, [1, 2], [])
