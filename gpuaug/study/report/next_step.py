"""The next step after a study in which an arm cannot be told yet."""

from __future__ import annotations

import math
import shlex
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gpuaug.study.statistics.effects import Effects
from gpuaug.study.statistics.looks import Looks
from gpuaug.study.statistics.paired import NOTHING, Difference
from gpuaug.study.statistics.power import MOST_SEEDS, seeds_needed
from gpuaug.study.statistics.verdicts import INCONCLUSIVE, ROUGH

FIRST_LOOK = 3  # seeds, where the command does not say
# Options that a new study has with other values; None: an option without a value.
REPLACED = {
    **{"--seeds": "N", "--first-seed": "N", "--max-seeds": "N", "--until": "X", "--margin": "X"},
    **{"--out": "FOLDER", "--overwrite": None},
}
ROUNDS = 10  # in which the number of seeds and the part of the error at its last look are brought together


@dataclass(frozen=True)
class NextStep:
    """A sentence that says what is needed, and the command for it, "" where none would do."""

    why: str
    command: str = ""


def next_step(
    effects: Effects,
    command: str,
    out: str,
    first_seed: int = 0,
    search: int | None = None,
    diverged: Collection[str] = (),
) -> NextStep | None:
    """The next step; None where every arm is told.

    A study that grows and has looks left goes on. Any other begins anew in another folder, as one that grows,
    with seeds that this study has not used: to add seeds to a study because it showed nothing, or to use the
    same seeds twice, would find effects that are not there.

    Args:
        command: of this study.
        out: its folder.
        first_seed: the first of its seeds.
        search: the epochs of its search. The new study's has as many for each seed: a search that gave every
            candidate an epoch under one seed could not do so under three.
        diverged: the arms with a run that diverged. Where there are others, the number of seeds is estimated
            without these: a finished and a diverged run differ by more than other seeds would.
    """
    left = {arm: of.difference for arm, of in effects.arms.items() if of.verdict == INCONCLUSIVE}
    if not left:
        return None
    open_ = [of for arm, of in left.items() if arm not in diverged] or list(left.values())
    looks, words = effects.looks, shlex.split(command)
    done = max(len(of.difference.by_seed) for of in effects.arms.values())
    if looks is not None and done < looks.seeds[-1]:
        same = without(words, {"--max-minutes": "M", "--overwrite": None})
        return NextStep(
            f"This study stopped after {done} seeds and may have {looks.seeds[-1]}. The same study goes on:",
            shlex.join([*same, "--resume"]),
        )
    first = FIRST_LOOK if looks is None else looks.seeds[0]
    why = "A new study with other seeds, for the seeds of this one have been looked at."
    more = ["--until", f"{effects.margin:g}", "--first-seed", str(first_seed + done)]
    if any(spread_of(of) > NOTHING for of in open_):
        needed = growing_seeds(open_, len(effects.arms), effects.margin, first)
        if needed is None:
            return NextStep(
                f"To tell differences of {effects.margin:g}, more than {MOST_SEEDS:,} seeds are needed. "
                "Choose a larger difference (--until), or train longer, so that the seeds differ less."
            )
        rough = ", or so," if done < ROUGH else ""
        why += (
            f" To tell differences of {effects.margin:g} it needs {needed} seeds{rough} in four of five "
            "studies:"
        )
        more += ["--max-seeds", str(needed)]
    if looks is not None:
        more += ["--seeds", str(first)]
    elif search is not None and done < first:
        words = without(words, {"--search": "EPOCHS"})
        more += ["--search", str(math.ceil(search / done) * first)]
    folder = f"{out}-until" if looks is None else f"{out}-more"
    return NextStep(why, shlex.join([*without(words, REPLACED), *more, "--out", folder]))


def growing_seeds(differences: Sequence[Difference], arms: int, margin: float, first: int) -> int | None:
    """The most seeds that a study which grows should have, so that a true difference of ``margin`` is told in
    four of five studies; None above 1,000.

    >>> noisy = Difference.between([0.70, 0.74, 0.73, 0.71, 0.72], [0.7] * 5)
    >>> growing_seeds([noisy], arms=1, margin=0.02, first=3)
    9

    Args:
        differences: of the arms that cannot be told yet; the middle one of their spreads counts.
        arms: all that are compared, for Holm's correction.
        margin: the difference to tell.
        first: the seeds of the first look.
    """
    spread = statistics.median(of for of in map(spread_of, differences) if of > NOTHING)
    seeds = first
    # The last look has only a part of the error, which depends on the number of seeds.
    for _ in range(ROUNDS):
        needed = seeds_needed(margin, spread, Looks.up_to(seeds, first).level(seeds) / arms)
        if needed is None:
            return None
        before, seeds = seeds, max(needed, first)
        if seeds == before:
            break
    return max(before, seeds)


def spread_of(difference: Difference) -> float:
    """The standard deviation over the seeds, 0 for one seed."""
    return statistics.stdev(difference.by_seed) if len(difference.by_seed) > 1 else 0.0


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
