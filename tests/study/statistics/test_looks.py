"""Studies that are looked at again and again: how often they are wrong where the truth is known."""

import numpy as np
import pytest
from scipy import stats

from gpuaug.study.statistics.looks import Looks
from gpuaug.study.statistics.paired import Difference
from gpuaug.study.statistics.verdicts import decide, judge

STUDIES, ARMS, MARGIN, SPREAD = 2000, 6, 0.02, 0.015
LOOKS = Looks.up_to(20)
ENOUGH = stats.binom.ppf(0.999, STUDIES, 0.05)  # so many of 2,000, where one in twenty is right


def simulated(truth, seed=0, spread=SPREAD):
    """Differences ``(studies, arms, seeds)`` of those true means. Arms share their baseline's noise."""
    rng = np.random.default_rng(seed)
    shape = (STUDIES, len(truth), LOOKS.seeds[-1])
    noise = rng.standard_normal(shape) + rng.standard_normal((STUDIES, 1, shape[2]))
    return np.array(truth)[:, None] + spread * noise / np.sqrt(2)


def grown(differences):
    """The last words on every arm of every study, and the seeds of each: an arm that is told has no more."""
    none, large = LOOKS.p_values(differences, MARGIN)
    words, seeds = [], []
    for study in range(len(differences)):
        at = np.zeros(differences.shape[1], dtype=int)
        arms = np.arange(len(at))
        while True:
            said = decide(none[study, arms, at].tolist(), large[study, arms, at].tolist(), MARGIN)
            open_ = np.array([word == "inconclusive" for word in said])
            if not open_.any() or at.max() == len(LOOKS.seeds) - 1:
                break
            at[open_] = at.max() + 1
        words.append(said)
        seeds.append([LOOKS.seeds[n] for n in at])
    return np.array(words), np.array(seeds)


def test_of_2000_studies_without_an_effect_one_in_twenty_at_most_says_that_there_is_one():
    words, seeds = grown(simulated([0.0] * ARMS))
    false = (words == "effective").any(axis=1).sum()
    assert 0 < false <= ENOUGH
    assert (words == "no effect above 0.02").mean() > 0.9
    assert seeds.mean() < 18


def test_of_noisy_studies_without_an_effect_one_in_twenty_at_most_says_that_there_is_one():
    words, seeds = grown(simulated([0.0] * ARMS, seed=4, spread=0.1))
    assert 0 < (words == "effective").any(axis=1).sum() <= ENOUGH
    assert (words == "no effect above 0.02").mean() < 0.01
    assert seeds.mean() > 19  # they spend all their seeds, and say so


@pytest.mark.parametrize(("truth", "most"), [(0.02, 15), (0.03, 11), (0.05, 8)])
def test_true_effects_are_found_the_larger_the_sooner(truth, most):
    words, seeds = grown(simulated([truth] * ARMS, seed=5))
    assert (words == "effective").mean() > 0.95
    assert seeds.mean() < most


def test_without_the_parts_of_the_error_false_effects_come_far_more_often():
    # What the parts are for: here each look has the whole 5 %, shared among the arms alone.
    differences, false = simulated([0.0] * ARMS), 0
    for n in LOOKS.seeds:
        here = differences[..., :n]
        p = stats.ttest_1samp(here, 0.0, axis=-1).pvalue
        false = false | (p.min(axis=1) <= 0.05 / ARMS)
    assert false.sum() > 2 * ENOUGH


@pytest.mark.parametrize("sign", [-1, 1])
def test_an_effect_of_the_margin_is_taken_for_none_in_one_study_of_twenty_at_most(sign):
    words, _ = grown(simulated([sign * MARGIN] * ARMS, seed=1))
    assert (words == "no effect above 0.02").any(axis=1).sum() <= ENOUGH


def test_arms_with_and_without_an_effect_in_one_study():
    words, seeds = grown(simulated([0.0, 0.0, 0.05, -0.05, 0.0, MARGIN], seed=2))
    assert (words[:, [0, 1, 4]] == "effective").any(axis=1).sum() <= ENOUGH
    assert (words[:, 5] == "no effect above 0.02").sum() <= ENOUGH
    assert (words[:, 2:4] == "effective").mean() > 0.999
    assert seeds[:, 2:4].mean() < 8  # they end long before the others


def test_one_look_is_the_test_without_looks():
    rng = np.random.default_rng(3)
    one = Looks.up_to(5, first=5)
    assert (one.seeds, one.parts) == ((5,), (1.0,))
    for difference in rng.normal(0.01, 0.01, (20, 5)):
        of = Difference.between(0.5 + difference, [0.5] * 5)
        none, large = (float(p[0]) for p in one.p_values(np.array(of.by_seed), MARGIN))
        assert none == pytest.approx(of.p)
        assert (large <= 0.05) == of.within(MARGIN)


def test_a_look_by_hand():
    # Looks after 2 and 4 seeds spend a quarter and three quarters. Differences 0.1 and 0.2: t = 3, one degree
    # of freedom: p = 1 - 2 / pi * atan(3) = 0.2048, divided by a quarter.
    looks = Looks.up_to(4, first=2)
    assert looks.seeds == (2, 3, 4)
    looks = Looks((2, 4))
    assert looks.parts == (0.25, 0.75)
    none, large = looks.p_values(np.array([0.1, 0.2]), 0.25)
    assert none.tolist() == pytest.approx([4 * 0.204833], abs=1e-5)
    # 0.25 - 0.15 = 0.1 is two standard errors: p = 1 - 2 / pi * atan(2) = 0.2952, times four.
    assert large.tolist() == [1.0]
    # A second look that shows less changes nothing: 0.1, 0.2, -0.3, 0.0 have the mean 0.
    none, _ = looks.p_values(np.array([0.1, 0.2, -0.3, 0.0]), 0.25)
    assert none.tolist() == pytest.approx([4 * 0.204833] * 2, abs=1e-5)


def test_differences_without_spread_are_no_evidence():
    none, large = LOOKS.p_values(np.full((2, 4), 0.3), 0.5)
    assert (none == 1).all()
    assert (large == 1).all()


@pytest.mark.parametrize("first", [2, 3, 5])
@pytest.mark.parametrize("last", [5, 7, 20, 100])
def test_looks_grow_and_spend_all(first, last):
    looks = Looks.up_to(last, first)
    assert (looks.seeds[0], looks.seeds[-1]) == (first, last)
    assert list(looks.seeds) == sorted(set(looks.seeds))
    assert sum(looks.parts) == pytest.approx(1)
    assert min(looks.parts) > 0


def test_wrong_looks():
    with pytest.raises(ValueError, match=r"at least 2 seeds, .*, got 1"):
        Looks.up_to(20, first=1)
    with pytest.raises(ValueError, match="max_seeds must be at least the seeds of the first look, 3, got 2"):
        Looks.up_to(2)


def test_arms_that_were_told_early_are_judged_at_their_own_look():
    rng = np.random.default_rng(4)
    base = 0.5 + 0.01 * rng.standard_normal(9)
    shifts = 0.002 * rng.standard_normal((3, 9)) + [[0.1], [-0.1], [0.0]]
    early, late, same = (base + shift for shift in shifts)
    differences = {
        "early": Difference.between(early[:4], base[:4]),
        "late": Difference.between(late, base),
        "same": Difference.between(same, base),
        "wild": Difference.between(base + 0.1 * rng.standard_normal(9), base),
    }
    found = judge(differences, MARGIN, LOOKS)
    assert [of.words for of in found.values()] == [
        "effective", "harmful", "no effect above 0.02", "inconclusive"
    ]  # fmt: skip
    # By hand: the p of four seeds, divided by that look's part, times the four arms or fewer.
    part = (4**2 - 3**2) / 20**2
    at_four = stats.ttest_rel(early[:4], base[:4]).pvalue / part
    assert found["early"].adjusted in [pytest.approx(times * at_four) for times in (4, 3)]
