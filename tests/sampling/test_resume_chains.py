"""Chains of resumes: whoever goes on, with any number of ranks, the pieces together are the epochs' orders.

The orders are another sampler's ``draws``, which knows nothing of iterations, ranks and states.
"""

import json
from functools import cache
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuaug.sampling import BalancedBatchSampler, BalancedSampler, RepeatFactorSampler, deferred

pytestmark = pytest.mark.slow

LABELS = [0] * 13 + [1] * 4 + [2]
SEED = 2**63 + 5

SAMPLERS = {
    "balanced": lambda **place: BalancedSampler(LABELS, seed=SEED, **place),
    # 18 draws in the epochs 0 and 1, then 39
    "schedule": lambda **place: BalancedSampler(LABELS, deferred(2), seed=SEED, **place),
    "under-sampled": lambda **place: BalancedSampler(LABELS, {0: 5}, seed=SEED, **place),
    "repeat factor": lambda **place: RepeatFactorSampler(LABELS, 0.5, seed=SEED, **place),
    "batches": lambda **place: BalancedBatchSampler(LABELS, 2, 2, batches=11, seed=SEED, **place),
}


@cache
def order_of(kind, epoch):
    sampler = SAMPLERS[kind](num_replicas=1, rank=0)
    sampler.set_epoch(epoch)
    draws = sampler.draws()
    # A batch is the tuple of its draws.
    return [tuple(item) if draws.dim() == 2 else tuple(map(tuple, item)) for item in draws.tolist()]


def rows(items):
    return [tuple(map(named, item)) if isinstance(item, list) else named(item) for item in items]


def named(draw):
    return int(draw), draw.copy, draw.key - (draw.key >> 63 << 64)


def same(states):
    assert all(state == states[0] for state in states)
    return json.loads(json.dumps(states[0]))


RUNS = st.fixed_dictionaries(
    {
        "ranks": st.integers(1, 5),
        "epochs": st.sampled_from([0, 0, 0, 1, 2]),  # that are gone through to the end
        "steps": st.integers(0, 20),  # of each rank in the one after them
        "said": st.booleans(),  # set_epoch is called
    }
)


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(SAMPLERS)), st.booleans(), st.lists(RUNS, min_size=2, max_size=6))
def test_the_pieces_together_are_the_epochs(kind, drop_last, runs):
    state, epoch, position = None, 0, 0
    for run in runs:
        ranks = run["ranks"]
        group = [SAMPLERS[kind](num_replicas=ranks, rank=rank, drop_last=drop_last) for rank in range(ranks)]
        order = order_of(kind, epoch)
        if state is not None:
            for sampler in group:
                sampler.load_state_dict(state)
            left = len(order) - position
            if not left or (drop_last and position and left < ranks):
                epoch, position = epoch + 1, 0
        for steps in [None] * run["epochs"] + [run["steps"]]:
            order = order_of(kind, epoch)
            if run["said"]:
                for sampler in group:
                    sampler.set_epoch(epoch)
            shares = [rows(islice(sampler, steps)) for sampler in group]

            left = len(order) - position
            share = left // ranks if drop_last else -(-left // ranks)
            taken = share if steps is None else min(steps, share)
            # Where the ranks do not divide what is left, the last ones go on with the first of the epoch.
            piece = [item for turn in zip(*shares, strict=True) for item in turn]
            assert piece == (order + order)[position : position + taken * ranks]
            state = same([sampler.state_dict() for sampler in group])
            position = min(position + taken * ranks, len(order))
            assert (state["epoch"], state["position"]) == (epoch, position)
            if steps is None:
                epoch, position = epoch + 1, 0  # the next iteration of the same objects


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(SAMPLERS)), st.lists(st.integers(0, 30), min_size=2, max_size=12))
def test_one_rank_that_resumes_again_and_again_loses_and_repeats_nothing(kind, stops):
    drawn, state = [], None
    for stop in stops:
        sampler = SAMPLERS[kind]()
        if state is not None:
            sampler.load_state_dict(state)
        drawn += rows(islice(sampler, stop))
        state = json.loads(json.dumps(sampler.state_dict()))
    sampler = SAMPLERS[kind]()
    sampler.load_state_dict(state)
    drawn += rows(sampler)
    whole = [item for epoch in range(sampler.epoch + 1) for item in order_of(kind, epoch)]
    assert drawn == whole
    assert len(set(drawn)) == len(drawn)  # keys differ in every epoch


def test_a_chain_of_single_draws_is_an_epoch():
    for kind in SAMPLERS:
        state, drawn = SAMPLERS[kind]().state_dict(), []
        for _ in order_of(kind, 0):
            sampler = SAMPLERS[kind]()
            sampler.load_state_dict(state)
            drawn += rows(islice(sampler, 1))
            state = sampler.state_dict()
        assert drawn == order_of(kind, 0)
