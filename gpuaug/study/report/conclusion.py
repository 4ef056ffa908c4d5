"""What a reader should take from a study, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from gpuaug.study.statistics.effects import Effects
from gpuaug.study.statistics.paired import Difference
from gpuaug.study.statistics.verdicts import EFFECTIVE, HARMFUL, INCONCLUSIVE, no_effect

NAMED = 3  # arms of one verdict; the others are counted


def conclusion(effects: Effects, seeds: int) -> str:
    """The sentence: which arms are effective or harmful, by how much, and what the seeds cannot tell."""
    if not effects.arms:
        return f"There is one arm, “{effects.baseline}”: this says how well it does, not what would help."
    found: dict[str, dict[str, Difference]] = {}
    for arm, of in sorted(effects.arms.items(), key=lambda item: -abs(item[1].difference.mean)):
        found.setdefault(of.verdict, {})[arm] = of.difference
    over = "one seed" if seeds == 1 else f"{seeds} seeds"
    open_ = found.get(INCONCLUSIVE, {})
    if len(open_) == len(effects.arms):
        return (
            f"Nothing is shown to do better or worse than “{effects.baseline}” by {effects.metric}: the "
            f"largest difference, that of {listed(open_, 1)}, may be chance, and {over} cannot tell more, so "
            "choose no arm by this report before more seeds agree."
        )
    words = {
        EFFECTIVE: ("is effective", "are effective"),
        HARMFUL: ("is harmful", "are harmful"),
        no_effect(effects.margin): (f"has {no_effect(effects.margin)}", f"have {no_effect(effects.margin)}"),
    }
    said = [
        f"{listed(found[verdict])} {few_many[len(found[verdict]) > 1]}"
        for verdict, few_many in words.items()
        if verdict in found
    ]
    if open_:
        do = "helps or harms" if len(open_) == 1 else "help or harm"
        said.append(f"{over} cannot tell whether {listed(open_)} {do}")
    return f"Against “{effects.baseline}”, by {effects.metric} over {over}: {'; '.join(said)}."


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
    if most > 1 and left:
        shown.append("one more" if left == 1 else f"{left} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
