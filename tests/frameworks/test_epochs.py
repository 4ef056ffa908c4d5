"""Epochs: which one an iteration is of, for every sampler and every loader. One table.

What an epoch holds is read from another sampler's ``draws``, which knows nothing of iterations.
"""

import itertools
from contextlib import closing, nullcontext

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import gpuaug
from gpuaug.sampling import deferred

pytestmark = [
    pytest.mark.filterwarnings("ignore:.set_vital. is deprecated"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
]

LABELS = [0] * 23 + [1] * 9
BATCH = 4  # at least 8 batches an epoch: more than two workers have ahead when the second is handed out
PLACES = {"one rank": {}, "rank 1 of 2": {"num_replicas": 2, "rank": 1}}

SAMPLERS = {
    "balanced": lambda **place: gpuaug.BalancedSampler(LABELS, seed=3, **place),
    # 32 draws in the epochs 0, 1 and 2, then 46
    "schedule": lambda **place: gpuaug.BalancedSampler(LABELS, deferred(3), seed=3, **place),
    "repeat factor": lambda **place: gpuaug.RepeatFactorSampler(LABELS, 0.5, seed=3, **place),
    "batches": lambda **place: gpuaug.BalancedBatchSampler(LABELS, 2, 2, batches=19, seed=3, **place),
}


class Samples(Dataset):
    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        return torch.zeros(1, 2, 2, dtype=torch.uint8), int(index)


class Direct:
    """The sampler alone, an item at a time."""

    def __init__(self, sampler, workers=0, **options):
        self.sampler = sampler
        self.loader = self.make(sampler, workers, options)

    def make(self, sampler, workers, options):
        return sampler

    def indices(self, item):
        return [int(draw) for draw in item] if isinstance(item, list) else [int(item)]

    def iterate(self, items=None):
        """What an iteration hands out, as lists of indices; left after so many."""
        return [self.indices(item) for item in itertools.islice(iter(self.loader), items)]

    def set_epoch(self, epoch):
        self.sampler.set_epoch(epoch)

    def state_dict(self):
        return self.loader.state_dict()

    def load_state_dict(self, state):
        self.loader.load_state_dict(state)


class Torch(Direct):
    """PyTorch's DataLoader."""

    kind = DataLoader

    def make(self, sampler, workers, options):
        batches = isinstance(sampler, gpuaug.BalancedBatchSampler)
        how = {"batch_sampler": sampler} if batches else {"sampler": sampler, "batch_size": BATCH}
        if workers:
            options = {"multiprocessing_context": "fork", **options}
        return self.kind(Samples(), num_workers=workers, **how, **options)

    def indices(self, item):
        return item[1].tolist()

    # A DataLoader has no state; the sampler's is right where nothing was fetched ahead.
    def state_dict(self):
        return self.sampler.state_dict()

    def load_state_dict(self, state):
        self.sampler.load_state_dict(state)


class Stateful(Torch):
    """torchdata's."""

    def make(self, sampler, workers, options):
        self.kind = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader
        return super().make(sampler, workers, options)

    state_dict, load_state_dict = Direct.state_dict, Direct.load_state_dict


class Accelerated(Torch):
    """Accelerate's, which says the epoch itself: it counts the iterations of its own loader."""

    def make(self, sampler, workers, options):
        accelerate = pytest.importorskip("accelerate")
        return accelerate.Accelerator(cpu=True).prepare(super().make(sampler, workers, options))

    def set_epoch(self, epoch):
        self.loader.set_epoch(epoch)


class Balanced(Torch):
    def make(self, sampler, workers, options):
        if isinstance(sampler, gpuaug.BalancedBatchSampler):
            pytest.skip("a BalancedLoader makes the batches")
        if workers:
            options = {"multiprocessing_context": "fork", **options}
        return gpuaug.BalancedLoader(Samples(), sampler, None, BATCH, num_workers=workers, **options)

    def set_epoch(self, epoch):
        self.loader.set_epoch(epoch)

    def iterate(self, items=None):
        batches = iter(self.loader)
        with closing(batches) if items else nullcontext():
            return [self.indices(item) for item in itertools.islice(batches, items)]

    state_dict, load_state_dict = Direct.state_dict, Direct.load_state_dict


PERSISTENT = {"workers": 2, "persistent_workers": True}
WAYS = {
    "alone": (Direct, {}),
    "DataLoader": (Torch, {}),
    "DataLoader, 2 workers": (Torch, {"workers": 2}),
    "DataLoader, 2 that stay": (Torch, PERSISTENT),
    "DataLoader, drop_last": (Torch, {"drop_last": True}),
    "StatefulDataLoader": (Stateful, {}),
    "StatefulDataLoader, 2 workers": (Stateful, {"workers": 2}),
    "StatefulDataLoader, 2 that stay": (Stateful, PERSISTENT),
    "StatefulDataLoader, drop_last": (Stateful, {"workers": 2, "drop_last": True}),
    "Accelerate": (Accelerated, {}),
    "Accelerate, 2 workers": (Accelerated, {"workers": 2}),
    "BalancedLoader": (Balanced, {}),
    "BalancedLoader, 2 workers": (Balanced, {"workers": 2}),
    "BalancedLoader, 2 that stay": (Balanced, PERSISTENT),
    "BalancedLoader, drop_last": (Balanced, {"workers": 2, "drop_last": True}),
}
# Workers take most of the time, and know nothing of what kind the sampler is.
FEW = ("schedule", "batches")

rows = [
    pytest.param(way, kind, place, id=f"{way}-{kind}-{place}")
    for way, kind, place in itertools.product(WAYS, SAMPLERS, PLACES)
    if ("workers" not in WAYS[way][1] or (kind in FEW and place == "one rank"))
    and not (kind == "batches" and "drop_last" in WAYS[way][1])
    and not ("Accelerate" in way and place != "one rank")  # it deals the batches out itself
]
table = pytest.mark.parametrize(("way", "kind", "place"), rows)
with_state = pytest.mark.parametrize(
    ("way", "kind", "place"),
    [row for row in rows if row.values[0].startswith(("alone", "Stateful", "Balanced"))],
)


def build(way, kind, place):
    make, options = WAYS[way]
    return make(SAMPLERS[kind](**PLACES[place]), **options)


def expected(way, kind, place, epoch):
    """An epoch of this rank, item by item, as ``iterate`` gives it."""
    sampler = SAMPLERS[kind](num_replicas=1, rank=0)
    sampler.set_epoch(epoch)
    order = sampler.draws()[..., 0].tolist()
    ranks, rank = (2, 1) if PLACES[place] else (1, 0)
    padded = order + order[: -len(order) % ranks]
    share = padded[rank::ranks]
    if kind == "batches":
        return share
    size = 1 if way == "alone" else BATCH
    batches = [share[start : start + size] for start in range(0, len(share), size)]
    return [batch for batch in batches if len(batch) == size or "drop_last" not in WAYS[way][1]]


@table
def test_iterations_go_on_from_epoch_to_epoch(way, kind, place):
    some = build(way, kind, place)
    assert [some.iterate() for _ in range(4)] == [expected(way, kind, place, epoch) for epoch in range(4)]


@table
def test_saying_each_epoch_changes_nothing(way, kind, place):
    some = build(way, kind, place)
    for epoch in range(4):
        some.set_epoch(epoch)
        some.set_epoch(epoch)
        assert some.iterate() == expected(way, kind, place, epoch)
        assert some.sampler.epoch == epoch


@table
def test_set_epoch_says_where_to_go_on(way, kind, place):
    some = build(way, kind, place)
    for said in (5, 2, 2, 3):
        some.set_epoch(said)
        for epoch in (said, said + 1):
            assert some.iterate() == expected(way, kind, place, epoch)


@table
def test_an_iteration_that_was_left_begins_again(way, kind, place):
    some = build(way, kind, place)
    some.iterate()
    for _ in range(2):
        assert some.iterate(2) == expected(way, kind, place, 1)[:2]
    some.set_epoch(1)  # the same
    assert some.iterate() == expected(way, kind, place, 1)
    assert some.iterate() == expected(way, kind, place, 2)


@table
def test_a_loop_that_breaks_at_its_last_batch_has_finished(way, kind, place):
    if way == "DataLoader, drop_last":
        pytest.skip("to the sampler, the draws that would have been dropped are still to come")
    if way.startswith("Accelerate"):
        pytest.skip("Accelerate says the epoch, and counts an iteration when it was asked for one batch more")
    some = build(way, kind, place)
    for epoch in range(3):
        order = expected(way, kind, place, epoch)
        assert some.iterate(len(order)) == order


@with_state
@pytest.mark.parametrize("said", [False, True])
def test_a_state_from_the_middle(way, kind, place, said):
    some = build(way, kind, place)
    some.set_epoch(1)
    iterator = iter(some.loader)
    for _ in range(3):
        next(iterator)
    state = some.state_dict()
    again = build(way, kind, place)
    again.load_state_dict(state)
    for epoch in (1, 2, 3):
        if said:
            again.set_epoch(epoch)
        assert again.iterate() == expected(way, kind, place, epoch)[3 if epoch == 1 else 0 :]


@with_state
@pytest.mark.parametrize("said", [False, True])
def test_a_state_from_the_end(way, kind, place, said):
    some = build(way, kind, place)
    some.set_epoch(1)
    some.iterate()
    again = build(way, kind, place)
    again.load_state_dict(some.state_dict())
    for epoch in (2, 3, 4):
        if said:
            again.set_epoch(epoch)
        assert again.iterate() == expected(way, kind, place, epoch)


@with_state
@pytest.mark.parametrize("items", [2, None])
def test_a_loop_over_the_rest_begins_at_the_samplers_epoch(way, kind, place, items):
    some = build(way, kind, place)
    some.iterate()
    head = some.iterate(items)
    state = some.state_dict()
    again = build(way, kind, place)
    again.load_state_dict(state)
    if way.startswith("Stateful"):
        again.state_dict()  # it takes a state up when it is asked for one, or iterated
    tail = {}
    for epoch in range(again.sampler.epoch, 4):
        again.set_epoch(epoch)
        tail[epoch] = again.iterate()
    assert head + tail.pop(1, []) == expected(way, kind, place, 1)
    assert tail == {epoch: expected(way, kind, place, epoch) for epoch in (2, 3)}


@with_state
def test_a_state_taken_in_the_last_batch_of_a_loop(way, kind, place):
    some = build(way, kind, place)
    some.set_epoch(1)
    for _, _ in zip(expected(way, kind, place, 1), some.loader, strict=False):
        state = some.state_dict()
    again = build(way, kind, place)
    again.load_state_dict(state)
    for epoch in (2, 3):
        again.set_epoch(epoch)
        assert again.iterate() == expected(way, kind, place, epoch)
