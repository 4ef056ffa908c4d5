"""``interpolation`` and ``fill`` of the transforms of geometry, beside torchvision's and Pillow's."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

import gpuaug as ga

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR
FILL = (9, 250, 77)


def random_images(n=3, channels=3, height=31, width=24):
    return torch.randint(256, (n, channels, height, width), dtype=torch.uint8)


def share(ours, theirs):
    """Of the pixels, those that are the same."""
    return float((ours == theirs).all(1).double().mean())


# ---- Nearest


@pytest.mark.parametrize("size", [(31, 24), (9, 61), (62, 48), (15, 12), (1, 1)])
def test_nearest_resize_matches_pillow_and_torchvisions_nearest_exact(size):
    images = random_images()
    ours = ga.Resize(size, interpolation="nearest")(images)
    assert torch.equal(ours, tv.resize(images, size, interpolation=InterpolationMode.NEAREST_EXACT))
    pillow = Image.fromarray(images[0].permute(1, 2, 0).numpy()).resize(size[::-1], Image.Resampling.NEAREST)
    assert torch.equal(ours[0].permute(1, 2, 0), torch.from_numpy(np.array(pillow)))


@pytest.mark.parametrize(
    ("angle", "scale", "shear"),
    [(15, 1, (0, 0)), (-130, 0.6, (0, 0)), (33, 1.7, (10, 0)), (5, 0.9, (-20, 15))],
)
def test_nearest_affine_matches_torchvision(angle, scale, shear):
    """A coordinate of torchvision's is a sum of float32: in a few pixels it lies beyond a half."""
    images = random_images(2, 3, 70, 97)
    settings = (angle, angle), None, (scale, scale), (shear[0], shear[0], shear[1], shear[1])
    ours = ga.RandomAffine(*settings, interpolation=NEAREST, fill=FILL)(images)
    theirs = tv.affine(images, angle, [0, 0], scale, list(shear), interpolation=NEAREST, fill=list(FILL))
    assert share(ours, theirs) > 0.998


@pytest.mark.parametrize("angle", [12, -75, 160, 90, 180])
def test_nearest_rotation_matches_torchvision(angle):
    images = random_images(2, 3, 32, 32)
    theirs = tv.rotate(images, angle, interpolation=NEAREST, fill=list(FILL))
    ours = ga.RandomRotation((angle, angle), interpolation="nearest", fill=FILL)(images)
    assert share(ours, theirs) > 0.998


def test_nearest_makes_no_new_levels():
    images = torch.tensor([3, 200], dtype=torch.uint8)[torch.randint(2, (20, 1, 40, 50))]
    chain = ga.Compose(
        [
            ga.RandomResizedCrop((24, 33), interpolation="nearest"),
            ga.RandomAffine(30, scale=(0.5, 2), shear=9, interpolation="nearest", fill=77),
            ga.RandomTranspose(1.0, interpolation="nearest"),
        ]
    )
    assert set(chain(images).unique().tolist()) <= {3, 77, 200}
    floats = chain(images.double() / 255)
    assert set((floats * 255).round(decimals=9).unique().tolist()) <= {3, 77, 200}


def test_masks_and_nearest_images_read_the_same_pixels():
    images = random_images(6, 1, 20, 30)
    chain = ga.Compose(
        [
            ga.RandomAffine(40, (0.2, 0.2), (0.5, 1.5), interpolation="nearest"),
            ga.Resize((15, 45), interpolation="nearest"),
        ]
    )
    out = chain(images, masks=images[:, 0])
    assert torch.equal(out.images[:, 0], out.masks)


def test_nearest_is_not_antialiased():
    images = random_images(1, 3, 64, 64)
    recipes = ga.Resize(8, interpolation="nearest").recipes(torch.tensor([[0, 1, 7]]), tuple(images.shape))[0]
    assert (
        recipes.stages
        == ga.Resize(8, antialias=False, interpolation="nearest")
        .recipes(torch.tensor([[0, 1, 7]]), tuple(images.shape))[0]
        .stages
    )
    assert torch.equal(ga.Resize(8, interpolation="nearest")(images), images[:, :, 4::8, 4::8])


# ---- Fill


@pytest.mark.parametrize("fill", [0, 255, FILL])
@pytest.mark.parametrize(("angle", "scale"), [(33, 0.7), (12, 1.0), (0, 0.5)])
def test_filled_affine_matches_torchvision(fill, angle, scale):
    """Where the image ends, torchvision blends with black first and with the fill then; here a pixel is a
    blend of the image and the fill. So is an image less the fill, over black.
    """
    images = random_images(2, 3, 70, 97).double()
    ours = ga.RandomAffine((angle, angle), scale=(scale, scale), fill=fill)(images.to(torch.uint8))
    levels = torch.tensor(fill if isinstance(fill, tuple) else (fill,) * 3, dtype=torch.float64)

    def theirs(given, fill=None):
        return tv.affine(given, angle, [0, 0], scale, [0, 0], interpolation=BILINEAR, fill=fill)

    over_black = theirs(images - levels[:, None, None]) + levels[:, None, None]
    assert (ours - over_black).abs().max() <= 1
    inside = theirs(torch.ones_like(images))
    filled = theirs(images, levels.tolist())
    assert ((ours - filled).abs() * ((inside == 0) | (inside > 1 - 1e-9))).max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_padded_crop_shows_each_channels_fill(channels):
    images, fill = random_images(40, channels, 6, 5), (9, 250, 77, 128)[:channels]
    crop = ga.RandomCrop((6, 5), padding=3, fill=fill)
    keys = torch.arange(40) * 0x1E3779B97F4A7C15 + 5
    draws = torch.stack((torch.arange(40), torch.ones(40, dtype=torch.int64), keys), dim=1)
    recipes = crop.recipes(draws, tuple(images.shape))[0]
    out = crop(images, draws)
    for n in range(40):
        left, top = (int(recipes.field(name)[n] >> 32) + 3 for name in ("x1", "y1"))
        padded = torch.stack(
            [
                torch.nn.functional.pad(image, (3, 3, 3, 3), value=level)
                for image, level in zip(images[n], fill, strict=True)
            ]
        )
        assert torch.equal(out[n], padded[:, top : top + 6, left : left + 5])


@pytest.mark.parametrize("fill", [0, FILL])
@pytest.mark.parametrize("channels", [1, 3])
def test_shrinking_onto_a_border_equals_the_shrunk_image_on_it(fill, channels):
    fill = fill[:channels] if isinstance(fill, tuple) else fill
    images = random_images(2, channels, 40, 64)
    chain = ga.Compose([ga.RandomAffine(0, scale=(0.5, 0.5), fill=fill), ga.Resize((20, 32))])
    assert chain.step.passes == 1
    expected = torch.zeros(2, channels, 20, 32, dtype=torch.uint8)
    expected += torch.tensor(fill, dtype=torch.uint8).view(-1, 1, 1)
    expected[:, :, 5:15, 8:24] = tv.resize(images, (10, 16), antialias=True)
    assert (chain(images).int() - expected.int()).abs().max() <= 1
    assert torch.equal(chain(images)[:, :, :5], expected[:, :, :5])
    assert (chain(images.double() / 255) * 255 - expected).abs().max() <= 1


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_fill_of_floats_matches_bytes(interpolation):
    images = random_images(4, 3, 30, 40)
    chain = ga.RandomAffine(40, scale=(0.5, 1.2), interpolation=interpolation, fill=FILL)
    keys = torch.arange(4) * 0x1E3779B97F4A7C15 + 5
    draws = torch.stack((torch.arange(4), torch.ones(4, dtype=torch.int64), keys), dim=1)
    out = chain(images.double() / 255, draws) * 255
    assert (out - chain(images, draws)).abs().max() <= (1e-6 if interpolation == "nearest" else 1)


def test_nearest_floats_have_a_gradient():
    images = torch.rand(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    out = ga.Compose([ga.Resize(2, interpolation="nearest")])(images)
    out.sum().backward()
    assert images.grad.nonzero()[:, 2:].tolist() == [[1, 1], [1, 3], [3, 1], [3, 3]]


def test_each_draw_has_its_own_interpolation_and_fill():
    images = torch.full((4, 3, 20, 20), 100, dtype=torch.uint8)
    options = [
        ga.RandomRotation((45, 45), fill=(1, 2, 3), interpolation="nearest"),
        ga.RandomRotation((30, 30), fill=255),
    ]
    draws = torch.tensor([[n, 1 + n, 77 + n] for n in range(4)])
    out = ga.OneOf(options, by="copy")(images, draws)
    assert out[0, :, 0, 0].tolist() == out[2, :, 0, 0].tolist() == [1, 2, 3]
    assert out[1, :, 0, 0].tolist() == [255] * 3
    assert out[0].unique().tolist() == [1, 2, 3, 100]
    assert len(out[1].unique()) > 5


# ---- Settings


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: ga.Resize(8, interpolation="bicubic"),
            ValueError,
            "interpolation must be one of nearest, nearest-exact, bilinear, got 'bicubic'",
        ),
        (
            lambda: ga.RandomAffine(8, interpolation=InterpolationMode.BICUBIC),
            ValueError,
            "interpolation must be one of nearest, nearest-exact, bilinear, got 'bicubic'",
        ),
        (lambda: ga.RandomRotation(8, fill=256), ValueError, r"fill must be in \[0, 255\], got 256"),
        (
            lambda: ga.RandomCrop(8, padding=1, fill=(0, 0.5)),
            TypeError,
            r"fill must be an int in \[0, 255\] or one for each of up to 4 channels, got \(0, 0.5\)",
        ),
        (
            lambda: ga.RandomCrop(8, padding=1, fill=(0, 5))(random_images()),
            ValueError,
            "fill must be a level or one for each of the 3 channels, got 2 levels",
        ),
    ],
)
def test_wrong_interpolations_and_fills_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_repr_shows_interpolation_and_fill_unless_default():
    turn = ga.RandomRotation(3, fill=(1, 2, 3), interpolation=NEAREST)
    said = "padding_mode='zero', interpolation='nearest', fill=(1, 2, 3)"
    assert turn.label() == f"RandomRotation(degrees=(-3.0, 3.0), {said})"
    assert "fill" not in ga.RandomCrop(8, padding=2).label()
