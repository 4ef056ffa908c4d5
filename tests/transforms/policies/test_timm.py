"""timm's strings, ops and choices. Expected values are timm's own functions, written down by hand."""

import itertools
import math

import pytest
import torch
from fixed_policies import Fixed
from scipy.stats import chisquare, norm

import gpuaug as ga
from gpuaug import random
from gpuaug.transforms.policies.timm import WEIGHTS, Spec, read_spec


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("rand", Spec(m=10, n=2, p=0.5, mstd=0.0, mmax=10, inc=0, w=None)),
        ("rand-m9-mstd0.5-inc1", Spec(m=9, mstd=0.5, inc=1)),
        ("rand-m15-n3-mmax20-w0", Spec(m=15, n=3, mmax=20, w=0)),
        ("rand-mstdinf-p1", Spec(mstd=math.inf, p=1.0)),
        ("rand-inc0-p.25", Spec(p=0.25)),
    ],
)
def test_strings_of_timm_are_read(spec, expected):
    assert read_spec(spec) == expected
    assert ga.TimmRandAugment(spec).label() == f"TimmRandAugment(spec={spec!r})"


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        (9, TypeError, "spec must be a string such as 'rand-m9-mstd0.5-inc1', got int"),
        ("augmix-m3", ValueError, "spec must begin with 'rand'.*got 'augmix-m3'"),
        ("rand-x3", ValueError, "spec must have sections of m, n, p, mstd, .*, got 'x3' in 'rand-x3'"),
        ("rand-m9.5", ValueError, "got 'm9.5' in 'rand-m9.5'"),
        ("rand-m9-n0", ValueError, r"spec: n must be in \[1, 10\], got 'n0' in 'rand-m9-n0'"),
        ("rand-w1", ValueError, r"spec: w must be in \[0, 0\], got 'w1'"),
    ],
)
def test_wrong_strings_of_timm_are_refused(spec, error, message):
    with pytest.raises(error, match=message):
        ga.TimmRandAugment(spec)


def shown(spec):
    return {op.name: op.magnitudes for op in ga.TimmRandAugment(spec).transforms}


def test_magnitudes_match_timm():
    assert shown("rand-m5") == {
        **{"AutoContrast": "", "Equalize": "", "Invert": "", "Rotate": "±15 degrees", "Posterize": "2 bits"},
        **{"SolarizeFrom": "128", "SolarizeAdd": "55"},
        **dict.fromkeys(("Color", "Contrast", "Brightness", "Sharpness"), "0"),  # a factor of 1
        **{"ShearX": "±0.15", "ShearY": "±0.15", "SlideX": "±0.225", "SlideY": "±0.225"},
    }
    increasing = shown("rand-m9-inc1")
    assert increasing["Posterize"] == "1 bits"
    assert increasing["SolarizeFrom"] == "26"
    assert increasing["Color"] == "±0.81"
    assert shown("rand-m9-mstd0.5-inc1")["Rotate"] == "±0 to ±30 degrees"


def test_ops_that_only_timm_has():
    levels = torch.tensor([0, 17, 18, 127, 128, 250], dtype=torch.uint8).view(1, 1, 1, 6)
    assert Fixed(("SolarizeAdd", 110))(levels).flatten().tolist() == [110, 127, 128, 237, 128, 250]
    assert Fixed(("SolarizeFrom", 18))(levels).flatten().tolist() == [0, 17, 237, 128, 127, 5]
    assert Fixed(("SolarizeFrom", 256))(levels).flatten().tolist() == levels.flatten().tolist()
    assert Fixed(("SlideX", 0.25))(levels * 0 + 100).flatten().tolist() == [0, 50, 100, 100, 100, 100]


def rows_of(policy, count=40_000):
    draws = random.keyed_draws(14, 0, torch.arange(count), torch.ones(count, dtype=torch.int64))
    (numbers,) = random.uniform(draws[:, 2], [0], [policy.random_count])
    return policy.choose(numbers)


def test_each_op_falls_on_a_draw_by_chance():
    rows = rows_of(ga.TimmRandAugment("rand-m9-p0.3"))
    counts = torch.bincount(rows[:, 0], minlength=31)
    expected = torch.full((31,), 0.3 / 30)
    expected[30] = 0.7
    assert chisquare(counts, expected * len(rows)).pvalue > 1e-4


def test_weighted_ops_are_not_drawn_twice():
    policy = ga.TimmRandAugment("rand-m9-p1-w0-n2")
    ops = policy._space.ops[rows_of(policy)]
    assert (ops[:, 0] != ops[:, 1]).all()
    weights = torch.tensor(WEIGHTS, dtype=torch.float64)
    first = weights / weights.sum()
    second = sum(first[k] * (first * (torch.arange(15) != k)) / (1 - first[k]) for k in range(15))
    for slot, expected in enumerate((first, second)):
        known = expected > 0
        counts = torch.bincount(ops[:, slot], minlength=15)
        assert not counts[~known].any()
        assert chisquare(counts[known], expected[known] * len(ops)).pvalue > 1e-4


@pytest.mark.parametrize(
    ("spec", "share_below"),
    [
        ("rand-m6-mstd1-p1", lambda magnitude: norm(6, 1).cdf(magnitude)),
        ("rand-m6-mstd101-p1", lambda magnitude: magnitude / 6),
        ("rand-m12-mstd0.5-mmax15-p1", lambda magnitude: norm(12, 0.5).cdf(magnitude)),
    ],
)
def test_magnitudes_have_their_deviation(spec, share_below):
    policy = ga.TimmRandAugment(spec)
    levels = rows_of(policy)[:, 0] // 2 % policy._space.levels
    middle = policy._read.m if policy._read.mstd < 100 else 3
    ends = [-1, *(16 * (middle + step / 4) for step in range(-3, 4)), policy._space.levels]
    counts = torch.tensor([((levels > a) & (levels <= b)).sum() for a, b in itertools.pairwise(ends)])
    below = [0.0, *(share_below((end + 0.5) / 16) for end in ends[1:-1]), 1.0]
    expected = torch.tensor(below, dtype=torch.float64).diff() * len(levels)
    assert chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 1e-4


def test_a_magnitude_is_cut_at_the_largest():
    policy = ga.TimmRandAugment("rand-m10-mstd1-p1")
    levels = rows_of(policy)[:, 0] // 2 % policy._space.levels
    share = (levels == 160).double().mean()
    assert abs(share - 0.5) < 0.02
