"""Chains of resumes of a loader: other ranks and batch sizes each time, and the pieces are the epochs.

What an epoch should be is made one draw at a time, from the sampler's draws, without a loader.
"""

import json
from functools import cache
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuaug
from gpuaug.sampling import deferred

pytestmark = pytest.mark.slow

LABELS = [0] * 9 + [1] * 3 + [2]
SIDE = 5
PIXELS = np.random.default_rng(1).integers(0, 256, (len(LABELS), SIDE, SIDE, 3), np.uint8)
SAMPLES = list(zip(PIXELS, LABELS, strict=True))
RESIDENT = gpuaug.DeviceDataset.from_dataset(SAMPLES)
AUGMENT = gpuaug.Compose([gpuaug.RandomResizedCrop(SIDE), gpuaug.SaltAndPepper(0.25)])

SAMPLERS = {
    "majority": lambda **place: gpuaug.BalancedSampler(LABELS, seed=9, **place),
    "schedule": lambda **place: gpuaug.BalancedSampler(LABELS, deferred(2), seed=9, **place),
    "repeat factor": lambda **place: gpuaug.RepeatFactorSampler(LABELS, 0.5, seed=9, **place),
}


def rows_of(images):
    return [image.contiguous().numpy().tobytes() for image in images]


@cache
def order_of(kind, epoch):
    sampler = SAMPLERS[kind](num_replicas=1, rank=0)
    sampler.set_epoch(epoch)
    images = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)
    rows = [rows_of(AUGMENT(images[draw[0]][None], draw[None]))[0] for draw in sampler.draws()]
    assert len(set(rows)) == len(rows)  # the pixels say which draw it is
    return rows


RUNS = st.fixed_dictionaries(
    {
        "ranks": st.integers(1, 4),
        "batch_size": st.integers(1, 9),
        "epochs": st.sampled_from([0, 0, 0, 1]),  # that are gone through to the end
        "batches": st.integers(1, 8),  # in the one after them, unless it ends before
        "said": st.booleans(),  # set_epoch is called
        "dataset": st.sampled_from([SAMPLES, RESIDENT]),
    }
)


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(SAMPLERS)), st.lists(RUNS, min_size=2, max_size=5))
def test_the_pieces_together_are_the_epochs(kind, runs):
    state, epoch, position = None, 0, 0
    for run in runs:
        ranks, size = run["ranks"], run["batch_size"]
        group = [
            gpuaug.BalancedLoader(
                run["dataset"], SAMPLERS[kind](num_replicas=ranks, rank=rank), AUGMENT, size
            )
            for rank in range(ranks)
        ]
        if state is not None:
            for loader in group:
                loader.load_state_dict(state)
        for batches in [None] * run["epochs"] + [run["batches"]]:
            order = order_of(kind, epoch)
            if position == len(order):
                epoch, position, order = epoch + 1, 0, order_of(kind, epoch + 1)
            if run["said"]:
                for loader in group:
                    loader.set_epoch(epoch)
            shares = [
                [row for images, _ in islice(loader, batches) for row in rows_of(images)] for loader in group
            ]
            piece = [row for turn in zip(*shares, strict=True) for row in turn]
            whole = -(-(len(order) - position) // ranks)  # the draws that are left for each rank
            taken = whole if batches is None else min(whole, batches * size)
            # Where the ranks do not divide what is left, the last ones go on with the first of the epoch.
            assert piece == (order + order)[position : position + taken * ranks]
            position = min(position + taken * ranks, len(order))
            states = [json.loads(json.dumps(loader.state_dict())) for loader in group]
            assert all(each == states[0] for each in states)
            state = states[0]
            assert (state["epoch"], state["position"]) == (epoch, position)
