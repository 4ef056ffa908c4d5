"""The next step of a study: a command that the study's own parser takes, and that uses no seed twice."""

import shlex

import pytest

from gpuaug.__main__ import Parser
from gpuaug.study.cli.options import add_arguments
from gpuaug.study.cli.prepared import read_candidates, read_goal
from gpuaug.study.report.next_step import growing_seeds, next_step
from gpuaug.study.statistics.effects import Effect, Effects
from gpuaug.study.statistics.looks import Looks
from gpuaug.study.statistics.paired import Difference
from gpuaug.study.statistics.power import power
from gpuaug.study.statistics.verdicts import judge


def of(*differences):
    return Difference.between([0.5 + value for value in differences], [0.5] * len(differences))


GOOD, NOISY, WILD = of(0.099, 0.1, 0.101), of(0.03, -0.02, 0.0), of(0.3, -0.2, 0.0)
NOISY_4, NOISY_6 = of(0.03, -0.02, 0.0, 0.01), of(*[0.03, -0.02, 0.0] * 2)


def effects(arms, looks=None, margin=0.02):
    judged = judge(arms, margin, looks)
    table = {arm: Effect(of, judged[arm].adjusted, judged[arm].words, {}, {}) for arm, of in arms.items()}
    return Effects("base", "accuracy", margin, table, "", looks)


def options(command):
    """What the command line means, where it is one."""
    parser = Parser()
    add_arguments(parser)
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "gpuaug", "study"]
    found = parser.parse_args(words[4:])
    return found, read_goal(found)


COMMAND = "python -m gpuaug study --arms natural 'crop + hflip' --seeds 3 --margin 0.02 --overwrite --out=x"
GROWN = "python -m gpuaug study --until 0.02 --max-seeds 6 --max-minutes 9 --seeds 3 --first-seed=7 --out x"


def test_a_study_of_a_fixed_number_of_seeds_begins_anew_with_seeds_that_it_has_not_used():
    step = next_step(effects({"a": NOISY, "b": GOOD}), COMMAND, "x")
    found, goal = options(step.command)
    needed = growing_seeds([NOISY], 2, 0.02, 3)
    assert (goal.until, goal.looks, found.first_seed) == (0.02, Looks.up_to(needed), 3)
    assert (found.arms, str(found.out), found.overwrite) == (["natural", "crop + hflip"], "x-until", False)
    assert "the seeds of this one have been looked at" in step.why
    assert f"it needs {needed} seeds, or so, in four of five studies:" in step.why


def test_seeds_are_estimated_without_arms_that_diverged():
    arms = {"a": NOISY, "b": WILD}
    as_if_both = next_step(effects(arms), COMMAND, "x")
    without = next_step(effects(arms), COMMAND, "x", diverged=["b"])
    needed = growing_seeds([NOISY], 2, 0.02, 3)
    assert options(without.command)[1].looks == Looks.up_to(needed, 3)
    assert options(as_if_both.command)[1].looks.seeds[-1] > needed
    # Where nothing else is left, these must do.
    alone = next_step(effects({"b": WILD}), COMMAND, "x", diverged=["b"])
    assert alone == next_step(effects({"b": WILD}), COMMAND, "x")


def test_no_step_where_every_arm_is_told():
    assert next_step(effects({"a": GOOD}), COMMAND, "x") is None
    assert next_step(effects({}), COMMAND, "x") is None


def test_one_seed_has_no_spread_to_estimate_from():
    step = next_step(effects({"a": of(0.4)}), COMMAND, "x")
    found, goal = options(step.command)
    assert (found.first_seed, goal.looks) == (1, Looks.up_to(20))
    assert "needs" not in step.why


@pytest.mark.parametrize(("differences", "expected"), [([0.4], 9), ([0.03, -0.02], 9), ([0.03, -0.02, 0], 7)])
def test_a_search_has_as_many_epochs_for_each_seed_as_before(differences, expected):
    search = 2 * len(differences) + 1
    command = f"{COMMAND} --candidates hflip vflip --search {search} --keep 1"
    step = next_step(effects({"a": of(*differences)}), command, "x", search=search)
    found, goal = options(step.command)
    assert (found.search, found.candidates, found.keep) == (expected, ["hflip", "vflip"], 1)
    assert goal.looks.seeds[0] == 3
    assert list(read_candidates(found, {})) == ["hflip", "vflip"]  # the budget is enough


def test_a_difference_that_a_thousand_seeds_cannot_tell_has_no_command():
    step = next_step(effects({"a": WILD}), COMMAND, "x")
    assert step.command == ""
    assert step.why.startswith("To tell differences of 0.02, more than 1,000 seeds are needed.")


@pytest.mark.parametrize("command", [GROWN, f"{GROWN} --overwrite"])
def test_a_study_that_ran_out_of_minutes_goes_on(command):
    step = next_step(effects({"a": NOISY_4}, Looks.up_to(6)), command, "x", 7)
    found, goal = options(step.command)
    assert (goal.looks, goal.max_minutes, found.first_seed) == (Looks.up_to(6), None, 7)
    assert (found.resume, found.overwrite, str(found.out)) == (True, False, "x")
    assert "stopped after 4 seeds and may have 6" in step.why


def test_a_study_that_ran_out_of_seeds_begins_anew_with_as_many_as_it_needs():
    step = next_step(effects({"a": NOISY_6}, Looks.up_to(6)), GROWN, "x", 7)
    found, goal = options(step.command)
    assert goal.looks == Looks.up_to(growing_seeds([NOISY_6], 1, 0.02, 3))
    assert (goal.until, found.first_seed, found.resume, str(found.out)) == (0.02, 13, False, "x-more")


@pytest.mark.parametrize(("arms", "margin"), [(1, 0.02), (8, 0.02), (1, 0.01), (3, 0.05)])
def test_the_seeds_of_a_growing_study_are_those_that_its_last_look_needs(arms, margin):
    spread = 0.0251661  # of 0.03, -0.02, 0
    seeds = growing_seeds([NOISY, of(0.4)], arms, margin, 3)
    level = Looks.up_to(seeds).level(seeds) / arms
    assert power(margin, spread, seeds, level) >= 0.799
    assert seeds == 3 or power(margin, spread, seeds - 2, level) < 0.8
