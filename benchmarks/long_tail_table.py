"""The parts of ``docs/results/study.md`` and README about a long tail, from the reports of its studies.

python benchmarks/long_tail_table.py           # fails where a page says something else
python benchmarks/long_tail_table.py --write   # writes the parts, each between its two marks
"""

from __future__ import annotations

from pathlib import Path

from marked_part import MarkedPart, run, table
from studies_table import PAGE, Report, figure, interval, paragraph, report

from gpuaug.study.statistics.paired import Difference

README = Path(__file__).parents[1] / "README.md"
ABOUT = {
    "natural": "the images as they are, cross-entropy",
    "majority": "every class as often as the largest",
    "power(0.5)": "draws by the square root of the count",
    "deferred(5)": "natural for 5 epochs, then as `majority`",
    "progressive(8)": "from natural to `majority` in 8 epochs",
    "class_weights": "natural draws, weights inverse to the counts",
    "focal": "natural draws, focal loss",
    "ldam_drw(5)": "natural draws, LDAM, weights from epoch 5 on",
    "logit_adjusted": "natural draws, logit adjustment in the loss",
    "decoupled(5)": "natural draws, the classifier trained anew on balanced draws from epoch 5 on",
    "post_hoc": "as `natural`, its logits moved to equal shares after training",
}
# The arms of ABOUT with every draw cropped and flipped, by their names in the second report.
WITH_ALL = {"majority": "all"} | {arm: f"{arm}: all" for arm in ABOUT if arm not in ("majority", "post_hoc")}
# Further ways to make other images of the draws, with the draws that they have there.
AUGMENTED = {
    "randaugment": "every class as often as the largest, RandAugment",
    "logit_adjusted: randaugment": "natural draws, logit adjustment, RandAugment",
    "natural: randaugment": "natural draws, RandAugment",
    "mixup": "every class as often as the largest, mixup",
    "curriculum": "every class as often as the largest, more techniques for a class the better it is known",
    "cmo": "natural draws, boxes of rare classes pasted",
}
# The order that BagofTricks-LT reports (its paper: Zhang et al., AAAI 2021), pair by pair.
LITERATURE = (
    ("deferred(5)", "majority", "Balancing later beats balancing from the start"),
    ("logit_adjusted", "deferred(5)", "Logit adjustment beats deferred balancing"),
    ("logit_adjusted", "majority", "Logit adjustment beats balancing from the start"),
)


def paired(found: Report, arm: str, other: str) -> Difference:
    """The difference of two arms' accuracies, seed by seed."""
    return Difference.between(*(found["arms"][name]["accuracy"]["by_seed"] for name in (arm, other)))


def is_told(difference: Difference) -> bool:
    """Whether the 95 % interval leaves 0 out."""
    return difference.p is not None and difference.p < 0.05


def rows_of(found: Report) -> list[list[str]]:
    """The arms by accuracy, with their differences to the baseline in all, and for medium classes."""
    effects = found["effects"]["arms"]
    rows = [
        ["arm", "training", "accuracy", "difference to `natural` [95 %]", "… of recall, 20 to 100 images"]
    ]
    for arm in sorted(found["arms"], key=lambda name: -found["arms"][name]["accuracy"]["mean"]):
        differs = ["", ""]
        if arm in effects:
            medium = effects[arm]["splits"]["medium"]
            differs = [interval(effects[arm]), f"{medium['mean']:+.3f}"]
        rows.append([f"`{arm}`", ABOUT.get(arm, ""), figure(found["arms"][arm]["accuracy"]), *differs])
    return rows


def verdicts(found: Report) -> str:
    effects = found["effects"]["arms"]
    margin = f"{found['effects']['margin']:g}"
    said = []
    for verdict, what in (
        ("effective", "better than `natural`"),
        ("harmful", "worse than `natural`"),
        (f"no effect above {margin}", f"within {margin} of `natural`"),
        ("inconclusive", "cannot be told from `natural`"),
    ):
        names = [f"`{arm}`" for arm, of in effects.items() if of["verdict"] == verdict]
        if names:
            said.append(f"{what}: {', '.join(names)}")
    seeds = len(found["arms"]["natural"]["accuracy"]["by_seed"])
    return f"{seeds} seeds. After Holm's correction for {len(effects)} comparisons: {'; '.join(said)}."


def against_the_literature(found: Report) -> list[str]:
    """A line for each pair: the difference, and whether that confirms the order."""
    lines = []
    for arm, other, claim in LITERATURE:
        differs = paired(found, arm, other)
        said = "neither confirmed nor contradicted"
        if is_told(differs):
            said = "confirmed" if differs.mean > 0 else "contradicted"
        lines.append(f"- {claim}: {said}. `{arm}` − `{other}` = {differs}.")
    return lines


def plain(found: Report) -> str:
    return "\n".join(
        [
            "",
            *table(rows_of(found), "---"),
            "",
            paragraph(verdicts(found)),
            "",
            "The order that BagofTricks-LT reports, seed by seed:",
            "",
            *against_the_literature(found),
            "",
        ]
    )


def with_all_rows(plainly: Report, found: Report) -> list[list[str]]:
    """The arms by their accuracy with augmentation, beside that without; the seeds are the same."""
    rows = [["arm", "accuracy", "with `all`", "what `all` changes [95 %]"]]
    for arm, name in sorted(WITH_ALL.items(), key=lambda of: -found["arms"][of[1]]["accuracy"]["mean"]):
        before, after = plainly["arms"][arm]["accuracy"], found["arms"][name]["accuracy"]
        change = Difference.between(after["by_seed"], before["by_seed"])
        rows.append([f"`{arm}`", figure(before), figure(after), str(change)])
    return rows


def augmented_rows(plainly: Report, found: Report) -> list[list[str]]:
    """Policies, mixes and the curriculum, each beside plain balanced draws and logit adjustment."""
    others = ("majority", "logit_adjusted")
    rows = [["arm", "training", "accuracy", *(f"− `{other}` [95 %]" for other in others)]]
    for arm in sorted(AUGMENTED, key=lambda name: -found["arms"][name]["accuracy"]["mean"]):
        accuracy = found["arms"][arm]["accuracy"]
        differs = [
            str(Difference.between(accuracy["by_seed"], plainly["arms"][other]["accuracy"]["by_seed"]))
            for other in others
        ]
        rows.append([f"`{arm}`", AUGMENTED[arm], figure(accuracy), *differs])
    return rows


def augmented(found: Report) -> str:
    plainly = report("fashion-long-tailed")
    return "\n".join(
        [
            "",
            *table(with_all_rows(plainly, found), "---"),
            "",
            *table(augmented_rows(plainly, found), "---"),
            "",
            paragraph(verdicts(found)),
            "",
        ]
    )


def in_short(found: Report) -> str:
    """The sentence of README: whether sampling is the answer."""
    names = {
        "natural": "on the images as they are",
        "majority": "with balanced draws",
        "logit_adjusted": "with logit adjustment",
        "decoupled(5)": "with a classifier trained anew on balanced draws",
    }
    listed = ", ".join(f"{figure(found['arms'][arm]['accuracy'])} {about}" for arm, about in names.items())
    seeds = len(found["arms"]["natural"]["accuracy"]["by_seed"])
    gains = []
    for arm, about in (
        ("logit_adjusted", "logit adjustment"),
        ("decoupled(5)", "the classifier trained anew"),
    ):
        differs = paired(found, arm, "majority")
        told = "" if is_told(differs) else ", which these seeds cannot tell from 0"
        gains.append(f"{about} {differs}{told}")
    second = report("fashion-long-tailed-augmented")["arms"]
    policy = " and ".join(
        f"{figure(second[arm]['accuracy'])} {names[of]}"
        for arm, of in (("randaugment", "majority"), ("logit_adjusted: randaugment", "logit_adjusted"))
    )
    said = (
        f"On a long tail of ten classes (Fashion-MNIST, {seeds} seeds): {listed}. Against balanced draws: "
        f"{'; '.join(gains)}. With RandAugment: {policy}."
    )
    return paragraph(said) + "\n"


def _part(name: str, study: str, expected: object, page: Path = PAGE) -> MarkedPart:
    begin, end = f"<!-- {name}: benchmarks/long_tail_table.py -->\n", f"<!-- end of {name} -->\n"
    return MarkedPart(page, begin, end, lambda: expected(report(study)))  # type: ignore[operator]


PARTS = (
    _part("long tail", "fashion-long-tailed", plain),
    _part("long tail with augmentation", "fashion-long-tailed-augmented", augmented),
    _part("long tail in short", "fashion-long-tailed", in_short, README),
)


if __name__ == "__main__":
    run(PARTS, Path(__file__).name, __doc__)
