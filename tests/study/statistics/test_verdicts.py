"""Verdicts on tables made by hand, and how often they are wrong where the truth is known."""

import numpy as np
import pytest
from scipy import stats

from gpuaug.study.cli import options
from gpuaug.study.statistics import verdicts
from gpuaug.study.statistics.paired import Difference
from gpuaug.study.statistics.verdicts import caution, judge

BASE = [0.60, 0.62, 0.61]


def plus(*differences):
    return Difference.between([base + of for base, of in zip(BASE, differences, strict=True)], BASE)


# Of three differences m - s, m, m + s the interval is m -+ 4.302653 s / sqrt(3) = m -+ 2.4841 s.
@pytest.mark.parametrize(
    ("mean", "spread", "margin", "words"),
    [
        (0.05, 0.01, 0.02, "effective"),  # [0.025, 0.075]
        (-0.05, 0.01, 0.02, "harmful"),
        (0.02, 0.01, 0.02, "inconclusive"),  # [-0.005, 0.045]
        (0.0, 0.01, 0.02, "inconclusive"),  # [-0.025, 0.025]
        (0.0, 0.01, 0.025, "no effect above 0.025"),  # within +-0.025 by 0.0002
        (0.0, 0.01, 0.0248, "inconclusive"),
        (0.005, 0.005, 0.02, "no effect above 0.02"),  # [-0.007, 0.017]
        (-0.005, 0.005, 0.02, "no effect above 0.02"),
        (0.01, 0.005, 0.02, "inconclusive"),  # [-0.002, 0.022]
        (0.01, 0.002, 0.02, "effective"),  # [0.005, 0.015]: both, and the effect is said
        (0.2, 0.15, 0.02, "inconclusive"),  # [-0.17, 0.57]
        (0.0, 0.0, 0.02, "inconclusive"),  # no spread
        (0.3, 0.0, 0.02, "inconclusive"),
    ],
)
def test_the_verdict_on_one_arm(mean, spread, margin, words):
    found = judge({"arm": plus(mean - spread, mean, mean + spread)}, margin)
    assert found["arm"].words == words


def test_holm_is_for_effects_and_not_for_their_absence():
    marginal, flat = plus(0.04, 0.05, 0.06), plus(0.0, 0.005, 0.01)
    alone = judge({"marginal": marginal, "flat": flat})
    assert [of.words for of in alone.values()] == ["effective", "no effect above 0.02"]
    many = judge({"marginal": marginal, "flat": flat, **{f"arm {n}": plus(0.1, 0.0, -0.1) for n in range(9)}})
    assert many["marginal"].words == "inconclusive"
    assert many["marginal"].adjusted == pytest.approx(11 * marginal.p)
    assert many["flat"].words == "no effect above 0.02"


STUDIES, ARMS, SEEDS = 600, 4, 4


def studies(mean, spread):
    """Of simulated studies the differences, ``mean`` in truth; arms share their baseline's noise."""
    rng = np.random.default_rng(12)
    for _ in range(STUDIES):
        base = 0.6 + spread * rng.standard_normal(SEEDS)
        arms = 0.6 + mean + spread * rng.standard_normal((ARMS, SEEDS))
        yield {f"arm {n}": Difference.between(arm, base) for n, arm in enumerate(arms)}


def test_without_an_effect_one_study_in_twenty_says_that_there_is_one():
    found = sum(
        any(of.words in ("effective", "harmful") for of in judge(arms).values())
        for arms in studies(0.0, 0.01)
    )
    # At most 5 %, and less where arms share a baseline, for Holm's correction does not count on that.
    assert 0 < found <= stats.binom.ppf(0.9999, STUDIES, 0.05)


def test_an_effect_of_the_margin_is_taken_for_none_once_in_forty():
    found = sum(next(iter(arms.values())).within(0.02) for arms in studies(0.02, 0.004))
    assert stats.binom.ppf(0.0001, STUDIES, 1 / 40) <= found <= stats.binom.ppf(0.9999, STUDIES, 1 / 40)


def test_little_noise_shows_that_there_is_no_effect():
    # The others are effective or harmful by chance, or have an interval that is by chance wide.
    words = [of.words for arms in studies(0.0, 0.002) for of in judge(arms).values()]
    assert words.count("no effect above 0.02") > 0.95 * len(words)


def test_caution_where_seeds_are_too_few():
    # Standard deviation 0.1414 over 2 seeds: 12.7062 * 0.1 is above 1.
    wild = Difference.between([0.7, 0.5], [0.5, 0.5])
    assert "no mean difference can be significant, for none is above 1; and none can be shown" in caution(
        [wild]
    )
    # 0.01414 and 0.127, of 50 arms 6.37.
    tame = Difference.between([0.52, 0.50], [0.5, 0.5])
    assert "must be above 0.1271 to be significant at all, and none can be so whatever" in caution(
        [tame] * 50
    )
    # By 0.0002 and 0.0018 below the margin.
    still = Difference.between([0.5002, 0.5], [0.5, 0.5])
    assert "no effect above 0.02" not in caution([still]).partition("“")[0]


def test_the_option_has_the_same_default():
    assert options.MARGIN == verdicts.MARGIN
