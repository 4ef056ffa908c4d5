"""The forest plot: what is drawn of intervals that go beyond the picture."""

from dataclasses import replace

import pytest

from gpuaug.study.report.figures import (
    COLORS,
    MARKERS,
    OTHER,
    SHOWN,
    SMALL,
    confusion,
    draw_confusions,
    draw_differences,
    limit_of,
)
from gpuaug.study.report.learning_curves import draw_learning_curves
from gpuaug.study.statistics.effects import Effect, Effects
from gpuaug.study.statistics.paired import Difference
from gpuaug.study.statistics.verdicts import judge
from gpuaug.study.training.metrics import ClassScore, Score
from gpuaug.study.training.rows import Epoch, Row

BASE = [0.50, 0.52]


def effects(arms, margin=0.02):
    differences = {
        arm: Difference.between([base + of for base, of in zip(BASE, by_seed, strict=True)], BASE)
        for arm, by_seed in arms.items()
    }
    judged = judge(differences, margin)
    table = {
        arm: Effect(of, judged[arm].adjusted, judged[arm].words, {}, {}) for arm, of in differences.items()
    }
    return Effects("base", "accuracy", margin, table, "")


def arrows(figure):
    """Of each arm the arrows, from the lowest line up."""
    (axes,) = figure.axes
    places = {place: [] for place in axes.get_yticks()}
    for line in axes.lines:
        if line.get_marker() in ("<", ">"):
            places[line.get_ydata()[0]].append((line.get_marker(), line.get_xdata()[0]))
    return dict(zip((label.get_text() for label in axes.get_yticklabels()), places.values(), strict=True))


def test_an_arrow_stands_where_an_interval_is_cut():
    # Half widths 12.7062 times half the difference of two seeds: 0.635, 0.0064 and 0.127.
    figure = draw_differences(effects({"wide": [0.1, 0.2], "narrow": [0.1, 0.101], "up": [0.18, 0.2]}))
    (axes,) = figure.axes
    limit = 1.3 * 0.2 + 0.01
    assert axes.get_xlim() == pytest.approx((-limit, limit))
    assert arrows(figure) == {
        "narrow": [],
        "wide": [("<", pytest.approx(-limit)), (">", pytest.approx(limit))],
        "up": [(">", pytest.approx(limit))],
    }
    for line in axes.lines:
        assert max(map(abs, line.get_xdata())) <= limit + 1e-9


def test_no_arrow_at_the_end_of_what_is_possible():
    figure = draw_differences(effects({"all": [0.48, 0.4], "lost": [-0.5, -0.42]}))
    (axes,) = figure.axes
    assert axes.get_xlim()[1] < 1
    assert [marker for marker, _ in arrows(figure)["all"]] == [
        ">"
    ]  # 0.44 and 0.508 either way: [-0.068, 0.948]
    apart = effects({"all": [0.48, 0.4]})
    of = Difference.between([0.95, 0.9], [0.05, 0.1])  # [-0.42, 1]
    apart.arms["all"] = Effect(of, None, "inconclusive", {}, {})
    figure = draw_differences(apart)
    assert figure.axes[0].get_xlim() == (-1, 1)
    assert arrows(figure) == {"all": []}


def test_the_band_is_the_margin_also_where_all_differences_are_smaller():
    figure = draw_differences(effects({"same": [0.001, 0.002]}, margin=0.05))
    (axes,) = figure.axes
    (band,) = axes.patches
    assert (band.get_x(), band.get_width()) == pytest.approx((-0.05, 0.1))
    assert axes.get_xlim()[1] > 0.05


def test_every_verdict_has_its_color():
    found = effects(
        {"up": [0.1, 0.1001], "down": [-0.1, -0.1001], "same": [-0.001, 0.001], "wild": [-0.1, 0.1]}
    )
    (axes,) = draw_differences(found).axes
    dots = [line for line in axes.lines if line.get_marker() in MARKERS.values()]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert {name: dot.get_color() for name, dot in zip(names, dots, strict=True)} == {
        "up": COLORS["effective"], "down": COLORS["harmful"], "same": SMALL, "wild": OTHER
    }  # fmt: skip
    assert len({*COLORS.values(), SMALL, OTHER}) == 4
    # Nor does color alone say it.
    assert [dot.get_marker() for dot in dots] == [MARKERS[dot.get_color()] for dot in dots]
    assert len(set(MARKERS.values())) == 4


def test_a_thin_line_is_the_interval_for_other_images():
    found = effects({"a": [0.1, 0.101]})
    found.arms["a"] = replace(found.arms["a"], other_images=(0.05, 0.7))
    figure = draw_differences(found)
    lines = {
        line.get_linewidth(): [*map(float, line.get_xdata())]
        for line in figure.axes[0].lines
        if len(line.get_xdata()) == 2 and line.get_linestyle() == "-" and line.get_marker() == "None"
    }
    limit = limit_of(found)
    assert lines[0.8] == pytest.approx([0.05, limit])
    assert lines[2.5] == pytest.approx([0.1005 - 0.0064, 0.1005 + 0.0064], abs=1e-4)
    assert arrows(figure) == {"a": [(">", pytest.approx(limit))]}


def test_curves_are_told_apart_without_color():
    score = Score(0.5, (ClassScore(1, 0.5, 0.5, 0.5),) * 2)
    rows = [Row(f"arm {n}", 0, Epoch(1, 1.0, score)) for n in range(SHOWN)]
    figure = draw_learning_curves(rows, ["cat", "dog"], ["dog"])
    for axes in figure.axes:
        assert len({(line.get_marker(), line.get_linestyle()) for line in axes.lines}) == SHOWN


@pytest.mark.parametrize(("classes", "labels"), [(2, ["cat 0", "cat 1"]), (8, [*"12345678"]), (13, [])])
def test_axes_of_confusions_name_or_number_the_classes(classes, labels):
    names = [f"cat {n}" for n in range(classes)]
    counts = tuple(tuple(int(n == m) for n in range(classes)) for m in range(classes))
    of_class = (ClassScore(1, 1.0, 1.0, 1.0),) * classes
    row = Row("arm", 0, Epoch(1, 1.0, Score(1.0, of_class, counts)))
    (axes,) = draw_confusions([row], names).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == labels


def test_images_without_a_prediction_are_taken_for_no_class():
    of_class = (ClassScore(4, 0.5, 1.0, 0.5), ClassScore(2, 0.0, 0.0, 0.0))
    row = Row("arm", 0, Epoch(1, None, Score(1 / 3, of_class, ((2, 1), (0, 0))), unpredicted=3))
    assert confusion({0: [row]}).tolist() == [[0.5, 0.25], [0.0, 0.0]]
