"""What holds for every batched transform: which draws change, keys, bytes and floats, channels."""

import copy
import inspect
import pickle
import sys

import pytest
import torch
from waiting import no_waiting

import gpuaug as ga
from gpuaug.recipe.layout import Stage
from gpuaug.transforms.batched.base import Batched
from gpuaug.travel.to_device import travel

# Every one with its defaults, so that none can be forgotten.
SETTINGS = {
    ga.CLAHE: {"tile_grid_size": 2},  # its tiles are for larger images
    ga.GaussianBlur: {"kernel_size": (9, 5)},  # of another size than the kernel's
}
KINDS = [kind for _, kind in inspect.getmembers(ga, inspect.isclass) if issubclass(kind, Batched)]
TRANSFORMS = [kind(**SETTINGS.get(kind, {})) for kind in KINDS]
every_transform = pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: type(t).__name__)

# With a strength of none; a transform that has none is not here.
IDENTITIES = [
    ga.ISONoise(intensity=0),
    ga.Blur(1),
    ga.GaussianBlur(1),
    ga.MedianBlur(1),
    ga.GlassBlur(sigma=0, max_delta=0),
    ga.Sharpen(alpha=0),
    ga.Emboss(alpha=0),
    ga.Downscale(1),
    ga.FancyPCA(0),
    ga.OpticalDistortion(0),
    ga.GridDistortion(5, 0),
    ga.ElasticTransform(0),
    ga.Superpixels(0),
]


def draws_of(n, seed=0):
    random = torch.Generator().manual_seed(seed)
    keys = torch.randint(-(2**63), 2**63 - 1, (n,), generator=random)
    return torch.stack((torch.arange(n), torch.arange(n) % 3, keys), dim=1)


def images_of(n, channels=3, size=24):
    """Smooth in part, so that a filter has something to keep."""
    random = torch.Generator().manual_seed(n)
    coarse = torch.rand(n, channels, 4, 4, generator=random)
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")
    noisy = smooth + 0.05 * torch.randn(n, channels, size, size, generator=random)
    return noisy.clamp(0, 1).mul(255).round().to(torch.uint8)


@every_transform
@pytest.mark.parametrize("channels", [1, 3])
def test_a_batched_draw_does_not_depend_on_its_batch(transform, channels):
    images, draws = images_of(7, channels), draws_of(7)
    whole = transform(images, draws)
    assert whole.shape == images.shape
    assert whole.dtype == torch.uint8
    order = torch.tensor([3, 0, 6, 5, 1, 2, 4])
    assert torch.equal(transform(images[order], draws[order]), whole[order])
    for n in range(7):
        assert torch.equal(transform(images[n : n + 1], draws[n : n + 1])[0], whole[n])
    assert torch.equal(transform(images, draws, index=torch.arange(7)), whole)


@every_transform
def test_a_batched_transform_depends_on_the_key(transform):
    images, draws = images_of(1).expand(16, -1, -1, -1), draws_of(16)
    out = transform(images, draws)
    assert (out != images).any()
    same = draws.clone()
    same[:, 2] = 7
    again = transform(images, same)
    assert torch.equal(again, again[:1].expand_as(again))
    random = transform.random_count or "keys" in dict.fromkeys(
        name for group in transform.recipes(draws, tuple(images.shape))[0].groups for name in group.parameters
    )
    assert (out != out[:1]).any() == bool(random)


@every_transform
def test_skipped_draws_keep_their_bytes(transform):
    images, draws = images_of(12), draws_of(12)
    chain = ga.Compose([transform], apply_to="copies")
    out, everyone = chain(images, draws), ga.Compose([transform])(images, draws)
    original = draws[:, 1] == 0
    assert torch.equal(out[original], images[original])
    assert torch.equal(out[~original], everyone[~original])
    assert torch.equal(chain.eval()(images, draws), images)
    floats = images / 255.0
    assert torch.equal(chain.train()(floats, draws)[original], floats[original])


@every_transform
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_batched_floats_agree_with_bytes_and_have_a_gradient(transform, channels, dtype):
    images, draws = images_of(5, channels), draws_of(5)
    floats = (images / 255.0).to(dtype).requires_grad_()
    out, expected = transform(floats, draws), transform(images, draws) / 255.0
    assert out.dtype == dtype
    # Half a level of rounding, and what the type can hold. Where a step falls on the other side of that, a
    # value is far off: few may be, and none in float32.
    coarse = {torch.float16: 0.01, torch.bfloat16: 0.06}.get(dtype, 0)
    far = (out.double() - expected.double()).abs() > 0.51 / 255 + coarse
    assert far.double().mean() <= (0.15 if coarse else 0)
    out.sum().backward()
    assert floats.grad.isfinite().all()


@every_transform
def test_batched_transforms_keep_channels_last(transform):
    images, draws = images_of(6), draws_of(6)
    rows = images.contiguous(memory_format=torch.channels_last)
    for chain in (transform, ga.RandomApply([transform])):
        out = chain(rows, draws)
        assert torch.equal(out, chain(images, draws))
        assert out.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(rows, images)


@every_transform
def test_batched_transforms_copied_pickled_and_without_images(transform):
    images, draws = images_of(4), draws_of(4)
    expected = transform(images, draws)
    for other in (copy.deepcopy(transform), pickle.loads(pickle.dumps(transform))):
        assert torch.equal(other(images, draws), expected)
    assert transform(images[:0], draws[:0]).shape == (0, 3, 24, 24)


@every_transform
def test_batched_transforms_do_not_touch_global_generators(transform):
    torch.manual_seed(3)
    state = torch.get_rng_state()
    transform(images_of(3), draws_of(3))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("transform", IDENTITIES, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize("channels", [1, 3])
def test_batched_transforms_of_strength_0_change_nothing(transform, channels):
    images = images_of(4, channels)
    assert torch.equal(transform(images, draws_of(4)), images)
    every_level = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, channels, 16, 16)
    assert torch.equal(transform(every_level, draws_of(1)), every_level)


def test_batched_transforms_follow_the_kernel_of_their_pass():
    chain = ga.Compose(
        [
            ga.RandomHorizontalFlip(),
            ga.OneOf([ga.FancyPCA(), ga.Compose([ga.Downscale(), ga.CLAHE()]), ga.SaltAndPepper()]),
            ga.GaussianBlur(),
            ga.Blur((3, 5)),
            ga.Normalize(),
        ]
    )
    assert [step.pass_index for step in chain.step.leaves] == [0, 0, 0, 0, 0, 1, 1, 2]
    assert str(chain).splitlines()[-1] == "3 passes: 3 kernel launches a batch, and 4 batched transforms"
    lines = [" ".join(line.split()) for line in str(chain).splitlines()]
    assert "FancyPCA(alpha=0.1) pass 1, batched (torch)" in lines
    assert "Blur(kernel_size=(3, 5)) pass 2, batched (kornia)" in lines
    stages = {type(step.transform).__name__: step.transform.stage for step in chain.step.leaves}
    assert stages["Downscale"] == Stage.BATCHED
    assert stages["GaussianBlur"] == Stage.BLUR


def test_a_chain_of_batched_transforms_equals_its_parts_in_turn():
    images, draws = images_of(8), draws_of(8)
    chain = ga.Compose([ga.RandomHorizontalFlip(1.0), ga.Downscale(0.5), ga.Blur(3), ga.Normalize(0.5, 0.5)])
    out = chain(images, draws)
    expected = ga.Blur(3)(ga.Downscale(0.5)(images.flip(3)))
    assert torch.equal(out, ga.functional.normalize(expected, 0.5, 0.5))


def test_one_of_serves_each_draw_once():
    images, draws = images_of(30), draws_of(30)
    chain = ga.OneOf([ga.Downscale(0.5), ga.Blur(3)], by="copy")
    out, coarse, blurred = chain(images, draws), ga.Downscale(0.5)(images), ga.Blur(3)(images)
    for n in range(30):
        copy_number = int(draws[n, 1])
        expected = {0: images[n], 1: coarse[n], 2: blurred[n]}[copy_number]
        assert torch.equal(out[n], expected)


def test_packed_images_reach_one_size_before_batched_transforms():
    ramp = torch.arange(100, 172, dtype=torch.uint8).view(1, 8, 9).expand(3, 8, 9)
    packed = ga.pack([ramp.contiguous(), torch.zeros(3, 5, 7, dtype=torch.uint8)])
    out = ga.Compose([ga.Resize((4, 4)), ga.Blur(3)])(packed, draws_of(2))
    assert torch.equal(out, ga.Blur(3)(ga.Resize((4, 4))(packed)))
    assert out[1].unique().tolist() == [0]


def test_the_loader_carries_parameters_of_batched_transforms():
    images = images_of(10)
    labels = [0] * 8 + [1] * 2
    sampler = ga.BalancedSampler(labels, seed=3)
    augment = ga.Compose([ga.ISONoise(), ga.RandomApply([ga.Blur(3)])])
    loader = ga.BalancedLoader(ga.DeviceDataset(images, torch.tensor(labels)), sampler, augment, batch_size=5)
    batches = torch.cat([batch for batch, _ in loader])
    draws = sampler.draws(0, len(sampler))
    assert torch.equal(batches, augment(images[draws[:, 0]], draws))


@every_transform
@pytest.mark.parametrize("channels", [1, 3])
def test_batched_transforms_wait_for_nothing(transform, channels, device):
    images, draws = images_of(12, channels).to(device), draws_of(12)
    chain = ga.RandomApply([transform])
    expected = chain(images, draws)
    passes = chain.recipes(draws, tuple(images.shape))
    assert 0 < sum(len(group.rows) for group in passes[0].groups) < 12
    with no_waiting(device):
        out = chain.apply_recipes(images, tuple(travel(p, device) for p in passes))
    assert torch.equal(out, expected)


@every_transform
def test_batched_transforms_name_their_backend(transform):
    images, draws = images_of(3), draws_of(3)
    passes = transform.recipes(draws, tuple(images.shape))
    homes, profile = set(), sys.getprofile()
    sys.setprofile(lambda frame, *_: homes.add(frame.f_globals.get("__name__", "").partition(".")[0]))
    try:
        transform.apply_recipes(images, passes)
    finally:
        sys.setprofile(profile)
    assert transform.backend == ("kornia" if "kornia" in homes else "torch")


@every_transform
def test_batched_transforms_agree_between_devices(transform, device):
    images, draws = images_of(9), draws_of(9)
    out = transform(images.to(device), draws)
    assert out.device.type == device.type
    # Where a float's last bits decide between two levels, or between two steps of a coefficient.
    far = (out.cpu().int() - transform(images, draws).int()).abs()
    assert (far > 1).float().mean() < 1e-3
    assert (far > 0).float().mean() < 0.01


@pytest.mark.cuda
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "transform",
    [ga.Blur(), ga.GaussianBlur(7), ga.MedianBlur(), ga.MotionBlur(), ga.Sharpen(), ga.Emboss()],
    ids=type,
)
def test_no_device_shortens_the_floats_of_a_filter(transform, channels):
    """TF32, which PyTorch allows by default where a GPU convolves float32, is off by 1e-4."""
    images, draws = images_of(1, channels) / 255, draws_of(1)
    for memory_format in (torch.contiguous_format, torch.channels_last):
        there = images.cuda().contiguous(memory_format=memory_format)
        torch.testing.assert_close(transform(there, draws).cpu(), transform(images, draws), rtol=0, atol=1e-5)


@every_transform
def test_large_batches_equal_their_parts(transform):
    images, draws = images_of(37, size=48), draws_of(37)
    parts = [transform(images[n : n + 5], draws[n : n + 5]) for n in range(0, 37, 5)]
    assert torch.equal(transform(images, draws), torch.cat(parts))
