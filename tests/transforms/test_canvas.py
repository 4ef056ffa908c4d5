"""Images on a canvas: padded, zoomed out, scaled onto one of a fixed size; beside torchvision's."""

import pytest
import torch
from every_transform import draws_of
from torchvision.transforms.v2 import functional as tv

import gpuaug as ga


def bright_images(n=6, channels=3, height=40, width=64):
    """Without the level 0, which is a canvas's."""
    return torch.randint(1, 256, (n, channels, height, width), dtype=torch.uint8)


def windows(out):
    """Of each image, the (top, bottom, left, right) of what is not 0."""
    shown = out.amax(1) > 0
    rows, columns = shown.any(2), shown.any(1)
    for row, column in zip(rows, columns, strict=True):
        y, x = row.nonzero().flatten(), column.nonzero().flatten()
        yield int(y[0]), int(y[-1]) + 1, int(x[0]), int(x[-1]) + 1


# ---- Pad


@pytest.mark.parametrize("padding", [0, 3, (2, 5), (1, 2, 3, 4), [7, 0, 0, 1]])
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_pad_matches_torchvision(padding, mode):
    images = torch.randint(256, (3, 3, 9, 12), dtype=torch.uint8)
    given = list(padding) if not isinstance(padding, int) else padding
    fill = [9.0, 250.0, 77.0] if mode == "constant" else 0
    expected = tv.pad(images, given, fill=fill, padding_mode=mode)
    pad = ga.Pad(padding, (9, 250, 77), mode)
    assert torch.equal(pad(images), expected)
    assert torch.equal(pad.eval()(images), expected)
    assert (pad(images.double() / 255) * 255 - expected).abs().max() < 1e-4


def test_packed_images_are_padded_once_they_have_one_size():
    images = [torch.randint(256, (3, *size), dtype=torch.uint8) for size in ((4, 6), (9, 3))]
    size = ga.Resize((8, 8))
    out = ga.Compose([size, ga.Pad((1, 2), fill=7)])(ga.pack(images))
    assert torch.equal(out, torch.nn.functional.pad(size(ga.pack(images)), (1, 1, 2, 2), value=7))
    with pytest.raises(
        ValueError, match="all draws must have one size after the geometry, got 8 x 8 for draw"
    ):
        ga.Pad((1, 2))(ga.pack(images))


def test_a_padded_box_and_mask_follow():
    images = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    mask = torch.randint(1, 9, (1, 8, 8))
    out = ga.Pad((1, 2, 3, 4))(images, boxes=torch.tensor([[[1.0, 2.0, 5.0, 6.0]]]), masks=mask)
    assert out.boxes.tolist() == [[[2.0, 4.0, 6.0, 8.0]]]
    assert torch.equal(out.masks, torch.nn.functional.pad(mask, (1, 3, 2, 4)))


def test_an_option_that_pads_leaves_the_others_at_its_size():
    chain = ga.OneOf([ga.Pad(2), ga.Pad(1)], by="copy")
    with pytest.raises(ValueError, match="all draws must have one size after the geometry, got 12 x 12"):
        chain(bright_images(4, height=8, width=8), torch.tensor([[n, 1 + n, n] for n in range(4)]))
    images = bright_images(4, height=8, width=8)
    out = ga.OneOf([ga.Pad(2), ga.RandomHorizontalFlip(1.0)], by="copy")(
        images, torch.tensor([[n, 1 + n, n] for n in range(4)])
    )
    assert torch.equal(out[::2], torch.nn.functional.pad(images[::2], (2, 2, 2, 2)))
    assert out[1::2].amin() > 0


# ---- RandomZoomOut


def test_a_zoomed_out_image_is_the_shrunk_one_somewhere():
    images = bright_images(300)
    zoom = ga.RandomZoomOut(side_range=(2.0, 2.0), p=1.0)
    out = zoom(images, draws_of(300))
    assert out.shape == images.shape
    small = tv.resize(images, (20, 32), antialias=True)
    places = list(windows(out))
    for shown, expected, (top, bottom, left, right) in zip(out, small, places, strict=True):
        assert (bottom - top, right - left) == (20, 32)
        assert (shown[:, top:bottom, left:right].int() - expected.int()).abs().max() <= 1
    tops, lefts = ({place[k] for place in places} for k in (0, 2))
    assert (min(tops), max(tops), min(lefts), max(lefts)) == (0, 20, 0, 32)


def test_sides_of_a_canvas_are_uniform():
    n = 10_000
    zoom = ga.RandomZoomOut(side_range=(1.5, 4.0), p=1.0)
    sides = zoom.recipes(draws_of(n), (n, 1, 9, 9))[0].field("xx").double() * 2**-32
    assert 1.5 <= sides.min() < 1.51
    assert 3.99 < sides.max() <= 4
    assert abs(sides.mean() - 2.75) < 5 * 2.5 / 12**0.5 / n**0.5
    half = ga.RandomZoomOut(side_range=(1.5, 4.0)).recipes(draws_of(n), (n, 1, 9, 9))[0]
    assert abs(int((half.field("stages") != 0).sum()) - n / 2) < 5 * n**0.5 / 2


def test_a_zoomed_out_box_keeps_its_content():
    images = torch.zeros(50, 1, 40, 64, dtype=torch.uint8)
    images[:, :, 8:20, 16:48] = 200
    zoom = ga.RandomZoomOut(side_range=(2.0, 2.0), p=1.0, antialias=False, interpolation="nearest")
    out = zoom(images, draws_of(50), boxes=torch.tensor([16.0, 8, 48, 20]).expand(50, 1, 4))
    for box, (top, bottom, left, right) in zip(out.boxes[:, 0].tolist(), windows(out.images), strict=True):
        assert box == [left, top, right, bottom]


# ---- ScaleJitter, RandomShortestSize


def test_a_jittered_smaller_image_lies_at_the_top_left():
    images = bright_images()
    jitter = ga.ScaleJitter((40, 64), (0.5, 0.5), fill=(9, 250, 77))
    out = jitter(images)
    expected = tv.pad(tv.resize(images, (20, 32), antialias=True), [0, 0, 32, 20], fill=[9.0, 250.0, 77.0])
    assert (out.int() - expected.int()).abs().max() <= 1


def test_a_jittered_larger_image_shows_a_part():
    n = 60
    images = bright_images(n, height=20, width=30)
    jitter = ga.ScaleJitter((20, 30), (2.0, 2.0), fill=255)
    out, recipes = jitter(images, draws_of(n)), jitter.recipes(draws_of(n), tuple(images.shape))[0]
    large = torch.nn.functional.interpolate(images.double(), (40, 60), mode="bilinear")
    left, top = ((recipes.field(name).double() * 2**-32 * 2 + 0.5) for name in ("x1", "y1"))
    assert left.min() == 0 < left.max() <= 30
    for k in range(n):
        x, y = int(left[k]), int(top[k])
        assert (out[k] - large[k, :, y : y + 20, x : x + 30]).abs().max() <= 1


def test_draws_that_are_not_augmented_fit_the_canvas():
    images = bright_images(2, height=20, width=40)
    out = ga.ScaleJitter((30, 20)).eval()(images)
    expected = tv.pad(tv.resize(images, (10, 20), antialias=True), [0, 0, 0, 20])
    assert (out.int() - expected.int()).abs().max() <= 1
    mixed = ga.Compose([ga.ScaleJitter((30, 20), (0.3, 0.3))], apply_to="copies")
    draws = torch.tensor([[0, 0, 5], [1, 1, 6]])
    assert torch.equal(mixed(images, draws)[0], out[0])
    assert not torch.equal(mixed(images, draws)[1], out[1])


@pytest.mark.parametrize(
    ("size", "lengths", "most", "expected"),
    [
        ((32, 48), (16,), None, (16, 24)),
        ((48, 32), 16, None, (24, 16)),
        ((32, 64), (24,), 40, (20, 40)),
        ((32, 32), 32, 100, (32, 32)),
    ],
)
def test_the_shorter_side_has_one_of_the_lengths(size, lengths, most, expected):
    images = bright_images(2, 3, *size)
    out = ga.RandomShortestSize(lengths, most, size=(50, 45))(images)
    small = tv.resize(images, expected, antialias=True)
    padded = tv.pad(small, [0, 0, 45 - expected[1], 50 - expected[0]])
    assert (out.int() - padded.int()).abs().max() <= 1


def test_lengths_are_equally_likely_and_images_of_several_sizes_share_a_canvas():
    n = 6000
    resize = ga.RandomShortestSize((10, 20, 40), max_size=60)
    steps = resize.recipes(draws_of(n), (n, 1, 20, 30))[0].field("xx").double() * 2**-32
    values, counts = steps.unique(return_counts=True)
    assert values.tolist() == [0.5, 1, 2]
    assert ((counts - n / 3) ** 2 / (n / 3)).sum() < 20  # chi-square, 2 degrees of freedom
    images = [torch.randint(1, 256, (1, *size), dtype=torch.uint8) for size in ((20, 30), (60, 20))]
    out = ga.RandomShortestSize(10)(ga.pack(images))
    assert out.shape == (2, 1, 10, 10)
    assert list(windows(out)) == [(0, 10, 0, 10)] * 2


# ---- Settings


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: ga.Pad(-1), ValueError, r"padding must be in \[0, 65535\], got -1"),
        (lambda: ga.Pad((1, 2, 3)), TypeError, r"two or four of them, got \(1, 2, 3\)"),
        (lambda: ga.Pad(1, padding_mode="symmetric"), ValueError, "constant, edge, reflect, got 'symmetric'"),
        (
            lambda: ga.RandomZoomOut(side_range=(0.5, 2)),
            ValueError,
            r"side_range must be factors of at least 1, got \(0.5, 2\)",
        ),
        (
            lambda: ga.RandomShortestSize(()),
            ValueError,
            "min_size must be a length or more, got none",
        ),
        (lambda: ga.RandomShortestSize((8, 0)), ValueError, r"min_size must be in \[1, 65535\], got 0"),
    ],
)
def test_wrong_settings_of_canvases_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()
