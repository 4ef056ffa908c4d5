"""torchrun on gloo: 2 and 4 ranks train as one process does with the same global batches.

The gradient that DistributedDataParallel gives is the mean over the ranks of the gradients of their means.
The shares of a global batch are of one size, so that is the gradient of the mean over the global batch: the
same sum, added in another order. In float64 that leaves differences of some 1e-16 in a step, and so few steps
of a smooth model do not raise them to 1e-12.
"""

import pytest
from tiny_training import LABELS, SEED, UNEVEN, Training

from gpuaug import BalancedSampler

pytestmark = pytest.mark.processes

EPOCHS, BATCH, KEPT = 3, 16, 7  # 15 steps; the kept one is in the middle of the second epoch
CLOSE = {"rel": 1e-12, "abs": 0}


def alone(folder, **settings):
    return Training(folder, **{"batch_size": BATCH, **settings}).run(EPOCHS)


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    return alone(tmp_path_factory.mktemp("single"))


@pytest.fixture(scope="module")
def two(start):
    """Two ranks with workers; and the folder, with the state after a step of the second epoch."""
    run = start(2, batch_size=BATCH // 2, workers=1, epochs=EPOCHS, keep=KEPT)
    return run.reports(), run.folder


@pytest.fixture(scope="module")
def four(start, two):
    """Four ranks from the beginning; then again, from the state of the two."""
    again = {"batch_size": BATCH // 4, "resume": str(two[1] / "kept")}
    return start(4, batch_size=BATCH // 4, epochs=EPOCHS, again=again).reports()


@pytest.fixture(params=[2, 4])
def reports(request):
    if request.param == 4:
        return request.getfixturevalue("four")
    return request.getfixturevalue("two")[0]


def test_the_place_is_that_of_the_group(reports):
    assert [report["place"] for report in reports] == [[rank, len(reports)] for rank in range(len(reports))]


def test_every_draw_comes_once_in_the_global_order(reports, whole_order):
    assert all(report["seen"] == whole_order for report in reports)


def test_the_loss_curve_is_that_of_one_process(reports, single, tmp_path):
    for report in reports:
        assert report["losses"] == pytest.approx(single.losses, **CLOSE)
    # Other draws would show: the curve of another seed differs in every step, and far more.
    other = alone(tmp_path, seed=SEED + 1)
    assert all(a != pytest.approx(b, rel=1e-4) for a, b in zip(other.losses, single.losses, strict=True))
    assert single.losses[-1] < single.losses[0]


def test_a_run_of_two_ranks_goes_on_with_four(four, single, whole_order):
    for report in four:
        assert report["again seen"] == whole_order
        assert report["again losses"] == pytest.approx(single.losses, **CLOSE)


@pytest.mark.parametrize(("batch_size", "workers"), [(BATCH, 2), (7, 0)])
def test_a_run_of_two_ranks_goes_on_alone(batch_size, workers, two, single, whole_order, tmp_path):
    resumed = alone(tmp_path, batch_size=batch_size, workers=workers, resume=two[1] / "kept")
    assert resumed.seen == whole_order
    if batch_size == BATCH:
        assert resumed.losses == pytest.approx(single.losses, **CLOSE)


def test_shares_of_an_order_that_does_not_divide(reports):
    order = BalancedSampler(UNEVEN, num_replicas=1, rank=0).draws().tolist()
    ranks = len(reports)
    rounds = len(order) // ranks
    padded, dropped = ([report["uneven"][kind] for report in reports] for kind in (0, 1))
    assert {len(share) for share in padded} == {rounds + 1}
    assert {len(share) for share in dropped} == {rounds}
    together = [draw for turn in zip(*padded, strict=True) for draw in turn]
    assert together == order + order[: len(together) - len(order)]
    assert [draw for turn in zip(*dropped, strict=True) for draw in turn] == order[: rounds * ranks]


def test_the_epochs_divide():
    """What the curves need: the sizes of the shares are equal in every batch."""
    assert BalancedSampler(LABELS).total % BATCH % 4 == 0
