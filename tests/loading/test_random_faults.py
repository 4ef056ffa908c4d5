"""Faults at random places of a run: whatever was saved, the rest of the run is the rest of the epochs."""

import json
import random

import numpy as np
import pytest
import torch
from shown_indices import no_children

import gpuaug

pytestmark = pytest.mark.slow

LABELS = [0] * 17 + [1] * 5 + [2] * 2
SIDE, EPOCHS = 5, 3
PIXELS = np.random.default_rng(2).integers(0, 256, (len(LABELS), SIDE, SIDE, 3), np.uint8)


class Odd(Exception):
    """An error that is not made from its message alone."""

    def __init__(self, code, place):
        super().__init__(f"{code} at {place}")


ERRORS = [
    lambda: OSError(5, "cannot read"),
    lambda: Odd(3, "a place"),
    lambda: KeyError("name"),
    lambda: StopIteration("nothing left"),
    lambda: MemoryError(),
    lambda: torch.cuda.OutOfMemoryError("no memory"),
]


class Fault:
    """Raises when it is called for the ``number``-th time in a process."""

    def __init__(self, number, error):
        self.left, self.error = number, error

    def __call__(self):
        self.left -= 1
        if self.left == 0:
            raise self.error()


class Samples:
    def __init__(self, fault=None):
        self.fault = fault

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        if self.fault is not None:
            self.fault()
        return PIXELS[index], LABELS[index]


class Chain(gpuaug.Compose):
    """A chain, with a fault ahead of one of its two steps: on the host, and on the device."""

    def __init__(self, where=None, fault=None):
        super().__init__([gpuaug.RandomResizedCrop(SIDE), gpuaug.SaltAndPepper(0.25)])
        object.__setattr__(self, "faults", {where: fault})

    def recipes(self, *arguments):
        if "recipes" in self.faults:
            self.faults["recipes"]()
        return super().recipes(*arguments)

    def apply_recipes(self, *arguments):
        if "apply_recipes" in self.faults:
            self.faults["apply_recipes"]()
        return super().apply_recipes(*arguments)


def make(dataset=None, augment=None, batch_size=4, **options):
    sampler = gpuaug.BalancedSampler(LABELS, seed=4)
    return gpuaug.BalancedLoader(dataset or Samples(), sampler, augment or Chain(), batch_size, **options)


def learn(loader, seen, saved, every, fault=None):
    """The epochs that are left; each batch is learnt, and every so many a state is kept with what was."""
    steps = 0
    for epoch in range(loader.sampler.epoch, EPOCHS):
        loader.set_epoch(epoch)
        for images, _ in loader:
            steps += 1
            if steps % every == 0:  # in the loop's body: this batch is learnt before the state is used
                state = json.loads(json.dumps(loader.state_dict()))
            seen += [image.contiguous().numpy().tobytes() for image in images]
            if steps % every == 0:
                saved.append((len(seen), state))
            if fault is not None:
                fault()


def whole():
    seen = []
    images, augment, sampler = torch.from_numpy(PIXELS).permute(0, 3, 1, 2), Chain(), make().sampler
    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        for draw in sampler.draws():
            (image,) = augment(images[draw[0]][None], draw[None])
            seen.append(image.contiguous().numpy().tobytes())
    return seen


@pytest.fixture(scope="module")
def expected():
    rows = whole()
    assert len(set(rows)) == len(rows) == EPOCHS * 51
    return rows


PLACES = ["dataset", "recipes", "apply_recipes", "body"]
CASES = [(place, number, 0) for place in PLACES for number in range(len(ERRORS))]
CASES += [(place, number, 2) for place in PLACES for number in range(2)]


@pytest.mark.parametrize(("place", "number", "workers"), CASES)
def test_after_a_fault_the_rest_of_the_run_is_exact(place, number, workers, expected):
    chance = random.Random(f"{place} {number} {workers}")
    size, every = chance.randint(1, 12), chance.randint(1, 4)
    batches = EPOCHS * -(-51 // size)
    calls = EPOCHS * 51 // (workers or 1) // 2 if place == "dataset" else batches
    fault = Fault(chance.randint(1, calls), ERRORS[number])
    dataset = Samples(fault if place == "dataset" else None)
    options = {"num_workers": workers, "persistent_workers": bool(workers and chance.random() < 0.5)}
    loader = make(dataset, Chain(place, fault), size, **options)

    seen, saved = [], [(0, loader.state_dict())]
    with pytest.raises((RuntimeError, type(ERRORS[number]()))):
        learn(loader, seen, saved, every, fault if place == "body" else None)
    if not options["persistent_workers"]:
        assert no_children()
    assert seen == expected[: len(seen)]
    saved.append((len(seen), json.loads(json.dumps(loader.state_dict()))))  # of when it broke off

    for learnt, state in (saved[-1], chance.choice(saved)):
        again, rest = make(batch_size=chance.randint(1, 12)), []
        again.load_state_dict(state)
        learn(again, rest, [], 1)
        assert seen[:learnt] + rest == expected
    # The same objects go on too, once the fault is over.
    fault.left = 0  # a worker had a copy
    loader.load_state_dict(saved[-1][1])
    learn(loader, seen, [], 1)
    assert seen == expected
