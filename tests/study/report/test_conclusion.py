"""The answer in three sentences, and what to type next."""

import shlex

import pytest

from gpuaug.__main__ import Parser
from gpuaug.study.cli.options import add_arguments
from gpuaug.study.cli.prepared import read_goal
from gpuaug.study.report.conclusion import conclusion, next_command
from gpuaug.study.statistics.effects import Effect, Effects
from gpuaug.study.statistics.looks import Looks
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


def test_many_arms_are_counted():
    said = conclusion(effects({"good": GOOD, **{f"arm {n}": WILD for n in range(9)}}))
    assert "whether “arm 0” (+0.033), “arm 1” (+0.033), “arm 2” (+0.033) and 6 more help or harm." in said


def options(command):
    """What the command line means, where it is one."""
    parser = Parser()
    add_arguments(parser)
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "gpuaug", "study"]
    found = parser.parse_args(words[4:])
    return found, read_goal(found)


COMMAND = "python -m gpuaug study --arms natural 'crop + hflip' --seeds 2 --margin 0.02 --overwrite --out=x"


def test_a_study_of_few_seeds_begins_anew_as_one_that_grows():
    said = next_command(effects({"a": WILD}), COMMAND, "x")
    assert said == "python -m gpuaug study --arms natural 'crop + hflip' --until 0.02 --out x-until"
    found, goal = options(said)
    assert (goal.until, goal.looks, found.overwrite) == (0.02, Looks.up_to(20), False)
    assert next_command(effects({"a": GOOD}), COMMAND, "x") == ""
    assert next_command(effects({}), COMMAND, "x") == ""


GROWN = "python -m gpuaug study --until 0.02 --max-seeds 4 --max-minutes 9 --seeds 3 --out x"


@pytest.mark.parametrize("command", [GROWN, f"{GROWN} --overwrite"])
def test_a_study_that_ran_out_of_minutes_goes_on(command):
    said = next_command(effects({"a": WILD}, Looks.up_to(4)), command, "x")
    found, goal = options(said)
    assert (goal.looks, goal.max_minutes, found.resume, str(found.out)) == (Looks.up_to(4), None, True, "x")


def test_a_study_that_ran_out_of_seeds_begins_with_more():
    said = next_command(effects({"a": WILD}, Looks.up_to(3)), GROWN, "x")
    found, goal = options(said)
    assert (goal.looks, goal.until, found.resume, str(found.out)) == (Looks.up_to(6), 0.02, False, "x-more")
