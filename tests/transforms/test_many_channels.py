"""Images of more than four channels: one geometry, one noise, and each channel as if it came alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from every_transform import ENTRIES, build, draws_of, every_transform, images_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import gpuaug as ga
from gpuaug import functional
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.stages import noise

MANY = 7
# Not of the color stage, but they need colors too.
OF_COLORS = ("FancyPCA", "JpegCompression", "AutoAugment", "AugMix")
OF_COLORS += ("RandAugment", "TimmRandAugment", "TrivialAugmentWide")
CHANNELS = [c for c in range(1, 65) if c != 4]  # a fourth of four is alpha


def one_by_one(chain: ga.transforms.Transform, images: Tensor, draws: Tensor) -> Tensor:
    """Each channel alone, as a grey image of the same draws."""
    return torch.cat([chain(images[:, c : c + 1], draws) for c in range(images.shape[1])], dim=1)


def random_images(n: int, channels: int, height: int, width: int) -> Tensor:
    random = torch.Generator().manual_seed(n * 100 + channels)
    return torch.randint(256, (n, channels, height, width), generator=random, dtype=torch.uint8)


def everything(size: tuple[int, int]) -> ga.Compose:
    """Every stage of the kernel but color, with noise that the channels share."""
    return ga.Compose(
        [
            *(ga.RandomAffine(30), ga.RandomResizedCrop(size), ga.RandomHorizontalFlip()),
            *(ga.GaussianBlur(), ga.Posterize(), ga.RandomGamma()),
            *(ga.GaussNoise(0.2, per_channel=False), ga.SaltAndPepper(0.2), ga.CutOut(2)),
        ]
    )


@given(
    n=st.integers(0, 3),
    channels=st.sampled_from(CHANNELS),
    sides=st.tuples(st.integers(1, 4), st.integers(1, 20))
    | st.tuples(st.integers(5, 20), st.integers(5, 20)),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
@settings(max_examples=60, deadline=None)
def test_each_channel_is_as_if_it_came_alone(n, channels, sides, size):
    images, draws, chain = random_images(n, channels, *sides), draws_of(n), everything(size)
    assert torch.equal(chain(images, draws), one_by_one(chain, images, draws))


@pytest.mark.parametrize("channels", [*CHANNELS[:16], 4, 32, 61, 64])
@pytest.mark.parametrize("sides", [(1, 1), (4, 4), (3, 1), (1, 40), (17, 13)])
def test_geometry_and_blur_take_any_number_of_channels(channels, sides):
    images, draws = random_images(3, channels, *sides), draws_of(3)
    chain = ga.Compose([ga.RandomResizedCrop((5, 6)), ga.RandomVerticalFlip(), ga.GaussianBlur()])
    assert torch.equal(chain(images, draws), one_by_one(chain, images, draws))


@pytest.mark.filterwarnings("ignore:floating images take the differentiable path")
@pytest.mark.parametrize("floating", [False, True], ids=["bytes", "floats"])
@pytest.mark.parametrize("channels", [2, MANY])
@every_transform
def test_every_transform_changes_all_channels_or_refuses_them(name, channels, floating):
    images = torch.cat((images_of(4), images_of(4).flip(2), images_of(4).flip(3)), dim=1)[:, :channels]
    images = images / 255 if floating else images
    if ENTRIES[name].stage == "color" or name in OF_COLORS:
        with pytest.raises(ValueError, match=f"{name}.* channels, got {channels}"):
            build(name)(images, draws_of(4))
        return
    out = build(name)(images, draws_of(4))
    assert out.shape[:2] == (4, channels)
    if out.shape == images.shape and name != "Resize":
        assert (out != images).flatten(2).any(2).any(0).all()


# ---- Noise


@pytest.mark.parametrize("channels", [5, 6, 8, 64])
def test_noise_of_each_channel_comes_from_its_number(channels):
    images, keys = random_images(2, channels, 9, 21), torch.tensor([3, -4])
    out = ga.GaussNoise(0.1)(images, torch.stack((keys, keys, keys), dim=1).abs() * torch.tensor([1, 1, 0]))
    levels = out.int() - images.int()
    patterns = levels.flatten(2).unbind(1)
    assert all(not torch.equal(a, b) for k, a in enumerate(patterns) for b in patterns[:k])
    grey = torch.full_like(images, 128)
    noisy, few = ga.GaussNoise(0.1)(grey, draws_of(2)), ga.GaussNoise(0.1)(grey[:, :3], draws_of(2))
    assert torch.equal(noisy[:, :3], few)
    share = noisy.double() - 128
    assert (share.std((2, 3)) > 15).all()  # the last of each four is no alpha


@pytest.mark.parametrize("transform", [ga.GaussNoise(0.1), ga.MultiplicativeNoise((0.2, 1.8), True, False)])
def test_noise_of_many_channels_matches_the_reference(transform):
    """The stage in PyTorch knows no parts."""
    images, draws = random_images(3, 12, 8, 11), draws_of(3)
    (recipes,) = transform.recipes(draws, (3, 12, 8, 11))
    expected = noise.STAGE.bytes(images.long(), recipes.records)
    assert torch.equal(transform(images, draws), expected.byte())


@pytest.mark.filterwarnings("ignore:floating images take the differentiable path")
def test_floats_of_many_channels_have_the_noise_of_bytes():
    images, draws = random_images(3, 10, 8, 11), draws_of(3)
    chain = ga.Compose([ga.RandomHorizontalFlip(), ga.GaussNoise(0.1), ga.SaltAndPepper(0.2)])
    apart = chain(images / 255, draws) * 255 - chain(images, draws)
    assert apart.abs().max() < 0.51


# ---- Output


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels", [5, 12, 64])
def test_normalize_has_a_mean_and_std_of_each_channel(channels, dtype):
    images, draws = random_images(3, channels, 6, 9), draws_of(3)
    mean, std = torch.linspace(0.1, 0.9, channels), torch.linspace(0.5, 0.2, channels)
    flip, out = ga.RandomHorizontalFlip(), ga.Normalize(mean, std, dtype)
    chain = ga.Compose([flip, out])
    expected = (chain_bytes(flip, images, draws) - mean[:, None, None].double()) / std[:, None, None].double()
    result = chain(images, draws)
    assert result.dtype == dtype
    torch.testing.assert_close(result, expected.to(dtype))
    same = ga.Compose([flip, ga.Normalize(0.4, 0.3)])
    assert torch.equal(same(images, draws), one_by_one(same, images, draws))
    with pytest.raises(ValueError, match=f"mean must be a number, \\({channels},\\)"):
        ga.Normalize(mean[1:], std[1:])(images, draws)


def chain_bytes(flip: ga.transforms.Transform, images: Tensor, draws: Tensor) -> Tensor:
    return ga.Compose([flip])(images, draws).double() / 255


def test_normalize_each_draw_of_many_channels():
    images, mean = random_images(3, 6, 4, 5), torch.rand(3, 6)
    out = functional.normalize(images, mean, 0.5)
    torch.testing.assert_close(out, (images / 255 - mean[:, :, None, None]) / 0.5)


def test_functional_takes_many_channels():
    images = random_images(3, 10, 12, 15)
    boxes = torch.tensor([[0, 0, 9, 9], [1, 2, 15, 12], [3, 3, 4, 5]])
    keys = torch.tensor([1, 2, 3])
    for op in (
        lambda x: functional.crop_resize(x, boxes, 8),
        lambda x: functional.flip(x, torch.tensor([True, False, True])),
        lambda x: functional.gaussian_blur(x, 1.0),
        lambda x: functional.gaussian_blur(x, None),
        lambda x: functional.salt_and_pepper(x, 0.2, 0.2, keys),
        lambda x: functional.normalize(x, 0.5, 0.5),
    ):
        alone = torch.cat([op(images[:, c : c + 1]) for c in range(10)], dim=1)
        assert torch.equal(op(images), alone)


# ---- Sources


@pytest.mark.parametrize("asked", [torch.preserve_format, torch.contiguous_format, torch.channels_last])
def test_memory_formats_of_many_channels(asked):
    images, draws = random_images(4, 6, 12, 13), draws_of(4)
    chain = ga.Compose([ga.RandomResizedCrop(7), ga.Normalize(0.5, 0.5)], memory_format=asked)
    expected = chain(images, draws).contiguous()
    for given_images, last in (
        (images, False),
        (images.to(memory_format=torch.channels_last), True),
        (images.flip(3).flip(3)[:, :, ::1], False),
        (random_images(4, 6, 12, 13)[:1].expand(4, -1, -1, -1), False),
    ):
        out = chain(given_images, draws)
        wanted = last if asked == torch.preserve_format else asked == torch.channels_last
        assert out.is_contiguous(memory_format=torch.channels_last if wanted else torch.contiguous_format)
        if given_images.stride(0):
            assert torch.equal(out, expected)


def test_index_gathers_images_of_many_channels():
    images, index = random_images(5, 9, 8, 10), torch.tensor([4, 0, 0, 2])
    chain, draws = everything((6, 6)), draws_of(4)
    assert torch.equal(chain(images, draws, index=index), chain(images[index], draws))


def test_packed_images_of_many_channels():
    images = [random_images(1, 6, height, width)[0] for height, width in ((9, 12), (20, 6), (5, 5))]
    arrays = [np.ascontiguousarray(image.permute(1, 2, 0)) for image in images]
    chain, draws = everything((6, 7)), draws_of(3)
    expected = torch.cat([chain(image[None], draws[n : n + 1]) for n, image in enumerate(images)])
    for packed in (ga.pack(images), ga.pack(arrays)):
        assert not packed.interleaved
        assert torch.equal(chain(packed, draws), expected)
    beside = ga.images.packed.Packed.of_sizes(packed.storage, [(9, 12), (20, 6), (5, 5)], 6, True)
    with pytest.raises(ValueError, match="packed images of 6 channels must not be interleaved"):
        chain(beside, draws)


@pytest.mark.parametrize("image", [torch.zeros(12, 9, 4).byte(), np.zeros((4, 9, 12), np.uint8)])
def test_packed_images_of_many_channels_are_more_than_four_pixels_wide(image):
    with pytest.raises(ValueError, match=r"C in \[1, 64\], got .* at position 0: give image\."):
        ga.pack([image])


def epoch(images: Tensor) -> Tensor:
    dataset, sampler = ga.DeviceDataset(images, torch.arange(6) % 2), ga.BalancedSampler([0, 1] * 3, seed=1)
    return torch.cat([batch for batch, _ in ga.BalancedLoader(dataset, sampler, everything((6, 6)), 3)])


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_many_channels_from_a_device_dataset(order):
    images = random_images(6, 8, 9, 10).to(memory_format=order)
    expected = torch.cat([epoch(images[:, c : c + 1]) for c in range(8)], dim=1)
    assert torch.equal(epoch(images), expected)
    assert ga.DeviceDataset(images, torch.arange(6)).images.is_contiguous()  # once, not for each batch


@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("arrays", [True, False])
def test_many_channels_from_a_data_set(alike, arrays):
    """Decoded by a loader, or once, onto a device."""
    images = [random_images(1, 6, 9, 10 if alike else 10 + n)[0] for n in range(4)]
    given = [np.ascontiguousarray(image.permute(1, 2, 0)) if arrays else image for image in images]
    samples = [(image, n % 2) for n, image in enumerate(given)]
    chain = ga.Compose([ga.RandomResizedCrop(6), ga.GaussNoise()])
    on_device = ga.DeviceDataset.from_dataset(samples)
    batches = []
    for dataset in (samples, on_device):
        sampler = ga.BalancedSampler([0, 1] * 2, seed=1)
        batches.append(torch.cat([batch for batch, _ in ga.BalancedLoader(dataset, sampler, chain, 4)]))
    assert batches[0].shape == (4, 6, 6, 6)
    assert torch.equal(*batches)


# ---- What follows, and what is refused


def test_masks_boxes_and_keypoints_match_three_channels():
    images, draws = random_images(3, 12, 20, 24), draws_of(3)
    chain = ga.Compose([ga.RandomAffine(20), ga.RandomResizedCrop(16), ga.ElasticTransform()])
    masks = random_images(3, 1, 20, 24)[:, 0]
    many, few = (chain(some, draws, masks=masks) for some in (images, images[:, :3]))
    assert torch.equal(many.masks, few.masks)
    chain = ga.Compose([ga.RandomAffine(20), ga.RandomResizedCrop(16)])
    points = {"boxes": torch.rand(3, 5, 4) * 20, "keypoints": torch.rand(3, 5, 2) * 20}
    many, few = (chain(some, draws, **points) for some in (images, images[:, :3]))
    assert torch.equal(many.boxes, few.boxes)
    assert torch.equal(many.keypoints, few.keypoints)


def test_color_is_refused_by_name():
    images = random_images(2, 6, 8, 8)
    for name in ("ColorJitter", "RandomInvert", "FancyPCA", "JpegCompression"):
        with pytest.raises(ValueError, match=f"{name}.* 1, 3 or 4 channels, got 6"):
            ga.Compose([ga.RandomHorizontalFlip(), build(name)])(images)
    builder = RecipeBuilder.of_batch((2, 6, 8, 8))
    builder.color((1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0))
    recipes = builder.recipes((8, 8))
    for some in (images, images / 255):
        with pytest.raises(ValueError, match="no color for images of more than 4 channels, got 6"):
            functional.augment(some, recipes)


def test_numbers_of_channels_are_checked():
    with pytest.raises(ValueError, match=r"C in \[1, 64\], got \(2, 65, 8, 8\)"):
        ga.RandomHorizontalFlip()(torch.zeros(2, 65, 8, 8).byte())
    recipes = RecipeBuilder.of_batch((2, 6, 8, 8)).recipes((8, 8))
    with pytest.raises(RuntimeError, match="draw 1 reads outside the images: offset 384"):
        functional.augment(torch.zeros(1, 6, 8, 8).byte(), recipes)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_many_channels_compile():
    chain, images, draws = everything((6, 6)), random_images(3, 6, 8, 9), draws_of(3)
    torch._dynamo.reset()
    compiled = torch.compile(chain, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(images, draws), chain(images, draws))


@pytest.mark.parametrize("channels", [3, 4, 8, 9, 64])
@pytest.mark.parametrize("floating", [False, True], ids=["bytes", "floats"])
@pytest.mark.filterwarnings("ignore:floating images take the differentiable path")
def test_one_fill_serves_every_channel(channels, floating):
    images = torch.zeros(2, channels, 6, 7, dtype=torch.uint8)
    out = ga.Pad(1, fill=51)(images / 255 if floating else images)
    level = 0.2 if floating else 51
    assert torch.all((out[..., 0, :] == level) & (out[..., -1, :] == level))
    assert out[..., 1:-1, 1:-1].abs().max() == 0
