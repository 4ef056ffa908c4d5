"""From rows to verdicts, on rows made by hand."""

import pytest

from gpuaug.study.cli.options import METRICS
from gpuaug.study.report.tables import effects_table, where_table
from gpuaug.study.statistics.effects import effects
from gpuaug.study.statistics.measures import measures, of_class, splits
from gpuaug.study.training.metrics import ClassScore, Score
from gpuaug.study.training.rows import Epoch, Row

COUNTS = {"cat": 500, "dog": 50, "eel": 5}
BASE = [0.50, 0.52, 0.51, 0.53]


def rows(arm, by_seed):
    """Two epochs of each seed, of which the mean is the value; recalls rise by 0.05 from class to class."""
    return [
        Row(arm, seed, Epoch(number, 1.0, Score(value + shift, classes(value))))
        for seed, value in enumerate(by_seed)
        for number, shift in ((1, -0.1), (2, 0.1))
    ]


def classes(value):
    return tuple(
        ClassScore(10, value - 0.04 + 0.05 * n, 0.5, value / 2, value / 3, value / 4) for n in range(3)
    )


def plus(differences):
    return [base + difference for base, difference in zip(BASE, differences, strict=True)]


@pytest.fixture
def found():
    return effects(
        [
            *rows("base", BASE),
            *rows("good", plus([0.10, 0.11, 0.10, 0.11])),
            *rows("bad", plus([-0.10, -0.11, -0.10, -0.11])),
            *rows("noisy", plus([0.3, -0.2, 0.2, -0.1])),
        ],
        COUNTS,
        ["eel"],
        baseline="base",
    )


def test_verdicts_on_planted_effects(found):
    assert {arm: of.verdict for arm, of in found.arms.items()} == {
        "good": "effective", "bad": "harmful", "noisy": "inconclusive"
    }  # fmt: skip
    good = found.arms["good"]
    assert good.difference.mean == pytest.approx(0.105)
    assert good.difference.by_seed == pytest.approx((0.10, 0.11, 0.10, 0.11))
    assert good.adjusted == pytest.approx(3 * good.difference.p)
    assert "4 seeds, 3 comparisons." in found.caution


def test_effects_by_split_and_class(found):
    good = found.arms["good"]
    assert list(good.classes) == ["cat", "dog", "eel"]
    assert list(good.splits) == ["many", "medium", "few"]
    assert good.splits["few"].mean == pytest.approx(good.classes["eel"].mean) == pytest.approx(0.105)
    assert where_table(found).header == ("arm", "many", "medium", "few", "cat", "dog", "eel")


def test_a_difference_that_holms_correction_takes_back():
    few = {f"arm {n}": plus([0.02, -0.01, 0.01, -0.02]) for n in range(8)}
    marginal = plus([0.01, 0.02, 0.03, 0.04])  # p is 0.03 alone
    alone = effects([*rows("base", BASE), *rows("a", marginal)], COUNTS, ["eel"], baseline="base")
    among = effects(
        [*rows("base", BASE), *rows("a", marginal), *(row for arm in few for row in rows(arm, few[arm]))],
        COUNTS,
        ["eel"],
        baseline="base",
    )
    assert alone.arms["a"].difference == among.arms["a"].difference
    assert (alone.arms["a"].verdict, among.arms["a"].verdict) == ("effective", "inconclusive")


SPREAD = [-0.015, -0.005, 0.005, 0.015]  # of which the standard deviation is 0.0129


def around(*means):
    """The effects of arms whose differences lie as wide about each mean."""
    arms = {f"arm {n}": [0.2 + mean + of for of in SPREAD] for n, mean in enumerate(means)}
    every = [*rows("base", [0.2] * 4), *(row for arm in arms for row in rows(arm, arms[arm]))]
    return effects(every, COUNTS, ["eel"], baseline="base")


@pytest.mark.parametrize(
    ("mean", "others", "verdict"),
    [
        (0.0207, 0.2, "effective"),  # the others are, so little is asked of it
        (0.0204, 0.2, "inconclusive"),
        (0.0316, 0.0, "effective"),
        (0.0312, 0.0, "inconclusive"),  # more than the least, but the others are not
    ],
)
def test_the_least_differences_are_what_the_verdicts_go_by(mean, others, verdict):
    found = around(mean, others, others)
    assert found.arms["arm 0"].verdict == verdict
    # Student's t of 3 degrees of freedom at 0.975 and 1 - 0.05 / 6, times 0.0129 / 2.
    assert (
        "(standard deviation 0.0129), a mean difference must be above 0.0205 to be significant at all, and "
        "above 0.0313 to be so whatever the other arms do; and none can be shown to have no effect above "
        "0.02. "
    ) in found.caution


def test_one_comparison_has_one_least_difference():
    caution = around(0.1).caution
    assert "4 seeds, 1 comparison. Where a pair of arms" in caution
    assert "a mean difference must be above 0.0205 to be significant; and none can" in caution


def test_arms_without_a_p_are_in_the_family_too():
    found = effects(
        [
            *rows("base", [0.5, 0.5, 0.5, 0.5]),
            *(row for arm in ("same", "also") for row in rows(arm, [0.6, 0.6, 0.6, 0.6])),
            *rows("marginal", [0.51, 0.52, 0.53, 0.54]),  # p is 0.03 alone
        ],
        COUNTS,
        ["eel"],
        baseline="base",
    )
    marginal = found.arms["marginal"]
    assert marginal.difference.p == pytest.approx(0.0305, abs=0.0001)
    assert marginal.adjusted == pytest.approx(3 * marginal.difference.p)
    assert marginal.verdict == "inconclusive"
    for arm in ("same", "also"):
        assert found.arms[arm].difference.mean == pytest.approx(0.1)
        assert found.arms[arm].adjusted is None
        assert found.arms[arm].verdict == "inconclusive"


def test_one_seed_cannot_tell():
    found = effects([*rows("base", [0.5]), *rows("a", [0.9])], COUNTS, ["eel"], baseline="base")
    assert found.arms["a"].verdict == "inconclusive"
    assert "One seed shows no chance at work" in found.caution
    assert effects_table(found).rows == (("a", "inconclusive", "+0.400", "none", "none"),)


# Of a score of 0.6: recalls 0.56, 0.61, 0.66, as the classes have many, medium and few images.
MEANS = [0.6, 0.61, 0.3, 0.56, 0.2, 0.66, 0.5, 0.3, 0.15, 0.56, 0.61, 0.66]


@pytest.mark.parametrize(
    ("metric", "mean"),
    [*zip(METRICS, MEANS, strict=True), ("recall:dog", 0.61), ("precision:dog", 0.5), ("f1:eel", 0.3)],
)
def test_effects_by_every_metric(metric, mean):
    nothing = tuple(ClassScore(10, 0.0, 0.0, 0.0, 0.0, 0.0) for _ in range(3))
    zero = [Row("base", 0, Epoch(1, 1.0, Score(0.0, nothing)))]
    found = effects([*zero, *rows("a", [0.6])], COUNTS, ["eel"], baseline="base", metric=metric)
    assert found.arms["a"].difference.mean == pytest.approx(mean)
    assert sorted(measures(COUNTS, ["eel"])) == sorted(METRICS)
    assert len(of_class(COUNTS)) == 9


def test_a_metric_that_is_not_defined_leaves_the_arm_out():
    ranked, unranked = (ClassScore(1, 0.5, 0.5, 0.5, *more) for more in ((0.5, 0.5), ()))
    runs = [
        Row(arm, 0, Epoch(1, 1.0, Score(0.5, (of,))))
        for arm, of in [("base", ranked), ("good", ranked), ("diverged", unranked)]
    ]
    found = effects(runs, {"cat": 5}, ["cat"], baseline="base", metric="auroc")
    assert (list(found.arms), found.left_out) == (["good"], ("diverged",))
    assert effects(runs, {"cat": 5}, ["cat"], baseline="base").left_out == ()
    with pytest.raises(
        ValueError, match="metric must be defined for the baseline, and auroc is not for diverg"
    ):
        effects(runs, {"cat": 5}, ["cat"], baseline="diverged", metric="auroc")


def test_pairs_are_of_one_seed_whatever_the_order_of_rows():
    base, arm = rows("base", BASE), rows("a", plus([0.1, 0.2, 0.3, 0.4]))
    backwards = [row for seed in (3, 1, 0, 2) for row in arm if row.seed == seed]
    (found,) = effects([*base, *backwards], COUNTS, ["eel"], baseline="base").arms.values()
    assert found.difference.by_seed == pytest.approx((0.1, 0.2, 0.3, 0.4))
    with pytest.raises(ValueError, match=r"same seeds .* base has \[0, 1, 2, 3\], a has \[0, 1, 2\]"):
        effects([*base, *arm[:6]], COUNTS, ["eel"], baseline="base")


def test_splits_at_their_borders():
    assert splits({"a": 101, "b": 100, "c": 20, "d": 19}) == {"many": [0], "medium": [1, 2], "few": [3]}
    assert splits({"a": 101, "b": 5000}) == {"many": [0, 1]}
