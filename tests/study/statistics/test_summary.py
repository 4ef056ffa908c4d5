"""From rows to the table, against numbers worked out by hand."""

import pytest

from gpuaug.study.report.tables import as_text, cost_table, summary_table
from gpuaug.study.statistics.summary import Spread, summarise
from gpuaug.study.training.metrics import ClassScore, Score
from gpuaug.study.training.rows import Epoch, Row


def row(arm, seed, number, accuracy, recall):
    classes = (ClassScore(10, 1.0, 0.5, 2 / 3), ClassScore(5, recall, 0.8, recall / 2))
    return Row(arm, seed, Epoch(number, 0.1, Score(accuracy, classes)))


ROWS = [
    *(row("all", 0, n, a, r) for n, a, r in [(1, 0.0, 0.0), (2, 0.5, 0.1), (3, 0.6, 0.2), (4, 0.7, 0.6)]),
    *(row("all", 1, n, a, r) for n, a, r in [(1, 0.0, 0.0), (2, 0.8, 0.5), (3, 0.8, 0.5), (4, 0.8, 0.5)]),
    *(row("copies", seed, n, 0.25, 0.75) for seed in (0, 1) for n in (1, 2, 3, 4)),
]


def test_a_summary_is_of_the_last_three_epochs_then_of_the_seeds():
    summaries = summarise(ROWS, ["cat", "dog"])
    assert list(summaries) == ["all", "copies"]
    accuracy = summaries["all"].accuracy
    assert accuracy.by_seed == pytest.approx((0.6, 0.8))
    assert accuracy.mean == pytest.approx(0.7)
    assert accuracy.sd == pytest.approx(0.02**0.5)  # the sample's: sqrt(2 * 0.1 ** 2 / 1)
    recall = summaries["all"].classes["dog"]["recall"]
    assert recall.by_seed == pytest.approx((0.3, 0.5))
    assert summaries["all"].classes["dog"]["precision"].mean == pytest.approx(0.8)
    assert summaries["copies"].classes["cat"]["f1"].mean == pytest.approx(2 / 3)
    assert summaries["copies"].accuracy.sd == pytest.approx(0)


def test_a_summary_of_fewer_epochs_than_three():
    assert summarise(ROWS[:2], ["cat", "dog"])["all"].accuracy.by_seed == pytest.approx((0.25,))


def test_one_seed_has_no_deviation():
    assert Spread.over([0.5]) == Spread(0.5, None, (0.5,))
    assert str(Spread.over([0.5])) == "0.500"


def test_summary_table():
    assert as_text(summary_table(summarise(ROWS, ["cat", "dog"]), ["dog"])).splitlines() == [
        "| arm    | accuracy      | cat recall    | dog recall    | dog F1        |",
        "| ------ | ------------- | ------------- | ------------- | ------------- |",
        "| all    | 0.700 ± 0.141 | 1.000 ± 0.000 | 0.400 ± 0.141 | 0.200 ± 0.071 |",
        "| copies | 0.250 ± 0.000 | 1.000 ± 0.000 | 0.750 ± 0.000 | 0.375 ± 0.000 |",
    ]


def test_summary_table_of_many_classes_shows_the_minority_alone():
    scores = tuple(ClassScore(1, 0.1 * n, 0.5, 0.5) for n in range(6))
    rows = [Row("all", 0, Epoch(1, 0.1, Score(0.5, scores)))]
    table = summary_table(summarise(rows, list("abcdef")), ["c", "e"])
    assert table.header == ("arm", "accuracy", "c recall", "e recall", "c F1", "e F1")
    assert table.rows[0][2:4] == ("0.200", "0.400")


def test_best_epoch_and_cost():
    rows = [
        Row("all", seed, Epoch(number, 0.1, Score(accuracy, ()), draws, seconds, others=0.05))
        for seed, number, accuracy, draws, seconds in [
            (0, 1, 0.9, 10, 1.0), (0, 2, 0.5, 20, 2.0), (1, 1, 0.6, 10, 3.0), (1, 2, 0.7, 20, 30.0)
        ]
    ]  # fmt: skip
    summary = summarise(rows, [])["all"]
    assert summary.best.by_seed == (0.9, 0.7)
    assert summary.seconds == 2.5
    assert summary.draws == 15


def test_times_beside_other_programs_are_not_shown():
    rows = [Row("all", 0, Epoch(n, 0.1, Score(0.5, ()), 10, 1.0 + n, others=n / 10)) for n in range(4)]
    assert summarise(rows, [])["all"].seconds == 1.5  # of the first two
    assert summarise(rows[1:], [])["all"].seconds is None
    unknown = [Row("all", 0, Epoch(1, 0.1, Score(0.5, ()), 10, 1.0))]
    table = cost_table(summarise([*rows[:1], *unknown], []) | {"old": summarise(unknown, [])["all"]}, "all")
    assert table.rows[0][:4] == ("all", "10", "1.00", "1.00")
    assert table.rows[1][:4] == ("old", "10", "not measured", "not measured")


def test_measures_are_summarised_by_name():
    half = {"half": lambda score: score.accuracy / 2}
    assert summarise(ROWS, ["cat", "dog"], half)["all"].measures["half"].by_seed == pytest.approx((0.3, 0.4))
