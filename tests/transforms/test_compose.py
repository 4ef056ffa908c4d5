"""Compose, OneOf and RandomApply: who is served, and what the others get."""

import pytest
import torch
from torchvision.transforms import v2

import gpuaug as ga
from gpuaug import functional as F
from gpuaug.recipe.layout import GEOMETRY, SHRINK

ARTICLE = [
    ga.Compose([ga.RandomCrop(20), ga.Resize(32)]),
    ga.RandomHorizontalFlip(p=1.0),
    ga.SaltAndPepper(amount=0.25),
]


def draws_of(copies):
    copy = torch.as_tensor(copies)
    index = torch.arange(len(copy))
    return torch.stack((index, copy, index * 2654435761 + copy), dim=1)


def random_images(n, size=32):
    return torch.randint(1, 255, (n, 3, size, size), dtype=torch.uint8)


def test_one_of_by_copy_is_the_articles_scheme():
    images = random_images(7)
    augment = ga.Compose([ga.OneOf(ARTICLE, by="copy")], apply_to="copies")
    assert augment.step.passes == 1
    draws = draws_of([0, 1, 2, 3, 4, 5, 6])
    out = augment(images, draws)
    recipes = augment.recipes(draws, tuple(images.shape))[0]
    assert torch.equal(out[0], images[0])
    box = torch.stack([recipes.field(f)[[1, 4]] for f in ("left", "top", "right", "bottom")], dim=1)
    assert torch.equal(out[[1, 4]], F.crop_resize(images[[1, 4]], box, 32))
    assert torch.equal(out[[2, 5]], images[[2, 5]].flip(3))
    changed = (out[[3, 6]] != images[[3, 6]]).any(1)
    assert abs(changed.double().mean() - 0.25) < 5 * (0.25 * 0.75 / (2 * 32 * 32)) ** 0.5
    assert set(out[[3, 6]][changed[:, None].expand(-1, 3, -1, -1)].unique().tolist()) == {0, 255}


def test_apply_to_all_augments_originals_too():
    images = random_images(64)
    chain = [ga.RandomHorizontalFlip(1.0), ga.RandomCrop(32)]
    draws = draws_of([0, 1] * 32)
    assert torch.equal(ga.Compose(chain, apply_to="all")(images, draws), images.flip(3))
    copies = ga.Compose(chain, apply_to="copies")(images, draws)
    assert torch.equal(copies[::2], images[::2])
    assert torch.equal(copies[1::2], images[1::2].flip(3))


def test_evaluation_resizes_and_normalises_only():
    images = random_images(5, size=40)
    random = [ga.RandomHorizontalFlip(1.0), ga.GaussianBlur(), ga.SaltAndPepper(1.0), ga.Normalize(0.5, 0.5)]
    augment = ga.Compose([ga.RandomResizedCrop(32), *random]).eval()
    whole = torch.tensor([[0, 0, 40, 40]] * 5)
    expected = F.normalize(F.crop_resize(images, whole, 32), 0.5, 0.5)
    assert torch.equal(augment(images, draws_of([1] * 5)), expected)
    assert augment.recipes(draws_of([1] * 5), tuple(images.shape))[0].stages == GEOMETRY | SHRINK
    assert not torch.equal(augment.train()(images, draws_of([1] * 5)), expected)


def test_one_of_is_uniform_and_exclusive():
    n = 9000
    images = torch.tensor([[10, 20], [30, 40]], dtype=torch.uint8).expand(n, 1, 2, 2)
    options = [ga.RandomHorizontalFlip(1.0), ga.RandomVerticalFlip(1.0), ga.SaltAndPepper(1.0, 1.0)]
    first = ga.OneOf(options)(images, draws_of([1] * n))[:, 0, 0, 0]
    for value in (20, 30, 255):
        assert abs((first == value).double().mean() - 1 / 3) < 5 * (2 / 9 / n) ** 0.5


def test_one_of_keeps_its_weights_and_probability():
    n = 20_000
    images = torch.zeros(n, 3, 1, 1, dtype=torch.uint8)
    options = [ga.RGBShift((9, 9), 0, 0), ga.RGBShift(0, (9, 9), 0), ga.RGBShift(0, 0, (9, 9))]
    out = ga.OneOf(options, weights=[3, 0, 1], p=0.6)(images, draws_of([1] * n)).flatten(1) == 9
    assert (out.sum(1) <= 1).all()
    for rate, expected in zip(out.double().mean(0).tolist(), (0.45, 0.0, 0.15), strict=True):
        assert abs(rate - expected) <= 5 * (expected * (1 - expected) / n) ** 0.5
    assert not ga.OneOf(options, p=0.0)(images).any()
    same = ga.OneOf(options, weights=[2, 2, 2])(images[:99], draws_of([1] * 99))
    assert torch.equal(same, ga.OneOf(options)(images[:99], draws_of([1] * 99)))
    crops = ga.OneOf([ga.RandomCrop(4), ga.Resize((4, 4))], p=0.5)
    assert crops(torch.zeros(9, 3, 8, 8, dtype=torch.uint8)).shape == (9, 3, 4, 4)


def test_random_apply_takes_all_or_none():
    n = 9000
    images = torch.tensor([[10, 20], [30, 40]], dtype=torch.uint8).expand(n, 1, 2, 2)
    both = ga.RandomApply([ga.RandomHorizontalFlip(1.0), ga.RandomVerticalFlip(1.0)], p=0.2)
    first = both(images, draws_of([1] * n))[:, 0, 0, 0]
    assert set(first.unique().tolist()) == {10, 40}
    assert abs((first == 40).double().mean() - 0.2) < 5 * (0.16 / n) ** 0.5


def test_skipped_draws_come_out_at_the_same_size():
    images = random_images(40)
    for container in (ga.RandomApply([ga.RandomCrop(20)], 0.5), ga.OneOf([ga.RandomCrop(20), ARTICLE[1]])):
        out = container(images, draws_of([1] * 40))
        assert out.shape == (40, 3, 20, 20)
        resized = F.crop_resize(images, torch.tensor([[0, 0, 32, 32]] * 40), 20)
        apart = [(out.int() - r.int()).abs().amax((1, 2, 3)) for r in (resized, resized.flip(3))]
        assert 5 < int((torch.minimum(*apart) <= 1).sum()) < 35


@pytest.mark.parametrize("crop", [ga.RandomCrop(20), ga.RandomResizedCrop(20), ga.Resize((20, 20))])
@pytest.mark.parametrize("erase", [ga.CutOut(8), ga.RandomErasing(1.0)])
def test_options_erase_at_the_final_size(crop, erase):
    n = 200
    images = torch.full((n, 1, 32, 32), 9, dtype=torch.uint8)
    draws = draws_of([1, 2] * (n // 2))
    for options, which in (([erase, crop], 0), ([crop, erase], 1)):
        erased = (ga.OneOf(options, by="copy")(images, draws) == 0).flatten(1).any(1)
        assert erased[which::2].all()  # none of the boxes lies outside
        assert not erased[1 - which :: 2].any()


def windows(image, side):
    """All squares of ``side`` pixels of an image ``(H, W)``."""
    return image.unfold(0, side, 1).unfold(1, side, 1).flatten(0, 1)


def test_every_option_crops_the_image_itself():
    n = 80
    image = torch.arange(1, 12 * 16 + 1, dtype=torch.uint8).view(12, 16)
    images, draws = image.expand(n, 1, -1, -1), draws_of([1, 2, 3, 4] * (n // 4))
    flipped = ga.Compose([ga.RandomHorizontalFlip(1.0), ga.Resize((8, 8))])
    options = [ga.RandomCrop(8), ga.CenterCrop(8), ga.RandomCrop(8, padding=2), flipped]
    resized = F.crop_resize(images[:1], torch.tensor([[0, 0, 16, 12]]), 8)[0].flip(2)
    allowed = [
        windows(image, 8),
        image[None, 2:10, 4:12],
        windows(torch.nn.functional.pad(image, (2,) * 4), 8),
        resized,
    ]
    out = ga.OneOf(options, by="copy")(images, draws)
    for option, squares in enumerate(allowed):
        found = (out[option::4] == squares).flatten(2).all(2).any(0)
        assert (out[option::4] == squares).flatten(2).all(2).any(1).all()
        assert found.sum() > min(10, len(squares) - 1)
    every = torch.cat(allowed)
    assert (ga.OneOf(options)(images, draws) == every).flatten(2).all(2).any(1).all()


def test_options_crop_images_of_different_sizes():
    wide, tall = random_images(1)[0, :, :12], random_images(1)[0, :, :, :12]
    packed = ga.pack([wide, tall, wide, tall])
    out = ga.OneOf([ga.Resize((8, 8)), ga.CenterCrop(8)], by="copy")(packed, draws_of([2, 2, 1, 1]))
    assert torch.equal(out[0], wide[:, 2:10, 12:20])
    assert torch.equal(out[1], tall[:, 12:20, 2:10])
    assert torch.equal(out[2:], ga.Resize((8, 8))(packed, draws_of([1] * 4))[2:])


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ([ga.RandomCrop(20), ga.RandomCrop(24)], ("20 x 20", "24 x 24")),
        ([ga.Resize((8, 9)), ga.GaussianBlur(), ga.CenterCrop((9, 8))], ("8 x 9", "9 x 8")),
        ([ga.RandomCrop(24, padding=4), ga.RandomResizedCrop(32)], ("24 x 24", "32 x 32")),
        (
            [ga.Compose([ga.RandomCrop(24, padding=4), ga.Resize(32)]), ga.RandomResizedCrop(32)],
            ("24 x 24", "32 x 32"),
        ),
        (
            [ga.RandomCrop(20), ga.Compose([ga.SaltAndPepper(), ga.RandomCrop(20)])],
            ("20 x 20", "the image's own"),
        ),
    ],
)
def test_options_of_other_sizes_are_refused_when_built(options, sizes):
    for ordered, found in ((options, sizes), (options[::-1], sizes[::-1])):
        with pytest.raises(
            ValueError, match=f"at the same size, got {' and '.join(found)} after pass 1: end each"
        ):
            ga.OneOf(ordered)


def test_options_split_by_another_pass_are_refused_when_composed():
    crops = ga.OneOf([ga.RandomCrop(32, padding=4), ga.RandomResizedCrop(32)])
    with pytest.raises(ValueError, match="got the image's own and 32 x 32 after pass 1"):
        ga.Compose([ga.RandomRotation(10), crops])  # the first opens a pass, the second joins the rotation's


def test_options_of_one_size_are_accepted():
    own = ga.Compose([ga.RandomCrop(20), ga.Resize(32)])
    for options in (
        [own, ga.RandomResizedCrop(32), ga.Resize(32), ga.RandomCrop(32, padding=4)],
        [ga.RandomApply([ga.RandomCrop(20)]), ga.OneOf([ga.CenterCrop(20), ga.Solarize()]), ga.CutOut(3)],
    ):
        out = ga.OneOf(options)(random_images(40), draws_of([1] * 40))
        assert out.shape in ((40, 3, 32, 32), (40, 3, 20, 20))


def test_nested_apply_to_limits_its_own_transforms():
    images = random_images(2)
    inner = ga.Compose([ga.RandomHorizontalFlip(1.0)], apply_to="copies")
    out = ga.Compose([inner, ga.RandomVerticalFlip(1.0)])(images, draws_of([0, 1]))
    assert torch.equal(out[0], images[0].flip(1))
    assert torch.equal(out[1], images[1].flip(1, 2))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: ga.Compose([]), ValueError, "transforms must hold at least one transform"),
        (
            lambda: ga.Compose([ARTICLE[1], "flip"]),
            TypeError,
            "must be gpuaug transforms, got str at position 1",
        ),
        (
            lambda: ga.Compose([ARTICLE[1], v2.RandomHorizontalFlip()]),
            TypeError,
            r"got RandomHorizontalFlip at position 1; gpuaug\.from_torchvision\(chain\) translates",
        ),
        (
            lambda: ga.Compose(ARTICLE, apply_to="some"),
            ValueError,
            "apply_to must be 'all' or 'copies', got 'some'",
        ),
        (lambda: ga.OneOf(ARTICLE, by="turn"), ValueError, "by must be 'random' or 'copy', got 'turn'"),
        (lambda: ga.OneOf(ARTICLE, p=1.5), ValueError, r"p must be in \[0, 1\], got 1.5"),
        (lambda: ga.OneOf(ARTICLE, "copy", p=0.5), ValueError, "weights and p are for by='random'"),
        (
            lambda: ga.OneOf(ARTICLE, weights=[1, 2]),
            TypeError,
            r"weights must be 3 numbers, one for each option, got \[1, 2\]",
        ),
        (
            lambda: ga.OneOf(ARTICLE, weights=[1, 2, -1]),
            ValueError,
            r"weights must be finite, at least 0, and not all 0, got \[1, 2, -1\]",
        ),
        (lambda: ga.RandomApply(ARTICLE, p=1.5), ValueError, r"p must be in \[0, 1\], got 1.5"),
        (lambda: ga.Compose(ARTICLE, seed=-1), ValueError, r"seed must be in \[0, 2\*\*64\), got -1"),
        (lambda: ga.Compose(ARTICLE, seed=2**64), ValueError, r"seed must be in \[0, 2\*\*64\)"),
    ],
)
def test_settings_of_containers_are_checked(build, error, message):
    with pytest.raises(error, match=message):
        build()
