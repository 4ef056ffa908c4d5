"""torchdata's StatefulDataLoader: its state holds the sampler's, at the last batch that was consumed."""

import itertools

import pytest
import torch
from torch.utils.data import Dataset

from gpuaug import BalancedBatchSampler, BalancedSampler

stateful = pytest.importorskip(
    "torchdata.stateful_dataloader", reason="needs torchdata: pip install -r tests/requirements.txt"
)

pytestmark = pytest.mark.filterwarnings("ignore:.set_vital. is deprecated")

LABELS = [0] * 23 + [1] * 7
TOTAL = 46


class Echo(Dataset):
    def __len__(self):
        return len(LABELS)

    def __getitem__(self, draw):
        return draw.tensor()


def loader(workers, batch_size, **settings):
    sampler = BalancedSampler(LABELS, seed=3)
    options = {"prefetch_factor": 4, "multiprocessing_context": "fork"} if workers else {}
    return sampler, stateful.StatefulDataLoader(
        Echo(), batch_size, sampler=sampler, num_workers=workers, **options, **settings
    )


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("taken", [1, 4, 9, 10])
def test_state_is_what_was_consumed(workers, taken):
    sampler, batches = loader(workers, 5)
    sampler.set_epoch(2)
    whole = sampler.draws()
    iterator = iter(batches)
    head = torch.cat(list(itertools.islice(iterator, taken)))
    state = batches.state_dict()
    del iterator

    again, batches = loader(workers, 5)
    batches.load_state_dict(state)
    tail = list(batches)
    assert torch.equal(torch.cat([head, *tail]), whole)
    # The next epoch is whole.
    again.set_epoch(3)
    assert torch.equal(torch.cat(list(batches)), again.draws())


@pytest.mark.parametrize("workers", [0, 2])
def test_snapshots_now_and_then(workers):
    _, batches = loader(workers, 4, snapshot_every_n_steps=3)
    iterator = iter(batches)
    head = torch.cat(list(itertools.islice(iterator, 5)))
    state = batches.state_dict()
    del iterator
    again, batches = loader(workers, 4, snapshot_every_n_steps=3)
    batches.load_state_dict(state)
    assert torch.equal(torch.cat([head, *batches]), again.draws())


@pytest.mark.parametrize("workers", [0, 2])
def test_torchdata_takes_a_batch_sampler(workers):
    def loader():
        sampler = BalancedBatchSampler(LABELS, 2, 3, batches=9)
        sampler.set_epoch(1)
        options = {"prefetch_factor": 2, "multiprocessing_context": "fork"} if workers else {}
        return sampler, stateful.StatefulDataLoader(
            Echo(), batch_sampler=sampler, num_workers=workers, **options
        )

    sampler, batches = loader()
    iterator = iter(batches)
    head = list(itertools.islice(iterator, 4))
    state = batches.state_dict()
    del iterator
    _, batches = loader()
    batches.load_state_dict(state)
    assert torch.equal(torch.stack([*head, *batches]), sampler.draws())
