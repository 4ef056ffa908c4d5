"""The sections of a report: result, by class, curves, calibration, confusion, cost, search, plan, gallery."""

from __future__ import annotations

from collections.abc import Sequence

from gpuaug.sampling import BalancedSampler
from gpuaug.study.report.calibration import calibration_table
from gpuaug.study.report.divergences import divergences_table
from gpuaug.study.report.document import Block, Code, Gallery, Paragraph, Picture, Section
from gpuaug.study.report.figures import NUMBERED, arms_shown, draw_confusions, draw_differences
from gpuaug.study.report.gallery import Exhibit
from gpuaug.study.report.learning_curves import draw_learning_curves
from gpuaug.study.report.pictures import as_svg
from gpuaug.study.report.study import Study
from gpuaug.study.report.tables import (
    MOST_CLASSES,
    Table,
    classes_table,
    cost_table,
    effects_table,
    in_parts,
    measures_table,
    search_table,
    summary_table,
    where_table,
)
from gpuaug.study.statistics.effects import Effects
from gpuaug.study.statistics.measures import FEW, MANY
from gpuaug.study.statistics.verdicts import no_effect
from gpuaug.study.training.networks import find_network
from gpuaug.study.training.rows import Row, last_epochs_text

TITLE = "What helps against the imbalance of this data set"
TOGETHER = (
    "The split does not keep images together that belong together, such as those of one patient or one "
    "video. Where the data has such groups, make train/ and test/ yourself: otherwise the test images are "
    "too easy."
)


def sections(study: Study, gallery: Sequence[Exhibit], versions: dict[str, str]) -> list[Section]:
    """All sections, in the order of reading."""
    parts = [Section("Result", result(study)), Section("By class", by_class(study))]
    parts += [Section("Curves", curves(study)), Section("Calibration", calibration(study))]
    parts += [Section("Confusion", confusion(study)), Section("Cost", cost(study))]
    if study.candidates:
        parts.append(Section("Search", searched(study)))
    parts += [Section("Plan", settings(study)), Section("Gallery", pictures(gallery))]
    parts.append(Section("Repeat it", [Code(study.command), Code(_lines(versions))]))
    return [part for part in parts if part.blocks]


def result(study: Study) -> list[Block]:
    last = last_epochs_text(study.protocol.epochs)
    summaries, diverged = study.summaries(), study.divergences()
    blocks: list[Block] = [divergences_table(diverged)] if diverged else []
    blocks += [
        Paragraph(f"Mean of the {last} ± standard deviation over the seeds:"),
        *in_parts(summary_table(summaries, study.minority)),
        measures_table(summaries),
    ]
    effects = study.effects
    if not effects.arms:
        return blocks
    return [
        differences(study),
        effects_table(effects),
        Paragraph(verdicts_text(effects)),
        Paragraph(effects.caution),
        *blocks,
    ]


def verdicts_text(effects: Effects) -> str:
    """The paragraph below the table of effects: the meaning of its numbers and verdicts."""
    said = (
        f"Every arm against “{effects.baseline}” by {effects.metric}: the mean difference over seeds, each "
        "pair of runs from the same initial weights, with Student's 95 % interval, cut at -1 and 1, as no "
        "difference of rates lies beyond. “effective” and “harmful” hold after Holm's correction for all "
        "these comparisons"
    )
    small, within = f"“{no_effect(effects.margin)}”", f"within the margin, ±{effects.margin:g}"
    if effects.looks is None:
        return f"{said} together; {small} says that the interval lies {within}; all else is inconclusive."
    return (
        f"{said} and looks together, and so does {small}: the difference lies {within}. The intervals are "
        "corrected for the looks, but not for the number of arms, so one may lie within the margin although "
        "its arm is inconclusive; and a verdict of an earlier look stays. All else is inconclusive."
    )


def differences(study: Study) -> Picture:
    effects = study.effects
    about = (
        f"Differences to “{effects.baseline}”: a large mark for the mean, ticks below for the seeds, a line "
        "for the 95 % interval, a thin one for that of other test images, with an arrow where it goes on; "
        "upward and green effective, downward and red harmful, square and blue within the band of "
        f"±{effects.margin:g}, round and grey inconclusive"
    )
    draw = lambda: draw_differences(effects)  # noqa: E731
    return Picture(about, as_svg("differences", about, draw), "differences.png")


def by_class(study: Study) -> list[Block]:
    blocks: list[Block] = []
    table = where_table(study.effects) if study.effects.arms else None
    if table is not None and len(table.header) > 1:
        blocks += [
            Paragraph(
                "Difference of recall [95 % interval, cut at -1 and 1, not corrected] to "
                f"“{study.effects.baseline}”: classes of many (above {MANY}), medium and few (below {FEW}) "
                "training images, where the set has more than one of these, and each class, where there are "
                f"up to {MOST_CLASSES}."
            ),
            *in_parts(table),
        ]
    if len(study.data.classes) <= MOST_CLASSES:
        shown = {row.arm for row in shown_rows(study)}
        summaries = {arm: of for arm, of in study.summaries().items() if arm in shown}
        for rate in ("recall", "precision"):
            blocks += [Paragraph(f"The {rate} of each class:"), classes_table(summaries, rate)]
    return blocks


def calibration(study: Study) -> list[Block]:
    table = calibration_table(shown_rows(study))
    if table is None:
        return []
    about = (
        "The expected calibration error says by how much confidence and accuracy differ; the Brier score is "
        "the distance of the probabilities from the truth. 0 is best for both. A cell has the value of the "
        "model's probabilities → that of probabilities corrected for the shares of the classes in "
        "training. The test images count as they are, and weighted so that the classes have the training "
        "images' shares."
    )
    return [Paragraph(about), table]


def cost(study: Study) -> list[Block]:
    return [
        Paragraph(
            "The cost of an epoch, measured where no other program kept the processors busy. Articles quote "
            "the best epoch; it is chosen on the test images, so its accuracy is too high, the more so "
            "with more epochs."
        ),
        cost_table(study.summaries(), study.effects.baseline),
    ]


def searched(study: Study) -> list[Block]:
    return [
        Paragraph(
            f"Successive halving with {study.search} epochs: a fifth of every class's training images was "
            "held out, and the candidates were ranked by their mean recall on it. The test images were not "
            "looked at; the first candidates then became arms of the comparison, trained anew on all "
            "training images."
        ),
        search_table(study.candidates),
    ]


def settings(study: Study) -> list[Block]:
    data, protocol = study.data, study.protocol
    counts = ", ".join(f"{count:,} {name}" for name, count in data.counts().items())
    seeds = range(study.first_seed, study.first_seed + study.seeds)
    facts = {
        "data": study.source,
        **({"split": f"{data.holdout}. {TOGETHER}"} if data.holdout else {}),
        "training images": counts,
        "test images": f"{len(data.test_labels):,}",
        "image": " x ".join(map(str, data.image_shape)),
        "minority": ", ".join(study.minority),
        "model": f"{protocol.network}: {find_network(protocol.network).about}",
        "epochs, batch": f"{protocol.epochs}, {protocol.batch_size}",
        "seeds": f"{', '.join(map(str, seeds))}; each gives every arm the same first weights",
    }
    blocks: list[Block] = [Table(("what", "is"), tuple(facts.items())), arms_table(study)]
    if study.refused:
        blocks.append(Table(("left out", "because"), tuple(study.refused.items())))
    return blocks


def arms_table(study: Study) -> Table:
    """The description of each arm, and its draws of each class in the first and the last epoch."""
    rows = []
    for name, arm in study.arms.items():
        sampler = BalancedSampler(study.data.train_labels, arm.target, num_replicas=1, rank=0)
        draws = []
        for epoch in sorted({0, study.protocol.epochs - 1}):
            sampler.set_epoch(epoch)
            draws.append(draws_text(list(sampler.plan_.values())))
        rows.append((name, arm.about, " → ".join(dict.fromkeys(draws))))
    return Table(("arm", "is", "draws by class"), tuple(rows))


def draws_text(draws: Sequence[int]) -> str:
    """
    >>> draws_text([5, 5, 5]), draws_text([4800, 1200])
    ('5 each', '4,800, 1,200')
    """
    if len(set(draws)) == 1:
        return f"{draws[0]:,} each"
    if len(draws) > MOST_CLASSES:
        return f"{max(draws):,} to {min(draws):,}"
    return ", ".join(f"{count:,}" for count in draws)


def curves(study: Study) -> list[Block]:
    rows = shown_rows(study)
    left_out = len(study.arms) - len({row.arm for row in rows})
    about = "Accuracy and recall of the minority on the test images, by epoch: mean and range over the seeds"
    if left_out:
        about += f"; the best and the worst arms, without the {left_out} between them"
    draw = lambda: draw_learning_curves(rows, study.data.classes, study.minority, narrow=True)  # noqa: E731
    return [Picture(about, as_svg("curves", about, draw), "curves.png")]


def shown_rows(study: Study) -> list[Row]:
    """The rows of the arms that pictures are drawn of."""
    shown = arms_shown(study.rows, study.effects)
    return [row for row in study.rows if row.arm in shown]


def confusion(study: Study) -> list[Block]:
    draw = lambda: draw_confusions(shown_rows(study), study.data.classes)  # noqa: E731
    about = (
        "The share of each class (lines) that was taken for each class (columns), in the last epochs of all "
        "seeds"
    )
    classes = study.data.classes
    if NUMBERED < len(classes) <= MOST_CLASSES:
        about += f"; {', '.join(f'{number} {name}' for number, name in enumerate(classes, start=1))}"
    return [Picture(about, as_svg("confusion", about, draw), "confusion.png")]


def pictures(gallery: Sequence[Exhibit]) -> list[Block]:
    """The gallery; no block where no arm changes an image."""
    if not gallery:
        return []
    about = "The first images of a rare class in each arm: the original, then four draws."
    return [Paragraph(about), Gallery(gallery)]


def _lines(facts: dict[str, str]) -> str:
    return "\n".join(f"{name} {value}" for name, value in facts.items())
