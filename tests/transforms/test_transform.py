"""What holds for every transform: keyed randomness, own keys, floats, faults."""

import copy
import io
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuaug as ga

TRANSFORMS = [
    ga.RandomCrop(10),
    ga.RandomCrop(16, padding=3, padding_mode="reflect"),
    ga.RandomResizedCrop(12),
    ga.Resize(10),
    ga.CenterCrop(9),
    ga.RandomAffine(30, (0.2, 0.1), (0.7, 1.4), 10),
    ga.RandomAffine(0, scale=(0.5, 2.0), shear=(-9, 9, -5, 5), padding_mode="edge"),
    ga.RandomRotation(180, padding_mode="reflect"),
    ga.Compose([ga.RandomCrop(10), ga.RandomRotation(90), ga.RandomHorizontalFlip(), ga.Resize((12, 9))]),
    ga.RandomHorizontalFlip(),
    ga.RandomVerticalFlip(),
    ga.SaltAndPepper(),
    ga.GaussianBlur(),
    ga.GaussianBlur(sigma=1.0),
    ga.GaussianBlur(sigma=None),
    ga.ColorJitter(0.4, 0.4, 0.4, 0.1),
    ga.RandomGrayscale(0.5),
    ga.RandomInvert(),
    ga.Sepia(),
    ga.ChannelDropout(fill=9),
    ga.ChannelShuffle(),
    ga.RGBShift(),
    ga.Compose([ga.GaussianBlur(), ga.ColorJitter(0.4), ga.ChannelShuffle(), ga.SaltAndPepper()]),
    ga.RandomErasing(0.7, value=9),
    ga.CutOut(5, holes=3),
    ga.GridDropout(0.4, (4, 9), fill=255),
    ga.Compose([ga.RandomRotation(9), ga.ColorJitter(0.2), ga.SaltAndPepper(), ga.CutOut(4), ga.Normalize()]),
    ga.Normalize(0.5, [0.2, 0.3, 0.4]),
    ga.OneOf([ga.RandomHorizontalFlip(1.0), ga.SaltAndPepper()]),
    ga.OneOf([ga.RandomHorizontalFlip(1.0), ga.SaltAndPepper()], by="copy"),
    ga.RandomApply([ga.GaussianBlur(), ga.RandomVerticalFlip()]),
    ga.Compose([ga.RandomResizedCrop(12), ga.GaussianBlur(), ga.SaltAndPepper(), ga.Normalize(0.5, 0.5)]),
    ga.Compose([ga.SaltAndPepper(), ga.GaussianBlur(), ga.RandomResizedCrop(12)], apply_to="copies"),
]
NAMES = [type(t).__name__ for t in TRANSFORMS]
every_transform = pytest.mark.parametrize("transform", TRANSFORMS, ids=NAMES)


def random_draws(n, seed=0):
    random = torch.Generator().manual_seed(seed)
    keys = torch.randint(-(2**63), 2**63 - 1, (n,), generator=random)
    return torch.stack((torch.arange(n), torch.randint(0, 5, (n,), generator=random), keys), dim=1)


def random_images(n, size=16):
    return torch.randint(256, (n, 3, size, size), dtype=torch.uint8)


@every_transform
def test_a_draw_does_not_depend_on_its_batch(transform):
    images, draws = random_images(9), random_draws(9)
    whole = transform(images, draws)
    order = torch.randperm(9)
    assert torch.equal(transform(images[order], draws[order]), whole[order])
    for n in range(9):
        assert torch.equal(transform(images[n : n + 1], draws[n : n + 1])[0], whole[n])


@every_transform
def test_gathered_images_equal_a_dense_batch(transform):
    images, draws = random_images(5), random_draws(12)
    index = torch.randint(5, (12,))
    assert torch.equal(transform(images, draws, index=index), transform(images[index], draws))


@every_transform
def test_channels_last_images_give_the_same_bytes(transform):
    images, draws = random_images(6), random_draws(6)
    rows = images.contiguous(memory_format=torch.channels_last)
    out = transform(rows, draws)
    assert torch.equal(out, transform(images, draws))
    assert out.is_contiguous(memory_format=torch.channels_last)


@every_transform
def test_transforms_can_be_copied_and_pickled(transform):
    images, draws = random_images(6), random_draws(6)
    expected = transform(images, draws)
    for other in (copy.deepcopy(transform), pickle.loads(pickle.dumps(transform))):
        assert torch.equal(other(images, draws), expected)


@every_transform
@pytest.mark.parametrize("memory_format", [torch.preserve_format, torch.channels_last], ids=str)
def test_transforms_can_be_saved_by_torch(transform, memory_format):
    images, draws = random_images(6), random_draws(6)
    chain, file = ga.Compose([transform], memory_format=memory_format), io.BytesIO()
    expected = chain(images, draws)
    torch.save(chain, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    assert torch.equal(loaded(images, draws), expected)
    assert loaded.memory_format is memory_format


@every_transform
def test_transforms_take_a_batch_of_none(transform):
    images = random_images(3)
    out = transform(images[:0], random_draws(0))
    full = transform(images, random_draws(3))
    assert out.shape == (0, *full.shape[1:])
    assert out.dtype == full.dtype


@every_transform
def test_without_draws_keys_come_from_the_seed_and_the_count(transform):
    images = random_images(10)
    one, other = copy.deepcopy(transform), copy.deepcopy(transform)
    whole = one(images)
    parts = torch.cat([other(images[:3]), other(images[3:4]), other(images[4:])])
    assert torch.equal(whole, parts)


def test_another_seed_gives_another_noise():
    images = random_images(2)
    a, b = (ga.SaltAndPepper(seed=seed)(images) for seed in (0, 1))
    assert not torch.equal(a, b)


@every_transform
def test_global_generators_are_not_touched(transform):
    images = random_images(4)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    transform(images, random_draws(4))
    assert torch.equal(torch.get_rng_state(), state)


@every_transform
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_floats_agree_with_bytes_and_have_a_gradient(transform, dtype):
    images, draws = random_images(6), random_draws(6)
    floats = (images / 255.0).to(dtype).requires_grad_()
    out, expected = transform(floats, draws), transform(images, draws)
    if expected.dtype == torch.uint8:
        expected = expected / 255.0
        assert out.dtype == dtype
    # Two levels a pass and what the type can hold; Normalize's std of 0.2 makes them five times larger.
    coarse = {torch.float16: 0.005, torch.bfloat16: 0.04}.get(dtype, 0)
    assert (out.double() - expected.double()).abs().max() < (2 * transform.step.passes / 255 + coarse) * 5
    out.sum().backward()
    assert floats.grad.isfinite().all()


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_parameters_use_the_whole_key(key, number):
    draws = torch.tensor([[0, 1, key], [0, 1, key ^ (1 << 62)], [0, 1, key ^ 1]])
    crop = ga.RandomResizedCrop(8, scale=(0.1, 0.9))
    records = crop.recipes(draws, (3, 3, 500, 500))[0].records
    assert not torch.equal(records[0, 4:14], records[1, 4:14])
    assert not torch.equal(records[0, 4:14], records[2, 4:14])


BAD_SETTINGS = [
    (lambda: ga.RandomHorizontalFlip(1.5), ValueError, r"p must be in \[0, 1\], got 1.5"),
    (lambda: ga.RandomVerticalFlip(float("nan")), ValueError, r"p must be in \[0, 1\], got nan"),
    (lambda: ga.RandomHorizontalFlip("0.5"), TypeError, r"p must be a number in \[0, 1\], got str"),
    (lambda: ga.SaltAndPepper(-0.1), ValueError, r"amount must be in \[0, 1\], got -0.1"),
    (lambda: ga.SaltAndPepper(0.1, 2), ValueError, r"salt_vs_pepper must be in \[0, 1\], got 2"),
    (lambda: ga.GaussianBlur(4), ValueError, r"kernel_size must be odd, in \[1, 99\], got 4"),
    (lambda: ga.GaussianBlur((3, 101)), ValueError, r"kernel_size must be odd, .* got \(3, 101\)"),
    (lambda: ga.GaussianBlur(5.0), TypeError, "kernel_size must be an odd int .* got 5.0"),
    (
        lambda: ga.GaussianBlur((3, 3, 3)),
        TypeError,
        r"kernel_size must be .* a pair of them, got \(3, 3, 3\)",
    ),
    (lambda: ga.GaussianBlur(7, None), ValueError, "kernel_size must be 5 where sigma is None, got 7"),
    (lambda: ga.GaussianBlur(sigma=0), ValueError, r"sigma must be .* above 0.0 and finite, got \(0, 0\)"),
    (lambda: ga.GaussianBlur(sigma=(0.1, float("inf"))), ValueError, r"sigma must .* got \(0.1, inf\)"),
    (lambda: ga.GaussianBlur(sigma=float("nan")), ValueError, r"sigma must .* got \(nan, nan\)"),
    (
        lambda: ga.GaussianBlur(sigma=(2.0, 1.0)),
        ValueError,
        r"sigma must be a pair of ascending .* got \(2.0, 1.0\)",
    ),
    (lambda: ga.RandomCrop(0), ValueError, "size must be at least 1 pixel high and wide, got 0"),
    (lambda: ga.RandomCrop(-4), ValueError, "size must be at least 1 pixel high and wide, got -4"),
    (lambda: ga.Resize((8, 0)), ValueError, r"size must be at least 1 pixel high and wide, got \(8, 0\)"),
    (lambda: ga.CenterCrop(2.5), TypeError, "size must be an int or a pair .* got 2.5"),
    (lambda: ga.RandomCrop(8, padding=-1), ValueError, r"padding must be in \[0, 65535\], got -1"),
    (
        lambda: ga.RandomCrop(8, padding_mode="wrap"),
        ValueError,
        "padding_mode must be one of edge, zero, reflect",
    ),
    (
        lambda: ga.RandomResizedCrop(8, scale=(0.5, 1.5)),
        ValueError,
        "scale must be .* above 0.0 and at most 1.0",
    ),
    (lambda: ga.RandomResizedCrop(8, scale=(0.0, 1.0)), ValueError, "scale must be .* above 0.0"),
    (lambda: ga.RandomResizedCrop(8, ratio=(2, 1)), ValueError, "ratio must be a pair of ascending numbers"),
    (lambda: ga.RandomResizedCrop(8, scale=0.5), TypeError, "scale must be a pair of numbers .* got 0.5"),
    (lambda: ga.Resize(8, antialias=1), TypeError, "antialias must be a bool, got int"),
    (
        lambda: ga.RandomRotation(-1),
        ValueError,
        "degrees must be a finite number of at least 0 or a pair, got -1",
    ),
    (lambda: ga.RandomRotation((9, -9)), ValueError, r"degrees must be a pair of ascending .* got \(9, -9\)"),
    (lambda: ga.RandomRotation("9"), TypeError, "degrees must be a pair of numbers .* got '9'"),
    (
        lambda: ga.RandomRotation(9, padding_mode="wrap"),
        ValueError,
        "padding_mode must be one of .* got 'wrap'",
    ),
    (
        lambda: ga.RandomAffine(0, translate=(0.1, 1.5)),
        ValueError,
        r"translate must be shares .* got \(0.1, 1.5\)",
    ),
    (lambda: ga.RandomAffine(0, translate=0.1), TypeError, "translate must be a pair of numbers, .* got 0.1"),
    (lambda: ga.RandomAffine(0, scale=(0, 1)), ValueError, r"scale must be .* above 0.0 .* got \(0, 1\)"),
    (
        lambda: ga.RandomAffine(0, shear=90),
        ValueError,
        r"shear must be angles in \(-90, 90\) degrees, got 90",
    ),
    (lambda: ga.ColorJitter(-1), ValueError, "brightness must be a finite number .* got -1"),
    (lambda: ga.ColorJitter(contrast=(-0.1, 1)), ValueError, r"contrast must be .* within \[0.0, inf\], got"),
    (lambda: ga.ColorJitter(hue=0.6), ValueError, r"hue must be .* within \[-0.5, 0.5\], got 0.6"),
    (lambda: ga.ColorJitter(saturation=True), TypeError, "saturation must be a pair of numbers .* got True"),
    (lambda: ga.ChannelDropout(fill=256), ValueError, r"fill must be in \[0, 255\], got 256"),
    (lambda: ga.ChannelDropout(fill=0.5), TypeError, r"fill must be an int in \[0, 255\], got float"),
    (lambda: ga.RGBShift(red=300), ValueError, r"red must be .* within \[-255.0, 255.0\], got 300"),
    (lambda: ga.RandomErasing(value=-1), ValueError, r"value must be in \[0, 255\], got -1"),
    (lambda: ga.RandomErasing(scale=(0.1, 2)), ValueError, "scale must be .* at most 1.0"),
    (lambda: ga.CutOut(0), ValueError, "size must be at least 1 pixel high and wide, got 0"),
    (lambda: ga.CutOut(3, holes=5), ValueError, r"holes must be in \[1, 4\], got 5"),
    (lambda: ga.CutOut(3, holes=1.0), TypeError, r"holes must be an int in \[1, 4\], got float"),
    (lambda: ga.GridDropout(1.0), ValueError, r"ratio must be in \(0, 1\), got 1.0"),
    (lambda: ga.GridDropout(unit=1), ValueError, r"unit must be .* in \[2, 65535\], got 1"),
    (lambda: ga.GridDropout(unit=2.5), TypeError, "unit must be a whole number or a pair of them .* got 2.5"),
    (lambda: ga.Normalize(std=0), ValueError, "std must be positive and finite, got 0.0"),
    (lambda: ga.Normalize(dtype=torch.float64), TypeError, "dtype must be float32, float16 or bfloat16"),
    (
        lambda: ga.Normalize([[0.5]]),
        ValueError,
        r"mean and std must be a number or one .* got shapes \(1, 1\)",
    ),
    *(
        (build, TypeError, rf"{name} must be {kind} in \[{limits}\], got tuple")
        for build, name, kind, limits in (
            (lambda: ga.FancyPCA(alpha=(0.1, 0.5)), "alpha", "a number", "0, 10"),
            (lambda: ga.ElasticTransform(sigma=(2, 4)), "sigma", "a number", "0.1, 100"),
            (lambda: ga.GlassBlur(max_delta=(1, 3)), "max_delta", "an int", "0, 32"),
            (lambda: ga.GlassBlur(iterations=(1, 3)), "iterations", "an int", "1, 10"),
            (lambda: ga.GridDistortion(num_steps=(2, 5)), "num_steps", "an int", "1, 64"),
            (lambda: ga.RandomCrop(8, padding=(2, 2)), "padding", "an int", "0, 65535"),
            (lambda: ga.MixUp(alpha=(0.2, 1.0)), "alpha", "a number", "0.01, 100"),
            (lambda: ga.CutMix(alpha=(0.2, 1.0)), "alpha", "a number", "0.01, 100"),
            (lambda: ga.CMO([3, 1], alpha=(0.2, 1.0)), "alpha", "a number", "0.01, 100"),
            (lambda: ga.CMO([3, 1], power=(0, 1)), "power", "a number", "0, 10"),
            (lambda: ga.Remix([3, 1], kappa=(1, 3)), "kappa", "a number", "1, 1000000.0"),
            (lambda: ga.Remix([3, 1], tau=(0, 1)), "tau", "a number", "0, 1"),
            (lambda: ga.BalancedMixUp([3, 1], alpha=(0.1, 0.2)), "alpha", "a number", "0.01, 100"),
        )
    ),
    (lambda: ga.Resize(8, seed=1.5), TypeError, "seed must be an int, got float"),
]


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        (ga.Resize(8), "Resize(size=8)"),
        (ga.Resize(8, antialias=False), "Resize(size=8, antialias=False)"),
        (ga.Resize((8, 9), antialias=False), "Resize(size=(8, 9), antialias=False)"),
        (ga.CenterCrop(8, antialias=False), "CenterCrop(size=(8, 8), antialias=False)"),
        (
            ga.RandomResizedCrop(8, antialias=False),
            "RandomResizedCrop(size=(8, 8), scale=(0.08, 1.0), ratio=(0.75, 1.33), antialias=False)",
        ),
        (ga.FancyPCA(0.2), "FancyPCA(alpha=0.2)"),
        (
            ga.FancyPCA(axes=[[1, 0, 0], [0, 1, 0], [0, 0, 1]], variances=(0.5, 0.25, 0)),
            "FancyPCA(alpha=0.1, axes=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], "
            "variances=[0.5, 0.25, 0.0])",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_repr_shows_settings_that_are_not_the_defaults(transform, text):
    assert repr(transform) == transform.label() == text


@pytest.mark.parametrize(("build", "error", "message"), BAD_SETTINGS)
def test_settings_are_checked_when_built(build, error, message):
    with pytest.raises(error, match=message):
        build()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"draws": random_draws(3)},
            ValueError,
            "draws must be as many as the images, got 3 draws for 4 images",
        ),
        ({"draws": random_draws(4)[:, :2]}, ValueError, r"draws must have shape \(n, 3\).*got \(4, 2\)"),
        (
            {"draws": random_draws(4).int()},
            TypeError,
            r"draws must be an int64 tensor \(n, 3\), got torch.int32",
        ),
        ({"draws": [1, 2, 3, 4]}, TypeError, "draws must be an int64 tensor .* got list"),
        ({"draws": random_draws(4).to("meta")}, RuntimeError, "draws must be on the host, .* got meta"),
        (
            {"draws": random_draws(2), "index": torch.tensor([0, 4])},
            ValueError,
            r"index must be in \[0, 4\), got 4 for draw 1",
        ),
        (
            {"draws": random_draws(2), "index": torch.tensor([-1, 0])},
            ValueError,
            r"index must be in \[0, 4\), got -1 for draw 0",
        ),
        ({"draws": random_draws(2), "index": torch.tensor([0])}, ValueError, r"index must have shape \(2,\)"),
    ],
)
def test_calls_of_transforms_are_checked(arguments, error, message):
    with pytest.raises(error, match=message):
        ga.RandomHorizontalFlip()(random_images(4), **arguments)
