"""Images without draws: randomness that does not repeat where nobody asked for it, and does where one did."""

import copy
import pickle
import threading

import numpy as np
import pytest
import scipy.stats
import torch
from every_transform import required
from torch import nn
from torch.utils.data import DataLoader, Dataset

import gpuaug as ga
from gpuaug.transforms import catalogue, own_draws

CORNERS = torch.tensor([[10, 20], [30, 40]], dtype=torch.uint8)  # a flip moves another number to the corner
GREY = torch.full((3, 16, 16), 128, dtype=torch.uint8)


def corners(n):
    return CORNERS.expand(n, 1, 2, 2)


def keys(transform, n=4):
    """The keys of the next images, asked of a copy: the transform itself stays where it is."""
    return copy.deepcopy(transform)._own.take(n)[:, 2].tolist()


def build(entry, seed=None):
    return entry.kind(**required(entry), seed=seed)


@pytest.mark.parametrize("seeds", [(None, None), (0, 0), (7, 7), (1, 2)])
@pytest.mark.parametrize(
    "chain", [nn.Sequential, lambda *flips: ga.Compose(flips)], ids=["Sequential", "Compose"]
)
def test_flips_one_after_another_are_independent(chain, seeds):
    torch.manual_seed(5)
    flips = chain(ga.RandomHorizontalFlip(seed=seeds[0]), ga.RandomVerticalFlip(seed=seeds[1]))
    first = flips(corners(4000))[:, 0, 0, 0]
    counts = [int((first == value).sum()) for value in (10, 20, 30, 40)]
    assert sum(counts) == 4000
    assert scipy.stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("chain", [nn.Sequential, nn.ModuleList])
def test_two_noises_one_after_another_add_in_squares(chain, seed):
    torch.manual_seed(5)
    image = torch.full((16, 3, 32, 32), 0.5)
    out = image
    noises = [ga.GaussNoise(0.1, seed=seed) for _ in range(2)]
    for noise in chain(noises) if chain is nn.ModuleList else chain(*noises):
        out = noise(out)
    assert (out - image).std() == pytest.approx(0.1 * 2**0.5, rel=0.02)


def test_two_equal_chains_are_two_views():
    torch.manual_seed(0)  # of 32 pairs of windows of so small an image, two may be one by chance
    images = torch.randint(256, (32, 3, 16, 16), dtype=torch.uint8)
    one, other = (ga.Compose([ga.RandomResizedCrop(12), ga.RandomHorizontalFlip()]) for _ in range(2))
    assert not any(torch.equal(a, b) for a, b in zip(one(images), other(images), strict=True))


@pytest.mark.parametrize(
    "kind",
    [
        ga.MixUp,
        ga.CutMix,
        lambda seed=None: ga.CMO([5, 3], p=1.0, seed=seed),
        lambda seed=None: ga.Remix([5, 3], tau=0, seed=seed),
        lambda seed=None: ga.BalancedMixUp([5, 3], seed=seed),
    ],
)
def test_two_mixes_choose_apart(kind):
    images, labels = torch.rand(64, 3, 8, 8), torch.arange(64) % 2
    (_, (_, _, one)), (_, (_, _, other)) = (kind()(images, labels) for _ in range(2))
    assert not torch.equal(one, other)
    (_, (_, _, one)), (_, (_, _, other)) = (kind(seed=4)(images, labels) for _ in range(2))
    assert torch.equal(one, other)


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_equal_seeds_repeat_and_others_differ(entry):
    torch.manual_seed(1)
    one, other = build(entry), build(entry)
    torch.manual_seed(1)
    again = build(entry)
    assert keys(one) == keys(again)  # torch.manual_seed repeats
    assert len({*keys(one), *keys(other)}) == 8
    assert one.seed == again.seed != other.seed
    assert keys(build(entry, seed=one.seed)) == keys(one)
    assert keys(build(entry, seed=3)) == keys(build(entry, seed=3)) != keys(build(entry, seed=4))


def test_keys_of_kinds_and_places_differ_under_one_seed():
    built = [build(entry, seed=3) for entry in catalogue()]
    built += [ga.Compose([transform], seed=3) for transform in built[:5]]
    both = [ga.RandomHorizontalFlip(seed=3), ga.GaussianBlur(seed=3)]
    built += [ga.OneOf(both, seed=3), ga.RandomApply(both, seed=3), ga.PerClass(both, seed=3)]
    built += [ga.CutMix(seed=3), ga.MixUp(seed=3), ga.Remix([1], seed=3), ga.BalancedMixUp([1], seed=3)]
    assert len({key for transform in built for key in keys(transform)}) == 4 * len(built)
    places = nn.Sequential(*(ga.GaussNoise(seed=3) for _ in range(3)))
    places.append(ga.GaussNoise(seed=3))
    assert len({key for noise in places for key in keys(noise)}) == 16
    assert [keys(noise) for noise in copy.deepcopy(places)] == [keys(noise) for noise in places]
    assert [keys(noise) for noise in pickle.loads(pickle.dumps(places))] == [keys(noise) for noise in places]
    assert keys(ga.GaussNoise(seed=3)) == keys(places[0])


def test_a_chain_of_chains_repeats():
    def chain(seed):
        inner = ga.Compose([ga.RandomHorizontalFlip(), ga.GaussNoise()], seed=9)
        return ga.Compose([inner, ga.RandomApply([ga.GaussNoise()])], seed=seed)

    images = torch.randint(256, (8, 3, 16, 16), dtype=torch.uint8)
    assert torch.equal(chain(1)(images), chain(1)(images))
    assert not torch.equal(chain(1)(images), chain(2)(images))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
@pytest.mark.parametrize("make", [lambda: ga.Compose([ga.GaussNoise()]), ga.RandomHorizontalFlip, ga.CutMix])
def test_a_copied_transform_continues_from_the_same_count(clone, make):
    transform = make()
    transform._own.take(5)
    other = clone(transform)
    assert other.seen == transform.seen == 5
    assert keys(other) == keys(transform)
    transform._own.take(2)
    assert (other.seen, transform.seen) == (5, 7)
    assert copy.copy(transform)._own is transform._own  # a shallow copy shares the count: no repetition


def test_threads_share_the_count_of_images():
    flip, found = ga.RandomHorizontalFlip(), []

    def work():
        for _ in range(50):
            found.extend(flip._own.take(3)[:, 2].tolist())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == len(found) == 600


class Noisy(Dataset):
    """One image, made noisy in ``__getitem__``."""

    def __init__(self, transform):
        self.transform = transform

    def __len__(self):
        return 16

    def __getitem__(self, index):
        return self.transform(GREY[None])[0]


class Noise:
    """The same in ``collate_fn``."""

    def __init__(self, transform):
        self.transform = transform

    def __call__(self, images):
        return self.transform(torch.stack(images))


def epochs(where, workers, seed, count=2, **options):
    """The images of some epochs, as bytes."""
    noise = ga.GaussNoise(seed=seed)
    options |= {"batch_size": 4, "num_workers": workers}
    if where == "getitem":
        loader = DataLoader(Noisy(noise), **options)
    else:
        loader = DataLoader([GREY] * 16, collate_fn=Noise(noise), **options)
    return [[image.numpy().tobytes() for batch in loader for image in batch] for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [None, 11])
@pytest.mark.parametrize(
    ("workers", "options"),
    [
        (0, {}),
        (2, {}),
        (4, {}),
        (2, {"persistent_workers": True}),
    ],
)
@pytest.mark.parametrize("where", ["getitem", "collate"])
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_keys_of_workers_and_epochs_differ_and_a_run_repeats(where, workers, options, seed):
    torch.manual_seed(8)
    first = epochs(where, workers, seed, **options)
    assert len({image for epoch in first for image in epoch}) == 32
    torch.manual_seed(8)
    assert epochs(where, workers, seed, **options) == first
    torch.manual_seed(9)
    repeats = epochs(where, workers, seed, **options) == first
    assert repeats == (seed is not None and workers == 0)  # what an explicit seed alone decides


@pytest.mark.slow
@pytest.mark.processes
def test_keys_of_spawned_workers_differ():
    (images,) = epochs("getitem", 2, 11, count=1, multiprocessing_context="spawn")
    assert len(set(images)) == 16


class Rank:
    """torch.distributed as it is on one of several ranks."""

    def __init__(self, monkeypatch):
        self.rank = None
        monkeypatch.setattr(torch.distributed, "is_initialized", lambda: self.rank is not None)
        monkeypatch.setattr(torch.distributed, "get_rank", lambda: self.rank)


@pytest.mark.parametrize("seed", [None, 3])
def test_keys_of_ranks_differ(monkeypatch, seed):
    process, found = Rank(monkeypatch), []
    for rank in (None, 1, 2, 3):
        process.rank = rank
        torch.manual_seed(0)  # the same on every rank
        flip = ga.RandomHorizontalFlip(seed=seed)
        found.append(keys(flip))
        sent = pickle.dumps(flip)
        process.rank = None  # as in a spawned worker
        assert keys(pickle.loads(sent)) == found[-1]
    assert len({key for own in found for key in own}) == 16


def test_the_own_draws_op_checks_its_arguments():
    state = torch.tensor([1, 0, 0])
    assert torch.ops.gpuaug.own_draws(state, 2)[:, :2].tolist() == [[0, 1], [1, 1]]
    assert state.tolist() == [1, 2, 0]
    for wrong in (torch.zeros(3), torch.zeros(2, dtype=torch.int64), torch.zeros(1, 3, dtype=torch.int64)):
        with pytest.raises(ValueError, match=r"state must be int64 \(3,\)"):
            torch.ops.gpuaug.own_draws(wrong, 2)
    with pytest.raises(ValueError, match="count must be at least 0, got -1"):
        torch.ops.gpuaug.own_draws(state, -1)


def test_streams_of_workers_and_ranks_do_not_meet(monkeypatch):
    class Info:
        seed = 0

    words, found = np.array([5, 0, 0], np.int64), set()
    for worker in (None, 0, 1, 2**62, 2**64 + 5):
        info = None if worker is None else Info()
        if info:
            info.seed = worker
        monkeypatch.setattr(own_draws, "get_worker_info", lambda info=info: info)
        for rank in range(4):
            words[2] = rank
            found.add(own_draws._stream(words))
    assert len(found) == 20
