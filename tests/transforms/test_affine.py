"""Rotations, shears, scales and moves: torchvision's and SciPy's pixels, exact quarter turns."""

import math

import pytest
import scipy.ndimage
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as tv

import gpuaug as ga


def draws_of(n):
    index = torch.arange(n)
    return torch.stack((index, torch.ones_like(index), index * 6364136223846793005 + 7), dim=1)


def random_images(n=3, channels=3, height=31, width=24):
    return torch.randint(256, (n, channels, height, width), dtype=torch.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(31, 24), (70, 97)])
@pytest.mark.parametrize(
    ("angle", "scale", "shear"),
    [(0, 1, (0, 0)), (15, 1, (0, 0)), (-130, 0.6, (0, 0)), (33, 1.7, (10, 0)), (5, 0.9, (-20, 15))],
)
def test_affine_matches_torchvision(channels, height, width, angle, scale, shear):
    images = random_images(2, channels, height, width)
    settings = (angle, angle), None, (scale, scale), (shear[0], shear[0], shear[1], shear[1])
    ours = ga.RandomAffine(*settings)(images)
    theirs = tv.affine(
        images.double(), angle, [0, 0], scale, list(shear), interpolation=InterpolationMode.BILINEAR
    )
    assert (ours - theirs).abs().max() <= 1


@pytest.mark.parametrize("angle", [0, 12, -75, 160])
def test_rotation_matches_torchvision(angle):
    images = random_images()
    theirs = tv.rotate(images.double(), angle, interpolation=InterpolationMode.BILINEAR)
    assert (ga.RandomRotation((angle, angle))(images) - theirs).abs().max() <= 1


@pytest.mark.parametrize(("border", "mode"), [("edge", "nearest"), ("reflect", "mirror")])
@pytest.mark.parametrize("channels", [1, 4])
def test_affine_borders_match_scipy(border, mode, channels):
    images = random_images(1, channels, 40, 33)
    angle, scale = math.radians(25), 0.5
    ours = ga.RandomAffine((25, 25), scale=(scale, scale), padding_mode=border)(images)
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    middle = torch.tensor([19.5, 16.0], dtype=torch.float64)
    matrix = torch.tensor([[cos, -sin], [sin, cos]], dtype=torch.float64)  # rows first
    offset = (middle - matrix @ middle).numpy()
    for c in range(channels):
        theirs = scipy.ndimage.affine_transform(
            images[0, c].double().numpy(), matrix.numpy(), offset, order=1, mode=mode
        )
        assert (ours[0, c] - torch.from_numpy(theirs)).abs().max() <= 1


def test_translations_are_whole_pixels_and_uniform():
    n, height, width = 4000, 20, 30
    dot = torch.zeros(n, 1, height, width, dtype=torch.uint8)
    dot[:, 0, 10, 15] = 255
    out = ga.RandomAffine(0, translate=(0.1, 0.2))(dot, draws_of(n))
    assert out.unique().tolist() == [0, 255]
    place = out.flatten(1).int().argmax(1)
    for moved, reach in ((place % width - 15, 3), (place // width - 10, 4)):
        shares = torch.bincount(moved + reach, minlength=2 * reach + 1) / n
        expected = torch.full((2 * reach + 1,), 0.5 / reach)
        expected[[0, -1]] /= 2  # rounding gives the two ends half a step
        assert ((shares - expected).abs() < 5 * (expected / n).sqrt()).all()


def test_angles_and_factors_are_uniform():
    n = 10_000
    recipes = ga.RandomAffine((-20, 40), scale=(0.5, 2.0)).recipes(draws_of(n), (n, 1, 9, 9))[0]
    xx, xy = (recipes.field(name).double() * 2**-32 for name in ("xx", "xy"))
    for values, low, high in (
        (torch.atan2(xy, xx) * (180 / math.pi), -20, 40),
        (1 / torch.hypot(xx, xy), 0.5, 2.0),
    ):
        assert low <= values.min()
        assert values.max() <= high
        sigma = (high - low) / math.sqrt(12)
        assert abs(values.mean() - (low + high) / 2) < 5 * sigma / math.sqrt(n)
        assert abs(values.std() / sigma - 1) < 0.03


def test_crop_turn_and_flip_are_one_exact_map():
    images = random_images(20, 2, 16, 16)
    chain = ga.Compose([ga.CenterCrop(8), ga.RandomRotation((90, 90)), ga.RandomHorizontalFlip(1.0)])
    assert chain.step.passes == 1
    assert torch.equal(chain(images), images[:, :, 4:12, 4:12].rot90(1, (2, 3)).flip(3))


def test_a_rotation_does_not_bring_back_cropped_pixels():
    images = torch.full((1, 1, 16, 16), 200, dtype=torch.uint8)
    chain = ga.Compose([ga.CenterCrop(8), ga.RandomAffine(0, scale=(0.5, 0.5))])
    out = chain(images)[0, 0]
    assert out[2:6, 2:6].unique().tolist() == [200]
    assert out[0].unique().tolist() == [0]


def test_one_affine_resampling_is_near_two():
    """A smooth image, on which the two ways differ by little."""
    y, x = torch.meshgrid(torch.linspace(0, 3, 60), torch.linspace(0, 3, 60), indexing="ij")
    images = (127 + 90 * torch.sin(x + 1) * torch.cos(2 * y)).to(torch.uint8).expand(8, 1, 60, 60)
    crop, turn, size = ga.CenterCrop(40), ga.RandomRotation(30, padding_mode="edge"), ga.Resize((50, 45))
    draws = draws_of(8)
    once = ga.Compose([turn, crop, size])(images, draws)
    apart = ga.Compose([crop, size])(ga.Compose([turn])(images, draws), draws)
    assert (once.int() - apart.int()).abs().max() <= 2


def test_an_angle_of_0_is_a_copy():
    images = random_images()
    recipes = ga.RandomRotation(0).recipes(draws_of(3), tuple(images.shape))[0]
    assert recipes.stages == 0


def test_packed_images_turn_about_their_own_middle():
    sizes = [(9, 9), (16, 16)]
    images = [torch.randint(256, (h, w, 3), dtype=torch.uint8) for h, w in sizes]
    chain = ga.Compose([ga.RandomRotation((180, 180)), ga.Resize((9, 9))])
    out = chain(ga.pack([image.numpy() for image in images]), draws_of(2))
    assert torch.equal(out[0].permute(1, 2, 0), images[0].flip(0, 1))


@pytest.mark.parametrize("size", [1, 2, 7, 32])
@pytest.mark.parametrize("channels", [1, 3])
def test_transposed_images_are_exact(size, channels):
    images = torch.randint(256, (40, channels, size, size), dtype=torch.uint8)
    assert torch.equal(ga.RandomTranspose(1.0)(images), images.mT)
    assert torch.equal(ga.RandomTranspose(0.0)(images), images)
    index = torch.arange(40)
    draws = torch.stack((index, index % 2, index * 6364136223846793005 + 7), dim=1)
    out = ga.RandomTranspose()(images, draws)
    straight, turned = ((out == other).flatten(1).all(1) for other in (images, images.mT))
    assert (straight | turned).all()
    assert size == 1 or 8 < int(turned.sum()) < 32
    floats = ga.RandomTranspose()(images.double() / 255, draws)
    assert (floats * 255 - out).abs().max() < 1e-6
    out = ga.Compose([ga.RandomTranspose(1.0)], apply_to="copies")(images, draws)
    assert torch.equal(out[::2], images[::2])
    assert torch.equal(out[1::2], images[1::2].mT)


def test_a_transposition_joins_crops_and_flips():
    images = torch.randint(256, (9, 3, 20, 26), dtype=torch.uint8)
    steps = [ga.CenterCrop(20), ga.RandomVerticalFlip(1.0), ga.RandomTranspose(1.0), ga.CenterCrop((8, 12))]
    chain = ga.Compose([*steps, ga.RandomHorizontalFlip(1.0)])
    assert chain.step.passes == 1
    expected = images[..., 3:23].flip(2).mT[..., 6:14, 4:16].flip(3)
    assert torch.equal(chain(images), expected)
    assert ga.Compose([ga.RandomRotation(9), ga.RandomTranspose()]).step.passes == 2


def test_transposed_images_that_are_not_square_are_stretched():
    images = torch.randint(256, (6, 3, 12, 30), dtype=torch.uint8)
    expected = torch.nn.functional.interpolate(images.mT.double(), (12, 30), mode="bilinear")
    assert (ga.RandomTranspose(1.0)(images) - expected).abs().max() <= 1
    packed = ga.pack([images[0], images[1, :, :, :12], images[2].mT.contiguous()])
    out = ga.Compose([ga.RandomTranspose(1.0), ga.Resize((30, 30))])(packed)
    for n, image in enumerate((images[0], images[1, :, :, :12], images[2].mT)):
        expected = torch.nn.functional.interpolate(image.mT[None].double(), (30, 30), mode="bilinear")[0]
        assert (out[n] - expected).abs().max() <= 1  # one resampling, not two
