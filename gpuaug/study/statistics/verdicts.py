"""What the differences to a baseline allow to be said of each arm, and what so few seeds cannot show.

Two questions, each with a test of its own: whether there is a difference (Student's t, with Holm's correction
for the number of arms), and whether it is too small to matter (the whole interval within a margin). An arm
that passes neither is inconclusive: "absence of evidence is not evidence of absence" (Altman and Bland, BMJ
311, 1995).
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpuaug.study.statistics.paired import CONFIDENCE, NOTHING, Difference, holm, least_shown

EFFECTIVE, HARMFUL, INCONCLUSIVE = "effective", "harmful", "inconclusive"
MARGIN = 0.02


@dataclass(frozen=True)
class Verdict:
    """Of one arm: p after Holm's correction (None where there is no p), and the words."""

    adjusted: float | None
    words: str


def no_effect(margin: float) -> str:
    """
    >>> no_effect(0.02)
    'no effect above 0.02'
    """
    return f"no effect above {margin:g}"


def judge(differences: Mapping[str, Difference], margin: float = MARGIN) -> dict[str, Verdict]:
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

    "effective" and "harmful": p is at most 0.05 after Holm's correction for all arms. They come first: an arm
    can be effective by less than the margin, which its interval then says. "no effect above X": the 95 %
    interval lies within (-X, X), each arm judged alone. Of arms with an effect of X or more, one in 40 at
    most is called so: these are the two one-sided tests of Schuirmann (J. Pharmacokinetics and
    Biopharmaceutics 15, 1987) at 2.5 % each.
    """
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


def caution(differences: Sequence[Difference], margin: float = MARGIN) -> str:
    """What these seeds can show, and what they cannot."""
    if not differences:
        return "There is one arm, so nothing to compare."
    seeds, count = len(differences[0].by_seed), len(differences)
    if seeds == 1:
        return (
            "One seed shows no chance at work, so no difference can be told from it: "
            "take three seeds at the least, better five or more."
        )
    spread = statistics.median(statistics.stdev(of.by_seed) for of in differences)
    return (
        f"{seeds} seeds, {count} comparison{'s' * (count > 1)}. "
        f"{_shown(spread, seeds, count, margin) if spread > NOTHING else ''}"
        f"“{INCONCLUSIVE}” means that these seeds show neither an effect nor that there is none. "
        f"“{no_effect(margin)}” means that the whole interval lies within ±{margin:g}; it is said of each "
        "arm by itself, without Holm's correction. The seeds change the initial weights, the order and the "
        "draws; the training and test images are the same throughout, so the intervals do not say how "
        "another sample of images would do."
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
        f"{spread:.4f}), {least}. "
    )
