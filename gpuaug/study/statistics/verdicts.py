"""The verdict on each arm, from its differences to the baseline, and the limits of so few seeds.

Two questions, each with a test of its own: whether there is a difference (Student's t, with Holm's correction
for the number of arms), and whether it is too small to matter (the whole interval within a margin). An arm
that passes neither is inconclusive: "absence of evidence is not evidence of absence" (Altman and Bland, BMJ
311, 1995).
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gpuaug.study.statistics.looks import Looks
from gpuaug.study.statistics.paired import CONFIDENCE, NOTHING, Difference, holm, least_shown
from gpuaug.study.statistics.power import LEVEL, seeds_needed, tells

EFFECTIVE, HARMFUL, INCONCLUSIVE = "effective", "harmful", "inconclusive"
MARGIN = 0.02
ROUGH = 5  # seeds; fewer know the spread so badly that a number of seeds is a guess


@dataclass(frozen=True)
class Verdict:
    """The verdict on one arm: p after Holm's correction (None where there is no p), and the words."""

    adjusted: float | None
    words: str


def no_effect(margin: float) -> str:
    """
    >>> no_effect(0.02)
    'no effect above 0.02'
    """
    return f"no effect above {margin:g}"


def judge(
    differences: Mapping[str, Difference], margin: float = MARGIN, looks: Looks | None = None
) -> dict[str, Verdict]:
    """The verdict on every arm.

    >>> between = Difference.between
    >>> found = judge({
    ...     "better": between([0.71, 0.72, 0.73], [0.61, 0.62, 0.64]),
    ...     "same": between([0.611, 0.619, 0.641], [0.61, 0.62, 0.64]),
    ...     "wild": between([0.51, 0.82, 0.73], [0.61, 0.62, 0.64]),
    ... })
    >>> [of.words for of in found.values()]
    ['effective', 'no effect above 0.02', 'inconclusive']

    Args:
        differences: of all arms but the baseline, to the baseline.
        margin: X of "no effect above X".
        looks: of a study that grew until it could tell; each arm has the seeds of one of them.

    "effective" and "harmful": p is at most 0.05 after Holm's correction for all arms. They come first: an arm
    can be effective by less than the margin, which its interval then says. "no effect above X": the 95 %
    interval lies within (-X, X), each arm judged alone. Of arms with an effect of X or more, one in 40 at
    most is called so: these are the two one-sided tests of Schuirmann (J. Pharmacokinetics and
    Biopharmaceutics 15, 1987) at 2.5 % each.

    With ``looks`` both p-values are those of all looks together, and Holm's correction is for both: of whole
    studies, at most one in 20 calls an arm without an effect effective or harmful, and at most one in 20 says
    "no effect above X" of an arm that has one.
    """
    if looks is not None:
        return _judge_at_looks(differences, margin, looks)
    # An arm without a p is compared all the same: the others' p-values are adjusted for it too.
    corrected = holm([1.0 if of.p is None else of.p for of in differences.values()])
    return {
        arm: Verdict(None if of.p is None else adjusted, _words(of, adjusted, margin))
        for (arm, of), adjusted in zip(differences.items(), corrected, strict=True)
    }


def _words(difference: Difference, adjusted: float, margin: float) -> str:
    if difference.p is not None and adjusted <= 1 - CONFIDENCE:
        return EFFECTIVE if difference.mean > 0 else HARMFUL
    return no_effect(margin) if difference.within(margin) else INCONCLUSIVE


def _judge_at_looks(differences: Mapping[str, Difference], margin: float, looks: Looks) -> dict[str, Verdict]:
    last = [
        [float(values[-1]) for values in looks.p_values(np.array(of.by_seed), margin)]
        for of in differences.values()
    ]
    words = decide([none for none, _ in last], [large for _, large in last], margin)
    adjusted = holm([none for none, _ in last])
    signs = {arm: EFFECTIVE if of.mean > 0 else HARMFUL for arm, of in differences.items()}
    return {
        arm: Verdict(None if of.p is None else p, signs[arm] if said == EFFECTIVE else said)
        for (arm, of), p, said in zip(differences.items(), adjusted, words, strict=True)
    }


def decide(none: Sequence[float], large: Sequence[float], margin: float) -> list[str]:
    """The words on every arm, "effective" also for "harmful", from the p-values of all looks so far.

    >>> decide([0.001, 0.4, 0.4], [1.0, 0.01, 0.3], 0.02)
    ['effective', 'no effect above 0.02', 'inconclusive']

    Args:
        none, large: ``Looks.p_values`` of the arms, at the last look of each.
    """
    return [
        EFFECTIVE if of_none <= LEVEL else no_effect(margin) if of_large <= LEVEL else INCONCLUSIVE
        for of_none, of_large in zip(holm(none), holm(large), strict=True)
    ]


def can_tell(differences: Sequence[Difference], margin: float = MARGIN, looks: Looks | None = None) -> str:
    """The true differences that these seeds find, and the seeds that the margin needs; "" without a spread.

    >>> of = Difference.between([0.70, 0.74, 0.73, 0.71, 0.72], [0.7, 0.7, 0.7, 0.7, 0.7])
    >>> print(can_tell([of] * 4))
    With 5 seeds this study can tell differences of 0.039 or more, in four of five such studies and whatever
    the other arms do. For 0.02 it needs 11 seeds.
    """
    seeds, count = max(len(of.by_seed) for of in differences), len(differences)
    spread = middle_spread(differences)
    if spread <= NOTHING:
        return ""
    here, at_last = (LEVEL, LEVEL) if looks is None else (looks.level(seeds), looks.level(looks.seeds[-1]))
    least, needed = tells(spread, seeds, here / count), seeds_needed(margin, spread, at_last / count)
    more = f"For {margin:g} it needs {needed or 'more than 1,000'} seeds{' or so' if seeds < ROUGH else ''}."
    if least > 1:
        return f"With {seeds} seeds this study can tell no difference, for none is above 1. {more}"
    others = " and whatever the other arms do" if count > 1 else ""
    return (
        f"With {seeds} seeds this study can tell differences of {least:.3f} or more, in four of five such "
        f"studies{others}. {more}"
    )


def middle_spread(differences: Sequence[Difference]) -> float:
    """The median of the arms' standard deviations over the seeds."""
    return statistics.median(statistics.stdev(of.by_seed) for of in differences)


def caution(
    differences: Sequence[Difference],
    margin: float = MARGIN,
    looks: Looks | None = None,
    *,
    images: bool = False,
) -> str:
    """The paragraph about what these seeds can show and cannot. ``images`` says whether there are intervals
    for other test images too.
    """
    if not differences:
        return "There is no arm to compare with the baseline."
    seeds, count = max(len(of.by_seed) for of in differences), len(differences)
    if seeds == 1:
        return (
            "One seed shows no chance at work, so no difference can be told from it: "
            "take three seeds at the least, better five or more."
        )
    spread, alone = middle_spread(differences), looks is None
    said = [
        f"{seeds} seeds, {count} comparison{'s' * (count > 1)}.",
        _shown(spread, seeds, count, margin) if alone and spread > NOTHING else "",
        can_tell(differences, margin, looks),
        f"“{INCONCLUSIVE}” means that these seeds show neither an effect nor that there is none.",
        f"“{no_effect(margin)}” means that the whole interval lies within ±{margin:g}; it is said of each "
        "arm by itself, without Holm's correction."
        if looks is None
        else _looked(looks, margin),
        "The seeds change the initial weights, the order and the draws; the training and test images are the "
        f"same throughout, so {'those' if images else 'the'} intervals do not say how another sample of "
        "images would do.",
        "The intervals for other test images do, as far as these images are a fair sample; another training "
        "set is in none."
        if images
        else "",
    ]
    return " ".join(filter(None, said))


def _looked(looks: Looks, margin: float) -> str:
    *before, last = map(str, looks.seeds)
    seeds = f"{', '.join(before)} and {last}" if before else last
    return (
        f"Arms that could not be told yet were given more seeds, with looks after {seeds} seeds at the most; "
        "an arm that was told had no more. The 5 % are shared among the looks, so that looking again finds "
        f"nothing that is not there, and Holm's correction is for all arms, also for “{no_effect(margin)}”. "
        "The intervals are those of each arm's last look: of all looks together, 95 % hold the truth."
    )


def _shown(spread: float, seeds: int, count: int, margin: float) -> str:
    """The least difference that could be shown."""
    first, last = least_shown(spread, seeds, count), least_shown(spread, seeds, 1)
    if last > 1:
        least = "no mean difference can be significant, for none is above 1"
    else:
        least = f"a mean difference must be above {last:.4f} to be significant"
        if count > 1 and first > 1:
            least += " at all, and none can be so whatever the other arms do"
        elif count > 1:
            least += f" at all, and above {first:.4f} to be so whatever the other arms do"
    if last >= margin:  # half the interval
        least += f"; and none can be shown to have {no_effect(margin)}"
    return (
        "Where a pair of arms differs from seed to seed as much as the middle one here (standard deviation "
        f"{spread:.4f}), {least}."
    )
