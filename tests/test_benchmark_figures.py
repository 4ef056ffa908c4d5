"""The figures that are committed: README's tables and chart show them, and nothing is missing."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")


def test_readme_says_what_was_measured():
    from readme_table import README, RESULTS, parts, tables

    assert parts(README.read_text())[1] == tables(json.loads(RESULTS.read_text()))


def test_chart_shows_what_was_measured():
    from chart import CHART, RESULTS, digest

    chart = CHART.read_text()
    assert digest(RESULTS.read_text()) in chart
    assert len(chart) < 60_000


def test_chart_is_drawn(tmp_path):
    from chart import LIBRARIES, RESULTS, draw

    draw(RESULTS, tmp_path / "chart.svg")
    chart = (tmp_path / "chart.svg").read_text()
    for label, _ in LIBRARIES.values():
        assert f">{label}<" in chart


def test_all_sections_are_committed():
    from chains import sections
    from copies import COPIES
    from readme_table import PEERS, RESULTS

    report = json.loads(RESULTS.read_text())
    for name, section in sections("cpu", 2, list(PEERS)).items():
        assert list(report[name]["cases"]) == [str(case) for case in section.cases]
    for case in report["chains"]["cases"].values():
        assert case["libraries"].keys() >= {"gpuaug", *COPIES, *PEERS}
