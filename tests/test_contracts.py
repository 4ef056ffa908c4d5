"""The contracts, end to end: a draw's pixels depend on its sample, its key and the transform alone.

An epoch is the list of (key, label, pixels) in the global order. What it should be is made one draw at a
time, from the sampler's draws and the decoded samples, without any loader.
"""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import gpuaug
from gpuaug.loading import BalancedLoader, DeviceDataset, WithDraws, collate

MAJORITY, MINORITY, SIDE = 61, 15, 12
LABELS = [0] * MAJORITY + [1] * MINORITY
DRAWS = 2 * MAJORITY  # not a multiple of 3 ranks, nor of 7 or 64
PIXELS = np.random.default_rng(0).integers(0, 256, (len(LABELS), SIDE, SIDE, 3), np.uint8)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # more workers than cores
]


class Samples:
    """PIL images and arrays in turn, as decoders give them."""

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        pixels = PIXELS[index]
        return Image.fromarray(pixels) if index % 2 else pixels, LABELS[index]


def chain(*last, **options):
    return gpuaug.Compose(
        [
            gpuaug.RandomResizedCrop(SIDE),
            gpuaug.RandomHorizontalFlip(),
            gpuaug.GaussianBlur(),
            gpuaug.SaltAndPepper(0.25),
            *last,
        ],
        **options,
    )


def article():
    crop = gpuaug.Compose([gpuaug.RandomCrop(8), gpuaug.Resize(SIDE)])
    options = [crop, gpuaug.RandomHorizontalFlip(p=1.0), gpuaug.SaltAndPepper(0.25)]
    return gpuaug.Compose([gpuaug.OneOf(options, by="copy"), gpuaug.Normalize(0.5, 0.5)], apply_to="copies")


def two_passes():
    """Noise before geometry does not fit one pass. The size changes too."""
    steps = [gpuaug.SaltAndPepper(0.25), gpuaug.RandomResizedCrop(9), gpuaug.Normalize(0.5, 0.5)]
    return gpuaug.Compose(steps)


def policies():
    """Ops in several passes, batched ones among them, and chains with draws of their own."""
    steps = [gpuaug.RandomResizedCrop(SIDE), gpuaug.RandAugment(magnitude=20), gpuaug.AugMix()]
    return gpuaug.Compose([*steps, gpuaug.Normalize(0.5, 0.5)])


AUGMENTS = {
    "float": lambda: chain(gpuaug.Normalize(0.5, 0.5)),
    "bytes": chain,
    "article": article,
    "two passes": two_passes,
    "policies": policies,
}


def sampler_of(rank=0, ranks=1, epoch=0):
    sampler = gpuaug.BalancedSampler(LABELS, seed=2**64 - 5, num_replicas=ranks, rank=rank)
    sampler.set_epoch(epoch)
    return sampler


def as_bytes(images):
    return [image.contiguous().numpy().tobytes() for image in images.cpu()]


def one_by_one(augment, epoch=0):
    """The epoch, each draw a batch of its own."""
    draws = sampler_of(epoch=epoch).draws()
    images = torch.from_numpy(PIXELS).permute(0, 3, 1, 2).contiguous()
    epoch = []
    for draw in draws:
        index, _, key = draw.tolist()
        epoch.append((key, LABELS[index], *as_bytes(augment(images[index][None], draw[None]))))
    return epoch


def loaded(augment, *, batch_size, ranks=1, epoch=0, dataset=None, state=None, batches=None, **options):
    """What the loaders of all ranks hand out, and their states; ``batches`` leaves the loop after so many."""
    shares, states = [], []
    for rank in range(ranks):
        sampler = sampler_of(rank, ranks, epoch if state is None else 0)
        loader = BalancedLoader(
            Samples() if dataset is None else dataset, sampler, augment, batch_size, **options
        )
        if state is not None:
            loader.load_state_dict(state)
        share = []
        for number, (images, labels) in enumerate(loader, start=1):
            share.extend(zip(labels.tolist(), as_bytes(images), strict=True))
            if number == batches:
                break
        shares.append(share)
        states.append(loader.state_dict())
    assert all(state == states[0] for state in states)
    return [item for turn in zip(*shares, strict=True) for item in turn], states[0]


def with_keys(items, start=0, epoch=0):
    """The items from ``start`` on with their keys, less the draws repeated to make the shares equal."""
    keys = sampler_of(epoch=epoch).draws()[start:, 2].tolist()
    return [(key, *item) for key, item in zip(keys, items, strict=False)]


@pytest.fixture(scope="module", params=AUGMENTS)
def case(request):
    """A transform, and the epoch that it should give."""
    augment = AUGMENTS[request.param]()
    return augment, one_by_one(augment)


@pytest.fixture(scope="module")
def standard():
    augment = AUGMENTS["float"]()
    return augment, one_by_one(augment)


def test_the_expected_epoch_is_no_trifle(standard):
    _, expected = standard
    assert len({key for key, _, _ in expected}) == DRAWS
    assert len({pixels for _, _, pixels in expected}) == DRAWS


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_batches_workers_and_ranks_change_nothing(standard, batch_size, workers, ranks):
    augment, expected = standard
    items, _ = loaded(augment, batch_size=batch_size, num_workers=workers, ranks=ranks)
    assert with_keys(items) == expected


@pytest.mark.parametrize(("batch_size", "workers", "ranks"), [(7, 0, 1), (64, 3, 2)])
def test_for_every_transform(case, batch_size, workers, ranks):
    augment, expected = case
    items, _ = loaded(augment, batch_size=batch_size, num_workers=workers, ranks=ranks)
    assert with_keys(items) == expected


@pytest.mark.parametrize("collate_fn", [None, collate], ids=["default", "ours"])
@pytest.mark.parametrize("workers", [0, 3])
def test_sampler_and_transform_apart(standard, workers, collate_fn):
    augment, expected = standard
    loader = DataLoader(
        WithDraws(Samples()), 7, sampler=sampler_of(), num_workers=workers, collate_fn=collate_fn
    )
    items = [
        item
        for images, labels, draws in loader
        for item in zip(draws[:, 2].tolist(), labels.tolist(), as_bytes(augment(images, draws)), strict=True)
    ]
    assert items == expected


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("batch_size", "ranks"), [(1, 1), (7, 2), (64, 3)])
def test_images_on_the_device(case, batch_size, ranks, layout):
    augment, expected = case
    images = torch.from_numpy(PIXELS).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    resident = DeviceDataset(images, torch.tensor(LABELS))
    items, _ = loaded(augment, batch_size=batch_size, ranks=ranks, dataset=resident)
    assert with_keys(items) == expected


# From: batches of one size on so many ranks with so many workers; to: another of each.
@pytest.mark.parametrize(
    ("before", "batches", "after"),
    [
        ({"batch_size": 7, "ranks": 1}, 5, {"batch_size": 7, "ranks": 1}),
        ({"batch_size": 7, "ranks": 2, "num_workers": 3}, 3, {"batch_size": 64, "ranks": 3}),
        ({"batch_size": 64, "ranks": 1}, 1, {"batch_size": 1, "ranks": 2, "num_workers": 3}),
        ({"batch_size": 1, "ranks": 3}, 20, {"batch_size": 7, "ranks": 1}),
        ({"batch_size": 64, "ranks": 2}, None, {"batch_size": 7, "ranks": 3}),  # from the end
    ],
)
def test_a_resumed_epoch_goes_on(standard, before, batches, after):
    augment, expected = standard
    first, state = loaded(augment, batches=batches, **before)
    position = len(first) if batches is None else batches * before["batch_size"] * before["ranks"]
    assert state["position"] == position
    rest, end = loaded(augment, state=json.loads(json.dumps(state)), **after)
    assert with_keys(first) + with_keys(rest, position) == expected
    assert end["position"] == DRAWS


def test_a_later_epoch_goes_on_after_a_resume():
    augment = AUGMENTS["bytes"]()
    expected = one_by_one(augment, epoch=3)
    first, state = loaded(augment, batch_size=7, epoch=3, batches=4)
    rest, _ = loaded(augment, batch_size=7, state=state)
    assert with_keys(first, epoch=3) + with_keys(rest, len(first), epoch=3) == expected
    assert expected != one_by_one(augment)


@pytest.mark.parametrize("resident", [False, True])
def test_originals_are_untouched_where_only_copies_are_augmented(resident):
    dataset = DeviceDataset.from_dataset(Samples()) if resident else Samples()
    items, _ = loaded(chain(apply_to="copies"), batch_size=7, dataset=dataset)
    untouched = [
        (pixels == PIXELS[index].transpose(2, 0, 1).tobytes(), copy == 0)
        for (index, copy, _), (_, pixels) in zip(sampler_of().draws().tolist(), items, strict=True)
    ]
    assert untouched.count((True, True)) == MAJORITY + MINORITY
    assert untouched.count((False, False)) == DRAWS - MAJORITY - MINORITY


def test_evaluation_changes_no_draw():
    augment = chain().eval()
    items, _ = loaded(augment, batch_size=7)
    assert [pixels for _, pixels in items] == [
        PIXELS[index].transpose(2, 0, 1).tobytes() for index in sampler_of().draws()[:, 0].tolist()
    ]


@pytest.mark.cuda
@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_the_device_changes_nothing(case, batch_size, workers, ranks):
    augment, expected = case
    items, _ = loaded(augment, batch_size=batch_size, num_workers=workers, ranks=ranks, device="cuda")
    assert with_keys(items) == expected


@pytest.mark.cuda
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_images_on_a_cuda_device(case, batch_size):
    augment, expected = case
    resident = DeviceDataset.from_dataset(Samples(), device="cuda")
    items, _ = loaded(augment, batch_size=batch_size, ranks=2, dataset=resident)
    assert with_keys(items) == expected


@pytest.mark.cuda
def test_an_epoch_resumes_on_another_device(standard):
    augment, expected = standard
    first, state = loaded(augment, batch_size=7, batches=5, device="cuda", num_workers=3)
    rest, _ = loaded(augment, batch_size=64, state=state)
    assert with_keys(first) + with_keys(rest, len(first)) == expected
