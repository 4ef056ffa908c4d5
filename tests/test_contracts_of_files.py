"""The contracts on encoded images: batches, threads, ranks and resuming change no byte, at any scale.

What an epoch should be is made one draw at a time: its file decoded whole by Pillow, or, where the decoder
gives a smaller scale, in a batch of its own.
"""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from encoded_images import encoded, jpeg, picture
from PIL import Image

import gpuaug

LABELS = [0] * 23 + [1] * 6
DRAWS = 46
SIZES = np.random.default_rng(5).integers(50, 170, (len(LABELS), 2)).tolist()
FILES = [
    encoded(picture(w, h, n), "PNG") if n % 4 == 3 else jpeg(w, h, "4:2:0", n)
    for n, (w, h) in enumerate(SIZES)
]

pytestmark = pytest.mark.slow


def sampler_of(rank=0, ranks=1):
    return gpuaug.BalancedSampler(LABELS, seed=9, num_replicas=ranks, rank=rank)


def augment():
    turned = gpuaug.RandomApply([gpuaug.RandomRotation(30)], p=0.5)
    steps = [gpuaug.RandomResizedCrop(20), turned, gpuaug.SaltAndPepper(0.1), gpuaug.Normalize(0.5, 0.5)]
    return gpuaug.Compose(steps)


def as_bytes(images):
    return [image.contiguous().numpy().tobytes() for image in images]


def loaded(gap, *, batch_size, ranks=1, state=None, batches=None, threads=0):
    """(label, pixels) of what the loaders of all ranks hand out, in the global order, and their state."""
    shares, states = [], []
    for rank in range(ranks):
        files = gpuaug.ImageFiles(FILES, LABELS, reducing_gap=gap)
        loader = gpuaug.BalancedLoader(
            files, sampler_of(rank, ranks), augment(), batch_size, num_workers=threads
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
    assert all(each == states[0] for each in states)
    return [item for turn in zip(*shares, strict=True) for item in turn], states[0]


@pytest.fixture(scope="module", params=[None, 2.0, 1.0], ids=["whole", "gap 2", "gap 1"])
def case(request):
    """A reducing gap, and the epoch that it should give."""
    gap, chain = request.param, augment()
    if gap is not None:
        return gap, loaded(gap, batch_size=1)[0]
    expected = []
    for draw in sampler_of().draws():
        index = int(draw[0])
        pixels = np.array(Image.open(io.BytesIO(FILES[index])).convert("RGB"))
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        expected.append((LABELS[index], *as_bytes(chain(image, draw[None]))))
    return gap, expected


def test_cases_of_files_differ():
    """Else a scale would not have been reached by any draw."""
    epochs = [loaded(gap, batch_size=64)[0] for gap in (None, 2.0, 1.0)]
    assert len({tuple(pixels for _, pixels in epoch) for epoch in epochs}) == 3
    assert len({pixels for _, pixels in epochs[0]}) == DRAWS


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_batches_threads_and_ranks_change_nothing(case, batch_size, threads, ranks):
    gap, expected = case
    items, _ = loaded(gap, batch_size=batch_size, threads=threads, ranks=ranks)
    assert items[:DRAWS] == expected


@pytest.mark.parametrize(
    ("before", "batches", "after"),
    [
        ({"batch_size": 7}, 3, {"batch_size": 7}),
        ({"batch_size": 3, "ranks": 2, "threads": 3}, 3, {"batch_size": 64, "ranks": 3}),
        ({"batch_size": 1, "ranks": 3}, 10, {"batch_size": 5, "threads": 2}),
    ],
)
def test_a_resumed_epoch_goes_on(case, before, batches, after):
    gap, expected = case
    first, state = loaded(gap, batches=batches, **before)
    assert state["position"] == len(first) == batches * before["batch_size"] * before.get("ranks", 1)
    rest, _ = loaded(gap, state=json.loads(json.dumps(state)), **after)
    assert (first + rest)[:DRAWS] == expected


@pytest.mark.cuda
@pytest.mark.parametrize("threads", [0, 3])
def test_the_device_changes_nothing(case, threads):
    gap, expected = case
    files = gpuaug.ImageFiles(FILES, LABELS, reducing_gap=gap)
    loader = gpuaug.BalancedLoader(files, sampler_of(), augment(), 7, num_workers=threads, device="cuda")
    items = [item for x, y in loader for item in zip(y.tolist(), as_bytes(x.cpu()), strict=True)]
    assert items == expected
