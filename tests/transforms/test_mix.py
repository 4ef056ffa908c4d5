"""mixup, CutMix and CMO: their formulas draw by draw, their distributions by SciPy, keys and devices."""

import copy

import numpy as np
import pytest
import scipy.stats
import torch
from waiting import no_waiting

import gpuaug as ga
from gpuaug import random
from gpuaug.transforms.mix import PLACE

MIXES = [ga.MixUp(0.4), ga.CutMix(), ga.CMO([50, 5, 1], p=1.0)]
every_mix = pytest.mark.parametrize("mix", MIXES, ids=lambda mix: type(mix).__name__)


def batch(n, channels=3, size=12):
    generator = torch.Generator().manual_seed(n)
    images = torch.randint(256, (n, channels, size, size + 3), dtype=torch.uint8, generator=generator)
    keys = torch.randint(-(2**63), 2**63 - 1, (n,), generator=generator)
    return images, torch.arange(n) % 3, torch.stack((torch.arange(n), torch.ones(n).long(), keys), dim=1)


def numbers(draws):
    return random.uniform(draws[:, 2], [PLACE], [5])[0].numpy()


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 2.5, 30.0])
def test_shares_are_beta(alpha):
    u = torch.linspace(0.0005, 0.9995, 1000, dtype=torch.float64)
    expected = scipy.stats.beta.ppf(u.numpy(), alpha, alpha)
    np.testing.assert_allclose(ga.MixUp(alpha)._beta(u).numpy(), expected, atol=1e-5)


def test_mixup_is_its_formula():
    images, labels, draws = batch(7)
    out, (y1, y2, lam) = ga.MixUp(0.4)(images, labels, draws)
    expected = scipy.stats.beta.ppf(numbers(draws)[:, 2], 0.4, 0.4)
    np.testing.assert_allclose(lam.numpy(), expected, atol=1e-4)
    for n, u in enumerate(numbers(draws)[:, 1]):
        partner = (n + 1 + int(u * 6)) % 7
        assert (y1[n], y2[n]) == (labels[n], labels[partner])
        mean = lam[n].double() * images[n] + (1 - lam[n].double()) * images[partner]
        assert (out[n] - mean).abs().max() <= 0.5 + 1e-3
    floats, (*_, again) = ga.MixUp(0.4)(images / 255.0, labels, draws)
    assert (floats * 255 - out).abs().max() <= 0.5 + 1e-3
    assert torch.equal(lam, again)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
def test_cutmix_is_a_box_of_the_partner(dtype):
    images, labels, draws = batch(9)
    images = images.to(dtype)
    out, (_, y2, lam) = ga.CutMix()(images, labels, draws)
    assert out.dtype == dtype
    for n, (_, u, share, x, y) in enumerate(numbers(draws)):
        partner = (n + 1 + int(u * 8)) % 9
        assert y2[n] == labels[partner]
        expected = images[n].clone()
        side = np.sqrt(1 - share)  # Beta(1, 1) is uniform
        half = (int(12 * side) // 2, int(15 * side) // 2)
        top, left = max(int(y * 12) - half[0], 0), max(int(x * 15) - half[1], 0)
        bottom, right = min(int(y * 12) + half[0], 12), min(int(x * 15) + half[1], 15)
        expected[:, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
        assert torch.equal(out[n], expected)
        assert lam[n].item() == pytest.approx(1 - (bottom - top) * (right - left) / 180)


def test_cmo_takes_partners_by_weight():
    n = 3000
    images, _, draws = batch(n, channels=1, size=2)
    labels = torch.tensor([0] * 2500 + [1] * 400 + [2] * 100)
    counts = [2500, 400, 100]
    _, (y1, y2, _) = ga.CMO(counts, p=1.0)(images, labels, draws)
    assert torch.equal(y1, labels)
    assert (y2.bincount() / n - 1 / 3).abs().max() < 0.045  # 5 standard deviations
    _, (_, natural, _) = ga.CMO(counts, power=0.0, p=1.0)(images, labels, draws)
    assert (natural.bincount() / n - torch.tensor(counts) / n).abs().max() < 0.035


@every_mix
def test_who_is_not_chosen_stays(mix):
    images, labels, draws = batch(40)
    some = type(mix)(*([[50, 5, 1]] if isinstance(mix, ga.CMO) else []), p=0.5)
    out, (_, _, lam) = some(images, labels, draws)
    stays = torch.from_numpy(numbers(draws)[:, 0] >= 0.5)
    assert 5 < stays.sum() < 35
    assert torch.equal(out[stays], images[stays])
    assert (lam[stays] == 1).all()
    assert (lam[~stays] < 1).any()


@every_mix
def test_it_is_a_function_of_the_keys(mix):
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
def test_without_draws_it_counts(mix):
    images, labels, _ = batch(6)
    seen, again = mix.seen, copy.deepcopy(mix)
    first, second = mix(images, labels)[0], mix(images, labels)[0]
    assert mix.seen == seen + 12
    assert not torch.equal(first, second)
    assert torch.equal(again(images, labels)[0], first)


@every_mix
def test_one_channel_gradients_and_none(mix):
    images, labels, draws = batch(5, channels=1)
    floats = (images / 255.0).requires_grad_()
    mix(floats, labels, draws)[0].sum().backward()
    torch.testing.assert_close(floats.grad.sum(), torch.tensor(5.0 * 12 * 15))
    out, (y1, _, lam) = mix(images[:0], labels[:0], draws[:0])
    assert (len(out), len(y1), len(lam)) == (0, 0, 0)


@pytest.mark.cuda
@every_mix
def test_a_gpu_is_not_waited_for(mix):
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


def test_calls_and_settings_are_checked():
    images, labels, draws = batch(4)
    for call, error, message in (
        (lambda: ga.MixUp(0), ValueError, r"alpha must be in \[0.01, 100\], got 0"),
        (lambda: ga.CutMix(p=2), ValueError, r"p must be in \[0, 1\], got 2"),
        (lambda: ga.CMO([3, 0]), ValueError, r"class_counts must be .* got \[3, 0\]"),
        (lambda: ga.MixUp()(images, labels[:3]), ValueError, r"targets must be a tensor \(4, ...\).*\(3,\)"),
        (lambda: ga.MixUp()(images, labels, draws[:3]), ValueError, "draws must be as many as the images"),
        (
            lambda: ga.MixUp()(images, labels.to("meta")),
            RuntimeError,
            "must be on one device, got cpu and meta",
        ),
        (lambda: ga.CMO([1, 1, 1])(images, labels.float()), TypeError, "targets must be integers"),
        (lambda: ga.CMO([float("nan"), 4]), ValueError, r"class_counts must be .* got \[nan, 4\]"),
        (lambda: ga.CMO([float("inf"), 4]), ValueError, r"class_counts must be .* got \[inf, 4\]"),
        (lambda: ga.CMO(5), ValueError, "class_counts must be at least one count, .* got 5"),
        (
            lambda: ga.CMO([1, 1])(images, labels),
            ValueError,
            r"targets must be in \[0, 2\), got 2 for image 2",
        ),
        (
            lambda: ga.CMO([1, 1, 1])(images, -labels),
            ValueError,
            r"targets must be in \[0, 3\), got -1 for image 1",
        ),
    ):
        with pytest.raises(error, match=message):
            call()
