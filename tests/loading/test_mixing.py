"""Partners by the plan in a loader: each draw is mixed as if it were alone, whatever its batch.

What an epoch should be is made one draw at a time: the draw and its partner augmented, and the two mixed.
"""

import copy
import json
import pickle

import loading_files
import numpy as np
import pytest
import torch
from shown_indices import LABELS, Samples, make
from torch import nn

import gpuaug as ga
from gpuaug.images.packed import pack
from gpuaug.loading.mixing import first_samples
from gpuaug.sampling import deferred

SIDE = 6
PIXELS = np.random.default_rng(0).integers(0, 256, (len(LABELS), SIDE, SIDE, 3), np.uint8)
PAIRS = list(zip(PIXELS, LABELS, strict=True))
AUGMENT = ga.Compose([ga.RandomResizedCrop(SIDE), ga.SaltAndPepper(0.25)])
COUNTS = [9, 3]
MIXES = [
    ga.MixUp(0.4, partners="plan"),
    ga.CutMix(p=0.5, partners="plan"),
    ga.CMO(COUNTS, p=0.7, partners="plan"),
    ga.Remix(COUNTS, p=0.8, partners="plan"),
    ga.BalancedMixUp(COUNTS, 0.5, partners="plan"),
]
every_mix = pytest.mark.parametrize("mix", MIXES, ids=lambda mix: type(mix).__name__)


class OneByOne:
    """``PAIRS`` as a data set without an array behind it, which counts what is read."""

    def __init__(self):
        self.read = []

    def __len__(self):
        return len(PAIRS)

    def __getitem__(self, index):
        self.read.append(int(index))
        return PAIRS[index]


def resident():
    images = torch.from_numpy(PIXELS).permute(0, 3, 1, 2).contiguous()
    return ga.DeviceDataset(images, torch.tensor(LABELS))


DATASETS = {"list": lambda: PAIRS, "one by one": OneByOne, "resident": resident}


def sampler(target="natural", **place):
    return ga.BalancedSampler(LABELS, target, seed=1, **place)


def loader(mix, kind="list", batch_size=4, *, augment=AUGMENT, target="natural", place=None, **options):
    some = sampler(target, **(place or {}))
    return ga.BalancedLoader(DATASETS[kind](), some, augment, batch_size, mix=mix, **options)


def as_rows(batches):
    """Of each draw in order, all that comes of it."""
    return [
        (image.contiguous().numpy().tobytes(), int(first), int(second), float(lam))
        for images, (firsts, seconds, lams) in batches
        for image, first, second, lam in zip(images, firsts, seconds, lams, strict=True)
    ]


def decoded(index):
    return torch.from_numpy(PIXELS[index]).permute(2, 0, 1)[None]


def expected(mix, epoch=0, target="natural", image_of=decoded, augment=AUGMENT, labels=LABELS, some=None):
    some = some or sampler(target)
    some.set_epoch(epoch)
    partners, rows = some.partners(mix.weigh), []
    for draw in some.draws().split(1):
        both = torch.cat((draw, partners.of(draw[mix.mixes(draw)])))
        images = torch.cat([augment(image_of(int(one[0])), one[None]) for one in both])
        rows += as_rows([mix(images, torch.tensor([labels[i] for i in both[:, 0]]), draw)])
    assert len({row[0] for row in rows}) == len(rows)  # the pixels say which draw it is
    return rows


@every_mix
@pytest.mark.parametrize("kind", DATASETS)
@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_each_draw_is_mixed_as_if_alone(mix, kind, batch_size):
    assert as_rows(loader(mix, kind, batch_size)) == expected(mix)


@pytest.mark.parametrize("kind", ["list", "one by one"])
@pytest.mark.parametrize("workers", [1, 2])
def test_whatever_the_workers(kind, workers):
    for epoch in range(2):
        some = loader(MIXES[1], kind, 5, num_workers=workers)
        some.set_epoch(epoch)
        assert as_rows(some) == expected(MIXES[1], epoch)


def test_spawned_workers_and_a_copy_of_the_loader():
    some = loader(MIXES[3], num_workers=1, multiprocessing_context="spawn")
    assert as_rows(some) == expected(MIXES[3])
    for other in (copy.deepcopy(some), pickle.loads(pickle.dumps(some))):
        other.set_epoch(1)
        assert as_rows(other) == expected(MIXES[3], 1)
    assert some.sampler.epoch == 0


@pytest.mark.parametrize("ranks", [2, 3])
def test_whatever_the_ranks(ranks):
    shares = [as_rows(loader(MIXES[4], place={"num_replicas": ranks, "rank": rank})) for rank in range(ranks)]
    assert [row for turn in zip(*shares, strict=True) for row in turn] == expected(MIXES[4])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_state_counts_draws_and_is_taken_up_with_another_batch_size(workers):
    mix = MIXES[2]
    whole, states, rows = expected(mix), [], []
    first = loader(mix, batch_size=5, num_workers=workers)
    for batch in first:
        rows += as_rows([batch])
        states.append(json.loads(json.dumps(first.state_dict())))
    assert [state["position"] for state in states] == [5, 10, 12]
    assert rows == whole
    second = loader(mix, batch_size=2, num_workers=2 - workers)
    second.load_state_dict(states[0])
    assert as_rows(second) == whole[5:]
    assert as_rows(second) == expected(mix, 1)


def test_the_weights_are_of_the_epochs_plan():
    """Of the classes' draws, which a schedule moves; the loader goes on from epoch to epoch by itself."""
    some = loader(MIXES[0], target=deferred(1, target={0: 1, 1: 12}))
    assert [len(as_rows(some)), len(as_rows(some))] == [12, 13]
    some.set_epoch(0)
    for epoch in range(2):
        assert as_rows(some) == expected(MIXES[0], epoch, deferred(1, target={0: 1, 1: 12}))


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_only_partners_of_the_mixed_are_read(p):
    mix = ga.MixUp(p=p, partners="plan")
    some = loader(mix, "one by one", 64)
    (batch,) = some
    draws = some.sampler.draws()
    mixed = draws[mix.mixes(draws)]
    partners = some.sampler.partners(mix.weigh).of(mixed)
    assert some.dataset.read == torch.cat((draws, partners))[:, 0].tolist()
    assert len(mixed) == {0.0: 0, 1.0: 12}.get(p, len(mixed))
    assert len(batch[0]) == 12


def test_partners_are_balanced_where_draws_are_not():
    some = ga.BalancedSampler([0] * 900 + [1] * 100, "natural")
    dataset = ga.DeviceDataset(torch.zeros(1000, 1, 1, 1, dtype=torch.uint8), torch.arange(1000) // 900)
    mix = ga.BalancedMixUp([900, 100], partners="plan")
    first, second = (
        torch.cat(column)
        for column in zip(*(b[1][:2] for b in ga.BalancedLoader(dataset, some, None, mix=mix)), strict=True)
    )
    assert first.bincount().tolist() == [900, 100]
    assert abs(int(second.sum()) - 500) < 65  # 4 standard deviations


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_size", [3, 64])
def test_encoded_files_are_mixed(workers, batch_size):
    mix, augment = ga.BalancedMixUp([13, 5], p=0.6, partners="plan"), loading_files.chain()
    some = loading_files.make(
        augment=augment, batch_size=batch_size, mix=mix, num_workers=workers, reducing_gap=None
    )
    wanted = expected(
        mix,
        image_of=lambda index: pack([loading_files.DECODED[index]]),
        augment=augment,
        labels=loading_files.LABELS,
        some=ga.BalancedSampler(loading_files.LABELS, seed=3),
    )
    assert as_rows(some) == wanted


def test_substitutes_of_unreadable_files_are_mixed():
    """A partner that cannot be read is replaced by another of its class, as a draw is."""
    data = [loading_files.DAMAGED if n < 9 else data for n, data in enumerate(loading_files.DATA)]
    mix = ga.BalancedMixUp([13, 5], partners="plan")
    rows, skipped = [], []
    for size, workers in ((4, 0), (64, 2)):
        loader = loading_files.make(data, batch_size=size, mix=mix, on_error="skip", num_workers=workers)
        rows.append(as_rows(loader))
        skipped.append({(one.sample, one.draws) for one in loader.skipped})
    assert skipped[0] == skipped[1]
    assert sum(draws for _, draws in skipped[0]) > 9  # of draws and of partners
    assert rows[0] == rows[1]
    some = ga.BalancedSampler(loading_files.LABELS, seed=3)
    partners = some.partners(mix.weigh).of(some.draws())
    assert [row[2] for row in rows[0]] == [loading_files.LABELS[index] for index in partners[:, 0]]


def test_copies_alone_are_augmented_and_partners_are_copies():
    inverted = ga.Compose([ga.RandomInvert(p=1.0)], apply_to="copies")
    mix = ga.CutMix(partners="plan")
    draws = sampler().draws()
    assert (draws[:, 1] == 0).all()
    assert as_rows(loader(mix, augment=inverted)) == expected(mix, augment=inverted)
    for (image, *_), draw in zip(as_rows(loader(mix, augment=inverted)), draws, strict=True):
        image = np.frombuffer(image, np.uint8).reshape(3, SIDE, SIDE)
        own = PIXELS[draw[0]].transpose(2, 0, 1)
        partner = 255 - PIXELS[sampler().partners(mix.weigh).of(draw[None])[0, 0]].transpose(2, 0, 1)
        assert ((image == own) | (image == partner)).all()


def test_without_a_transform_and_with_one_class_strengths():
    mix = MIXES[0]
    bare = as_rows(loader(mix, augment=None))
    assert bare == expected(mix, augment=lambda image, draw: image)
    by_class = ga.PerClass([ga.RandomInvert(p=1.0)], op_probability=[[0.0], [1.0]])
    augment = ga.Compose([by_class])

    def alone(image, draw):
        return augment(image, draw, labels=torch.tensor([LABELS[int(draw[0, 0])]]))

    assert as_rows(loader(mix, augment=augment)) == expected(mix, augment=alone)


@pytest.mark.parametrize("workers", [0, 2])
def test_other_items_of_a_sample_are_those_of_the_draw(workers):
    class Named(Samples):
        def __getitem__(self, index):
            image, label = super().__getitem__(index)
            extra = {"index": int(index), "both": (float(index), [str(index)])}
            return {"image": image, "label": label, "name": f"{int(index)}.png", "extra": extra}

    mix = ga.CutMix(partners="plan")
    some = make(Named(), None, 4, mix=mix, num_workers=workers)
    draws = some.sampler.draws()
    for batch, own in zip(some, draws.split(4), strict=True):
        index = own[:, 0].tolist()
        assert len(batch["image"]) == len(index)
        assert batch["label"][0].tolist() == [LABELS[i] for i in index]
        assert batch["name"] == [f"{i}.png" for i in index]
        assert batch["extra"]["index"].tolist() == index
        assert batch["extra"]["both"][0].tolist() == index
        assert batch["extra"]["both"][1] == [[str(i) for i in index]]
        partners = some.sampler.partners(mix.weigh).of(own)[:, 0]
        assert batch["label"][1].tolist() == [LABELS[i] for i in partners]


def test_columns_of_every_form_are_cut():
    column = torch.tensor([3, 4, 5])
    rest = (column, [column, ["a", "b", "c"]], {"k": (column.double(), [b"x", b"y", b"z"])}, None, [])
    cut = first_samples(rest, 2)
    assert cut[0].tolist() == cut[1][0].tolist() == cut[2]["k"][0].tolist() == [3, 4]
    assert (cut[1][1], cut[2]["k"][1], cut[3], cut[4]) == (["a", "b"], [b"x", b"y"], None, [])


def test_served_draws_have_no_partners():
    some = make(mix=MIXES[0])
    ((images, labels),) = some.serve(some.sampler.draws()[:4])
    assert torch.equal(images, next(iter(make()))[0])
    assert torch.equal(labels, next(iter(make()))[1])


def test_a_curriculum_goes_on():
    by_class = ga.PerClass([ga.RandomInvert(), ga.RandomVerticalFlip()], p=0.5)
    some = loader(MIXES[4], "resident", augment=ga.Compose([by_class, ga.Normalize(0.5, 0.5)]))
    curriculum = ga.Curriculum(some, LABELS)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 2))
    for _ in range(2):
        assert sum(len(images) for images, _ in some) == 12
        with torch.no_grad():
            curriculum.update(lambda images: model(images).argmax(1))


def test_a_sampler_of_several_labels_is_refused():
    some = ga.RepeatFactorSampler([[label] for label in LABELS], 0.5)
    message = "sampler must be a gpuaug.BalancedSampler for a mix with partners='plan', got RepeatFactor"
    with pytest.raises(TypeError, match=message):
        make(sampler=some, mix=ga.MixUp(partners="plan"))
    assert len(next(iter(make(sampler=some, mix=ga.MixUp())))[0]) == 4
