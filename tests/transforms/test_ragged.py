"""Images of different sizes in one batch: each draw comes out as if it were alone in a dense one."""

import pytest
import torch

import gpuaug as ga

# Smaller, larger and much larger than what the transforms make, wide and tall, and one of just that size.
SIZES = [(20, 31), (16, 16), (64, 17), (18, 90), (16, 21)]

TRANSFORMS = [
    ga.RandomCrop(16),
    ga.RandomCrop(16, padding=3, padding_mode="reflect"),
    ga.RandomCrop((17, 12), padding=4, padding_mode="zero"),
    ga.RandomResizedCrop(16),
    ga.RandomResizedCrop((9, 30), scale=(0.5, 1.0), antialias=False),
    ga.Resize((16, 16)),
    ga.Resize((40, 50)),
    ga.CenterCrop(16),
    ga.Compose([ga.Resize(17), ga.CenterCrop(16)]),
    ga.Compose([ga.RandomHorizontalFlip(), ga.RandomVerticalFlip(), ga.Resize((16, 16))]),
    ga.OneOf([ga.RandomResizedCrop(16), ga.CenterCrop(16)]),
    ga.RandomApply([ga.RandomCrop(16)]),
    ga.Compose(
        [ga.Resize((16, 16)), ga.OneOf([ga.RandomHorizontalFlip(1.0), ga.SaltAndPepper()], by="copy")]
    ),
    ga.Compose([ga.RandomResizedCrop(16), ga.GaussianBlur(), ga.SaltAndPepper()], apply_to="copies"),
    ga.Compose([ga.RandomResizedCrop(16), ga.GaussianBlur(sigma=None), ga.Normalize(0.5, [0.2, 0.3, 0.4])]),
    ga.Compose(
        [ga.Resize((20, 20)), ga.SaltAndPepper(), ga.GaussianBlur(), ga.RandomCrop(16), ga.Normalize()]
    ),
]
every_transform = pytest.mark.parametrize(
    "transform", TRANSFORMS, ids=[f"{n}-{type(t).__name__}" for n, t in enumerate(TRANSFORMS)]
)


def random_images(interleaved=False):
    random = torch.Generator().manual_seed(0)
    images = [torch.randint(256, (3, *size), generator=random, dtype=torch.uint8) for size in SIZES]
    return [
        image.permute(1, 2, 0).contiguous().permute(2, 0, 1) if interleaved else image for image in images
    ]


def random_draws(n, seed=0):
    random = torch.Generator().manual_seed(seed)
    keys = torch.randint(-(2**63), 2**63 - 1, (n,), generator=random)
    return torch.stack((torch.arange(n), torch.randint(0, 4, (n,), generator=random), keys), dim=1)


@every_transform
@pytest.mark.parametrize("interleaved", [False, True], ids=["CHW", "HWC"])
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_packed_images_equal_images_one_by_one(transform, interleaved, training):
    images, draws = random_images(interleaved), random_draws(len(SIZES))
    transform.train(training)
    try:
        whole = transform(ga.pack(images), draws)
        ones = [transform(image[None], draw[None]) for image, draw in zip(images, draws, strict=True)]
    finally:
        transform.train()
    assert whole.dtype == ones[0].dtype
    assert whole.stride()[1:] == ones[0].stride()[1:]
    assert torch.equal(whole, torch.cat(ones))


@every_transform
def test_index_gathers_packed_images(transform):
    packed, index, draws = ga.pack(random_images()), torch.tensor([4, 0, 0, 3, 1, 2, 2]), random_draws(7)
    out = transform(packed, draws, index=index)
    for n, image in enumerate(index.tolist()):
        assert torch.equal(out[n], transform(packed[image][None], draws[n : n + 1])[0])


@every_transform
def test_a_packed_draw_does_not_depend_on_its_batch(transform):
    images, draws = random_images(), random_draws(len(SIZES))
    whole = transform(ga.pack(images), draws)
    order = [3, 0, 4, 2, 1]
    parts = [
        transform(ga.pack([images[n] for n in part]), draws[part])
        for part in (order[:1], order[1:3], order[3:])
    ]
    assert torch.equal(torch.cat(parts), whole[order])


def test_packed_images_of_equal_sizes_equal_a_dense_batch():
    images, draws = torch.randint(256, (4, 3, 20, 24), dtype=torch.uint8), random_draws(4)
    for chain in (TRANSFORMS[-1], ga.SaltAndPepper(), ga.Normalize(), ga.Resize(16)):
        assert torch.equal(chain(ga.pack(images), draws), chain(images, draws))


def test_keys_without_draws_count_packed_images():
    packed, images = ga.pack(random_images()), random_images()
    whole, alone = ga.RandomResizedCrop(16, seed=3), ga.RandomResizedCrop(16, seed=3)
    ones = torch.cat([alone(image[None]) for image in images])
    assert torch.equal(whole(packed), ones)
    assert whole.seen == alone.seen == 5


def test_recipes_of_packed_images_ahead_of_time():
    packed, draws, chain = ga.pack(random_images()), random_draws(5), TRANSFORMS[-1]
    assert torch.equal(chain.apply_recipes(packed, chain.recipes(draws, packed)), chain(packed, draws))


@pytest.mark.parametrize("chain", [ga.RandomResizedCrop(16), TRANSFORMS[-1]], ids=["one pass", "more"])
def test_packed_images_without_draws_of_a_batch_of_none(chain):
    packed = ga.pack(random_images())
    none = torch.zeros(0, 3, dtype=torch.int64)
    assert chain(packed, none, index=torch.zeros(0, dtype=torch.int64)).shape == (0, 3, 16, 16)


@pytest.mark.parametrize(
    ("chain", "sizes"),
    [
        (ga.RandomHorizontalFlip(), "20 x 31 for draw 0 .* and 16 x 16 for draw 1 .*"),
        (ga.Normalize(), "20 x 31 for draw 0 .* and 16 x 16 for draw 1 .*"),
        (ga.Resize(10), "10 x 15 for draw 0 .* and 10 x 10 for draw 1 .*"),
        (
            ga.Compose([ga.SaltAndPepper(), ga.RandomResizedCrop(16)]),
            "20 x 31 for draw 0 .* and 16 x 16 for draw 1 .*",
        ),
    ],
)
def test_sizes_that_stay_different_are_refused(chain, sizes):
    message = (
        rf"one size after the geometry, got {sizes}: .* Resize\(\(height, width\)\) or RandomResizedCrop"
    )
    with pytest.raises(ValueError, match=message):
        chain(ga.pack(random_images()), random_draws(5))


def test_a_crop_larger_than_one_packed_image_is_refused():
    with pytest.raises(ValueError, match=r"got 17 x 17 for draw 1 \(sample 1\) of 16 x 16 pixels"):
        ga.RandomCrop(17)(ga.pack(random_images()), random_draws(5))


@pytest.mark.parametrize(
    ("draws", "index", "message"),
    [
        (random_draws(4), None, "draws must be as many as the images, got 4 draws for 5 images"),
        (random_draws(2), torch.tensor([0, 5]), r"index must be in \[0, 5\), got 5 for draw 1"),
        (random_draws(2), torch.tensor([0]), r"index must have shape \(2,\)"),
    ],
)
def test_calls_with_packed_images_are_checked(draws, index, message):
    with pytest.raises(ValueError, match=message):
        ga.RandomResizedCrop(16)(ga.pack(random_images()), draws, index=index)


@pytest.mark.cuda
@every_transform
def test_packed_images_give_the_same_bytes_on_the_gpu(transform):
    packed, draws = ga.pack(random_images(interleaved=True)), random_draws(5)
    assert torch.equal(transform(packed.to("cuda"), draws).cpu(), transform(packed, draws))
