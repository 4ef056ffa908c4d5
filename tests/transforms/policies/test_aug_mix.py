"""AugMix: its chains and shares, what is mixed, and its settings."""

import pytest
import torch
from every_transform import draws_of
from fixed_policies import colored
from scipy.stats import beta, chisquare, kstest
from torchvision.transforms import v2

import gpuaug as ga
from gpuaug import random
from gpuaug.ops.mix import MIX_UNIT
from gpuaug.transforms.draw_batch import DrawBatch
from gpuaug.transforms.policies.space import AUGMIX, AUGMIX_SHARE, torchvision_space


def test_magnitudes_and_signs_match_torchvision():
    expected = v2.AugMix._AUGMENTATION_SPACE
    assert {op.name for op in ga.AugMix().chains.transforms} == set(expected)
    assert {op.name for op in ga.AugMix(all_ops=False).chains.transforms} == set(
        v2.AugMix._PARTIAL_AUGMENTATION_SPACE
    )
    space = torchvision_space(list(expected), AUGMIX, 10, range(10), share=AUGMIX_SHARE)
    for entry in space.entries:
        make, signed = expected[entry.name]
        values = make(10, 90, 60)
        assert entry.signed == signed
        if entry.of_side is not None:
            side = 60 if entry.name == "TranslateX" else 90
            assert abs(entry.magnitudes[0] * side - float(values[-1])) < 1e-5
        elif values is not None:
            assert list(entry.magnitudes) == [float(value) for value in values]


def test_an_aug_mix_draw_is_the_mixture_of_its_chains():
    images, draws = colored(6), draws_of(6)
    mix = ga.AugMix(mixture_width=2)
    (recipes,) = mix.recipes(draws, tuple(images.shape))
    (group,) = recipes.groups
    chains = mix.chains.apply_recipes(images, group.passes)
    shares = group.parameters["shares"].double() / MIX_UNIT
    torch.testing.assert_close(shares.sum(1), torch.ones(6, dtype=torch.float64), rtol=0, atol=2 / MIX_UNIT)
    out = mix(images, draws)
    for n in range(6):
        parts = torch.stack((images[n], chains[2 * n], chains[2 * n + 1])).double()
        expected = (parts * shares[n][:, None, None, None]).sum(0)
        assert (out[n].double() - expected).abs().max() <= 0.5 + 2 / 128
    assert len({chain.numpy().tobytes() for chain in chains}) >= 10  # two may be one by chance


def test_print_counts_the_launches_of_its_chains():
    chain = ga.Compose([ga.RandomHorizontalFlip(), ga.AugMix(chain_depth=2), ga.CLAHE()])
    lines = [" ".join(line.split()) for line in str(chain).splitlines()]
    assert lines[2].endswith("pass 1, batched (torch)")
    most = 2 + 2  # passes, each with levels to count
    said = f"1 pass: 1 kernel launch a batch, and 2 batched transforms, with up to {most} launches more"
    assert lines[-1] == said


def drawn(mix, count=20_000):
    draws = random.keyed_draws(15, 0, torch.arange(count), torch.ones(count, dtype=torch.int64))
    batch = DrawBatch(draws, ([0], [mix.random_count]))
    return mix.draw_parameters(batch, 0)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 4.0, 100.0])
def test_shares_of_chains_have_a_dirichlet_distribution(alpha):
    shares = drawn(ga.AugMix(alpha=alpha), 5_000)["shares"]
    assert kstest(shares[:, 0], beta(alpha, alpha).cdf).pvalue > 1e-4
    within = shares[:, 1:] / (1 - shares[:, :1])
    known = within[shares[:, 0] < 1 - 1e-9]  # of hardly anything a share is nothing but rounding
    for chain in range(3):
        assert kstest(known[:, chain], beta(alpha, 2 * alpha).cdf).pvalue > 1e-4


def test_each_chain_has_its_own_key():
    keys = drawn(ga.AugMix())["keys"]
    assert len(keys.unique()) == keys.numel()


@pytest.mark.parametrize("severity", [1, 3])
def test_depths_ops_magnitudes_and_signs_of_chains_are_uniform(severity):
    chains = ga.AugMix(severity=severity).chains
    count = 30_000
    draws = random.keyed_draws(16, 0, torch.arange(count), torch.ones(count, dtype=torch.int64))
    (numbers,) = random.uniform(draws[:, 2], [0], [chains.random_count])
    rows = chains.choose(numbers)
    depths = (rows != chains._space.nothing).sum(1)
    assert chisquare(torch.bincount(depths, minlength=4)[1:]).pvalue > 1e-4
    assert (rows[:, 0] != chains._space.nothing).all()
    counts = torch.bincount(rows[:, 0], minlength=13 * severity * 2)
    assert len(counts) == 13 * severity * 2
    assert chisquare(counts).pvalue > 1e-4
    fixed = ga.AugMix(chain_depth=2).chains
    (numbers,) = random.uniform(draws[:, 2], [0], [fixed.random_count])
    assert (fixed.choose(numbers) != fixed._space.nothing).all()
    assert fixed.choose(numbers).shape == (count, 2)


def test_aug_mix_keeps_masks():
    images, draws = colored(4), draws_of(4)
    masks = torch.randint(5, (4, 45, 62))
    assert torch.equal(ga.AugMix()(images, draws, masks=masks).masks, masks)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"severity": 11}, ValueError, r"severity must be in \[1, 10\], got 11"),
        ({"mixture_width": 0}, ValueError, r"mixture_width must be in \[1, 16\], got 0"),
        ({"chain_depth": 0}, ValueError, r"chain_depth must be -1 or in \[1, 10\], got 0"),
        ({"chain_depth": 1.5}, TypeError, r"chain_depth must be -1 or an int in \[1, 10\], got float"),
        ({"alpha": 0.0}, ValueError, r"alpha must be in \[0.1, 100\], got 0.0"),
        ({"all_ops": 1}, TypeError, "all_ops must be a bool, got int"),
    ],
)
def test_wrong_settings_of_aug_mix_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        ga.AugMix(**settings)
