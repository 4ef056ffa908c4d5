"""What holds for every mix: keys, partners, devices, and what is refused."""

import copy

import pytest
import torch
from mixed_batches import batch, numbers
from waiting import no_waiting

import gpuaug as ga

COUNTS = [50, 5, 1]
MIXES = [ga.MixUp(0.4), ga.CutMix(), ga.CMO(COUNTS, p=1.0), ga.Remix(COUNTS), ga.BalancedMixUp(COUNTS, 1.0)]
every_mix = pytest.mark.parametrize("mix", MIXES, ids=lambda mix: type(mix).__name__)


@every_mix
def test_images_that_are_not_chosen_stay(mix):
    images, labels, draws = batch(40)
    some = type(mix)(*([] if type(mix) in (ga.MixUp, ga.CutMix) else [COUNTS]), p=0.5)
    out, (_, _, lam) = some(images, labels, draws)
    stays = torch.from_numpy(numbers(draws)[:, 0] >= 0.5)
    assert 5 < stays.sum() < 35
    assert torch.equal(some.mixes(draws), ~stays)
    assert torch.equal(out[stays], images[stays])
    assert (lam[stays] == 1).all()
    assert (lam[~stays] < 1).any()


@every_mix
def test_mixes_are_functions_of_the_keys(mix):
    images, labels, draws = batch(8)
    out, (y1, y2, lam) = mix(images, labels, draws)
    again, (_, y2_again, lam_again) = mix(images, labels, draws)
    assert torch.equal(out, again)
    assert torch.equal(y2, y2_again)
    assert torch.equal(lam, lam_again)
    assert (lam.dtype, lam.shape, y1.shape) == (torch.float32, (8,), (8,))
    other = draws.clone()
    other[:, 2] += 1
    assert not torch.equal(mix(images, labels, other)[0], out)
    # Where nobody mixes with another, shares and boxes are the draw's own.
    assert torch.equal(mix(images[:1], labels[:1], draws[:1])[0], images[:1])


@every_mix
def test_mixes_without_draws_count_images(mix):
    images, labels, _ = batch(6)
    seen, again = mix.seen, copy.deepcopy(mix)
    first, second = mix(images, labels)[0], mix(images, labels)[0]
    assert mix.seen == seen + 12
    assert not torch.equal(first, second)
    assert torch.equal(again(images, labels)[0], first)


@every_mix
def test_mixes_of_one_channel_with_gradients_and_of_none(mix):
    images, labels, draws = batch(5, channels=1)
    floats = (images / 255.0).requires_grad_()
    mix(floats, labels, draws)[0].sum().backward()
    torch.testing.assert_close(floats.grad.sum(), torch.tensor(5.0 * 12 * 15))
    out, (y1, _, lam) = mix(images[:0], labels[:0], draws[:0])
    assert (len(out), len(y1), len(lam)) == (0, 0, 0)


@pytest.mark.cuda
@every_mix
def test_mixes_do_not_wait_for_a_gpu(mix):
    images, labels, draws = batch(8)
    expected, (_, y2, lam) = mix(images, labels, draws)
    images, labels = images.cuda(), labels.cuda()
    mix(images, labels, draws)
    with no_waiting(images.device):
        out, (_, others, share) = mix(images, labels, draws)
    assert torch.equal(others.cpu(), y2)
    assert (share.cpu() - lam).abs().max() < 1e-6
    assert ((out.cpu().int() - expected.int()).abs() <= 1).all()


@pytest.mark.cuda
def test_a_gpu_takes_targets_out_of_range_for_the_nearest_class():
    images, labels, draws = batch(9)
    wild = torch.where(labels == 0, -5, torch.where(labels == 2, 2**40, labels))
    cmo = ga.CMO([50, 5, 1], p=1.0)
    expected = cmo(images.cuda(), labels.cuda(), draws)[0]
    assert torch.equal(cmo(images.cuda(), wild.cuda(), draws)[0], expected)


PLANNED = {
    "MixUp": lambda **given: ga.MixUp(0.4, partners="plan", **given),
    "CutMix": lambda **given: ga.CutMix(partners="plan", **given),
    "CMO": lambda **given: ga.CMO(COUNTS, partners="plan", **given),
    "Remix": lambda **given: ga.Remix(COUNTS, partners="plan", **given),
    "BalancedMixUp": lambda **given: ga.BalancedMixUp(COUNTS, partners="plan", **given),
}


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", PLANNED)
def test_images_of_planned_partners_follow_those_of_the_draws(kind, p):
    """Each draw of a batch, beside itself and its partner alone."""
    mix, (images, labels, draws) = PLANNED[kind](p=p), batch(30)
    draws, chosen = draws[:16], mix.mixes(draws[:16])
    total = 16 + int(chosen.sum())
    assert (total == 16) == (p == 0)
    images, labels = images.repeat(2, 1, 1, 1)[:total], labels.repeat(2)[:total]
    out, (y1, y2, lam) = mix(images, labels, draws)
    assert (len(out), len(y1), len(y2), len(lam)) == (16,) * 4
    behind = iter(range(16, total))
    for n in range(16):
        pair = torch.tensor([n, next(behind)] if chosen[n] else [n])
        alone, (first, second, share) = mix(images[pair], labels[pair], draws[n][None])
        assert torch.equal(out[n], alone[0])
        assert (y1[n], y2[n], lam[n]) == (first[0], second[0], share[0])
        assert (y1[n], y2[n]) == (labels[pair[0]], labels[pair[-1]])
    assert torch.equal(out[~chosen], images[:16][~chosen])
    assert (lam[~chosen] == 1).all()


@pytest.mark.cuda
@pytest.mark.parametrize("kind", PLANNED)
def test_planned_partners_do_not_wait_for_a_gpu(kind):
    mix, (images, labels, draws) = PLANNED[kind](p=0.5), batch(16)
    total = 16 + int(mix.mixes(draws).sum())
    images, labels = images.repeat(2, 1, 1, 1)[:total], labels.repeat(2)[:total]
    expected, (_, y2, lam) = mix(images, labels, draws)
    images, labels = images.cuda(), labels.cuda()
    mix(images, labels, draws)
    with no_waiting(images.device):
        out, (_, others, share) = mix(images, labels, draws)
    assert torch.equal(others.cpu(), y2)
    assert (share.cpu() - lam).abs().max() < 1e-6
    assert ((out.cpu().int() - expected.int()).abs() <= 1).all()


def test_weights_of_planned_partners():
    samples, drawn = torch.tensor([100.0, 20.0, 5.0]), torch.tensor([50.0, 50.0, 25.0])
    for mix, expected in (
        (ga.MixUp(), [50, 50, 25]),
        (ga.CutMix(), [50, 50, 25]),
        (ga.Remix(COUNTS), [50, 50, 25]),
        (ga.CMO(COUNTS), [0.5, 2.5, 5]),
        (ga.CMO(COUNTS, power=0), [50, 50, 25]),
        (ga.BalancedMixUp(COUNTS), [1, 1, 1]),
    ):
        assert mix.weigh(samples, drawn).tolist() == pytest.approx(expected)


def test_calls_and_settings_of_mixes_are_checked():
    images, labels, draws = batch(4)
    for call, error, message in (
        (lambda: ga.MixUp(0), ValueError, r"alpha must be in \[0.01, 100\], got 0"),
        (lambda: ga.CutMix(p=2), ValueError, r"p must be in \[0, 1\], got 2"),
        (lambda: ga.CMO([3, 0]), ValueError, r"class_counts must be .* got \[3, 0\]"),
        (lambda: ga.Remix([3, 0]), ValueError, r"class_counts must be .* got \[3, 0\]"),
        (lambda: ga.Remix(None), TypeError, "class_counts must be .* got None"),
        (lambda: ga.Remix([3, 1], kappa=0), ValueError, r"kappa must be in \[1, 1000000.0\], got 0"),
        (lambda: ga.Remix([3, 1], kappa=-3), ValueError, r"kappa must be in \[1, 1000000.0\], got -3"),
        (lambda: ga.Remix([3, 1], kappa="3"), TypeError, r"kappa must be a number in .* got str"),
        (lambda: ga.Remix([3, 1], tau=1.5), ValueError, r"tau must be in \[0, 1\], got 1.5"),
        (lambda: ga.Remix([3, 1], tau=-0.1), ValueError, r"tau must be in \[0, 1\], got -0.1"),
        (lambda: ga.Remix([3, 1], alpha=0), ValueError, r"alpha must be in \[0.01, 100\], got 0"),
        (lambda: ga.Remix([1, 1])(images, labels), ValueError, r"targets must be in \[0, 2\), got 2"),
        (lambda: ga.Remix([1, 1, 1])(images, labels.float()), TypeError, "targets must be integers"),
        (lambda: ga.BalancedMixUp(None), TypeError, "class_counts must be .* got None"),
        (lambda: ga.BalancedMixUp([1], alpha=-1), ValueError, r"alpha must be in \[0.01, 100\], got -1"),
        (lambda: ga.BalancedMixUp([1, 1])(images, labels), ValueError, r"targets must be in \[0, 2\), got 2"),
        (lambda: ga.MixUp(partners="all"), ValueError, "partners must be one of 'batch', 'plan', got 'all'"),
        (
            lambda: ga.MixUp(partners="plan")(images, labels),
            ValueError,
            "draws must be given where partners is 'plan', got None: a BalancedLoader gives them",
        ),
        (
            lambda: ga.MixUp(partners="plan")(images, labels, draws),
            ValueError,
            "images must be those of 4 draws and of the partners of the 4 that are mixed, 8, .* got 4",
        ),
        (lambda: ga.MixUp()(images, labels[:3]), ValueError, r"targets must be a tensor \(4, ...\).*\(3,\)"),
        (lambda: ga.MixUp()(images, labels, draws[:3]), ValueError, "draws must be as many as the images"),
        (
            lambda: ga.MixUp()(images, labels.to("meta")),
            RuntimeError,
            "must be on one device, got cpu and meta",
        ),
        (lambda: ga.CMO([1, 1, 1])(images, labels.float()), TypeError, "targets must be integers"),
        (
            lambda: ga.CMO([1, 1])(images, labels),
            ValueError,
            r"targets must be in \[0, 2\), got 2 for image 2",
        ),
    ):
        with pytest.raises(error, match=message):
            call()
