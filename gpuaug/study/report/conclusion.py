"""The answer of a study, in three sentences."""

from __future__ import annotations

from collections.abc import Mapping

from gpuaug.study.statistics.effects import Effects
from gpuaug.study.statistics.paired import Difference
from gpuaug.study.statistics.verdicts import EFFECTIVE, HARMFUL, INCONCLUSIVE, no_effect

NAMED = 3  # arms of one verdict; the others are counted


def conclusion(effects: Effects) -> str:
    """Three sentences: the arms that help; those that harm or have no effect; those that are still open."""
    left_out = ", ".join(f"“{arm}”" for arm in effects.left_out)
    if left_out:
        left_out = f" Not compared, for {effects.metric} is not defined: {left_out}."
    if not effects.arms:
        alone = "Nothing is compared with" if left_out else "There is one arm,"
        return f"{alone} “{effects.baseline}”: this says how well it does, not what would help.{left_out}"
    found: dict[str, dict[str, Difference]] = {}
    for arm, of in sorted(effects.arms.items(), key=lambda item: -abs(item[1].difference.mean)):
        found.setdefault(of.verdict, {})[arm] = of.difference
    helps, harms = found.get(EFFECTIVE, {}), found.get(HARMFUL, {})
    little, open_ = found.get(no_effect(effects.margin), {}), found.get(INCONCLUSIVE, {})
    how = f"against “{effects.baseline}”, by {effects.metric} over {seeds_text(effects)}"
    first = f"{listed(helps)} {verb(helps, 'help')}" if helps else "Nothing is shown to help"
    second = f"{listed(harms)} {verb(harms, 'harm')}" if harms else "Nothing is shown to harm"
    if little:
        second += f"; {listed(little)} {verb(little, 'have')} {no_effect(effects.margin)}"
    if open_:
        them = "help or harm" if len(open_) > 1 else "helps or harms"
        third = f"It cannot be told yet whether {listed(open_)} {them}"
        if len(open_) == len(effects.arms):
            third += ", so choose no arm by this report"
    else:
        third = "Every arm is told, so more seeds would only make the intervals narrower"
    return f"{first} {how}. {second}. {third}.{left_out}"


def seeds_text(effects: Effects) -> str:
    """The number of seeds of the arms, in words.

    >>> of = Difference.between([0.75, 0.5, 0.5], [0.5, 0.5, 0.25])
    >>> from gpuaug.study.statistics.effects import Effect
    >>> seeds_text(Effects("base", "accuracy", 0.02, {"a": Effect(of, 0.5, "inconclusive", {}, {})}, ""))
    '3 seeds'
    """
    seeds = sorted({len(of.difference.by_seed) for of in effects.arms.values()})
    if seeds == [1]:
        return "one seed"
    return f"{seeds[0]} to {seeds[-1]} seeds" if len(seeds) > 1 else f"{seeds[0]} seeds"


def verb(arms: Mapping[str, Difference], plain: str) -> str:
    """
    >>> verb({"a": 0, "b": 0}, "help"), verb({"a": 0}, "help"), verb({"a": 0}, "have")
    ('help', 'helps', 'has')
    """
    return plain if len(arms) > 1 else {"have": "has"}.get(plain, f"{plain}s")


def listed(arms: Mapping[str, Difference], most: int = NAMED) -> str:
    """The first arms with their mean differences, and how many there are besides.

    >>> of = Difference.between([0.75, 0.5], [0.5, 0.5])
    >>> listed({"crop": of, "hflip": of})
    '“crop” (+0.125) and “hflip” (+0.125)'
    >>> listed({"crop": of, "hflip": of, "vflip": of, "hue": of})
    '“crop” (+0.125), “hflip” (+0.125), “vflip” (+0.125) and one more'
    """
    shown = [f"“{arm}” ({of.mean:+.3f})" for arm, of in list(arms.items())[:most]]
    left = len(arms) - len(shown)
    if left:
        shown.append("one more" if left == 1 else f"{left} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
