"""The windows that recipes read: cut to them, images give the same bytes; at a smaller scale, nearly."""

import pytest
import torch

import gpuaug
from gpuaug.images.packed import Packed, pack
from gpuaug.recipe.layout import WORD
from gpuaug.recipe.windows import read_windows, whole_windows

GENERATOR = torch.Generator().manual_seed(0)


def numbers(low, high, *shape):
    return torch.randint(low, high, shape, generator=GENERATOR)


SIZES = [tuple(size) for size in numbers(20, 160, 24, 2).tolist()]
IMAGES = [numbers(0, 256, height, width, 3).to(torch.uint8).permute(2, 0, 1) for height, width in SIZES]
DRAWS = torch.stack((torch.arange(24), torch.arange(24) % 2, numbers(-(1 << 62), 1 << 62, 24)), dim=1)

article = gpuaug.Compose([gpuaug.RandomCrop(20), gpuaug.Resize((32, 32))])
CHAINS = {
    "enlarged": [gpuaug.RandomResizedCrop(128)],
    "shrunk": [gpuaug.RandomResizedCrop(24), gpuaug.RandomHorizontalFlip()],
    "not antialiased": [gpuaug.RandomResizedCrop(24, antialias=False), gpuaug.RandomVerticalFlip()],
    "along one axis": [gpuaug.RandomResizedCrop((300, 8))],
    "small": [gpuaug.RandomResizedCrop(48, scale=(0.001, 0.01)), gpuaug.RandomTranspose()],
    "zero": [gpuaug.RandomCrop(20, padding=30, padding_mode="zero"), gpuaug.RandomHorizontalFlip()],
    "edge": [gpuaug.RandomCrop(20, padding=30, padding_mode="edge"), gpuaug.RandomHorizontalFlip()],
    "reflect": [gpuaug.RandomCrop(20, padding=30, padding_mode="reflect"), gpuaug.RandomHorizontalFlip()],
    "turned": [gpuaug.RandomResizedCrop(48), gpuaug.RandomRotation(45)],
    "perspective": [gpuaug.RandomResizedCrop(48), gpuaug.RandomPerspective(p=1.0)],
    "nearest": [
        gpuaug.RandomResizedCrop(48, interpolation="nearest"),
        gpuaug.RandomRotation(45, interpolation="nearest", fill=9),
    ],
    "turned first": [gpuaug.RandomRotation(45), gpuaug.RandomResizedCrop(48)],
    "affine": [
        gpuaug.Resize((64, 64)),
        gpuaug.RandomAffine(30, translate=(0.3, 0.3), scale=(0.3, 2), shear=20),
    ],
    "moved out": [gpuaug.Resize((24, 24)), gpuaug.RandomAffine(0, (1.0, 1.0), (0.2, 0.9))],
    "moved out, kept": [gpuaug.RandomAffine(0, (1.0, 1.0), (0.2, 0.9)), gpuaug.RandomResizedCrop(9)],
    "centre": [gpuaug.CenterCrop(16), gpuaug.GaussianBlur()],
    "a crop for some": [gpuaug.RandomApply([gpuaug.RandomCrop(20)], p=0.5), gpuaug.Resize((33, 33))],
    "options": [gpuaug.OneOf([article, gpuaug.RandomResizedCrop(32)])],
    "several passes": [gpuaug.RandomRotation(20), gpuaug.RandomCrop(20), gpuaug.RandomRotation(20)],
    "normalised": [gpuaug.Resize((40, 50)), gpuaug.Normalize(0.5, 0.5)],
}


def of_one_size(side, count):
    """Square images without pixels."""
    sides = torch.full((count,), side)
    return Packed(torch.empty(0), torch.zeros_like(sides), sides, sides, 3, interleaved=True)


def cut(images, windows):
    parts = zip(images, windows.left.tolist(), windows.top.tolist(), windows.sizes, strict=True)
    return pack([im[:, top : top + h, left : left + w] for im, left, top, (h, w) in parts])


def of_windows(augment, images, packed, reducing_gap=None):
    """What the chain makes of the windows alone, and how many bytes they have."""
    first, *others = augment.recipes(DRAWS, packed)
    windows, records = read_windows(first, reducing_gap)
    alone = cut(images, windows)
    assert windows.sizes == list(zip(alone.heights.tolist(), alone.widths.tolist(), strict=True))
    records[:, WORD["offset"]] = alone.offsets
    return augment.apply_recipes(alone, (first._replace(records=records), *others)), alone.storage.numel()


@pytest.mark.parametrize("apply_to", ["all", "copies"])
@pytest.mark.parametrize("name", CHAINS)
def test_a_window_holds_all_that_is_read(name, apply_to):
    augment, packed = gpuaug.Compose(CHAINS[name], apply_to=apply_to), pack(IMAGES)
    found, _ = of_windows(augment, IMAGES, packed)
    assert torch.equal(found, augment.apply_recipes(packed, augment.recipes(DRAWS, packed)))


@pytest.mark.parametrize("name", CHAINS)
def test_windows_are_cut_in_evaluation_too(name):
    augment, packed = gpuaug.Compose(CHAINS[name]), pack(IMAGES)
    augment.eval()
    expected = augment.apply_recipes(packed, augment.recipes(DRAWS, packed))
    found, _ = of_windows(augment, IMAGES, packed)
    assert torch.equal(found, expected)


@pytest.mark.parametrize(("name", "most"), [("shrunk", 0.6), ("small", 0.1), ("zero", 0.2), ("centre", 0.1)])
def test_a_window_is_smaller_than_the_image(name, most):
    packed = pack(IMAGES)
    _, bytes_read = of_windows(gpuaug.Compose(CHAINS[name]), IMAGES, packed)
    assert bytes_read < most * packed.storage.numel()


def test_a_window_is_what_the_filter_reaches_and_no_more():
    """By hand: an eighth of 64 pixels, from a window of its own, and one that is turned round."""
    builder_of = gpuaug.recipe.builder.RecipeBuilder.of_batch
    for flip in (False, True):
        builder = builder_of((1, 3, 64, 100))
        builder.crop((10, 5), (64, 32))
        builder.resize((8, 4))
        if flip:
            builder.flip(0)
        windows, _ = read_windows(builder.recipes((4, 8)), None)
        assert (windows.left.item(), windows.top.item(), windows.sizes) == (10, 5, [(32, 64)])
    builder = builder_of((1, 3, 64, 100))  # a blend may reach one pixel on, to each side
    builder.crop((10, 5), (3, 2))
    windows, _ = read_windows(builder.recipes((2, 3)), None)
    assert (windows.left.item(), windows.top.item(), windows.sizes) == (9, 4, [(4, 5)])


def test_draws_without_geometry_read_whole_images():
    images = torch.stack([image[:, :20, :20] for image in IMAGES])
    augment = gpuaug.GaussianBlur()
    (recipes,) = augment.recipes(DRAWS, tuple(images.shape))
    windows, _ = read_windows(recipes, 2.0)
    for found, expected in zip(windows, whole_windows(*torch.full((2, 24), 20)), strict=True):
        assert torch.equal(found, expected)


# Shrunk by: the scale at each gap.
@pytest.mark.parametrize(
    ("step", "scales"),
    [(1.5, {1: 1, 1.5: 1, 2: 1, 3: 1}), (2, {1: 2, 1.5: 1, 2: 1, 3: 1}), (3, {1: 2, 1.5: 2, 2: 1, 3: 1}),
     (4, {1: 4, 1.5: 2, 2: 2, 3: 1}), (8, {1: 8, 1.5: 4, 2: 4, 3: 2}), (16, {1: 8, 1.5: 8, 2: 8, 3: 4}),
     (24, {1: 8, 1.5: 8, 2: 8, 3: 8})],
)  # fmt: skip
def test_the_scale_leaves_the_gap(step, scales):
    side = int(24 * step)
    whole = Packed(
        *(torch.empty(0), torch.zeros(2, dtype=torch.int64)), *torch.tensor([[side] * 2] * 2), 3, True
    )
    draws = DRAWS[:2]
    (recipes,) = gpuaug.Resize((24, 24)).recipes(draws, whole)
    for gap, scale in scales.items():
        windows, _ = read_windows(recipes, gap)
        assert windows.scales.tolist() == [scale] * 2
        assert windows.sizes == [(side // scale,) * 2] * 2
    some, _ = read_windows(recipes, 1, torch.tensor([False, True]))
    assert some.scales.tolist() == [1, scales[1]]
    assert read_windows(recipes, None)[0].scales.tolist() == [1, 1]


@pytest.mark.parametrize(
    "chain",
    [
        [gpuaug.Resize((24, 24), antialias=False)],
        [gpuaug.Resize((24, 24)), gpuaug.RandomRotation((45, 45))],
        [gpuaug.Resize((24, 240))],
    ],
    ids=["no filter", "turned", "one axis"],
)
def test_only_what_is_filtered_along_both_axes_is_reduced(chain):
    whole = Packed(
        *(torch.empty(0), torch.zeros(1, dtype=torch.int64)), *torch.tensor([[240], [240]]), 3, True
    )
    (recipes,) = gpuaug.Compose(chain).recipes(DRAWS[1:2], whole)
    assert read_windows(recipes, 1)[0].scales.tolist() == [1]


def test_a_reduced_window_shows_the_same_place():
    """A smooth image, halved by means of four: the chain sees the same picture, to a level or two."""
    rows, columns = torch.meshgrid(torch.arange(512), torch.arange(640), indexing="ij")
    waves = 127.5 + 60 * torch.sin(rows / 23) + 60 * torch.cos(columns / 31)
    image = torch.stack((waves, 255 - waves, waves * 0.5))
    augment = gpuaug.Compose([gpuaug.RandomResizedCrop(24), gpuaug.RandomHorizontalFlip()])
    draws = torch.stack(
        (torch.zeros(64, dtype=torch.int64), torch.ones(64, dtype=torch.int64), numbers(0, 1 << 62, 64)), 1
    )
    packed = pack([image.round().to(torch.uint8)] * 64)
    first, *_ = augment.recipes(draws, packed)
    expected = augment.apply_recipes(packed, (first,))
    windows, records = read_windows(first, 2.0)
    assert windows.scales.unique().tolist() == [2, 4, 8]
    parts = []
    for left, top, (height, width), scale in zip(
        windows.left.tolist(), windows.top.tolist(), windows.sizes, windows.scales.tolist(), strict=True
    ):
        smaller = torch.nn.functional.avg_pool2d(image, scale).round().to(torch.uint8)
        parts.append(smaller[:, top : top + height, left : left + width])
    alone = pack(parts)
    records[:, WORD["offset"]] = alone.offsets
    found = augment.apply_recipes(alone, (first._replace(records=records),))
    assert (found.int() - expected.int()).abs().max() <= 8
    assert (found.int() - expected.int()).abs().float().mean() < 0.6
