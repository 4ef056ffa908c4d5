"""Lightning on two processes: it keeps the sampler, sets its epoch, and resumes it in the middle of one."""

import pytest

from gpuaug import BalancedBatchSampler, BalancedSampler

pytest.importorskip("lightning", reason="needs lightning: pip install -r tests/requirements.txt")

LABELS = [0] * 23 + [1] * 7 + [2] * 2
SHARE = 35  # of the 69 draws, with one that pads


def order(epoch):
    """The indices that two ranks draw in turn."""
    sampler = BalancedSampler(LABELS, seed=7)
    sampler.set_epoch(epoch)
    indices = sampler.draws()[:, 0].tolist()
    return indices + indices[:1]


def drawn(ranks, epoch):
    shares = [[i for at, batch in rank["drawn"] if at == epoch for i in batch] for rank in ranks]
    return [index for step in zip(*shares, strict=True) for index in step]


@pytest.mark.parametrize("loader", ["torch", "gpuaug"])
def test_the_sampler_is_kept_and_its_epoch_set(run, loader):
    ranks = run("train_lightning.py", loader, 3)
    assert [rank["sampler"] for rank in ranks] == ["BalancedSampler"] * 2
    assert [rank["place"] for rank in ranks] == [[0, 2], [1, 2]]
    assert [drawn(ranks, epoch) for epoch in range(3)] == [order(epoch) for epoch in range(3)]


def test_a_batch_sampler_is_kept_and_its_epoch_set(run):
    ranks = run("train_lightning.py", "batches", 2)
    assert [rank["place"] for rank in ranks] == [[0, 2], [1, 2]]
    sampler = BalancedBatchSampler(LABELS, 2, 3, batches=8, seed=7)
    for epoch in range(2):
        sampler.set_epoch(epoch)
        shares = [[batch for at, batch in rank["drawn"] if at == epoch] for rank in ranks]
        together = [batch for step in zip(*shares, strict=True) for batch in step]
        assert together == sampler.draws()[:, :, 0].tolist()


def test_every_entry_point_takes_the_loader(run):
    ranks = run("evaluate_lightning.py", 2)
    assert [rank["kinds"] for rank in ranks] == [["BalancedLoader"]] * 2
    stages = ["fit: train 0", "fit: train 1", "fit: val 0", "fit: val 1"]
    stages += ["predict: predict 0", "test: test 0", "validate: val 0"]
    assert [sorted(rank["seen"]) for rank in ranks] == [stages] * 2
    for stage in stages:
        shares = [rank["seen"][stage] for rank in ranks]
        together = [index for step in zip(*shares, strict=True) for index in step]
        assert together == order(int(stage[-1])), stage


@pytest.mark.parametrize("loader", ["gpuaug", "stateful"])
def test_a_checkpoint_in_the_middle_of_an_epoch(run, tmp_path, loader):
    # Seven batches of five an epoch on each rank: ten steps end after the third of the second epoch.
    if loader == "stateful":
        pytest.importorskip("torchdata.stateful_dataloader")
    before = run("train_lightning.py", loader, 3, 10)
    after = run("train_lightning.py", loader, 3, -1, tmp_path / f"{loader}-3-10" / "step.ckpt")
    assert drawn(before, 0) == order(0)
    assert drawn(before, 1) + drawn(after, 1) == order(1)
    assert len(drawn(before, 1)) == 30
    assert drawn(after, 2) == order(2)


@pytest.mark.parametrize("loader", ["gpuaug", "stateful"])
def test_a_checkpoint_at_the_end_of_an_epoch(run, tmp_path, loader):
    if loader == "stateful":
        pytest.importorskip("torchdata.stateful_dataloader")
    before = run("train_lightning.py", loader, 4, 14)
    after = run("train_lightning.py", loader, 4, -1, tmp_path / f"{loader}-4-14" / "step.ckpt")
    assert [drawn(before, epoch) for epoch in (0, 1)] == [order(0), order(1)]
    assert {epoch for epoch, _ in after[0]["drawn"]} == {2, 3}
    assert [drawn(after, epoch) for epoch in (2, 3)] == [order(2), order(3)]
