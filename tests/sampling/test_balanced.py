import copy
import pickle
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributed as dist
from torch.utils.data import DataLoader, Dataset, DistributedSampler, TensorDataset

from gpuaug.sampling import BalancedSampler, Draw

LABELS = [0] * 23 + [1] * 7 + [2] * 2


def rows(draws):
    return [draw.tensor().tolist() for draw in draws]


class Echo(Dataset):
    """Gives back the draw that it was asked for."""

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, draw):
        return draw.tensor()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=30).map(lambda labels: [*labels, 4]),
    st.sampled_from(["majority", "minority", 1, 5, 40]),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**31 - 1),
)
def test_an_epoch_draws_the_plan(labels, target, seed, epoch):
    sampler = BalancedSampler(labels, target, seed=seed)
    sampler.set_epoch(epoch)
    draws = list(sampler)
    assert len(draws) == len(sampler) == sum(sampler.plan_.values())
    assert Counter(labels[draw] for draw in draws) == sampler.plan_
    assert sampler.counts_ == Counter(labels)
    assert rows(draws) == sampler.draws().tolist()


def test_a_balanced_sampler_yields_draws():
    assert all(type(draw) is Draw for draw in BalancedSampler(LABELS))


def test_mapping_leaves_other_classes_alone():
    sampler = BalancedSampler(["cat", "dog", "dog", "fox"], {"cat": 5})
    assert sampler.plan_ == {"cat": 5, "dog": 2, "fox": 1}


def test_below_its_count_a_class_is_drawn_without_replacement_and_anew_each_epoch():
    sampler = BalancedSampler(LABELS, "minority")
    seen = set()
    for epoch in range(60):
        sampler.set_epoch(epoch)
        drawn = [(int(draw), draw.copy) for draw in sampler]
        assert len(set(drawn)) == 6
        assert all(number == 0 for _, number in drawn)
        seen |= {index for index, _ in drawn}
    assert seen == set(range(len(LABELS)))


def test_every_original_is_there_before_any_copy_is_doubled():
    drawn = Counter(int(draw) for draw in BalancedSampler(LABELS, 10) if LABELS[draw] == 1)
    assert sorted(drawn.values()) == [1, 1, 1, 1, 2, 2, 2]


def test_epochs_and_seeds_differ_in_order_and_keys():
    orders = []
    for seed in (0, 1, 2**64 - 1):
        sampler = BalancedSampler(LABELS, seed=seed)
        for epoch in (0, 1, 2**31 - 1):
            sampler.set_epoch(epoch)
            orders.append(sampler.draws())
    assert len({tuple(draws[:, 0].tolist()) for draws in orders}) == 9
    assert len(torch.cat(orders)[:, 2].unique()) == 9 * len(orders[0])


@pytest.mark.parametrize("same", [torch.tensor(LABELS), torch.tensor(LABELS, dtype=torch.uint8).numpy()])
def test_order_is_a_pure_function_of_labels_plan_seed_and_epoch(same):
    first = BalancedSampler(LABELS, "majority", seed=5)
    list(first)
    first.set_epoch(3)
    first.set_epoch(1)
    torch.manual_seed(123)
    second = BalancedSampler(same, 23, seed=5)
    second.set_epoch(1)
    assert torch.equal(first.draws(), second.draws())
    assert first.state_dict() == second.state_dict()


def test_the_order_of_this_version():
    """Golden rows: an order or a fingerprint that changes breaks resuming, and needs a new state version."""
    sampler = BalancedSampler(["cat", "cat", "cat", "dog"], seed=2024)
    sampler.set_epoch(7)
    assert [repr(draw) for draw in sampler] == [
        "Draw(index=2, copy=0, key=0x87ae5bfd34d6619e)",
        "Draw(index=3, copy=2, key=0xb4966f722a4c9dd4)",
        "Draw(index=1, copy=0, key=0x2e16a0de522c2660)",
        "Draw(index=3, copy=0, key=0x6f2bc2126d32ef0e)",
        "Draw(index=0, copy=0, key=0x52626cc0a713d02b)",
        "Draw(index=3, copy=1, key=0x154a3c410019dfa1)",
    ]
    assert sampler.state_dict()["fingerprint"] == "be8f62d8ec93a39d"


def test_no_global_generator_is_touched():
    before = torch.get_rng_state()
    list(BalancedSampler(LABELS))
    assert torch.equal(torch.get_rng_state(), before)


def test_set_epoch_is_idempotent_in_the_middle_of_an_epoch():
    sampler = BalancedSampler(LABELS)
    whole = sampler.draws().tolist()
    iterator = iter(sampler)
    head = [next(iterator) for _ in range(10)]
    sampler.set_epoch(0)
    assert sampler.state_dict()["position"] == 10
    assert rows([*head, *iterator]) == whole


def test_a_running_iteration_keeps_its_epoch():
    sampler = BalancedSampler(LABELS)
    whole = sampler.draws().tolist()
    iterator = iter(sampler)
    head = [next(iterator) for _ in range(3)]
    sampler.set_epoch(1)
    assert rows([*head, *iterator]) == whole
    assert sampler.state_dict()["position"] == 0


def test_an_iteration_that_has_not_begun_follows_the_epoch():
    """Lightning makes the iterator of a run that goes on, and sets the epoch after."""
    sampler = BalancedSampler(LABELS)
    older, newer = iter(sampler), iter(sampler)
    sampler.set_epoch(3)
    assert rows(newer) == sampler.draws().tolist()
    assert len(list(older)) == len(sampler)
    list(sampler)
    assert sampler.epoch == 4


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_random_access_agrees_with_the_whole(data):
    sampler = BalancedSampler(LABELS, seed=data.draw(st.integers(0, 9)))
    whole = sampler.draws()
    stop = data.draw(st.integers(0, len(whole)))
    start = data.draw(st.integers(0, stop))
    part = sampler.draws(start, stop)
    assert part.dtype == torch.int64
    assert part.shape == (stop - start, 3)
    assert torch.equal(part, whole[start:stop])


def test_chunks_join_without_a_seam(monkeypatch):
    sampler = BalancedSampler(LABELS, 11, num_replicas=2, rank=1)
    whole, mine = sampler.draws(), rows(sampler)
    monkeypatch.setattr("gpuaug.sampling.base.KeyedSampler._chunk", 5)
    assert torch.equal(sampler.draws(), whole)
    sampler.set_epoch(0)
    assert rows(sampler) == mine


@pytest.mark.parametrize("target", [10, 11, 23])
@pytest.mark.parametrize("world", [1, 2, 3, 7])
@pytest.mark.parametrize("drop_last", [False, True])
def test_ranks_interleave_to_the_global_order(target, world, drop_last):
    total = 3 * target
    order = BalancedSampler(LABELS, target).draws().tolist()
    shares = [
        BalancedSampler(LABELS, target, num_replicas=world, rank=rank, drop_last=drop_last)
        for rank in range(world)
    ]
    length = total // world if drop_last else -(-total // world)
    assert {len(share) for share in shares} == {length}
    drawn = [rows(share) for share in shares]
    together = [row for step in zip(*drawn, strict=True) for row in step]
    # Short of a full last step, the ranks go on with the epoch's first positions.
    assert together == (order + order)[: length * world]
    assert shares[0].total_size == length * world


def test_more_ranks_than_draws():
    order = BalancedSampler([0, 1]).draws().tolist()
    shares = [rows(BalancedSampler([0, 1], num_replicas=5, rank=rank)) for rank in range(5)]
    assert [row for (row,) in shares] == [order[i % 2] for i in range(5)]


def test_a_balanced_sampler_is_a_distributed_sampler():
    theirs = DistributedSampler(range(3 * 23), num_replicas=2, rank=1, seed=4)
    ours = BalancedSampler(LABELS, num_replicas=2, rank=1, seed=4)
    assert isinstance(ours, DistributedSampler)
    assert len(ours.dataset) == len(LABELS)
    names = set(vars(theirs)) - {"dataset"}
    assert {name: getattr(ours, name) for name in names} == {name: getattr(theirs, name) for name in names}


def test_place_comes_from_the_process_group():
    fake = pytest.importorskip("torch.testing._internal.distributed.fake_pg")
    dist.init_process_group("fake", store=fake.FakeStore(), rank=2, world_size=3)
    try:
        sampler = BalancedSampler(LABELS)
        assert (sampler.num_replicas, sampler.rank) == (3, 2)
        whole = BalancedSampler(LABELS, num_replicas=1, rank=0)
        assert rows(sampler) == whole.draws()[2::3].tolist()
        with pytest.raises(ValueError, match=r"rank must be in \[0, 2\), got 2"):
            BalancedSampler(LABELS, num_replicas=2)
    finally:
        dist.destroy_process_group()
    assert BalancedSampler(LABELS).num_replicas == 1


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_draws_pass_through_a_data_loader(workers, batch_size):
    sampler = BalancedSampler(LABELS)
    context = "fork" if workers else None
    loader = DataLoader(
        Echo(), batch_size, sampler=sampler, num_workers=workers, multiprocessing_context=context
    )
    batches = list(loader)
    assert len(loader) == len(batches) == -(-len(sampler) // batch_size)
    assert torch.equal(torch.cat(batches), sampler.draws())


def test_a_balanced_sampler_replaces_weighted_random_sampler():
    dataset = TensorDataset(torch.arange(len(LABELS)), torch.tensor(LABELS))
    labels = torch.cat([y for _, y in DataLoader(dataset, 8, sampler=BalancedSampler(LABELS))])
    assert torch.bincount(labels).tolist() == [23, 23, 23]


@pytest.mark.parametrize("twin", [lambda s: pickle.loads(pickle.dumps(s)), copy.deepcopy])
def test_copies_of_a_sampler_draw_the_same(twin):
    sampler = BalancedSampler(LABELS, 9, seed=3, num_replicas=2, rank=1)
    sampler.set_epoch(4)
    list(sampler)
    other = twin(sampler)
    assert other.state_dict() == sampler.state_dict()
    assert rows(other) == rows(sampler)


def test_print_shows_the_plan():
    sampler = BalancedSampler(["cat"] * 4 + ["dog"], 6, seed=9, num_replicas=2, rank=1)
    sampler.set_epoch(3)
    assert str(sampler).splitlines() == [
        "BalancedSampler: 12 draws an epoch, 6 on rank 1 of 2, seed 9, epoch 3",
        "class  samples  draws  copies per sample",
        "  cat        4      6             0 to 1",
        "  dog        1      6                  5",
        "total        5     12",
    ]


def test_more_samples_than_multinomial_takes():
    labels = torch.zeros((1 << 24) + 9, dtype=torch.uint8)
    labels[::5] = 1
    sampler = BalancedSampler(labels)
    draws = sampler.draws(len(sampler) - 100, len(sampler))
    assert len(sampler) == 2 * int((labels == 0).sum())
    assert len(draws[:, 2].unique()) == 100
    assert draws[:, 0].min() >= 0
    assert draws[:, 0].max() < len(labels)
    assert next(iter(sampler)).tensor().tolist() == sampler.draws(0, 1)[0].tolist()
