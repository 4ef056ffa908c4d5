"""What ``docs/results/study.md`` and README say of the studies of the two articles, from their reports.

python benchmarks/studies_table.py           # fails where a page says something else
python benchmarks/studies_table.py --write   # writes the parts, each between its two marks
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

from marked_part import MarkedPart, run, table

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "docs/results/study.md"
BALANCING = {
    "imbalanced": "the images as they are",
    "undersampled": "every class as often as the smallest",
    "duplicates": "every class as often as the largest",
    "copies": "the same; copies are cropped, flipped or noised, originals stay",
    "all": "the same; every draw of both classes is cropped and flipped",
}
FAR = 0.02  # techniques are listed from this difference on
BLUE = ("random_invert", "channel_shuffle", "random_grayscale")  # take the blue of the sea away, or mix it
Report = dict[str, Any]


def report(name: str) -> Report:
    found: Report = json.loads((FOLDER / "results" / f"study-{name}.json").read_text())
    return found


def figure(value: Report) -> str:
    return f"{value['mean']:.3f} ± {value['sd']:.3f}"


def interval(effect: Report) -> str:
    found = effect["difference"]
    return f"{found['mean']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"


def paragraph(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def is_far(effect: Report) -> bool:
    return abs(effect["difference"]["mean"]) >= FAR


def is_shown(effect: Report) -> bool:
    return effect["verdict"] in ("effective", "harmful")


# ---- Cats and dogs


def in_short(catdog: Report) -> str:
    """The sentence of README."""
    found = {arm: figure(catdog["arms"][arm]["accuracy"]) for arm in BALANCING}
    said = (
        "Accuracy on CIFAR-10's cats and dogs, four cats for every dog, a small network, 10 epochs, three "
        f"seeds: {found['imbalanced']} on the images as they are, {found['duplicates']} with dogs repeated "
        f"unchanged, {found['copies']} with their copies augmented, {found['all']} with every draw of both "
        "classes augmented."
    )
    return paragraph(said) + "\n"


def arms_of_cats_and_dogs(catdog: Report) -> str:
    rows = [["arm", "what an epoch draws", "accuracy", "cat recall", "dog recall", "dog F1"]]
    for arm, about in BALANCING.items():
        found = catdog["arms"][arm]
        cat, dog = found["classes"]["cat"], found["classes"]["dog"]
        shown = (found["accuracy"], cat["recall"], dog["recall"], dog["f1"])
        rows.append([f"`{arm}`", about, *map(figure, shown)])
    copies = catdog["arms"]["copies"]
    accuracy, recall = copies["accuracy"]["mean"], copies["classes"]["dog"]["recall"]["mean"]
    said = (
        "The article reports 73 % accuracy and up to 78 % recall of dogs for its scheme, here `copies`. "
        f"We find its accuracy ({accuracy:.3f}) and not its recall ({recall:.3f})."
    )
    return "\n".join(["", *table(rows, "---"), "", paragraph(said), ""])


def techniques(catdog: Report) -> str:
    effects = {arm: of for arm, of in catdog["effects"]["arms"].items() if arm not in BALANCING}
    far = sorted((arm for arm in effects if is_far(effects[arm])), key=lambda arm: -_mean(effects[arm]))
    rows = [["technique", "accuracy", "difference to `duplicates` [95 %]"]]
    for arm in far:
        rows.append([f"`{arm}`", figure(catdog["arms"][arm]["accuracy"]), interval(effects[arm])])
    near = [_mean(effects[arm]) for arm in effects if arm not in far]
    count = len(catdog["effects"]["arms"])
    shown = [arm for arm, of in catdog["effects"]["arms"].items() if is_shown(of)]
    adjusted = {arm: catdog["effects"]["arms"][arm]["adjusted"] for arm in ("shear", "all")}
    said = (
        f"The other {len(near)} lie between {min(near):+.3f} and {max(near):+.3f}. After Holm's correction "
        f"for {count} comparisons, {_listed(shown) or 'none'} {'are' if len(shown) > 1 else 'is'} "
        f"significant (`shear` has p = {adjusted['shear']:.2f}, `all` has p = {adjusted['all']:.2f}): three "
        "seeds are few."
    )
    return "\n".join(["", *table(rows, "---"), "", paragraph(said), ""])


def policies(catdog: Report, intel: Report) -> str:
    sentences = []
    for where, found in (("cats and dogs", catdog), ("sea and glacier", intel)):
        effects = found["effects"]["arms"]
        shown = [f"`{arm}` {interval(of)}" for arm, of in effects.items() if is_shown(of)]
        listed = f": {', '.join(shown)}" if shown else ""
        sentences.append(f"- On {where}, {len(shown)} of {len(effects)} differences are significant{listed}.")
    return "\n".join(["", *sentences, ""])


# ---- Sea and glacier


def arms_of_scenes(intel: Report, balanced: Report) -> str:
    rows = [["arm", "accuracy, last three epochs", "sea recall", "best epoch"]]
    arms = {"balanced: 1,344 of each": balanced["arms"]["imbalanced"]}
    arms |= {f"`{arm}`": found for arm, found in intel["arms"].items()}
    for arm, found in arms.items():
        shown = (found["accuracy"], found["classes"]["sea"]["recall"], found["best"])
        rows.append([arm, *map(figure, shown)])
    effects = intel["effects"]["arms"]
    best = {arm: f"{intel['arms'][arm]['best']['mean']:.3f}" for arm in ("channel_dropout", "duplicates")}
    shown_arms = [arm for arm in effects if is_shown(effects[arm])]
    least = re.search(r"must be above ([0-9.]+)", intel["effects"]["caution"])
    assert least is not None
    said = (
        "That article finds channel dropout harmful for scenes with a blue sea. So do we by its own measure, "
        f"the best epoch: {best['channel_dropout']} on every draw, where `duplicates` has "
        f"{best['duplicates']}. By the mean of the last epochs, the change of accuracy is "
        f"{interval(effects['channel_dropout'])} on every draw and "
        f"{interval(effects['channel_dropout @ copies'])} on copies alone, which is that article's scheme. "
        f"{_listed(shown_arms) or 'No arm'} differs significantly from `duplicates`; an effect below "
        f"{float(least[1]):.3f} could not have been shown."
    )
    return "\n".join(["", *table(rows, "---"), "", paragraph(said), ""])


def techniques_on_scenes(found: Report) -> str:
    effects = found["effects"]["arms"]
    shown = [arm for arm in effects if is_shown(effects[arm])]
    lowest = min(effects, key=lambda arm: _mean(effects[arm]))

    def named(*arms: str) -> str:
        return ", ".join(f"`{arm}` {interval(effects[arm])}" for arm in arms)

    said = (
        f"{_listed(shown) or 'None'} is significant. What helped the cats and dogs most does little here: "
        f"{named('resized_crop', 'translate')}. Among the lowest are some that take the blue of the sea "
        f"away, or mix it: {named(*BLUE)}; but not `channel_dropout`, which does so too: "
        f"{interval(effects['channel_dropout'])}. The lowest is {named(lowest)}."
    )
    return f"\n{paragraph(said)}\n\n"


def _mean(effect: Report) -> float:
    return float(effect["difference"]["mean"])


def _listed(arms: list[str]) -> str:
    return ", ".join(f"`{arm}`" for arm in arms)


def _part(name: str, expected: Any, page: Path = PAGE) -> MarkedPart:
    return MarkedPart(
        page, f"<!-- {name}: benchmarks/studies_table.py -->\n", f"<!-- end of {name} -->\n", expected
    )


PARTS = (
    _part("study", lambda: in_short(report("catdog")), FOLDER.parent / "README.md"),
    _part("cats and dogs", lambda: arms_of_cats_and_dogs(report("catdog"))),
    _part("techniques", lambda: techniques(report("catdog"))),
    _part("policies", lambda: policies(report("catdog-policies"), report("intel-policies"))),
    _part("scenes", lambda: arms_of_scenes(report("intel"), report("intel-balanced"))),
    _part("techniques on scenes", lambda: techniques_on_scenes(report("intel-techniques"))),
)


if __name__ == "__main__":
    run(PARTS, Path(__file__).name, __doc__)
