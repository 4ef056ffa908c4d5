"""What ends a training run in the middle, with real signals; then it goes on, and loses and repeats nothing.

A process says when it has come to the place where it is to be hit, and waits there. So every signal comes
where the test means it to, however slow the machine is. What goes on is another size of batches, and another
number of workers or ranks; ``seen`` is what the model has learnt, saved together with the model.
"""

import re
import signal

import pytest
import torch
from tiny_training import DRAWS, LABELS, SEED, Training

import gpuaug

pytestmark = pytest.mark.processes

EPOCHS, BATCH = 2, 5


@pytest.fixture
def late():
    """A sample that the first epoch draws once, late; by then the workers have come to fetch ahead."""
    order = gpuaug.BalancedSampler(LABELS, seed=SEED).draws()[:, 0].tolist()
    return next(index for index in order[40:] if order.count(index) == 1)


@pytest.fixture
def expected(whole_order):
    return whole_order[: EPOCHS * DRAWS]


def check_rest(run, expected, batch_size=7, workers=0):
    """The run goes on from its checkpoint; gives what it had learnt before."""
    checkpoint = run.folder / "checkpoint"
    before = torch.load(checkpoint)["seen"]
    assert before == expected[: len(before)]
    assert 0 < len(before) < len(expected)
    rest = Training(run.folder, batch_size=batch_size, workers=workers, resume=checkpoint).run(EPOCHS)
    assert rest.seen == expected
    return before


def test_a_worker_is_killed(start, late, expected):
    run = start(batch_size=BATCH, workers=2, epochs=EPOCHS, leave="finally", fault={"sample": late})
    worker = run.reached()
    run.kill(worker)
    assert run.ended() == 1
    assert re.search("RuntimeError: .*DataLoader worker", run.output)  # by the signal, or by its broken pipe
    before = check_rest(run, expected)
    assert len(before) % BATCH == 0
    assert len(before) <= DRAWS


@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_ends_every_rank(workers, start, expected):
    """In the second epoch, with a batch in hand that was not learnt; the workers get the signal too."""
    step = 20
    fault = {"rank": 0, "step": step}
    run = start(batch_size=BATCH, workers=workers, epochs=EPOCHS, leave="finally", fault=fault)
    run.reached()
    run.interrupt()
    assert run.ended() == -signal.SIGINT  # Python's end after a KeyboardInterrupt
    assert "Error" not in run.output
    before = check_rest(run, expected, workers=2 - workers)
    assert len(before) == DRAWS + (step - -(-DRAWS // BATCH)) * BATCH


def test_ctrl_c_with_a_handler_while_a_worker_is_awaited(start, late, expected):
    """The handler lets the step end; what was fetched ahead is left, and is drawn again."""
    run = start(batch_size=BATCH, workers=2, epochs=EPOCHS, leave="handler", fault={"sample": late})
    run.reached()
    run.interrupt()
    run.go_on()
    assert run.ended() == 0, run.output
    before = check_rest(run, expected)
    assert len(before) < DRAWS


def test_killed_while_it_saves(start, expected):
    """The file that was half written is not the one that the next run reads."""
    step = 9
    run = start(batch_size=BATCH, epochs=EPOCHS, each=True, fault={"write": step})
    process = run.reached()
    assert process == run.process.pid
    run.kill(process)
    assert run.ended() == -signal.SIGKILL
    assert 0 < (run.folder / "checkpoint.new").stat().st_size < (run.folder / "checkpoint").stat().st_size
    before = check_rest(run, expected)
    assert len(before) == (step - 1) * BATCH


def test_a_rank_that_dies_does_not_block_the_others(start, expected):
    """In the second epoch: the other rank waits for it in the step's reduction, and ends with an error."""
    step = 10
    run = start(2, batch_size=BATCH - 1, epochs=EPOCHS, each=True, fault={"rank": 1, "step": step})
    dying = run.reached()
    other = int((run.folder / "rank0.process").read_text())
    assert other != dying
    run.watch(other)
    run.kill(dying)
    assert run.ended() == 1
    assert re.search(rf"exitcode\s*: -{signal.SIGKILL.value} \(pid: {dying}\)", run.output)
    assert not list(run.folder.glob("rank*.json"))  # neither came to its end
    before = check_rest(run, expected)
    assert len(before) == DRAWS + (step - DRAWS // (2 * BATCH - 2)) * (2 * BATCH - 2)
