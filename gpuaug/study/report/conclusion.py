"""What a reader should take from a study, in three sentences, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from gpuaug.study.statistics.effects import Effects
from gpuaug.study.statistics.paired import Difference
from gpuaug.study.statistics.verdicts import EFFECTIVE, HARMFUL, INCONCLUSIVE, no_effect

NAMED = 3  # arms of one verdict; the others are counted
# What the next command says anew; None: an option without a value.
REPLACED = {"--seeds": "N", "--margin": "X", "--max-seeds": "N", "--out": "FOLDER", "--overwrite": None}


def conclusion(effects: Effects) -> str:
    """What helps; what harms or does nothing; what cannot be told yet: a sentence each."""
    if not effects.arms:
        return f"There is one arm, “{effects.baseline}”: this says how well it does, not what would help."
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
    return f"{first} {how}. {second}. {third}."


def seeds_text(effects: Effects) -> str:
    """How many seeds the arms have.

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


def next_command(effects: Effects, command: str, out: str) -> str:
    """What to type where an arm cannot be told yet; "" where there is none.

    A study of so many seeds begins anew, as one that grows: to add seeds because it showed nothing would find
    effects that are not there. One that has grown and has looks left goes on; else it begins with more seeds.

    Args:
        command: of this study.
        out: its folder.
    """
    if all(of.verdict != INCONCLUSIVE for of in effects.arms.values()):
        return ""
    looks = effects.looks
    if looks is None:
        again = ["--until", f"{effects.margin:g}", "--out", f"{out}-until"]
        return shlex.join([*without(shlex.split(command), REPLACED), *again])
    seeds = max(len(of.difference.by_seed) for of in effects.arms.values())
    if seeds < looks.seeds[-1]:
        left = without(shlex.split(command), {"--max-minutes": "M", "--overwrite": None})
        return shlex.join([*left, "--resume"])
    more = ["--seeds", str(looks.seeds[0]), "--max-seeds", str(2 * looks.seeds[-1]), "--out", f"{out}-more"]
    return shlex.join([*without(shlex.split(command), REPLACED), *more])


def without(words: Sequence[str], options: Mapping[str, str | None]) -> list[str]:
    """A command line without some options and their values.

    >>> without(["study", "--seeds", "2", "--overwrite", "--out=x"], REPLACED)
    ['study']
    """
    left, skip = [], False
    for word in words:
        name, joined, _ = word.partition("=")
        if skip:
            skip = False
        elif name in options:
            skip = options[name] is not None and not joined
        else:
            left.append(word)
    return left
