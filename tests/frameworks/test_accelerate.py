"""Accelerate on two processes: a prepared loader keeps the sampler, sets its epoch, and deals its batches."""

from itertools import zip_longest

import pytest

from gpuaug import BalancedBatchSampler, BalancedSampler

pytest.importorskip("accelerate", reason="needs accelerate: pip install -r tests/requirements.txt")

LABELS = [0] * 23 + [1] * 7 + [2] * 2
TORCHRUN = ("-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone")


def orders(sampler):
    for epoch in range(2):
        sampler.set_epoch(epoch)
        yield sampler.draws().tolist()


def in_turn(ranks, epoch):
    """The batches of an epoch, as the ranks take them in turn."""
    return [batch for step in zip(*(rank["drawn"][epoch] for rank in ranks), strict=True) for batch in step]


def test_a_prepared_loader_shares_the_one_order(run):
    ranks = run("train_accelerate.py", "prepared", launcher=TORCHRUN)
    assert [(rank["epoch"], rank["length"]) for rank in ranks] == [(1, 7)] * 2
    for epoch, order in enumerate(orders(BalancedSampler(LABELS, seed=7))):
        drawn = [draw for batch in in_turn(ranks, epoch) for draw in batch]
        # Fourteen batches of five for 69 draws: even_batches fills the last one from the first.
        assert drawn == order + order[:1]


def test_a_prepared_loader_shares_the_batches_of_a_batch_sampler(run):
    ranks = run("train_accelerate.py", "batches", launcher=TORCHRUN)
    for epoch, order in enumerate(orders(BalancedBatchSampler(LABELS, 2, 3, batches=8, seed=7))):
        assert in_turn(ranks, epoch) == order


def test_a_prepared_loader_shares_the_one_order_however_it_is_configured(run):
    ranks = run("train_accelerate.py", "configured", launcher=TORCHRUN)
    for name in ranks[0]:
        for epoch, order in enumerate(orders(BalancedSampler(LABELS, seed=7))):
            turns = zip_longest(*(rank[name][epoch] for rank in ranks), fillvalue=[])
            drawn = [draw for turn in turns for batch in turn for draw in batch]
            assert drawn[: len(order)] == order, name
            # What makes the ranks' batches whole is the first ones again.
            assert drawn[len(order) :] == order[: len(drawn) - len(order)], name
            assert len(drawn) == len(order) or name != "uneven"


def test_a_prepared_balanced_loader_keeps_its_own_ranks_and_state(run):
    for rank in run("train_accelerate.py", "loader", launcher=TORCHRUN):
        whole = rank["expected"]
        assert rank["drawn"][: len(whole)] == rank["alone"][: len(whole)] == whole
        assert rank["position"] == 30
        assert "cannot be rebuilt from its parts" in rank["refused"]


def test_the_sampler_s_own_ranks_without_preparing(run):
    ranks = run("train_accelerate.py", "own", launcher=TORCHRUN)
    for epoch, order in enumerate(orders(BalancedSampler(LABELS, seed=7))):
        shares = [[draw for batch in rank["drawn"][epoch] for draw in batch] for rank in ranks]
        assert [draw for step in zip(*shares, strict=True) for draw in step] == order + order[:1]
