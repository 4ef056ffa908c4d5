"""Where crops are cut, how chains compose, who is flipped."""

import pytest
import torch
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.v2 import functional as tv

import gpuaug as ga
from gpuaug import functional as F


def draws_of(n, copy=1):
    index = torch.arange(n)
    keys = index * 6364136223846793005 + 1442695040888963407
    return torch.stack((index, torch.full_like(index, copy), keys), dim=1)


def random_images(n=4, channels=3, height=32, width=32):
    return torch.randint(256, (n, channels, height, width), dtype=torch.uint8)


def coordinates(n, height, width):
    """Images whose pixels tell where they were: channel 0 the column, channel 1 the row."""
    columns = torch.arange(width, dtype=torch.uint8).expand(n, 1, height, width)
    rows = torch.arange(height, dtype=torch.uint8)[:, None].expand(n, 1, height, width)
    return torch.cat((columns, rows), dim=1)


def test_random_crop_is_uniform_over_all_windows():
    n = 4000
    out = ga.RandomCrop((5, 3))(coordinates(n, 8, 6), draws_of(n))
    left, top = out[:, 0, 0, 0].long(), out[:, 1, 0, 0].long()
    window = coordinates(1, 5, 3).long() + torch.stack((left, top), dim=1)[:, :, None, None]
    assert torch.equal(out.long(), window)
    for start, places in ((left, 4), (top, 4)):
        counts = torch.bincount(start, minlength=places)
        assert len(counts) == places
        assert ((counts - n / places) ** 2 / (n / places)).sum() < 25  # chi-square, 3 degrees of freedom


@pytest.mark.parametrize(
    ("mode", "numpy_mode"), [("zero", "constant"), ("edge", "replicate"), ("reflect", "reflect")]
)
def test_a_padded_crop_reads_what_padding_would_give(mode, numpy_mode):
    images = random_images(300, 1, 6, 5)
    crop = ga.RandomCrop((6, 5), padding=3, padding_mode=mode)
    recipes = crop.recipes(draws_of(300), tuple(images.shape))[0]
    left, top = (recipes.field(f) >> 32 for f in ("x1", "y1"))
    assert left.min() == -3
    assert top.max() == 3
    padded = torch.nn.functional.pad(images.float(), (3, 3, 3, 3), mode=numpy_mode).to(torch.uint8)
    out = F.augment(images, recipes)
    for n in range(300):
        y, x = int(top[n]) + 3, int(left[n]) + 3
        assert torch.equal(out[n], padded[n, :, y : y + 6, x : x + 5])


def test_the_articles_crop_matches_its_formula():
    images = random_images(50)
    chain = ga.Compose([ga.RandomCrop(20), ga.Resize(32)])
    recipes = chain.recipes(draws_of(50), tuple(images.shape))
    assert len(recipes) == 1
    left, top, right, bottom = (recipes[0].field(f) for f in ("left", "top", "right", "bottom"))
    assert (right - left == 20).all()
    assert (bottom - top == 20).all()
    boxes = torch.stack((left, top, right, bottom), dim=1)
    assert torch.equal(chain(images, draws_of(50)), F.crop_resize(images, boxes, 32))


def test_random_resized_crop_matches_torchvisions_distribution():
    n, height, width, scale, ratio = 20_000, 40, 60, (0.2, 0.9), (0.5, 2.0)
    crop = ga.RandomResizedCrop(16, scale=scale, ratio=ratio)
    recipes = crop.recipes(draws_of(n), (n, 3, height, width))[0]
    ours = {
        "left": recipes.field("left").double(),
        "top": recipes.field("top").double(),
        "width": (recipes.field("xx").double() * 2**-32 * 16).round(),
        "height": (recipes.field("yy").double() * 2**-32 * 16).round(),
    }
    image = torch.empty(3, height, width)
    drawn = [RandomResizedCrop.get_params(image, scale, ratio) for _ in range(4000)]
    theirs = dict(
        zip(("top", "left", "height", "width"), torch.tensor(drawn, dtype=torch.float64).T, strict=True)
    )
    for each in (ours, theirs):
        each["area"] = each["width"] * each["height"]
        each["ratio"] = each["width"] / each["height"]
    for name in ours:
        five_sigma = 5 * theirs[name].std() * (1 / 4000 + 1 / n) ** 0.5
        assert abs(ours[name].mean() - theirs[name].mean()) < five_sigma, name
        assert abs(ours[name].std() / theirs[name].std() - 1) < 0.06, name


def test_random_resized_crop_falls_back_to_the_middle():
    crop = ga.RandomResizedCrop(4, scale=(1.0, 1.0), ratio=(1.0, 1.0))
    recipes = crop.recipes(draws_of(3), (3, 1, 10, 30))[0]
    assert recipes.field("left").tolist() == [10] * 3
    assert recipes.field("right").tolist() == [20] * 3
    assert recipes.field("bottom").tolist() == [10] * 3


@pytest.mark.parametrize(("height", "width"), [(9, 9), (10, 8), (11, 14)])
def test_center_crop_matches_torchvision(height, width):
    images = random_images(2, 3, height, width)
    assert torch.equal(ga.CenterCrop((7, 8))(images), tv.center_crop(images, [7, 8]))


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize(("height", "width"), [(20, 30), (30, 20), (17, 17)])
def test_resize_by_the_shorter_side_matches_torchvision(height, width, antialias):
    images = random_images(2, 3, height, width)
    theirs = tv.resize(images, [13], antialias=antialias)
    ours = ga.Resize(13, antialias=antialias)(images)
    assert ours.shape == theirs.shape
    assert (ours.int() - theirs.int()).abs().max() <= 1


def test_flips_have_their_probability():
    n = 20_000
    images = torch.tensor([[1, 2], [3, 4]], dtype=torch.uint8).expand(n, 1, 2, 2)
    out = ga.Compose([ga.RandomHorizontalFlip(0.3), ga.RandomVerticalFlip(0.8)])(images, draws_of(n))
    first = out[:, 0, 0, 0]
    for corner, p in ((1, 0.7 * 0.2), (2, 0.3 * 0.2), (3, 0.7 * 0.8), (4, 0.3 * 0.8)):
        assert abs((first == corner).double().mean() - p) < 5 * (p * (1 - p) / n) ** 0.5


def test_a_chain_of_geometry_is_one_resampling():
    # Down and up again by hand would lose detail; composed, the maps cancel.
    images = random_images(3)
    chain = ga.Compose([ga.Resize((8, 8)), ga.RandomVerticalFlip(1.0), ga.Resize((32, 32))])
    assert torch.equal(chain(images), images.flip(2))


def test_a_crop_after_a_resize_still_sees_its_neighbours():
    images = random_images(2, 1, 8, 8)
    chain = ga.Compose([ga.Resize((16, 16)), ga.CenterCrop(6)])
    assert torch.equal(
        chain(images), F.crop_resize(images, torch.tensor([[0, 0, 8, 8]] * 2), 16)[:, :, 5:11, 5:11]
    )


@pytest.mark.parametrize(
    "transform", [ga.RandomCrop(33), ga.CenterCrop((20, 40)), ga.RandomCrop(39, padding=3)]
)
def test_a_crop_larger_than_the_image_is_refused(transform):
    height, width = transform.size
    message = (
        f"size must be at most the image's with its padding, got {height} x {width} for draw 0 .* of 32 x 32"
    )
    with pytest.raises(ValueError, match=f"{type(transform).__name__}: {message} pixels"):
        transform(random_images())
