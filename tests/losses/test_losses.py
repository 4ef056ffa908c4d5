"""What every loss has in common, and each beside its paper's formula in plain Python."""

import io
import math
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from losses import formulas

import gpuaug
from gpuaug.losses import (
    BalancedSoftmaxLoss,
    FocalLoss,
    LDAMLoss,
    LogitAdjustedLoss,
)

COUNTS = [500, 40, 7, 1]
WEIGHT = [0.25, 1.0, 2.0, 4.0]
# How each is built, and what its paper says that a row costs.
LOSSES = {
    "focal": (FocalLoss, partial(formulas.focal, gamma=2.0)),
    "focal, gamma 0": (partial(FocalLoss, 0.0), formulas.cross_entropy),
    "focal, gamma 0.5": (partial(FocalLoss, 0.5), partial(formulas.focal, gamma=0.5)),
    "logit adjusted": (
        partial(LogitAdjustedLoss, COUNTS),
        partial(formulas.logit_adjusted, counts=COUNTS, tau=1.0),
    ),
    "logit adjusted, tau 1.5": (
        partial(LogitAdjustedLoss, COUNTS, 1.5),
        partial(formulas.logit_adjusted, counts=COUNTS, tau=1.5),
    ),
    "balanced softmax": (
        partial(BalancedSoftmaxLoss, COUNTS),
        partial(formulas.balanced_softmax, counts=COUNTS),
    ),
    "ldam": (
        partial(LDAMLoss, COUNTS),
        partial(formulas.ldam, counts=COUNTS, max_margin=0.5, scale=30.0),
    ),
    "ldam of logits": (
        partial(LDAMLoss, COUNTS, 2.0, 1.0),
        partial(formulas.ldam, counts=COUNTS, max_margin=2.0, scale=1.0),
    ),
}
every_loss = pytest.mark.parametrize("name", LOSSES)


def rows(n=9, dtype=torch.float64):
    generator = torch.Generator().manual_seed(n)
    logits = torch.randn(n, 4, dtype=torch.float64, generator=generator)
    return logits.to(dtype), torch.arange(n) % 4


def expected(formula, logits, labels):
    return [formula(z, y) for z, y in zip(logits.tolist(), labels.tolist(), strict=True)]


@every_loss
def test_losses_match_the_papers_formula(name):
    build, formula = LOSSES[name]
    logits, labels = rows()
    wanted = expected(formula, logits, labels)
    assert build(reduction="none")(logits, labels).tolist() == pytest.approx(wanted, rel=1e-12)
    assert build(reduction="sum")(logits, labels).item() == pytest.approx(sum(wanted), rel=1e-12)
    assert build()(logits, labels).item() == pytest.approx(sum(wanted) / 9, rel=1e-12)


@every_loss
def test_weights_match_torchs_cross_entropy(name):
    build, formula = LOSSES[name]
    logits, labels = rows()
    weights = [WEIGHT[y] for y in labels.tolist()]
    wanted = expected(formula, logits, labels)
    assert build(weight=WEIGHT)(logits, labels).item() == pytest.approx(formulas.mean(wanted, weights))
    each = build(weight=WEIGHT, reduction="none")(logits, labels).tolist()
    assert each == pytest.approx([w * v for w, v in zip(weights, wanted, strict=True)])


def test_focal_with_gamma_0_matches_torchs_cross_entropy():
    logits, labels = rows()
    theirs = torch.nn.CrossEntropyLoss(weight=torch.tensor(WEIGHT, dtype=torch.float64))
    assert FocalLoss(0.0, weight=WEIGHT)(logits, labels).item() == pytest.approx(
        theirs(logits, labels).item()
    )


def test_focal_of_two_classes_matches_torchvision():
    ops = pytest.importorskip("torchvision.ops")
    logits, labels = rows()
    theirs = ops.sigmoid_focal_loss(logits[:, 0], (labels % 2).double(), alpha=-1, gamma=2.0)
    two = torch.stack((torch.zeros(9, dtype=torch.float64), logits[:, 0]), dim=1)
    torch.testing.assert_close(FocalLoss(reduction="none")(two, labels % 2), theirs)


def test_focal_keeps_digits_and_gradient_where_p_is_almost_1():
    logits = torch.tensor([[60.0, 0.0]], requires_grad=True)
    loss = FocalLoss(0.5, reduction="sum")(logits, torch.tensor([0]))
    assert loss.item() == pytest.approx(math.exp(-60) ** 1.5, rel=1e-5)
    loss.backward()
    assert logits.grad[0].tolist() == pytest.approx([-1.5 * math.exp(-90), 1.5 * math.exp(-90)], rel=1e-5)


@every_loss
@pytest.mark.parametrize("others", [[-math.inf] * 3, [-math.inf, 0.5, -math.inf], [0.0, 0.5, -math.inf]])
def test_logits_of_minus_infinity_beside_the_label_have_a_gradient(name, others):
    make, formula = LOSSES[name]
    logits = torch.tensor([[0.25, *others]], dtype=torch.float64, requires_grad=True)
    loss = make(reduction="sum")(logits, torch.tensor([0]))
    low = torch.nan_to_num(logits.detach(), neginf=-500.0)  # as little of a probability in float64
    assert loss.item() == pytest.approx(expected(formula, low, torch.tensor([0]))[0], abs=1e-9)
    loss.backward()
    assert logits.grad.isfinite().all()
    near = low.requires_grad_()
    make(reduction="sum")(near, torch.tensor([0])).backward()
    torch.testing.assert_close(logits.grad, near.grad)


@every_loss
def test_a_label_whose_logit_is_minus_infinity_costs_infinity_and_has_a_gradient(name):
    logits = torch.tensor([[-math.inf, 0.5, 1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    loss = LOSSES[name][0]()(logits, torch.tensor([0]))
    assert loss.item() == math.inf
    loss.backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[0, 0] < 0


@every_loss
def test_a_label_without_a_share_costs_nothing_where_its_logit_is_minus_infinity(name):
    loss, logits = LOSSES[name][0](), torch.tensor([[0.25, -math.inf, 0.5, 1.0]], dtype=torch.float64)
    first, second = torch.tensor([0]), torch.tensor([1])
    whole = torch.tensor([1.0], dtype=torch.float64)
    for mixed in ((first, second, whole), (second, first, 1 - whole)):
        given = logits.clone().requires_grad_()
        found = loss(given, mixed)
        torch.testing.assert_close(found, loss(logits, first))
        found.backward()
        assert given.grad.isfinite().all()


@every_loss
def test_losses_weigh_the_two_labels_of_a_mix(name):
    build, formula = LOSSES[name]
    logits, first = rows()
    second, share = (first * 3 + 1) % 4, torch.linspace(0, 1, 9, dtype=torch.float64)
    both = [expected(formula, logits, labels) for labels in (first, second)]
    weights = [
        [s * WEIGHT[a], (1 - s) * WEIGHT[b]]
        for s, a, b in zip(share.tolist(), first.tolist(), second.tolist(), strict=True)
    ]
    wanted = [w * a + v * b for (w, v), a, b in zip(weights, *both, strict=True)]
    each = build(weight=WEIGHT, reduction="none")(logits, (first, second, share)).tolist()
    assert each == pytest.approx(wanted)
    mean = build(weight=WEIGHT)(logits, (first, second, share)).item()
    assert mean == pytest.approx(sum(wanted) / sum(map(sum, weights)))


@pytest.mark.parametrize("mix", [gpuaug.MixUp(), gpuaug.Remix(COUNTS), gpuaug.CMO(COUNTS)])
def test_losses_accept_the_targets_of_mixes(mix):
    _, (first, second, share) = mix(torch.rand(8, 3, 8, 8), torch.arange(8) % 4)
    logits = torch.randn(8, 4)
    loss = LogitAdjustedLoss(COUNTS)
    of_first, of_second = (loss.each(logits, label) for label in (first, second))
    wanted = (share * of_first + (1 - share) * of_second).mean()
    torch.testing.assert_close(loss(logits, (first, second, share)), wanted)


def test_losses_accept_the_counts_of_a_sampler():
    sampler = gpuaug.BalancedSampler(["b"] * 3 + ["a"] * 9 + ["c"], "natural")
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 2, 0])
    of_sampler, by_hand, of_shares = (
        BalancedSoftmaxLoss(counts)(logits, labels)
        for counts in (sampler.counts_, [9, 3, 1], sampler.priors(0))
    )
    torch.testing.assert_close(of_sampler, by_hand)
    torch.testing.assert_close(of_sampler, of_shares)


@every_loss
@pytest.mark.parametrize("deferred", [0, 2])
def test_losses_have_gradients(name, deferred):
    loss = LOSSES[name][0](weight=WEIGHT, deferred=deferred)
    logits, labels = rows(5)
    logits.requires_grad_()
    share = torch.tensor([0.0, 0.3, 0.5, 0.9, 1.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: loss(z, labels), logits)
    assert torch.autograd.gradcheck(lambda z: loss(z, (labels, labels.flip(0), share)), logits)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_losses_of_half_precision_are_computed_in_float32(name, dtype, device):
    loss = LOSSES[name][0]().to(device)
    logits, labels = (part.to(device) for part in rows(dtype=dtype))
    out = loss(logits, labels)
    assert out.dtype == torch.float32
    assert torch.equal(out, loss(logits.float(), labels))
    assert out.item() == pytest.approx(loss(logits.double(), labels).item(), rel=1e-5)
    logits.requires_grad_()
    loss(logits, labels).backward()
    assert logits.grad.dtype == dtype


@every_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_losses_under_autocast_are_computed_in_float32(name, dtype, device):
    loss = LOSSES[name][0](weight=WEIGHT).to(device)
    logits, labels = (part.to(device) for part in rows(dtype=torch.float32))
    with torch.autocast(device.type, dtype=dtype):
        out = loss(logits.to(dtype), labels)
    assert out.dtype == torch.float32
    assert torch.equal(out, loss(logits.to(dtype), labels))


@every_loss
def test_tables_of_a_loss_stay_float64_when_a_model_becomes_half(name):
    build, _ = LOSSES[name]
    logits, labels = rows()
    loss = build(weight=[1 / 3, 0.1, 2.0, 4.0])
    before = loss(logits, labels)
    assert torch.equal(torch.nn.Sequential(loss).half()[0](logits, labels), before)
    assert loss.to("meta").weight.dtype == torch.float64


@every_loss
def test_losses_compile_to_one_graph(name):
    loss = LOSSES[name][0](weight=WEIGHT, deferred=1)
    logits, labels = rows(dtype=torch.float32)
    graphs = []

    def counting(graph, inputs):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    compiled = torch.compile(loss, backend=counting, fullgraph=True)
    for epoch in (0, 1, 2, 3):
        loss.set_epoch(epoch)
        torch.testing.assert_close(compiled(logits, labels), loss(logits, labels))
    assert len(graphs) == 1
    mixed = (labels, labels.flip(0), torch.rand(9))
    torch.testing.assert_close(compiled(logits, mixed), loss(logits, mixed))


@pytest.mark.slow
def test_losses_compile_with_inductor():
    loss = LDAMLoss(COUNTS, weight=WEIGHT)
    logits, labels = rows(dtype=torch.float32)
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(loss, fullgraph=True)(logits, labels), loss(logits, labels))


@every_loss
def test_deferred_weights_begin_with_their_epoch(name):
    build, _ = LOSSES[name]
    logits, labels = rows()
    plain, weighted = build()(logits, labels), build(weight=WEIGHT)(logits, labels)
    assert not torch.equal(plain, weighted)
    loss = build(weight=WEIGHT, deferred=3)
    for epoch, wanted in [(0, plain), (2, plain), (3, weighted), (9, weighted), (1, plain)]:
        loss.set_epoch(epoch)
        torch.testing.assert_close(loss(logits, labels), wanted)


def test_losses_accept_numpy_numbers():
    loss = FocalLoss(np.float32(1.5), weight=[1, 2], deferred=np.int64(3))
    loss.set_epoch(np.int64(4))
    assert (loss.gamma, type(loss.epoch), loss.epoch, loss.deferred) == (1.5, int, 4, 3)


def test_the_state_of_a_loss_is_its_epoch():
    loss = LDAMLoss(COUNTS, weight=WEIGHT, deferred=3)
    loss.set_epoch(5)
    file = io.BytesIO()
    torch.save(loss.state_dict(), file)
    file.seek(0)
    other = LDAMLoss(COUNTS, weight=WEIGHT, deferred=3)
    other.load_state_dict(torch.load(file, weights_only=True))
    logits, labels = rows()
    assert other.epoch == 5
    assert torch.equal(other(logits, labels), loss(logits, labels))
    assert torch.equal(pickle.loads(pickle.dumps(loss))(logits, labels), loss(logits, labels))


def test_losses_of_an_empty_batch():
    logits, labels = torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)
    assert LDAMLoss(COUNTS, reduction="none")(logits, labels).shape == (0,)
    assert LDAMLoss(COUNTS, reduction="sum")(logits, labels).item() == 0
    assert LDAMLoss(COUNTS)(logits, labels).isnan()  # as torch's


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.bool])
def test_labels_of_any_integer_type(dtype):
    logits = torch.randn(3, 4)
    labels = torch.tensor([0, 1, 1])
    loss = LDAMLoss(COUNTS)
    assert torch.equal(loss(logits, labels.to(dtype)), loss(logits, labels))


def test_a_label_that_is_no_class_gives_nan_under_compile():
    logits, labels = torch.randn(3, 4), torch.tensor([0, 4, -1])
    loss = LDAMLoss(COUNTS, reduction="none")
    compiled = torch.compile(loss, backend="eager", fullgraph=True)
    assert compiled(logits, labels).isnan().tolist() == [False, True, True]
    one = torch.compile(LDAMLoss(COUNTS), backend="eager", fullgraph=True)
    assert one(logits, labels).isnan()


@pytest.mark.cuda
def test_a_label_that_is_no_class_gives_nan_on_a_gpu():
    loss = LDAMLoss(COUNTS, reduction="none").cuda()
    out = loss(torch.randn(3, 4).cuda(), torch.tensor([0, 4, -1]).cuda())
    assert out.isnan().tolist() == [False, True, True]


def test_prior_matches_the_shares_that_logits_carry():
    drawn = [3, 1, 4, 8]
    assert FocalLoss().prior(drawn).tolist() == [3 / 16, 1 / 16, 4 / 16, 8 / 16]
    carried = LogitAdjustedLoss([3, 1, 4, 8]).prior(drawn)  # adjusted for what was drawn: equal shares
    assert carried.tolist() == pytest.approx([0.25] * 4)
    half = LogitAdjustedLoss([9, 1, 4, 16], 0.5).prior([9, 1, 4, 16])
    assert half.tolist() == pytest.approx([0.3, 0.1, 0.2, 0.4])
    far = LogitAdjustedLoss([1000, 1], 1000.0).prior([1000, 1])  # beyond float64: still above 0
    assert float(far[0]) > 0
    assert far.tolist() == pytest.approx([0.0, 1.0])
    weighted = LDAMLoss(COUNTS, weight=[1, 1, 2, 0.25], deferred=2)
    assert weighted.prior(drawn).tolist() == [3 / 16, 1 / 16, 4 / 16, 8 / 16]
    weighted.set_epoch(2)
    assert weighted.prior(drawn).tolist() == pytest.approx([3 / 14, 1 / 14, 8 / 14, 2 / 14])


@pytest.mark.parametrize(
    "loss",
    [
        FocalLoss(0.0),
        FocalLoss(0.0, weight=[1.0, 2.0]),
        LogitAdjustedLoss([600, 200]),
        LogitAdjustedLoss([600, 200], 0.5, weight=[3.0, 1.0]),
    ],
    ids=repr,
)
def test_prior_matches_a_trained_model(loss):
    """Images say nothing here, so a bias alone is trained, to its end: the logits are the prior."""
    bias = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0] * 3 + [1])
    optimizer = torch.optim.LBFGS([bias], max_iter=100, tolerance_grad=1e-12)

    def closure():
        optimizer.zero_grad()
        cost = loss(bias.expand(4, 2), labels)
        cost.backward()
        return cost

    optimizer.step(closure)
    torch.testing.assert_close(bias.detach().softmax(1)[0], loss.prior([3, 1]), atol=1e-6, rtol=0)


def test_repr_of_losses():
    loss = LDAMLoss([16, 81], weight=[1, 2], deferred=4)
    assert repr(loss) == (
        "LDAMLoss(max_margin=0.5, scale=30.0, weight=[1.0, 2.0], deferred=4, reduction='mean')"
    )
    assert repr(BalancedSoftmaxLoss([3, 1])) == "BalancedSoftmaxLoss(tau=1.0, reduction='mean')"
    assert repr(FocalLoss()) == "FocalLoss(gamma=2.0, reduction='mean')"
