"""A loader's state: what was handed out. Whoever takes it up goes on with the next draw, and with its pixels.

What an epoch should be is made one draw at a time, from the sampler's draws, without a loader.
"""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuaug
from gpuaug.sampling import deferred

pytestmark = pytest.mark.slow

LABELS = [0] * 11 + [1] * 3 + [2]
SEED, SIDE = 2**64 - 3, 6
PIXELS = np.random.default_rng(0).integers(0, 256, (len(LABELS), SIDE, SIDE, 3), np.uint8)
SAMPLES = list(zip(PIXELS, LABELS, strict=True))
AUGMENT = gpuaug.Compose([gpuaug.RandomResizedCrop(SIDE), gpuaug.SaltAndPepper(0.25)])

SAMPLERS = {
    "majority": lambda **place: gpuaug.BalancedSampler(LABELS, seed=SEED, **place),
    "schedule": lambda **place: gpuaug.BalancedSampler(LABELS, deferred(2), seed=SEED, **place),
    "repeat factor": lambda **place: gpuaug.RepeatFactorSampler(LABELS, 0.5, seed=SEED, **place),
}


def as_rows(images):
    return [image.contiguous().numpy().tobytes() for image in images]


def expected(kind, epoch):
    sampler = SAMPLERS[kind]()
    sampler.set_epoch(epoch)
    images = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)
    rows = [as_rows(AUGMENT(images[draw[0]][None], draw[None]))[0] for draw in sampler.draws()]
    assert len(set(rows)) == len(rows)  # the pixels say which draw it is
    return rows


def loaders(kind, ranks, batch_size, dataset=SAMPLES, **options):
    samplers = [SAMPLERS[kind](num_replicas=ranks, rank=rank) for rank in range(ranks)]
    return [gpuaug.BalancedLoader(dataset, sampler, AUGMENT, batch_size, **options) for sampler in samplers]


def handed_out(some, batches=None):
    """Of all ranks in the global order, left after so many batches; and the state, the same on every rank."""
    shares, states = [], []
    for loader in some:
        share = []
        for number, (images, _) in enumerate(loader, start=1):
            share += as_rows(images)
            if number == batches:
                break
        shares.append(share)
        states.append(json.loads(json.dumps(loader.state_dict())))
    assert all(state == states[0] for state in states)
    return [row for turn in zip(*shares, strict=True) for row in turn], states[0]


def resumed(kind, state, ranks, batch_size, **options):
    some = loaders(kind, ranks, batch_size, **options)
    for loader in some:
        loader.load_state_dict(state)
    return some


def check(kind, epoch, batches, before, after):
    some = loaders(kind, **before)
    for loader in some:
        loader.set_epoch(epoch)
    order = expected(kind, epoch)
    first, state = handed_out(some, batches)
    position = min(batches * before["batch_size"] * before["ranks"], len(order))
    assert (state["epoch"], state["position"]) == (epoch, position)
    some = resumed(kind, state, **after)
    if position == len(order):
        assert first[:position] == order
        order = expected(kind, epoch + 1)
        assert handed_out(some)[0][: len(order)] == order
        return
    assert all(loader.state_dict() == state for loader in some)
    rest, end = handed_out(some)
    # Ranks that do not divide what is left go on with the first draws of the epoch.
    again = -(len(order) - position) % after["ranks"]
    assert first[:position] + rest == (order + order)[: len(order) + again]
    assert end == {**state, "position": len(order)}
    order = expected(kind, epoch + 1)
    assert handed_out(some)[0][: len(order)] == order


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(SAMPLERS)),
    st.integers(0, 3),
    st.integers(1, 12),
    *[st.fixed_dictionaries({"ranks": st.integers(1, 4), "batch_size": st.integers(1, 9)})] * 2,
)
def test_after_any_batch_with_any_ranks_and_batch_size(kind, epoch, batches, before, after):
    check(kind, epoch, batches, before, after)


@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"num_workers": 2, "prefetch_factor": 4}, {"num_workers": 0}),
        ({"num_workers": 0}, {"num_workers": 3, "prefetch_factor": 2}),
        ({"num_workers": 1, "persistent_workers": True}, {"num_workers": 2, "persistent_workers": True}),
    ],
)
@pytest.mark.parametrize("batches", [1, 3])
@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more workers than cores
def test_with_workers_that_have_fetched_ahead(kind, before, after, batches):
    check(kind, 1, batches, {"ranks": 1, "batch_size": 4, **before}, {"ranks": 2, "batch_size": 3, **after})


@pytest.mark.parametrize("batches", [1, 4])
def test_a_data_set_on_the_device_and_one_that_is_decoded(batches):
    resident = {"dataset": gpuaug.DeviceDataset.from_dataset(SAMPLES)}
    decoded = {"num_workers": 1}
    for before, after in ((resident, decoded), (decoded, resident)):
        check(
            "majority",
            0,
            batches,
            {"ranks": 2, "batch_size": 3, **before},
            {"ranks": 1, "batch_size": 5, **after},
        )


def test_a_batch_that_was_dropped_is_still_to_come():
    """``drop_last`` of a loader hands nothing out for the tail, so a state of the end has it before it."""
    order = expected("majority", 0)
    (loader,) = loaders("majority", 1, 7, drop_last=True)
    first, state = handed_out([loader])
    assert state["position"] == len(first) == len(order) // 7 * 7
    rest, _ = handed_out(resumed("majority", state, 1, 2))
    assert first + rest == order
    # With batches that are still too large for it, nothing is left of the epoch.
    second = expected("majority", 1)
    assert handed_out(resumed("majority", state, 1, 7, drop_last=True))[0] == second[: len(second) // 7 * 7]


OTHERS = {
    "labels": lambda: gpuaug.BalancedSampler([*LABELS[1:], 0][::-1], seed=SEED),
    "target": lambda: gpuaug.BalancedSampler(LABELS, {2: 4}, seed=SEED),
    "schedule": lambda: gpuaug.BalancedSampler(LABELS, deferred(2), seed=SEED),
    "kind": lambda: gpuaug.RepeatFactorSampler(LABELS, 0.5, seed=SEED),
    "seed": lambda: gpuaug.BalancedSampler(LABELS, seed=1),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_state_of_another_run_is_refused_and_changes_nothing(other):
    (loader,) = loaders("majority", 1, 4)
    _, before = handed_out([loader], 2)
    theirs = gpuaug.BalancedLoader(SAMPLES, OTHERS[other](), AUGMENT, 4).state_dict()
    with pytest.raises(ValueError, match="same labels, plan, seed and version") as caught:
        loader.load_state_dict(theirs)
    for state in (theirs, before):
        assert f"seed {state['seed']}, fingerprint {state['fingerprint']}" in str(caught.value)
    assert (theirs["seed"], theirs["fingerprint"]) != (before["seed"], before["fingerprint"])
    assert loader.state_dict() == before


def test_a_state_taken_while_another_iteration_runs():
    """States count the newest iteration, also where an older one goes on."""
    (loader,) = loaders("majority", 1, 4)
    older = iter(loader)
    next(older)
    newer = iter(loader)
    next(newer)
    next(older)
    assert loader.state_dict()["position"] == 4
