"""The answer in three sentences."""

from dataclasses import replace

import pytest

from gpuaug.study.report.conclusion import conclusion
from gpuaug.study.statistics.effects import Effect, Effects
from gpuaug.study.statistics.paired import Difference
from gpuaug.study.statistics.verdicts import judge

BASE = [0.60, 0.62, 0.61]


def plus(*differences):
    return Difference.between(
        [base + of for base, of in zip(BASE, differences, strict=False)], BASE[: len(differences)]
    )


GOOD, BAD = plus(0.099, 0.1, 0.101), plus(-0.099, -0.1, -0.101)
FLAT, WILD = plus(0.0, 0.005, 0.01), plus(0.3, -0.2, 0.0)


def effects(arms, looks=None):
    judged = judge(arms, 0.02, looks)
    table = {arm: Effect(of, judged[arm].adjusted, judged[arm].words, {}, {}) for arm, of in arms.items()}
    return Effects("base", "accuracy", 0.02, table, "", looks)


@pytest.mark.parametrize(
    ("arms", "sentences"),
    [
        (
            {"a": FLAT, "b": GOOD, "c": WILD, "d": BAD},
            "“b” (+0.100) helps against “base”, by accuracy over 3 seeds. “d” (-0.100) harms; “a” (+0.005) "
            "has no effect above 0.02. It cannot be told yet whether “c” (+0.033) helps or harms.",
        ),
        (
            {"a": GOOD, "b": GOOD},
            "“a” (+0.100) and “b” (+0.100) help against “base”, by accuracy over 3 seeds. Nothing is shown "
            "to harm. Every arm is told, so more seeds would only make the intervals narrower.",
        ),
        (
            {"a": WILD, "b": plus(-0.3, 0.1, -0.2)},
            "Nothing is shown to help against “base”, by accuracy over 3 seeds. Nothing is shown to harm. It "
            "cannot be told yet whether “b” (-0.133) and “a” (+0.033) help or harm, so choose no arm by this "
            "report.",
        ),
        ({}, "There is one arm, “base”: this says how well it does, not what would help."),
        (
            {"a": plus(0.4)},
            "Nothing is shown to help against “base”, by accuracy over one seed. Nothing is shown to harm. "
            "It cannot be told yet whether “a” (+0.400) helps or harms, so choose no arm by this report.",
        ),
    ],
)
def test_three_sentences(arms, sentences):
    assert conclusion(effects(arms)) == sentences


def test_arms_beyond_the_named_are_counted():
    said = conclusion(effects({"good": GOOD, **{f"arm {n}": WILD for n in range(9)}}))
    assert "whether “arm 0” (+0.033), “arm 1” (+0.033), “arm 2” (+0.033) and 6 more help or harm." in said


def test_an_arm_for_which_the_metric_is_not_defined_is_named():
    found = replace(effects({"a": GOOD}), metric="auroc", left_out=("b", "c"))
    assert conclusion(found).endswith(" Not compared, for auroc is not defined: “b”, “c”.")
    found = replace(effects({}), metric="auroc", left_out=("b",))
    assert conclusion(found).startswith("Nothing is compared with “base”: ")
