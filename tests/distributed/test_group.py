"""The sampler asks the process group for rank and size, and for nothing else."""

import pytest
import torch
from torch import distributed as dist

from gpuaug import BalancedBatchSampler, BalancedLoader, BalancedSampler, DeviceDataset, RepeatFactorSampler

LABELS = [0] * 9 + [1] * 4 + [2] * 2  # 27 draws
RANK, RANKS = 1, 3

MAKE = {
    "balanced": lambda **place: BalancedSampler(LABELS, **place),
    "repeat factor": lambda **place: RepeatFactorSampler([[label] for label in LABELS], 0.3, **place),
    "batches": lambda **place: BalancedBatchSampler(LABELS, 2, 2, batches=9, **place),
}


@pytest.fixture
def lonely_group():
    """Rank 1 of 3, where the others never come, and every collective is an error."""

    def create(store, rank, size, timeout):
        return dist.ProcessGroup(rank, size)  # the base class: it has a rank and a size, and no backend

    if not hasattr(dist.Backend, "LONELY"):
        dist.Backend.register_backend("lonely", create, devices=["cpu"])
    dist.init_process_group("lonely", store=dist.HashStore(), rank=RANK, world_size=RANKS)
    yield
    if dist.is_initialized():
        dist.destroy_process_group()


def rows(items):
    return [draw.tensor().tolist() for item in items for draw in (item if isinstance(item, list) else [item])]


def use(sampler):
    """All that a run does with a sampler, over two epochs and a resume; gives what was drawn."""
    drawn = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        drawn += rows(sampler)
    iterator = iter(sampler)
    next(iterator)
    sampler.load_state_dict(sampler.state_dict())
    drawn += rows(sampler)
    sampler.draws(0, 3)
    return drawn, len(sampler), repr(sampler)


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("group", ["there", "gone"])
def test_samplers_call_no_collective(kind, group, lonely_group):
    for collective in (dist.barrier, lambda: dist.all_reduce(torch.zeros(1))):
        with pytest.raises(RuntimeError):
            collective()
    sampler = MAKE[kind]()
    assert (sampler.rank, sampler.num_replicas) == (RANK, RANKS)
    if group == "gone":
        dist.destroy_process_group()
    assert use(sampler) == use(MAKE[kind](rank=RANK, num_replicas=RANKS))


@pytest.mark.parametrize("workers", [0, 2])
def test_no_collective_in_the_loader(workers, lonely_group):
    images = torch.arange(len(LABELS), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 4, 4)
    dataset = (
        list(zip(images, LABELS, strict=True)) if workers else DeviceDataset(images, torch.tensor(LABELS))
    )
    loader = BalancedLoader(dataset, BalancedSampler(LABELS), None, 2, num_workers=workers)
    loader.set_epoch(1)
    seen = [index for batch, _ in loader for index in batch[:, 0, 0, 0].tolist()]
    assert seen == loader.sampler.draws()[RANK::RANKS, 0].tolist()
    assert loader.state_dict()["position"] == loader.sampler.total


def test_a_place_that_is_given_goes_before_the_group(lonely_group):
    sampler = BalancedSampler(LABELS, num_replicas=1, rank=0)
    assert rows(sampler) == sampler.draws().tolist()
    with pytest.raises(ValueError, match=r"rank must be in \[0, 1\), got 1"):
        BalancedSampler(LABELS, num_replicas=1)
